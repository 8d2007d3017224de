/** How the entries of a hook tell what they did to a packet to whoever learns which other packets would meet the same. */
import type { Hook } from '../hooks.js';
import type { Table } from '../rules/model.js';

/** A forwarded packet's way through the hooks once more. Each step is false where it cannot be said of other packets. */
export interface FlowWalk {
  /** Conntrack knows the packet from here on. */
  track(): boolean;
  /** The packet passed the chains of TABLE, whose first rule has the id FIRST_ID in the trace. */
  pass(table: Table, firstId: number, hook: Hook): boolean;
  /** The packet passed NAT; only where it opened its connection it passed the chains of TABLE. */
  translate(table: Table, firstId: number, hook: Hook): boolean;
}

/** `learn` of an entry that does nothing to the packets that are learned. */
export const nothingToLearn = (): boolean => true;
