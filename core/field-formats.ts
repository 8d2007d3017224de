/** Formats field values for messages. */
import { formatLoaded, toLoaded } from '../codecs/byte-order.js';
import { Status } from './conntrack/record.js';
import { CtInfo } from './packet.js';

export const asAddress = (value: number): string => formatLoaded(toLoaded(value));
export const asHex = (value: number): string => `0x${value.toString(16)}`;

/** A MAC address, as iptables writes it. */
export const asMac = (value: number): string =>
  value
    .toString(16)
    .padStart(12, '0')
    .replace(/..(?=.)/g, '$&:');
export const asDevice = (value: number, names: readonly string[]): string => (value === 0 ? 'none' : names[value - 1]);
export const namesOf =
  (names: Readonly<Record<string, number>>) =>
  (value: number): string =>
    Object.keys(names).find((name) => names[name] === value) ?? String(value);

/** Bits of `ctstate` above those of 1 << CtInfo. */
export const CTSTATE_SNAT = 1 << 5;
export const CTSTATE_DNAT = 1 << 6;

type NamedBits = Readonly<Record<string, number>>;
const TCP_FLAGS: NamedBits = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16, URG: 32, ECE: 64, CWR: 128 };

export function asFlags(bits: number): string {
  return bitNames(bits, TCP_FLAGS);
}

/** DCCP's packet types (RFC 4340, section 5.1), as iptables calls them; those above are reserved. */
export const DCCP_TYPES = [
  'REQUEST',
  'RESPONSE',
  'DATA',
  'ACK',
  'DATAACK',
  'CLOSEREQ',
  'CLOSE',
  'RESET',
  'SYNC',
  'SYNCACK',
] as const;

export const formatDccpType = (type: number): string => DCCP_TYPES[type] ?? String(type);

export function formatCtstate(bits: number): string {
  const states = Object.entries(CtInfo).map(([name, state]): [string, number] => [name, 1 << state]);
  return bitNames(bits, { ...Object.fromEntries(states), SNAT: CTSTATE_SNAT, DNAT: CTSTATE_DNAT });
}

export function formatStatus(bits: number): string {
  const { HASHED, ...known } = Status;
  return bitNames(bits & ~HASHED, known);
}

/** The names of BITS, as in rules. */
function bitNames(bits: number, names: NamedBits): string {
  const set = Object.keys(names).filter((name) => (bits & names[name]) !== 0);
  return set.length === 0 ? 'NONE' : set.join(',');
}
