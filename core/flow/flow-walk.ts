/** How hook entries describe what they did to a packet, to learn which other packets would be treated the same way. */
import type { Hook } from '../hooks.js';
import type { Table } from '../rules/model.js';

/**
 * Repeats a forwarded packet's path through the hooks. Each step returns false if it cannot be generalized to other
 * packets.
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
