/** Rules that decide by a hash of addresses: other addresses may fare differently. */
import type { Ruleset } from '../../core/rules/model.js';

const BY_HASH: Readonly<Record<string, string>> = {
  HMARK: '-j HMARK',
  cluster: '-m cluster',
  CLUSTERIP: '-j CLUSTERIP',
};
const NAT_TO_RANGE = /--to-(?:source|destination) \d+(?:\.\d+){3}-/;

/** The rules of RULESET that decide by a hash, for messages; '' if there is none. */
export function hashesIn({ tables }: Ruleset): string {
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
  return found.length === 0 ? '' : `these rules decide by a hash of addresses: ${found.join(', ')}`;
}
