/** The lifelines of a ladder, and between which of them a packet goes. */
import type { Traversal } from '../../../explain/report/format/model.js';
import type { ConnectionFacts } from './connection-facts.js';

export type Lane = 'client' | 'host' | 'server';

/** From one lifeline to another; the same one: it came no farther. */
export interface Arrow {
  readonly from: Lane;
  readonly to: Lane;
}

const TO_HOST = -2;
const NOWHERE = -1;
const OWN = -1;

/** The lifelines that the packets in ROWS need: who opens the connection is on the left. */
export function lanesOf(facts: ConnectionFacts, rows: readonly number[]): Lane[] {
  const { packets, traversals } = facts;
  const isOn = (lane: Lane): boolean =>
    rows.some((row) => {
      const { from, to } = arrowOf(facts, row);
      return from === lane || to === lane;
    });
  // Those that were refused would have gone on.
  const isForwarded = rows.some((row) =>
    traversals[packets.traversal[row]].stages.some((stage) => stage.hook === 'FORWARD'),
  );
  const hasClient = isOn('client');
  const hasServer = isOn('server') || (isForwarded && hasClient);
  return [...(hasClient ? ['client' as const] : []), 'host', ...(hasServer ? ['server' as const] : [])];
}

/** Where the packet in ROW goes. */
export function arrowOf({ packets, connections }: ConnectionFacts, row: number): Arrow {
  const { from, to } = sidesOf(packets.direction[row], packets.inDev[row], connections.inDev[packets.connection[row]]);
  const [inDev, outDev] = [packets.inDev[row], packets.outDev[row]];
  return {
    from: inDev === OWN ? 'host' : from,
    to: outDev === NOWHERE || outDev === TO_HOST ? 'host' : to,
  };
}

/** An error about the connection may come from either side, which its interface tells. */
function sidesOf(direction: number, inDev: number, openerDev: number): Arrow {
  const isFromClient = direction === 0 || (direction < 0 && inDev === openerDev);
  return isFromClient ? { from: 'client', to: 'server' } : { from: 'server', to: 'client' };
}

/** Where an answer of the host goes that ROW has caused: back. */
export function answerArrow(facts: ConnectionFacts, row: number, { outDev }: { readonly outDev: number }): Arrow {
  const { from } = arrowOf(facts, row);
  return { from: 'host', to: outDev < 0 ? 'host' : from };
}

/** What the host sent because of a packet, but no copies that came back to itself. */
export function answersOf({ related }: Traversal): Traversal['related'] {
  return related.filter(({ origin }) => origin === 'answer' || origin === 'copy');
}
