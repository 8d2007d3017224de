/**
 * All ports of an address, covered by classes of packets: a packet to one port tells what becomes of those to all ports
 * of its class, and the next packet goes to the first port of which nothing is known yet.
 */
import { commonRanges, otherRanges, type ValueRange } from '../../core/rules/ranges.js';
import { UNTOLD } from './fates.js';
import { LAST_ADDRESS, LAST_PORT, type Outcome, type PortRange, type ScanTarget } from './model.js';
import { AS_CLIENTS, type OtherPacket } from './other-packets.js';
import { ANY_ADDRESS, ANY_PORT, type PacketClass } from './packet-class.js';
import { CLIENT_PORT, type ScannedProtocol } from './probe-packet.js';
import type { Prober } from './prober.js';

/** Of the ports of one address, as many are told of which nothing follows for others, or one by one for another reason. */
const MOST_ALONE = 256;
const MOST_SINGLE = 4096;

/** What was found for one sender and one address. */
export interface CoveredPorts {
  readonly outcomes: readonly PortRange<Outcome>[];
  /** Other senders with the same outcomes. */
  readonly sources: readonly ValueRange[];
  readonly classes: readonly PacketClass[];
}

/** Knows the classes of packets of one protocol that arrive on one interface. */
export class PortCover {
  readonly #prober: Prober;
  readonly #dev: number;
  readonly #protocol: ScannedProtocol;
  readonly #classes: PacketClass[] = [];
  readonly #other: OtherPacket;

  /** OTHER: in what the packets are not as clients send them. */
  constructor(prober: Prober, dev: number, protocol: ScannedProtocol, other: OtherPacket = AS_CLIENTS) {
    this.#other = other;
    this.#prober = prober;
    this.#dev = dev;
    this.#protocol = protocol;
  }

  /** All ports of TARGET as SOURCE finds them. */
  cover(source: number, target: ScanTarget): CoveredPorts {
    let left: readonly ValueRange[] = ANY_PORT;
    let sources: readonly ValueRange[] = ANY_ADDRESS;
    const outcomes: PortRange<Outcome>[] = [];
    const used: PacketClass[] = [];
    const take = (one: PacketClass): void => {
      const common = commonRanges(left, one.dports);
      if (common.length === 0) return;
      for (const { min, max } of common) outcomes.push({ first: min, last: max, fate: one.outcome });
      left = commonRanges(left, otherRanges(one.dports, LAST_PORT));
      if (one.sources !== ANY_ADDRESS) sources = commonRanges(sources, one.sources);
      used.push(one);
    };
    for (const one of this.#classes) if (has(one.sources, source) && has(one.destinations, target.number)) take(one);
    let alone = 0;
    let single = 0;
    while (left.length > 0 && alone < MOST_ALONE && single < MOST_SINGLE) {
      const packet = { dev: this.#dev, source, destination: target.number, protocol: this.#protocol };
      const sport = this.#other.get('sport') ?? CLIENT_PORT;
      const found = this.#prober.probe({ ...packet, sport, dport: left[0].min, other: this.#other });
      if (found.isAlone) alone++;
      if (found.dports.length === 1 && found.dports[0].min === found.dports[0].max) single++;
      this.#classes.push(found);
      take(found);
    }
    for (const { min, max } of left) outcomes.push({ first: min, last: max, fate: UNTOLD });
    outcomes.sort((a, b) => a.first - b.first);
    return { outcomes, sources, classes: used };
  }
}

/** Whether VALUE is in RANGES, which are ascending. */
function has(ranges: readonly ValueRange[], value: number): boolean {
  let at = 0;
  let end = ranges.length;
  while (at < end) {
    const middle = (at + end) >>> 1;
    if (ranges[middle].max < value) at = middle + 1;
    else end = middle;
  }
  return at < ranges.length && ranges[at].min <= value;
}

/** The addresses of A that are not in B. */
export function without(a: readonly ValueRange[], b: readonly ValueRange[]): readonly ValueRange[] {
  return commonRanges(a, otherRanges(b, LAST_ADDRESS));
}
