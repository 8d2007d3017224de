/**
 * How the entries of a hook tell what they did to a packet to whoever learns which other packets would meet the same.
 */
import type { Hook } from '../hooks.js';
import type { Table } from '../rules/model.js';

/**
 * A forwarded packet's way through the hooks once more. Each step is false where it cannot be said of other packets.
 */
export interface FlowWalk {
  /** Conntrack tracks the packet at this point. */
  track(): boolean;
  /** The packet passed the chains of TABLE. FIRST_ID is the trace ID of the table's first rule. */
  pass(table: Table, firstId: number, hook: Hook): boolean;
  /** The packet passed NAT. It traversed the chains of TABLE only if it opened its connection. */
  translate(table: Table, firstId: number, hook: Hook): boolean;
}

/** `learn` for an entry that does not affect packets being learned. */
export const nothingToLearn = (): boolean => true;
