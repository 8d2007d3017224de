/** A service of a difference, and who is at its ends, in words. */
import { protocolName } from '../../codecs/protocol-names.js';
import { formatIcmpKind } from '../../codecs/sentence/icmp-kinds.js';
import type { Names } from '../../replay/names.js';
import type { ServiceSummary } from './diff-summary.js';

/** `tcp 8081`, `icmp echo-request`, `gre`. */
export function serviceName({ protocol, port, icmp }: ServiceSummary): string {
  const name = protocolName(protocol);
  if (port !== undefined) return `${name} ${port}`;
  if (icmp === undefined) return name;
  const kind = formatIcmpKind(icmp, protocol);
  // A type whose codes have no names is named by itself.
  const isNumber = kind === `${icmp.type}/${icmp.code}`;
  return `${name} ${isNumber && icmp.code === 0 ? formatIcmpKind({ ...icmp, code: undefined }, protocol) : kind}`;
}

/** `192.0.2.7 (web)`, `12 addresses` */
export function sourcesOf({ sources, source }: ServiceSummary, names: Names): string {
  return addressesIn(sources, source, names);
}

export function destinationsOf({ destinations, destination }: ServiceSummary, names: Names): string {
  return addressesIn(destinations, destination, names);
}

function addressesIn(count: number, first: string, names: Names): string {
  if (count !== 1) return `${count} addresses`;
  const name = names.get(first);
  return name === undefined ? first : `${first} (${name})`;
}
