/** Puts the events of a replay together to one passage for each packet. */
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
import type { Ends, MatchedRule, Message, MissedRule, Passage, Segment } from './passage.js';

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
export type CurrentFrame = Pick<Passage, 'place' | 'name' | 'isShown' | 'rulesVersion'>;

/** The passages of the packets that are on their way, by their depth. */
export class PassageRecorder {
  readonly #frameOf: () => CurrentFrame;
  readonly #onPassage: (passage: Passage) => void;
  readonly #open: Draft[] = [];
  #hook: HookName = 'PREROUTING';

  /** FRAME_OF tells the current frame. ON_PASSAGE is called for each packet, after all that happened to it. */
  constructor(frameOf: () => CurrentFrame, onPassage: (passage: Passage) => void) {
    this.#frameOf = frameOf;
    this.#onPassage = onPassage;
  }

  /** Read the packets where they enter: events do not hold them. */
  readonly hookEntries: readonly HookEntry[] = [Hook.PREROUTING, Hook.OUTPUT].map((hook) => ({
    name: 'doctor',
    hook,
    priority: FIRST,
    run: (packet) => {
      const passage = this.#open.at(-1);
      if (passage !== undefined && passage.ends === undefined) readPacket(packet, passage);
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
    const passage = this.#at(event.depth);
    if (passage !== undefined) this.#note(passage, event);
  };

  /** The last packet has gone its way. */
  finish(): void {
    const base = this.#open[0];
    this.#open.length = 0;
    if (base !== undefined) this.#onPassage(base);
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

  /** The passage of the packet at DEPTH. A piece of a packet that comes back over lo is taken for the packet. */
  #at(depth: number): Passage | undefined {
    const index = Math.min(depth, this.#open.length - 1);
    if (index + 1 < this.#open.length) this.#open.length = index + 1;
    return this.#open[index];
  }

  #noteRule(passage: Passage, { table, rule, isMatched, failures = [], unknown = 0 }: RuleEvent): void {
    passage.isNatAsked ||= table === 'nat';
    const hook = this.#hook;
    const { target } = rule;
    if (isMatched) passage.matched.push({ table, hook, rule });
    else if (table !== 'nat' || target.kind !== 'extension' || failures.length > FEW_TESTS || unknown > 0) return;
    else if (NAT_TARGETS.includes(target.extension.name)) passage.missed.push({ hook, rule, failures });
  }

  #note(passage: Passage, event: PacketEvent): void {
    switch (event.kind) {
      case 'skipped':
        passage.end = 'skipped';
        break;
      case 'decoded':
        passage.arrived = event.packet;
        break;
      case 'hook':
        this.#hook = event.hook;
        break;
      case 'rule':
        this.#noteRule(passage, event);
        break;
      case 'policy':
        passage.isNatAsked ||= event.table === 'nat';
        break;
      case 'tracked':
        passage.tracked ??= event;
        break;
      case 'routed':
        passage.routed = event;
        break;
      case 'translated':
        passage.translations.push(event);
        break;
      case 'held':
        passage.end = 'held';
        break;
      case 'timed-out':
        passage.timedOut = event;
        break;
      case 'uncertain':
        passage.isUncertain = true;
        break;
      case 'left':
        passage.left = event;
        if (event.dev === undefined) passage.end = 'delivered';
        else passage.end = passage.inDev === undefined ? 'sent' : 'forwarded';
        break;
      case 'dropped':
        passage.dropped = event;
        passage.end = event.isRejected ? 'rejected' : 'dropped';
        break;
    }
  }
}

/** A passage under way. A class, because objects that are put together from parts are slow. */
class Draft implements Passage {
  readonly place: Passage['place'];
  readonly name: string;
  readonly isShown: boolean;
  readonly rulesVersion: number;
  readonly inDev: string | undefined;
  readonly tsSec: number;
  readonly tsNsec: number;
  readonly isMade: boolean;
  arrived: Passage['arrived'];
  ends: Passage['ends'];
  segment: Passage['segment'];
  message: Passage['message'];
  bytes: Uint8Array = NO_BYTES;
  lengthBytes = 0;
  dataAt = 0;
  tracked: Passage['tracked'];
  timedOut: Passage['timedOut'];
  readonly translations: TranslatedEvent[] = [];
  routed: Passage['routed'];
  readonly matched: MatchedRule[] = [];
  readonly missed: MissedRule[] = [];
  isNatAsked = false;
  left: Passage['left'];
  dropped: Passage['dropped'];
  readonly answers: Passage[] = [];
  end: Passage['end'] = 'dropped';
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

type Arrival = Pick<Passage, 'inDev' | 'tsSec' | 'tsNsec'>;

/** Reads what events do not tell of PACKET into PASSAGE. */
function readPacket(packet: Packet, passage: Passage): void {
  const { protocol, sport, dport } = packet;
  if (protocol === IPPROTO_TCP && packet.fragmentOffset === 0) passage.segment = segmentOf(packet);
  if (protocol === IPPROTO_ICMP && packet.fragmentOffset === 0) passage.message = messageOf(packet);
  const id = passage.message?.quoted === undefined ? passage.message?.id : undefined;
  passage.ends = {
    protocol,
    source: addressAt(packet.bytes, packet.at + IPV4_SOURCE_AT),
    sport: id ?? sport,
    destination: addressAt(packet.bytes, packet.at + IPV4_DESTINATION_AT),
    dport: id ?? dport,
  };
  passage.bytes = packet.bytes.slice(packet.at, packet.at + Math.min(packet.available, KEPT_BYTES));
  passage.lengthBytes = packet.length;
  const header = headerLength(packet);
  passage.dataAt = header > 0 ? packet.headerLength + header : passage.bytes.length;
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
