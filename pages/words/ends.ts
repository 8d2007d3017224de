/** The ends of packets, as people read them. */
import type { TupleColumns } from '../data/result.js';

/** 0x0a000001 as `10.0.0.1`. */
export function address(value: number): string {
  return `${Math.floor(value / 2 ** 24)}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}

const PROTOCOLS: Readonly<Record<number, string>> = {
  1: 'ICMP',
  2: 'IGMP',
  4: 'IPIP',
  6: 'TCP',
  17: 'UDP',
  33: 'DCCP',
  41: 'IPv6',
  47: 'GRE',
  50: 'ESP',
  51: 'AH',
  132: 'SCTP',
  136: 'UDPLite',
};

/** `TCP`; of one without a name its number: `protocol 99`. */
export function protocolName(protocol: number): string {
  return PROTOCOLS[protocol] ?? `protocol ${protocol}`;
}

/** One end: its address, the name that it has, its port. Of ICMP, `port` is the type or the code. */
export interface End {
  readonly address: string;
  readonly name?: string;
  readonly port?: number;
}

export interface Ends {
  readonly protocol: number;
  readonly source: End;
  readonly destination: End;
}

/** The ends in row TUPLE. NAMES: of addresses. */
export function endsOf(tuples: TupleColumns, tuple: number, names: Readonly<Record<string, string>>): Ends {
  const end = (value: number, port: number): End => {
    const text = address(value);
    const name = Object.hasOwn(names, text) ? names[text] : undefined;
    return { address: text, ...(name !== undefined && { name }), ...(port >= 0 && { port }) };
  };
  return {
    protocol: tuples.protocol[tuple],
    source: end(tuples.source[tuple], tuples.sport[tuple]),
    destination: end(tuples.destination[tuple], tuples.dport[tuple]),
  };
}

/** `web:80`, `10.0.0.1`: the name if it has one. */
export function endText({ address: text, name, port }: End): string {
  return `${name ?? text}${port === undefined ? '' : `:${port}`}`;
}
