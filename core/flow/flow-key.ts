/** A forwarded packet, as the learner of megaflows sees it. */
import { toHostOrder } from '../../codecs/byte-order.js';
import type { Phase } from './megaflow-table.js';

/** A complete TCP or UDP packet without IP options that was forwarded. Addresses are as loaded, ports in host order. */
export interface FlowKey {
  readonly phase: Phase;
  readonly protocol: number;
  readonly inDev: number;
  readonly outDev: number;
  /** On arrival. */
  readonly source: number;
  readonly destination: number;
  readonly sport: number;
  readonly dport: number;
  /** Its destination from FORWARD on, and the source with which it left. */
  readonly translatedDestination: number;
  readonly translatedDport: number;
  readonly translatedSource: number;
  readonly translatedSport: number;
  /** The address whose MAC it was sent to. */
  readonly nextHop: number;
}

/** The field values of FLOW_KEY's packet, in the order of `FlowField`. */
export function flowValues(flowKey: FlowKey): number[] {
  const { source, destination, sport, dport, translatedDestination, translatedDport } = flowKey;
  return [
    toHostOrder(source),
    toHostOrder(destination),
    sport,
    dport,
    toHostOrder(translatedDestination),
    translatedDport,
  ];
}
