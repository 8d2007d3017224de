/** Which extensions have an option, for errors about one whose extension was not named. */
import type { Family } from '../../../codecs/address.js';
import { protocolNumber } from '../../../codecs/protocol-names.js';
import { MATCHES } from '../../matches/index.js';
import { TARGETS } from '../../targets/index.js';
import type { Extension } from '../extension.js';

/** How many are named. */
const MAX_NAMED = 5;

/** What has to stand before the option NAME, such as `-p tcp or -p udp`; undefined if nothing would do. */
export function neededBefore(name: string, family: Family): string | undefined {
  const has = ({ options, families }: Extension<unknown>): boolean =>
    isOf(families, family) &&
    options.some((spec) => (spec.name === name || spec.aliases?.includes(name)) && isOf(spec.families, family));
  const matches = [...MATCHES.values()].filter(has).map((match) => loadedBy(match.name));
  const targets = [...TARGETS.values()].filter(has).map((target) => `-j ${target.name}`);
  const all = [...matches, ...targets];
  if (all.length === 0 || all.length > MAX_NAMED) return undefined;
  return all.length === 1 ? all[0] : `${all.slice(0, -1).join(', ')} or ${all[all.length - 1]}`;
}

function isOf(families: readonly Family[] | undefined, family: Family): boolean {
  return families?.includes(family) ?? true;
}

/** A protocol loads the match of its name. */
function loadedBy(match: string): string {
  const protocol = match === 'icmp6' ? 'icmpv6' : match;
  return protocolNumber(protocol) === undefined ? `-m ${match}` : `-p ${protocol}`;
}
