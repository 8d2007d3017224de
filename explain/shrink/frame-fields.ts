/** In which fields two frames differ, so that differences can be told apart by their kind. */
import {
  IPPROTO_ICMP,
  IPPROTO_TCP,
  IPV4_DESTINATION_AT,
  IPV4_FRAGMENT_AT,
  IPV4_ID_AT,
  IPV4_PROTOCOL_AT,
  IPV4_SOURCE_AT,
  IPV4_TOS_AT,
  IPV4_TOTAL_LENGTH_AT,
  IPV4_TTL_AT,
  TCP_FLAGS_AT,
} from '../../codecs/layouts.js';
import type { ResultFrame } from '../../replay/result-folder.js';

type Field = readonly [name: string, at: number, bytes: number];

const MAC: readonly Field[] = [
  ['destination MAC', 0, 6],
  ['source MAC', 6, 6],
];
const IP: readonly Field[] = [
  ['TOS', IPV4_TOS_AT, 1],
  ['length', IPV4_TOTAL_LENGTH_AT, 2],
  ['identification', IPV4_ID_AT, 2],
  ['fragment offset', IPV4_FRAGMENT_AT, 2],
  ['TTL', IPV4_TTL_AT, 1],
  ['protocol', IPV4_PROTOCOL_AT, 1],
  ['source', IPV4_SOURCE_AT, 4],
  ['destination', IPV4_DESTINATION_AT, 4],
];
const PORTS: readonly Field[] = [
  ['source port', 0, 2],
  ['destination port', 2, 2],
];
const FLAGS: Field = ['flags', TCP_FLAGS_AT, 1];
const ICMP: readonly Field[] = [['ICMP type', 0, 2]];

/** Fields whose value depends on what else has happened. */
const BY_CHANCE: readonly string[] = ['source port', 'identification'];

/** Equal for pairs of frames that differ in the same fields, where those that came out have the same values there. */
export function howDifferent(wanted: ResultFrame | null, got: ResultFrame | null): string {
  if (got === null) return 'missing';
  const all = fieldsOf(got);
  if (wanted === null) return `unexpected: ${UNEXPECTED.map((name) => all.get(name) ?? '').join(' ')}`;
  const own = fieldsOf(wanted);
  const differing = [...all].filter(([name, value]) => own.get(name) !== value);
  if (differing.length === 0) return 'data';
  return differing.map(([name, value]) => (BY_CHANCE.includes(name) ? name : `${name} ${value}`)).join(', ');
}

/** What an unexpected frame is known by. */
const UNEXPECTED: readonly string[] = ['protocol', 'source', 'destination', 'ICMP type', 'flags'];

/** The fields of FRAME by their names, in hexadecimal; checksums follow from the others. */
function fieldsOf({ bytes, ipAt }: ResultFrame): Map<string, string> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fields = new Map<string, string>();
  const add = (list: readonly Field[], start: number): void => {
    for (const [name, at, length] of list) fields.set(name, buffer.toString('hex', start + at, start + at + length));
  };
  if (ipAt > 0) add(MAC, 0);
  add(IP, ipAt);
  const l4 = ipAt + (buffer[ipAt] & 15) * 4;
  const protocol = buffer[ipAt + IPV4_PROTOCOL_AT];
  if (protocol === IPPROTO_ICMP) add(ICMP, l4);
  else add(protocol === IPPROTO_TCP ? [...PORTS, FLAGS] : PORTS, l4);
  return fields;
}
