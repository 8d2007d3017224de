/** Connections in words. */
import type { Verdict } from '../../../explain/story/story.js';
import { CONNECTION_VERDICTS, type ConnectionFacts, entryEndOf } from '../../data/connections/connection-facts.js';
import { deciderText } from '../../words/deciders.js';
import { type End, type Ends, endsOf, endText, protocolName } from '../../words/ends.js';
import { icmpText } from '../../words/number-names.js';
import { duration } from '../../words/times.js';

/** A connection as people read it. */
export interface ConnectionWords {
  /** `ICMP echo-request`, `TCP`; and ` 7`: the ID of ICMP queries and the keys of GRE. */
  readonly protocol: string;
  readonly id: string;
  /** Of the packets that open it, as they arrive. Those of ICMP have no ports. */
  readonly source: End;
  readonly destination: End;
  /** What NAT made of them; undefined: nothing. */
  readonly newSource: End | undefined;
  readonly newDestination: End | undefined;
  /** `ESTABLISHED`, `CLOSE_WAIT, expired`, `no entry`. */
  readonly state: string;
  readonly verdict: Verdict | 'expired';
  readonly decided: string;
  readonly lasted: string;
}

const ICMP = 1;

export function connectionWords(facts: ConnectionFacts, row: number): ConnectionWords {
  const { connections, tuples, traversals, rules, names, numberNames } = facts;
  const [tuple, reply] = [connections.tuple[row], connections.reply[row]];
  const { protocol, source, destination } = shownEnds(endsOf(tuples, tuple, names));
  const back = reply < 0 ? undefined : shownEnds(endsOf(tuples, reply, names));
  const id = tuples.id[tuple] < 0 ? '' : ` ${tuples.id[tuple]}`;
  const kind = protocol === ICMP ? ` ${icmpText(tuples.sport[tuple], tuples.dport[tuple], numberNames)}` : '';
  const lastedNs = connections.lastNs[row] - connections.firstNs[row];
  return {
    ...{ protocol: protocolName(protocol) + kind, id, source, destination },
    newSource: changed(source, back?.destination),
    newDestination: changed(destination, back?.source),
    state: stateWords(facts, row),
    verdict: CONNECTION_VERDICTS[connections.verdict[row]],
    decided: deciderText(traversals[connections.decided[row]].decider, rules, connections.firstNs[row]),
    lasted: lastedNs === 0 ? '' : duration(lastedNs),
  };
}

/** Of ICMP, type and code stand in place of ports. */
function shownEnds({ protocol, source, destination }: Ends): Ends {
  const shown = ({ port, ...end }: End): End => (protocol === ICMP || port === undefined ? end : { ...end, port });
  return { protocol, source: shown(source), destination: shown(destination) };
}

function changed(before: End, after: End | undefined): End | undefined {
  return after !== undefined && endText(before) !== endText(after) ? after : undefined;
}

function stateWords(facts: ConnectionFacts, row: number): string {
  const end = entryEndOf(facts, row);
  const state = facts.rules.connectionStates[facts.connections.state[row]];
  if (end === 'open') return state ?? (facts.connections.replyPackets[row] > 0 ? 'replied' : 'unreplied');
  return end === 'none' ? 'no entry' : state === undefined ? end : `${state}, ${end}`;
}

/** What became of the entry of the connection in ROW, as a sentence. */
export function endSentence(facts: ConnectionFacts, row: number): string {
  const { connections, rules, result } = facts;
  const { sysctl, seconds } = rules.connectionTimeouts[connections.timeout[row]] ?? {};
  const by = sysctl === undefined ? '' : ` (${sysctl.slice(sysctl.lastIndexOf('.') + 1)})`;
  const state = rules.connectionStates[connections.state[row]];
  const inState = state === undefined ? '' : ` in ${state}`;
  const leftNs = connections.expiresNs[row] - result.index.durationNs;
  switch (entryEndOf(facts, row)) {
    case 'none':
      return 'It never had a conntrack entry.';
    case 'open':
      return `At the end its entry is${inState || ' there'}, and expires in ${duration(leftNs)}${by}.`;
    case 'expired': {
      const after = seconds === undefined ? '' : ` after ${duration(seconds * 1e9)} without a packet`;
      return `Its entry timed out${inState}${after}${by}, ${duration(-leftNs)} before the end.`;
    }
    case 'reset':
      return `One of its own packets ended its entry${inState}.`;
    case 'removed':
      return `Its entry${inState} was deleted, or had to make room for another.`;
    case 'reopened':
      return `A new connection with the same addresses and ports replaced its entry${inState}.`;
  }
}
