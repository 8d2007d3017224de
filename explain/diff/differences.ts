/**
 * hot: compares what two runs of the same captures did with each packet, and counts what differs.
 *
 * What follows from a difference is part of it: all packets of a connection belong to the first one that differs, also
 * replies that one of the hosts takes for those of another connection, because it never saw theirs being opened.
 */
import { portToHostOrder } from '../../codecs/byte-order.js';
import { IPPROTO_ICMP } from '../../codecs/layouts.js';
import type { DropCause } from '../../core/drop.js';
import { FATE } from '../../core/fate-records.js';
import type { Outcome } from '../../core/outcome.js';
import { hasPorts } from '../../core/packet.js';
import type { Decision } from '../../core/rules/run/hooked-tables.js';
import { Detail, DetailFlag, FATE_WORDS, type FateRecorder, NOT_ARRIVED } from '../../replay/fates/fate-recorder.js';
import { ConnectionMap, type FateAt, NO_GROUP } from './connection-map.js';
import { DecisionMeanings } from './decision-meaning.js';
import type { DifferenceKind } from './kinds.js';
import type { NextHops } from './next-hops.js';
import { type DetailsAt, kindOf } from './packet-kind.js';

const { hash: HASH, hash2: HASH_2, path: PATH, protocolAndInput: PROTOCOL_AND_INPUT } = FATE.word;

/** What decided about packets; undefined: no rule, or nothing that is known. */
export type DecidedBy = Decision | DropCause | undefined;

/** What one host did with the packets of a group. */
export interface GroupSide {
  /** Undefined: they did not arrive there. */
  readonly outcome: Outcome | undefined;
  readonly decidedBy: DecidedBy;
}

/** Connections whose first packets that differ do so in the same way, because of the same rules. */
export interface DifferenceGroup {
  readonly kind: DifferenceKind;
  readonly old: GroupSide;
  readonly new: GroupSide;
  /** These first packets are replies. */
  readonly isReply: boolean;
  connections: number;
  /** Packets that differ; of them, those after the first one of their connection, and those that are uncertain. */
  packets: number;
  following: number;
  uncertain: number;
  readonly services: Map<string, ServiceDifference>;
  /** The first packet that differs. */
  readonly example: FrameExample;
}

export interface FrameExample {
  /** Which packet of the runs it is, from 1 (`FateRecorder.packetNumber`). */
  readonly key: number;
  readonly input: number;
  /** Its number in its input, from 1. */
  readonly number: number;
}

/** A service in a group. */
export interface ServiceDifference {
  readonly protocol: number;
  /** In host order. Undefined: the protocol has no ports. */
  readonly port: number | undefined;
  /** Type and code of ICMP. */
  readonly icmp: { readonly type: number; readonly code: number } | undefined;
  connections: number;
  packets: number;
  /** The ends of its connections, as loaded; at most MOST_ENDS. */
  readonly sources: Set<number>;
  readonly destinations: Set<number>;
}

/** More ends of a service are not counted. */
const MOST_ENDS = 10_000;
/** Services of a group that are told apart; all others are one. */
const MOST_SERVICES = 10_000;
const OTHER_SERVICES = 'others';

export interface DifferenceOptions {
  /** The runs number the frames: captures of a host, of which not every frame arrives. */
  readonly isKeyed: boolean;
  readonly hops: NextHops;
  /** Also compare which rules decided. */
  readonly comparesDecisions: boolean;
  /** Called for each packet that differs; KIND: that of its connection, undefined if only drawn ports differ. */
  readonly onPacket?: (key: number, kind: DifferenceKind | undefined) => void;
}

export class Differences {
  readonly groups: DifferenceGroup[] = [];
  /** How many packets differ, and how many arrive on either side. */
  packets = 0;
  compared = 0;
  readonly #old: FateRecorder;
  readonly #new: FateRecorder;
  readonly #atOld: FateAt;
  readonly #atNew: FateAt;
  /** The same as the two above, for `kindOf`. */
  readonly #oldAt: DetailsAt = { details: new Int32Array(0), at: -1 };
  readonly #newAt: DetailsAt = { details: new Int32Array(0), at: -1 };
  readonly #options: DifferenceOptions;
  readonly #byName = new Map<string, number>();
  readonly #connections = new ConnectionMap();
  readonly #services: ServiceDifference[] = [];
  readonly #meanings = new DecisionMeanings();
  /** How many records of each input were read before this batch. */
  #readBefore: readonly number[] = [];
  /** The number of the packet before this batch. */
  #before = 0;

