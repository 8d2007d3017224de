/** Puts the events of a replay together to one record for each packet. */
import {
  ICMP_LENGTH,
  ICMP_TYPE_AT,
  IPPROTO_ICMP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPV4_DESTINATION_AT,
  IPV4_LENGTH,
  IPV4_PROTOCOL_AT,
  IPV4_SOURCE_AT,
  PORTS_LENGTH,
  TCP_FLAGS_AT,
  TCP_LENGTH,
  TCP_SEQUENCE_AT,
  UDP_LENGTH,
} from '../../codecs/layouts.js';
import type { PacketEvent, PacketFields, RuleEvent, TranslatedEvent } from '../../core/events.js';
import { nothingToLearn } from '../../core/flow/flow-walk.js';
import { Hook, type HookEntry, type HookName, Verdict } from '../../core/hooks.js';
import { hasPorts, type Packet, tcpHeaderLength } from '../../core/packet.js';
import type { Ends, MatchedRule, Message, MissedRule, PacketRecord, Segment } from './packet-record.js';

/** Before everything else at a hook. */
const FIRST = -(2 ** 31);
/** How much of a packet is kept: what helpers read stands at its beginning. */
const KEPT_BYTES = 1100;
const NO_BYTES = new Uint8Array(0);
/** A rule that a packet misses by more tests is not meant for it. */
const FEW_TESTS = 2;
const NAT_TARGETS: readonly string[] = ['DNAT', 'SNAT', 'MASQUERADE', 'REDIRECT'];
const TCP_OPTION = { END: 0, NOP: 1, MSS: 2 } as const;
/** ICMP errors (RFC 792). */
const ERRORS: readonly number[] = [3, 4, 5, 11, 12];

/** What is known of a frame besides its packet. */
export type CurrentFrame = Pick<PacketRecord, 'place' | 'name' | 'isShown' | 'rulesVersion'>;

/** The records of the packets that are on their way, by their depth. */
export class PacketRecorder {
  readonly #frameOf: () => CurrentFrame;
  readonly #onRecord: (record: PacketRecord) => void;
  readonly #open: Draft[] = [];
  #hook: HookName = 'PREROUTING';

  /** FRAME_OF tells the current frame. ON_RECORD is called for each packet, after all that happened to it. */
  constructor(frameOf: () => CurrentFrame, onRecord: (record: PacketRecord) => void) {
    this.#frameOf = frameOf;
    this.#onRecord = onRecord;
  }

  /** Read the packets where they enter: events do not hold them. */
  readonly hookEntries: readonly HookEntry[] = [Hook.PREROUTING, Hook.OUTPUT].map((hook) => ({
    name: 'doctor',
    hook,
    priority: FIRST,
    run: (packet) => {
      const record = this.#open.at(-1);
      if (record !== undefined && record.ends === undefined) readPacket(packet, record);
      return Verdict.ACCEPT;
    },
    learn: nothingToLearn,
  }));

  readonly observe = (event: PacketEvent): void => {
    if (event.kind === 'frame') {
      this.finish();
      const { dev: inDev, tsSec, tsNsec } = event;
      this.#open.push(new Draft(this.#frameOf(), { inDev, tsSec, tsNsec }, false));
      return;
    }
    const base = this.#open[0];
    if (base === undefined) return;
    if (event.kind === 'answered' || event.kind === 'copied') this.#openMade(event.depth, event.packet);
    const record = this.#at(event.depth);
    if (record !== undefined) this.#note(record, event);
  };

  /** The last packet has gone its way. */
  finish(): void {
    const base = this.#open[0];
    this.#open.length = 0;
    if (base !== undefined) this.#onRecord(base);
  }

