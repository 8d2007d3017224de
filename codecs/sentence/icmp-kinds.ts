/** Types of ICMP as sentences write them: iptables' names, those of `--reject-with`, and `TYPE/CODE`. */

import { IPPROTO_ICMP, IPPROTO_ICMPV6 } from '../assigned-numbers.js';
import { ANY_ICMP_TYPE, ICMP_NAMES, ICMPV6_NAMES, type IcmpName } from '../icmp-names.js';
import type { IcmpKind } from './sentence.js';

/** What REJECT and others call them. */
const ALIASES: readonly IcmpName[] = [
  ['net-unreachable', 3, 0],
  ['proto-unreachable', 3, 2],
  ['frag-needed', 3, 4],
  ['net-prohibited', 3, 9],
  ['admin-prohibited', 3, 13],
  ['net-redirect', 5, 0],
];

const BY_PROTOCOL: ReadonlyMap<number, readonly IcmpName[]> = new Map([
  [IPPROTO_ICMP, [...ICMP_NAMES.filter(([, type]) => type !== ANY_ICMP_TYPE), ...ALIASES]],
  [IPPROTO_ICMPV6, ICMPV6_NAMES],
]);

const NUMBERS = /^(\d{1,3})(?:\/(\d{1,3}))?$/;

export function isIcmp(protocol: number | undefined): boolean {
  return protocol !== undefined && BY_PROTOCOL.has(protocol);
}

/** The names of types of PROTOCOL, for messages. */
export function icmpNames(protocol: number | undefined): string[] {
  return (BY_PROTOCOL.get(protocol ?? -1) ?? []).map(([name]) => name);
}

/** The type that TEXT names for PROTOCOL, or for ICMP if that has no types; undefined if it names none. */
export function parseIcmpKind(text: string, protocol: number | undefined): IcmpKind | undefined {
  const numbers = NUMBERS.exec(text);
  if (numbers !== null) {
    const type = Number(numbers[1]);
    const code = numbers[2] === undefined ? undefined : Number(numbers[2]);
    return type > 255 || (code ?? 0) > 255 ? undefined : { type, code };
  }
  const lower = text.toLowerCase().replace(/^icmp6?-/, '');
  const names = BY_PROTOCOL.get(protocol ?? IPPROTO_ICMP) ?? BY_PROTOCOL.get(IPPROTO_ICMP)!;
  const found = names.find(([name]) => name.toLowerCase() === lower);
  return found === undefined ? undefined : { type: found[1], code: found[2] };
}

/** The name of KIND, else its numbers. */
export function formatIcmpKind({ type, code }: IcmpKind, protocol: number | undefined): string {
  const names = BY_PROTOCOL.get(protocol ?? IPPROTO_ICMP) ?? [];
  const found = names.find(([, ofType, ofCode]) => ofType === type && ofCode === code);
  return found?.[0] ?? (code === undefined ? String(type) : `${type}/${code}`);
}

/** TYPE and CODE as a sentence tells them: a code of 0 says nothing where codes of the type have no names. */
export function icmpKindOf(type: number, code: number | undefined, protocol: number): IcmpKind {
  return { type, code: code === 0 && !hasNamedCodes(type, protocol) ? undefined : code };
}

function hasNamedCodes(type: number, protocol: number): boolean {
  return (BY_PROTOCOL.get(protocol) ?? []).some(([, ofType, code]) => ofType === type && code !== undefined);
}