  constructor(old: FateRecorder, other: FateRecorder, options: DifferenceOptions) {
    this.#old = old;
    this.#new = other;
    this.#atOld = { recorder: old, index: -1, at: -1 };
    this.#atNew = { recorder: other, index: -1, at: -1 };
    this.#options = options;
  }

  /** Begins a batch, before which READ records of each input were read. */
  startBatch(read: readonly number[]): void {
    this.#readBefore = read;
    this.#old.startBatch();
    this.#new.startBatch();
    this.#before = this.#old.packetsBefore;
  }

  /** Compares what both runs have done since `startBatch`. */
  compareBatch(): void {
    if (this.#options.isKeyed) {
      this.#compareByKey();
      return;
    }
    const count = Math.max(this.#old.count, this.#new.count);
    for (let i = 0; i < count; i++) this.#compare(i, i);
  }

  #compareByKey(): void {
    const [old, other] = [this.#old, this.#new];
    for (let i = 0, j = 0; i < old.count || j < other.count; ) {
      const a = i < old.count ? old.keys[i] : Number.POSITIVE_INFINITY;
      const b = j < other.count ? other.keys[j] : Number.POSITIVE_INFINITY;
      this.#compare(a <= b ? i++ : -1, b <= a ? j++ : -1);
    }
  }

  /** Compares fate I of the old run with fate J of the new one; -1: there is none. */
  #compare(i: number, j: number): void {
    const { words } = this.#old;
    const others = this.#new.words;
    const a = i * FATE_WORDS;
    const b = j * FATE_WORDS;
    const isKnown = i >= 0 && j >= 0;
    if (isKnown && words[a + PATH] === NOT_ARRIVED && others[b + PATH] === NOT_ARRIVED) return;
    this.compared++;
    let isSame = isKnown && words[a + HASH] === others[b + HASH] && words[a + HASH_2] === others[b + HASH_2];
    if (isSame && !this.#options.comparesDecisions) return;
    locate(this.#atOld, i);
    locate(this.#atNew, j);
    // Only link headers differ: perhaps the neighbour has another MAC address.
    if (!isSame && isKnown && words[a + HASH_2] === others[b + HASH_2]) isSame = this.#leaveAlike();
    if (!isSame) this.#differ();
    else if (this.#options.comparesDecisions && this.#decideDifferently()) this.#count('decided-differently');
  }

  #decideDifferently(): boolean {
    return this.#meanings.of(decidedBy(this.#atOld)) !== this.#meanings.of(decidedBy(this.#atNew));
  }

  /** The current packet is not treated alike. */
  #differ(): void {
    const [old, other] = [this.#atOld, this.#atNew];
    // A frame that one run does not know of, and that does not arrive in the other.
    if (old.at < 0 && other.at < 0) return;
    this.#count(kindOf(this.#oldDetails(), this.#newDetails(), this.#leaveAlike()));
  }

  /** Whether the current packet left to the same neighbour; so it is where it does not arrive. */
  #leaveAlike(): boolean {
    if (this.#atOld.at < 0 || this.#atNew.at < 0) return true;
    return this.#options.hops.areSame(this.#oldDetails(), this.#newDetails());
  }

  #oldDetails(): DetailsAt {
    this.#oldAt.details = this.#old.details;
    this.#oldAt.at = this.#atOld.at;
    return this.#oldAt;
  }

  #newDetails(): DetailsAt {
    this.#newAt.details = this.#new.details;
    this.#newAt.at = this.#atNew.at;
    return this.#newAt;
  }

  /** Counts the current packet, which differs as KIND says, unless its connection differs already. */
  #count(kind: DifferenceKind | undefined): void {
    const [old, other] = [this.#atOld, this.#atNew];
    const connections = this.#connections;
    const isKnown = connections.find(old, other);
    const group = isKnown ? connections.group : kind === undefined ? NO_GROUP : this.#groupOf(kind);
    const found = this.groups[group] as DifferenceGroup | undefined;
    this.#options.onPacket?.(this.#keyOf(), found?.kind);
    if (!isKnown) {
      const service = found === undefined ? 0 : this.#serviceOf(found, group);
      connections.remember({ group, service });
      if (found !== undefined) this.#countConnection(found, service);
      connections.service = service;
    } else if (found !== undefined) found.following++;
    if (found === undefined) return;
    this.packets++;
    found.packets++;
    this.#services[connections.service].packets++;
    if (isUncertain(old) || isUncertain(other)) found.uncertain++;
  }

  #countConnection(group: DifferenceGroup, number: number): void {
    const service = this.#services[number];
    const { source, destination } = this.#connections.opener;
    group.connections++;
    service.connections++;
    if (service.sources.size < MOST_ENDS) service.sources.add(source);
    if (service.destinations.size < MOST_ENDS) service.destinations.add(destination);
  }