  /** A packet that the host makes because of the one that is on its way. */
  #openMade(depth: number, packet: PacketFields): void {
    const cause = this.#at(depth - 1) ?? this.#open[0];
    this.#open.length = this.#open.indexOf(cause) + 1;
    const made = new Draft(cause, cause, true);
    made.arrived = packet;
    cause.answers.push(made);
    this.#open.push(made);
  }

  /** The record of the packet at DEPTH. A piece of a packet that comes back over lo is taken for the packet. */
  #at(depth: number): PacketRecord | undefined {
    const index = Math.min(depth, this.#open.length - 1);
    if (index + 1 < this.#open.length) this.#open.length = index + 1;
    return this.#open[index];
  }

  #noteRule(record: PacketRecord, { table, rule, isMatched, failures = [], unknown = 0 }: RuleEvent): void {
    record.isNatAsked ||= table === 'nat';
    const hook = this.#hook;
    const { target } = rule;
    if (isMatched) record.matched.push({ table, hook, rule });
    else if (table !== 'nat' || target.kind !== 'extension' || failures.length > FEW_TESTS || unknown > 0) return;
    else if (NAT_TARGETS.includes(target.extension.name)) record.missed.push({ hook, rule, failures });
  }

  #note(record: PacketRecord, event: PacketEvent): void {
    switch (event.kind) {
      case 'skipped':
        record.end = 'skipped';
        break;
      case 'decoded':
        record.arrived = event.packet;
        break;
      case 'hook':
        this.#hook = event.hook;
        break;
      case 'rule':
        this.#noteRule(record, event);
        break;
      case 'policy':
        record.isNatAsked ||= event.table === 'nat';
        break;
      case 'tracked':
        record.tracked ??= event;
        break;
      case 'routed':
        record.routed = event;
        break;
      case 'translated':
        record.translations.push(event);
        break;
      case 'held':
        record.end = 'held';
        break;
      case 'timed-out':
        record.timedOut = event;
        break;
      case 'uncertain':
        record.isUncertain = true;
        break;
      case 'left':
        record.left = event;
        if (event.dev === undefined) record.end = 'delivered';
        else record.end = record.inDev === undefined ? 'sent' : 'forwarded';
        break;
      case 'dropped':
        record.dropped = event;
        record.end = event.isRejected ? 'rejected' : 'dropped';
        break;
    }
  }
}

/** A record under way. A class, because objects that are put together from parts are slow. */
class Draft implements PacketRecord {
  readonly place: PacketRecord['place'];
  readonly name: string;
  readonly isShown: boolean;
  readonly rulesVersion: number;
  readonly inDev: string | undefined;
  readonly tsSec: number;
  readonly tsNsec: number;
  readonly isMade: boolean;
  arrived: PacketRecord['arrived'];
  ends: PacketRecord['ends'];
  segment: PacketRecord['segment'];
  message: PacketRecord['message'];
  bytes: Uint8Array = NO_BYTES;
  lengthBytes = 0;
  dataAt = 0;
  tracked: PacketRecord['tracked'];
  timedOut: PacketRecord['timedOut'];
  readonly translations: TranslatedEvent[] = [];
  routed: PacketRecord['routed'];
  readonly matched: MatchedRule[] = [];
  readonly missed: MissedRule[] = [];
  isNatAsked = false;
  left: PacketRecord['left'];
  dropped: PacketRecord['dropped'];
  readonly answers: PacketRecord[] = [];
  end: PacketRecord['end'] = 'dropped';
  isUncertain = false;

  constructor({ place, name, isShown, rulesVersion }: CurrentFrame, event: Arrival, isMade: boolean) {
    this.place = place;
    this.name = name;
    this.isShown = isShown;
    this.rulesVersion = rulesVersion;
    this.inDev = isMade ? undefined : event.inDev;
    this.tsSec = event.tsSec;
    this.tsNsec = event.tsNsec;
    this.isMade = isMade;
  }
}

type Arrival = Pick<PacketRecord, 'inDev' | 'tsSec' | 'tsNsec'>;

