/** Connections in words. */
import { type Ends, endsOf, endText, protocolName } from '../../words/ends.js';
import { icmpText } from '../../words/number-names.js';
import { duration } from '../../words/times.js';
import { type ConnectionFacts, entryEndOf } from './connection-facts.js';

/** The ends of the packets that open the connection in ROW, as they arrive. Those of ICMP have no ports. */
export function originalEnds({ connections, tuples, names }: ConnectionFacts, row: number): Ends {
  return shownEnds(endsOf(tuples, connections.tuple[row], names));
}

function shownEnds({ protocol, source, destination }: Ends): Ends {
  return protocol === ICMP
    ? { protocol, source: portless(source), destination: portless(destination) }
    : { protocol, source, destination };
}

/** `ICMP echo-request 7`, with its ID; `TCP`. */
export function protocolWords({ connections, tuples, numberNames }: ConnectionFacts, row: number): string {
  const tuple = connections.tuple[row];
  const protocol = tuples.protocol[tuple];
  const id = tuples.id[tuple];
  if (protocol !== ICMP) return id < 0 ? protocolName(protocol) : `${protocolName(protocol)} ${id}`;
  const kind = icmpText(tuples.sport[tuple], tuples.dport[tuple], numberNames);
  return `ICMP ${kind}${id < 0 ? '' : ` ${id}`}`;
}

/** The same as they leave: what answers come back to, the other way round. Undefined: not known. */
export function translatedEnds({ connections, tuples, names }: ConnectionFacts, row: number): Ends | undefined {
  const reply = connections.reply[row];
  if (reply < 0) return undefined;
  const { protocol, source, destination } = endsOf(tuples, reply, names);
  return shownEnds({ protocol, source: destination, destination: source });
}

const ICMP = 1;

function portless({ port: _, ...end }: Ends['source']): Ends['source'] {
  return end;
}

/** What NAT made of each end of the connection in ROW; undefined: nothing. */
export function translations(facts: ConnectionFacts, row: number): { source?: string; destination?: string } {
  const after = translatedEnds(facts, row);
  if (after === undefined) return {};
  const before = originalEnds(facts, row);
  const isSame = (end: 'source' | 'destination'): boolean =>
    before[end].address === after[end].address && before[end].port === after[end].port;
  return {
    ...(!isSame('source') && { source: endText(after.source) }),
    ...(!isSame('destination') && { destination: endText(after.destination) }),
  };
}

/** `ESTABLISHED`, `CLOSE_WAIT, expired`, `no entry`. */
export function stateWords(facts: ConnectionFacts, row: number): string {
  const end = entryEndOf(facts, row);
  if (end === 'none') return 'no entry';
  const state = facts.rules.connectionStates[facts.connections.state[row]];
  if (end === 'open') return state ?? (facts.connections.replyPackets[row] > 0 ? 'replied' : 'unreplied');
  return state === undefined ? end : `${state}, ${end}`;
}

/** What became of the entry of the connection in ROW, as a sentence. */
export function endSentence(facts: ConnectionFacts, row: number): string {
  const { connections, rules, result } = facts;
  const timeout = rules.connectionTimeouts[connections.timeout[row]];
  const name = timeout?.sysctl?.slice(timeout.sysctl.lastIndexOf('.') + 1);
  const by = name === undefined ? '' : ` (${name})`;
  const state = rules.connectionStates[connections.state[row]];
  const inState = state === undefined ? '' : ` in ${state}`;
  const leftNs = connections.expiresNs[row] - result.index.durationNs;
  switch (entryEndOf(facts, row)) {
    case 'none':
      return 'Conntrack never had an entry for it.';
    case 'open':
      return `Where the captures end, its entry is${inState || ' there'} and expires in ${duration(leftNs)}${by}.`;
    case 'expired': {
      const after = timeout?.seconds === undefined ? '' : ` after ${duration(timeout.seconds * 1e9)} without a packet`;
      return `Its entry timed out${inState}${after}${by}, ${duration(-leftNs)} before the captures end.`;
    }
    case 'reset':
      return `One of its own packets ended its entry${inState} at once.`;
    case 'removed':
      return `Its entry${inState} was removed: its ports were needed, the table was full, or somebody deleted it.`;
    case 'reopened':
      return `A packet of the same ends opened a new connection in place of its entry${inState}.`;
  }
}