  /** The number of the group of the current packet, the first one of its connection. */
  #groupOf(kind: DifferenceKind): number {
    const [old, other] = [this.#atOld, this.#atNew];
    const { isReply } = this.#connections;
    const name = `${kind} ${isReply} ${sideName(old)} ${sideName(other)}`;
    let number = this.#byName.get(name);
    if (number === undefined) {
      number = this.groups.length;
      this.#byName.set(name, number);
      const counts = { connections: 0, packets: 0, following: 0, uncertain: 0 };
      const sides = { old: sideOf(old), new: sideOf(other) };
      this.groups.push({ kind, ...sides, isReply, ...counts, services: new Map(), example: this.#example() });
    }
    return number;
  }

  /** The number of the service that the connection of the current packet, which is in GROUP, is with. */
  #serviceOf({ services }: DifferenceGroup, group: number): number {
    const { protocol, ports } = this.#connections.opener;
    const port = hasPorts(protocol) ? portToHostOrder(ports >>> 16) : undefined;
    const icmp = protocol === IPPROTO_ICMP ? { type: (ports >>> 16) & 0xff, code: ports >>> 24 } : undefined;
    const own = `${protocol} ${port ?? ''} ${icmp ? `${icmp.type}/${icmp.code}` : ''}`;
    const name = services.size < MOST_SERVICES || services.has(own) ? own : OTHER_SERVICES;
    const key = `${group} ${name}`;
    let number = this.#byName.get(key);
    if (number === undefined) {
      const counts = { connections: 0, packets: 0, sources: new Set<number>(), destinations: new Set<number>() };
      number = this.#services.push({ protocol, port, icmp, ...counts }) - 1;
      this.#byName.set(key, number);
      services.set(name, this.#services[number]);
    }
    return number;
  }

  #keyOf(): number {
    const { recorder, index } = this.#atOld.index >= 0 ? this.#atOld : this.#atNew;
    return this.#options.isKeyed ? recorder.keys[index] : this.#before + index + 1;
  }

  #example(): FrameExample {
    const { recorder, index } = this.#atOld.index >= 0 ? this.#atOld : this.#atNew;
    const input = recorder.words[index * FATE_WORDS + PROTOCOL_AND_INPUT] >>> 8;
    // The capture loop does not number what it forwards.
    let number = recorder.numbers[index] ?? 0;
    if (number === 0) {
      // It has read the records of this batch, and each fate is of one.
      number = this.#readBefore[input];
      for (let i = 0; i <= index; i++)
        if (recorder.words[i * FATE_WORDS + PROTOCOL_AND_INPUT] >>> 8 === input) number++;
    }
    return { key: this.#keyOf(), input, number };
  }
}

/** Sets FATE to the one with this INDEX in the batch; -1: to none. */
function locate(fate: FateAt, index: number): void {
  const { recorder } = fate;
  fate.index = index;
  fate.at = index < 0 || recorder.words[index * FATE_WORDS + PATH] === NOT_ARRIVED ? -1 : recorder.detailsOf(index);
}

function decidedBy({ recorder, at }: FateAt): DecidedBy {
  return at < 0 ? undefined : recorder.deciders[recorder.details[at + Detail.DECIDER]];
}

function isUncertain({ recorder, at }: FateAt): boolean {
  return at >= 0 && (recorder.details[at + Detail.FLAGS] & DetailFlag.UNCERTAIN) !== 0;
}

/** Tells apart what is told apart of one side. */
function sideName({ recorder: { details }, at }: FateAt): string {
  return at < 0 ? '-' : `${details[at + Detail.OUTCOME]}:${details[at + Detail.DECIDER]}`;
}

function sideOf(fate: FateAt): GroupSide {
  const { recorder, at } = fate;
  const outcome = at < 0 ? undefined : (recorder.details[at + Detail.OUTCOME] as Outcome);
  return { outcome, decidedBy: decidedBy(fate) };
}
