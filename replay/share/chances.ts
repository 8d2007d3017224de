/** Rules that decide by a hash of addresses, or by bytes anywhere in packets: other addresses may fare differently. */
import type { HostDescription } from '../../codecs/host/description.js';
import type { Ruleset } from '../../core/rules/model.js';

const BY_HASH: Readonly<Record<string, string>> = {
  HMARK: '-j HMARK',
  cluster: '-m cluster',
  CLUSTERIP: '-j CLUSTERIP',
  string: '-m string',
  u32: '-m u32',
  bpf: '-m bpf',
};
const MOST_SHOWN = 3;
const NAT_TO_RANGE = /--to-(?:source|destination) \d+(?:\.\d+){3}-/;

/** The rules of RULESET that do so, for messages; '' if there is none. */
export function chancesIn({ tables }: Ruleset, { routes }: HostDescription): string {
  const found = tables.flatMap(({ name, rules }) =>
    rules.flatMap(({ chain, number, matches, target }) => {
      const extensions = [...matches, ...(target.kind === 'extension' ? [target] : [])];
      const what = extensions.flatMap(({ extension, params }) => {
        if (BY_HASH[extension.name] !== undefined) return [BY_HASH[extension.name]];
        return NAT_TO_RANGE.test((extension.save as (params: unknown) => string)(params))
          ? ['NAT to one of several addresses']
          : [];
      });
      return what.map((one) => `${name} ${chain} ${number} (${one})`);
    }),
  );
  if (routes.some(({ nextHops }) => nextHops.length > 1)) found.push('a route with several next hops');
  if (found.length === 0) return '';
  const [shown, more] = [found.slice(0, MOST_SHOWN).join(', '), found.length - MOST_SHOWN];
  const all = more > 0 ? `${shown}, and ${more} more` : shown;
  const what = 'what decides by a hash of addresses, or by bytes anywhere, may decide otherwise';
  return `${what}, less likely with fewer packets: ${all}`;
}
