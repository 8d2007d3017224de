/** Scans a host: all ports of its addresses and of those behind it, as senders on each interface find them. */
import type { Rule } from '../../core/rules/model.js';
import { commonRanges, normalRanges, type ValueRange } from '../../core/rules/ranges.js';
import { Fates } from './fates.js';
import type { PortRange, ScanSource, ScanTarget, TargetPorts } from './model.js';
import { AS_CLIENTS, type LookedAt } from './other-packets.js';
import { PortCover, without } from './port-cover.js';
import { SCANNED_PROTOCOLS, type ScannedProtocol } from './probe-packet.js';
import { type ProbedHost, Prober } from './prober.js';
import { exampleSender } from './scan-sources.js';
import type { ScanTargets } from './scan-targets.js';
import { type ConditionalPorts, Variants } from './variants.js';

/** Senders that all find the same. */
export interface SenderGroup {
  /** Their addresses, in host order, ascending and disjoint. */
  readonly addresses: readonly ValueRange[];
  /** The one that the packets came from. */
  readonly example: number;
  /** What they find on each side, address by address, TCP before UDP. The addresses are the same on all sides. */
  readonly sides: readonly (readonly TargetPorts[])[];
}

export interface ScannedSource {
  readonly source: ScanSource;
  /** The most general senders first. */
  readonly groups: readonly SenderGroup[];
  /** Senders that were left out, as rules name too many of them. */
  readonly unscanned: readonly ValueRange[];
  /** In what packets that are not as clients send them may have other fates. */
  readonly lookedAt: readonly LookedAt[];
  /** What of that was not tried, for packets that rules may let pass. */
  readonly untried: readonly LookedAt[];
  /** What is open only to packets that are not as clients send them. */
  readonly conditional: readonly ConditionalPorts[];
  /** The rules that look at the bytes of packets, or at sockets: they may treat other packets in another way. */
  readonly byContent: readonly Rule[];
}

export interface Scan {
  readonly sources: readonly ScannedSource[];
  /** Whether it is known who listens on the host, on each side. */
  readonly areSocketsKnown: readonly boolean[];
  /** Whether a rule asked for the time (`ProbedHost.tsSec`). */
  readonly isTimeAsked: boolean;
  /** How many packets were sent through the emulated host. */
  readonly packets: number;
}

/**
 * How many rules may be tried for senders that rules name, besides the most general ones: rulesets that list thousands
 * of addresses would take minutes otherwise.
 */
const MOST_TRIED = 300_000;
/** What a packet costs besides, in rules. */
const PACKET_COST = 100;
/** And asking a test about every port. */
const PORTS_COST = 5_000;

/** Scans TARGETS from SOURCES. SIDES: one host, or the same with the rules before and after a change. */
export function scanHost(sides: readonly ProbedHost[], sources: readonly ScanSource[], targets: ScanTargets): Scan {
  const scanned = sides.map((probed) => ({ prober: new Prober(probed), fates: new Fates(probed.host) }));
  const found = sources.map((source) => scanSource(scanned, source, targets.from(source.dev)));
  return {
    sources: found,
    isTimeAsked: scanned.some(({ prober }) => prober.isTimeAsked),
    areSocketsKnown: scanned.map(({ fates }) => fates.areSocketsKnown),
    packets: scanned.reduce((sum, { prober }) => sum + prober.packets, 0),
  };
}

export interface ScannedSide {
  readonly prober: Prober;
  readonly fates: Fates;
}

function scanSource(sides: readonly ScannedSide[], source: ScanSource, targets: readonly ScanTarget[]): ScannedSource {
  const { dev } = source;
  const covers = sides.map(({ prober, fates }) => {
    const coverOf = (protocol: ScannedProtocol): PortCover => new PortCover(prober, dev, protocol);
    return { fates, byProtocol: SCANNED_PROTOCOLS.map((protocol) => ({ protocol, cover: coverOf(protocol) })) };
  });
  const variants = new Variants(sides, dev, targets);
  const byContent = new Set<Rule>();
  const namedSenders = normalRanges(sides.flatMap(({ prober }) => prober.namedSenders));
  const groups: SenderGroup[] = [];
  const tried = (): number =>
    sides.reduce(
      (sum, { prober }) => sum + prober.tried + PACKET_COST * prober.packets + PORTS_COST * prober.portTests,
      0,
    );
  let left = source.addresses;
  let start = tried();
  while (left.length > 0 && (groups.length < 2 || tried() - start < MOST_TRIED)) {
    // After the most general ones, those whom rules name.
    const named = groups.length === 0 ? [] : commonRanges(namedSenders, left);
    const example = exampleSender(sides[0].prober.host, dev, named.length > 0 ? named : left);
    let addresses = left;
    const found = covers.map(({ fates, byProtocol }) =>
      targets.flatMap((target) =>
        byProtocol.map(({ protocol, cover }): TargetPorts => {
          const { outcomes, sources, classes } = cover.cover(example, target);
          addresses = commonRanges(addresses, sources);
          for (const one of classes) {
            variants.note(AS_CLIENTS, one.lookedAt);
            for (const rule of one.byContent) byContent.add(rule);
          }
          return { target, protocol, ports: fates.of(outcomes, { dev, source: example, target, protocol }) };
        }),
      ),
    );
    if (groups.length === 0) start = tried();
    const group = { addresses, example, sides: found };
    groups.push(group);
    variants.tryFor(group);
    left = without(left, addresses);
  }
  return {
    source,
    groups: merged(groups),
    unscanned: left,
    lookedAt: variants.lookedAt,
    untried: variants.untried,
    conditional: variants.found,
    byContent: [...byContent],
  };
}

/** GROUPS, those together that find the same. */
function merged(groups: readonly SenderGroup[]): SenderGroup[] {
  const result: SenderGroup[] = [];
  for (const group of groups) {
    const at = result.findIndex(({ sides }) => areSame(sides, group.sides));
    if (at < 0) result.push(group);
    else result[at] = { ...result[at], addresses: normalRanges([...result[at].addresses, ...group.addresses]) };
  }
  return result;
}

function areSame(a: SenderGroup['sides'], b: SenderGroup['sides']): boolean {
  return a.every((side, i) => side.every(({ ports }, j) => haveSamePorts(ports, b[i][j].ports)));
}

/** Whether A and B, of which equal fates are the same object, are the same. */
export function haveSamePorts(a: readonly PortRange[], b: readonly PortRange[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ first, last, fate }, i) => first === b[i].first && last === b[i].last && fate === b[i].fate)
  );
}
