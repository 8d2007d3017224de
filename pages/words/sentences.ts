/** Packets as sentences that `nfreplay trace` takes (docs/sentences.md). */
import { IPPROTO_ICMP } from '../../codecs/assigned-numbers.js';
import { flagLetters } from '../../codecs/sentence/tcp-flags.js';
import type { NumberNames } from '../../explain/report/format/model.js';
import type { TupleColumns } from '../data/result.js';
import { address } from './ends.js';
import { icmpText, protocolText } from './number-names.js';

/** What a sentence says of a packet besides its ends. */
export interface SentenceFacts {
  /** The interface that it comes by; undefined: the host itself sends it. */
  readonly inDev: string | undefined;
  /** Of TCP; less than 0: it has none. */
  readonly flags: number;
  readonly lengthBytes: number;
  readonly ttl: number | undefined;
  readonly numberNames: NumberNames;
}

/** `eth0 tcp 203.0.113.7:51515 > 192.0.2.10:8081 S len 60 ttl 64`: a packet with the ends in row TUPLE. */
export function traceSentence(tuples: TupleColumns, tuple: number, facts: SentenceFacts): string {
  const { inDev, flags, lengthBytes, ttl, numberNames } = facts;
  const protocol = tuples.protocol[tuple];
  const [sport, dport] = [tuples.sport[tuple], tuples.dport[tuple]];
  const isIcmp = protocol === IPPROTO_ICMP;
  const end = (value: number, port: number) => address(value) + (isIcmp || port < 0 ? '' : `:${port}`);
  // IP's own number 0 has the name that stands for any protocol.
  const name = protocol === 0 ? '0' : protocolText(protocol, numberNames);
  return [
    inDev === undefined ? 'local' : NEEDS_IN.includes(inDev) ? `in ${inDev}` : inDev,
    ...[name, end(tuples.source[tuple], sport), '>', end(tuples.destination[tuple], dport)],
    ...(flags >= 0 ? [flagLetters(flags)] : []),
    ...(isIcmp && sport >= 0 ? [icmpText(sport, dport, numberNames)] : []),
    `len ${lengthBytes}`,
    ...(ttl === undefined ? [] : [`ttl ${ttl}`]),
  ].join(' ');
}

/** Names that cannot begin a sentence as those of interfaces. */
const NEEDS_IN: readonly string[] = ['in', 'local'];