/** Reads what events do not tell of PACKET into RECORD. */
function readPacket(packet: Packet, record: PacketRecord): void {
  const { protocol, sport, dport } = packet;
  if (protocol === IPPROTO_TCP && packet.fragmentOffset === 0) record.segment = segmentOf(packet);
  if (protocol === IPPROTO_ICMP && packet.fragmentOffset === 0) record.message = messageOf(packet);
  const id = record.message?.quoted === undefined ? record.message?.id : undefined;
  record.ends = {
    protocol,
    source: addressAt(packet.bytes, packet.at + IPV4_SOURCE_AT),
    sport: id ?? sport,
    destination: addressAt(packet.bytes, packet.at + IPV4_DESTINATION_AT),
    dport: id ?? dport,
  };
  record.bytes = packet.bytes.slice(packet.at, packet.at + Math.min(packet.available, KEPT_BYTES));
  record.lengthBytes = packet.length;
  const header = headerLength(packet);
  record.dataAt = header > 0 ? packet.headerLength + header : record.bytes.length;
}

function headerLength(packet: Packet): number {
  if (packet.fragmentOffset !== 0) return 0;
  const length = packet.protocol === IPPROTO_TCP ? tcpLength(packet) : packet.protocol === IPPROTO_UDP ? UDP_LENGTH : 0;
  return length < packet.l4Available ? length : 0;
}

function tcpLength(packet: Packet): number {
  return packet.l4Available < TCP_LENGTH ? 0 : tcpHeaderLength(packet);
}

function segmentOf(packet: Packet): Segment | undefined {
  const { view, l4, l4Available } = packet;
  if (l4Available < TCP_LENGTH) return undefined;
  const header = tcpHeaderLength(packet);
  return {
    flags: view.getUint8(l4 + TCP_FLAGS_AT),
    sequence: view.getUint32(l4 + TCP_SEQUENCE_AT),
    dataBytes: Math.max(0, packet.length - packet.headerLength - header),
    mss: mssIn(packet.bytes.subarray(l4 + TCP_LENGTH, l4 + Math.min(header, l4Available))),
  };
}

/** The maximum segment size among TCP's OPTIONS (RFC 9293, 3.2). */
function mssIn(options: Uint8Array): number | undefined {
  for (let at = 0; at < options.length; ) {
    const kind = options[at];
    if (kind === TCP_OPTION.END) return undefined;
    if (kind === TCP_OPTION.NOP) {
      at++;
      continue;
    }
    const length = options[at + 1] ?? 0;
    if (length < 2) return undefined;
    if (kind === TCP_OPTION.MSS && length === 4 && at + 4 <= options.length) {
      return (options[at + 2] << 8) | options[at + 3];
    }
    at += length;
  }
  return undefined;
}

function messageOf({ view, bytes, l4, l4Available }: Packet): Message | undefined {
  if (l4Available < ICMP_LENGTH) return undefined;
  const type = view.getUint8(l4 + ICMP_TYPE_AT);
  const quoted = ERRORS.includes(type) ? quotedEnds(bytes, l4 + ICMP_LENGTH, l4Available - ICMP_LENGTH) : undefined;
  return { type, code: view.getUint8(l4 + 1), id: view.getUint16(l4 + 4), quoted };
}

/** The ends of the packet that an ICMP error quotes: LENGTH bytes at AT. */
function quotedEnds(bytes: Uint8Array, at: number, length: number): Ends | undefined {
  if (length < IPV4_LENGTH) return undefined;
  const protocol = bytes[at + IPV4_PROTOCOL_AT];
  const ports = (bytes[at] & 15) << 2;
  const isPorts = hasPorts(protocol) && ports + PORTS_LENGTH <= length;
  const isQuery = protocol === IPPROTO_ICMP && ports + ICMP_LENGTH <= length;
  const portAt = (offset: number) => (bytes[at + ports + offset] << 8) | bytes[at + ports + offset + 1];
  return {
    protocol,
    source: addressAt(bytes, at + IPV4_SOURCE_AT),
    sport: isPorts ? portAt(0) : isQuery ? portAt(4) : -1,
    destination: addressAt(bytes, at + IPV4_DESTINATION_AT),
    dport: isPorts ? portAt(2) : isQuery ? portAt(4) : -1,
  };
}

function addressAt(bytes: Uint8Array, at: number): string {
  return bytes.subarray(at, at + 4).join('.');
}
