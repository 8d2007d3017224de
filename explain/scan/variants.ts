/**
 * What is open only to packets that are not as clients send them, such as from source port 53 or with a TTL above 128:
 * for each field in which rules tell packets apart, packets with another value are sent as well, and with what rules ask
 * of those besides, a few fields deep.
 */
import { commonRanges, normalRanges, otherRanges, type ValueRange } from '../../core/rules/ranges.js';
import { isOpen } from './fates.js';
import { LAST_PORT, type PortRange, type ScanTarget } from './model.js';
import { AS_CLIENTS, isUntried, isVaried, type LookedAt, type OtherPacket, otherText } from './other-packets.js';
import { PortCover, without } from './port-cover.js';
import { SCANNED_PROTOCOLS, type ScannedProtocol } from './probe-packet.js';
import { haveSamePorts, type ScannedSide, type SenderGroup } from './scan.js';
import { exampleSender } from './scan-sources.js';

/** In as many fields packets differ from those of clients. */
const MOST_FIELDS = 3;
/** As many kinds of packets are tried, and for each as many kinds of senders. */
const MOST_VARIANTS = 48;
const MOST_SENDERS = 16;

/** Ports of an address that are open to packets that are not as clients send them, and not to those of clients. */
export interface ConditionalPorts {
  /** Its senders are those that find the ports open. */
  readonly group: SenderGroup;
  readonly side: number;
  readonly target: ScanTarget;
  readonly protocol: ScannedProtocol;
  readonly ports: readonly PortRange[];
  readonly other: OtherPacket;
}

interface Variant {
  readonly other: OtherPacket;
  readonly because: LookedAt;
  readonly covers: readonly (readonly PortCover[])[];
}

export class Variants {
  readonly #sides: readonly ScannedSide[];
  readonly #dev: number;
  readonly #targets: readonly ScanTarget[];
  readonly #variants = new Map<string, Variant>();
  readonly #lookedAt = new Map<string, LookedAt>();
  /** The fields and rules of `#lookedAt`: what is tried alone is not tried together with others. */
  readonly #asked = new Set<string>();
  readonly #untried = new Map<string, LookedAt>();
  readonly found: ConditionalPorts[] = [];

  constructor(sides: readonly ScannedSide[], dev: number, targets: readonly ScanTarget[]) {
    this.#sides = sides;
    this.#dev = dev;
    this.#targets = targets;
  }

  /** At what rules look in packets of clients. */
  get lookedAt(): readonly LookedAt[] {
    return [...this.#lookedAt.values()];
  }

  /** What of that was not tried, for packets that rules may let pass. */
  get untried(): readonly LookedAt[] {
    return [...this.#untried.values()];
  }

  /** Notes that packets that are as OTHER says are told apart by LOOKED_AT. */
  note(other: OtherPacket, lookedAt: readonly LookedAt[]): void {
    for (const one of lookedAt) {
      if (isVaried(one.field) && other.has(one.field)) continue;
      const { field } = one;
      const placesOf = one.rules.map(({ file, line }) => `${field} ${file}:${line}`);
      if (other === AS_CLIENTS) {
        this.#lookedAt.set(keyOf(one), one);
        for (const place of placesOf) this.#asked.add(place);
      } else if (placesOf.every((place) => this.#asked.has(place))) continue;
      if (!one.mayOpen) continue;
      if (!isVaried(field) || isUntried(one) || other.size >= MOST_FIELDS) this.#untried.set(keyOf(one), one);
      else for (const value of one.values) this.#add(new Map([...other, [field, value]]), one);
    }
  }

  #add(other: OtherPacket, because: LookedAt): void {
    const key = otherText(new Map([...other].sort(([a], [b]) => (a < b ? -1 : 1))));
    if (this.#variants.has(key)) return;
    if (this.#variants.size >= MOST_VARIANTS) return void this.#untried.set(keyOf(because), because);
    const covers = this.#sides.map(({ prober }) =>
      SCANNED_PROTOCOLS.map((protocol) => new PortCover(prober, this.#dev, protocol, other)),
    );
    this.#variants.set(key, { other, because, covers });
  }

  /** Sends packets of all variants so far for GROUP, and of those that are found with them. */
  tryFor(group: SenderGroup): void {
    // Those that are added meanwhile are gone through as well.
    for (const variant of this.#variants.values()) {
      let left = group.addresses;
      for (let i = 0; left.length > 0 && i < MOST_SENDERS; i++) {
        const addresses = this.#tryFrom({ ...group, addresses: left }, variant);
        left = without(left, addresses);
      }
      if (left.length > 0) this.#untried.set(keyOf(variant.because), variant.because);
    }
  }

  #addFound(one: ConditionalPorts): void {
    const at = this.found.findIndex((other) => areSame(one, other));
    if (at < 0) return void this.found.push(one);
    const { group } = this.found[at];
    const addresses = normalRanges([...group.addresses, ...one.group.addresses]);
    this.found[at] = { ...this.found[at], group: { ...group, addresses } };
  }

  /** The senders, of those in GROUP, of which is known now what they find. */
  #tryFrom(group: SenderGroup, { other, covers }: Variant): readonly ValueRange[] {
    const dev = this.#dev;
    const source = exampleSender(this.#sides[0].prober.host, dev, group.addresses);
    let { addresses } = group;
    const open: Omit<ConditionalPorts, 'group'>[] = [];
    for (const [side, { fates }] of this.#sides.entries()) {
      for (const [at, target] of this.#targets.entries()) {
        for (const [i, protocol] of SCANNED_PROTOCOLS.entries()) {
          const { outcomes, sources, classes } = covers[side][i].cover(source, target);
          addresses = commonRanges(addresses, sources);
          for (const one of classes) this.note(other, one.lookedAt);
          const known = fates.areSocketsKnown;
          const all = fates.of(outcomes, { dev, source, target, protocol });
          const usual = group.sides[side][at * SCANNED_PROTOCOLS.length + i].ports;
          const ports = newlyOpen(all, usual, known);
          if (ports.length > 0) open.push({ side, target, protocol, ports, other });
        }
      }
    }
    for (const one of open) this.#addFound({ ...one, group: { ...group, addresses, example: source } });
    return addresses;
  }
}

function areSame(a: ConditionalPorts, b: ConditionalPorts): boolean {
  const isSamePlace = a.side === b.side && a.target === b.target && a.protocol === b.protocol && a.other === b.other;
  return isSamePlace && haveSamePorts(a.ports, b.ports);
}

function newlyOpen(ports: readonly PortRange[], usual: readonly PortRange[], known: boolean): PortRange[] {
  const rangesOf = (all: readonly PortRange[]): ValueRange[] =>
    all.filter(({ fate }) => isOpen(fate, known)).map(({ first, last }) => ({ min: first, max: last }));
  const closed = otherRanges(normalRanges(rangesOf(usual)), LAST_PORT);
  return ports
    .filter(({ fate }) => isOpen(fate, known))
    .flatMap(({ first, last, fate }) =>
      commonRanges([{ min: first, max: last }], closed).map(({ min, max }) => ({ first: min, last: max, fate })),
    );
}

function keyOf({ field, rules }: LookedAt): string {
  return `${field} ${rules.map(({ file, line }) => `${file}:${line}`).join()}`;
}
