/**
 * hot: replays captures of whole conversations that were taken outside the host: where each packet enters, what it was
 * before the host that was captured translated it, and whether it would have been sent at all.
 *
 * A capture outside the host shows a conversation as the side that opened it sees it. What that side sends arrives as
 * it was captured. What the other side sends was captured after its translation, so it is given back what it had
 * before: the reply tuple of the connection whose original direction the capture shows. The emulated host's own
 * connection table knows it, so translations end with their connections. What answers later than its connection lived
 * is still sent to the address that its sender knows; that is remembered for the connections translated last.
 *
 * Call `place` for a packet and, if it enters, `settle` when the host is done with it. Nothing is allocated per packet.
 */
import { IPPROTO_SCTP, IPPROTO_TCP, IPV4_LENGTH, IPV4_TOTAL_LENGTH_AT } from '../../codecs/layouts.js';
import { RECORD_WORDS, STATUS, Status } from '../../core/conntrack/record.js';
import type { ConntrackTable } from '../../core/conntrack/table.js';
import { sideEndAt, TCP_STATE } from '../../core/conntrack/tcp-record.js';
import { Tuple } from '../../core/conntrack/tuple.js';
import type { Host } from '../../core/host/host.js';
import type { Memory } from '../../core/memory.js';
import { Outcome } from '../../core/outcome.js';
import { ORIGINAL } from '../../core/packet.js';
import { TcpState } from '../../core/protocols/tcp-states.js';
import type { Ruleset } from '../../core/rules/model.js';
import { BehindNatCheck } from './behind-nat.js';
import { CapturedErrors } from './captured-errors.js';
import { CapturedPacket, Kind } from './captured-packet.js';
import { Conversations, Fate, Known } from './conversations.js';
import { ForwardedCopies } from './forwarded-copies.js';
import { FragmentPorts } from './fragment-ports.js';
import { FROM_HOST, FROM_NOWHERE, SenderRoutes } from './sender-route.js';
import { Translations, View } from './translations.js';
import { setAddresses, setTuple } from './untranslate.js';

/** Results of `place` besides an interface index: the host itself is the sender; the packet does not enter (`skip`). */
export const STITCH_LOCAL = FROM_HOST;
export const STITCH_SKIPPED = FROM_NOWHERE;

/**
 * Why a packet of the capture does not enter the host. not-sent: what it follows from was dropped. captured-twice: it
 * was captured on both sides of the host. own-answer: the host that was captured refused something; whether the host
 * does so is emulated.
 */
export type StitchSkip = 'no-route-to-sender' | 'not-sent' | 'captured-twice' | 'own-answer';

export class Stitcher {
  /** Why `place` returned STITCH_SKIPPED. */
  skip: StitchSkip = 'no-route-to-sender';
  readonly conversations: Conversations;
  readonly behindNat: BehindNatCheck;
  /** Connections of which the capture does not show how they were opened. */
  underWay = 0;

  readonly #table: ConntrackTable;
  readonly #clock: Memory['clock'];
  readonly #routes: SenderRoutes;
  readonly #translations: Translations;
  readonly #errors: CapturedErrors;
  readonly #fragments = new FragmentPorts();
  readonly #copies = new ForwardedCopies();

  readonly #packet = new CapturedPacket();
  readonly #sent = new Tuple();
  /** What conntrack knew of the packet's connection when it was placed. */
  #known: Known = Known.NOTHING;
  /** The protocol of what the host sent last because of the packet; -1 if it sent nothing. */
  #outputProtocol = -1;
  /** Whether a packet was captured on the far side of the NAT. */
  #hasSeenBehind = false;

  constructor(connections: ConntrackTable, host: Host, ruleset: Ruleset) {
    const { hash, clock } = connections.memory;
    this.#table = connections;
    this.#clock = clock;
    this.#routes = new SenderRoutes(host);
    this.conversations = new Conversations(hash);
    this.behindNat = new BehindNatCheck(ruleset, host.interfaceNames);
    this.#translations = new Translations(connections);
    this.#errors = new CapturedErrors(this.conversations, this.#translations);
  }

  /** From now on, packets meet the rules of RULESET. */
  useRules(ruleset: Ruleset): void {
    this.behindNat.useRules(ruleset);
  }

  /** How many fragments came without, or before, the first one of their packet, which has the ports. */
  get earlyFragments(): number {
    return this.#fragments.early;
  }

  /**
   * Returns where the IPv4 packet at AT, captured at TS_SEC and TS_NSEC, enters: the index of an interface,
   * STITCH_LOCAL or STITCH_SKIPPED. Rewrites it in place to what its sender sent. CAPTURED: how many bytes of it are
   * present.
   */
  place(view: DataView, at: number, captured: number, tsSec: number, tsNsec: number): number {
    const packet = this.#packet;
    this.#outputProtocol = -1;
    if (captured < IPV4_LENGTH) return this.#skipFor('no-route-to-sender');
    const length = view.getUint16(at + IPV4_TOTAL_LENGTH_AT);
    const available = length >= IPV4_LENGTH && length < captured ? length : captured;
    if (this.#copies.isCopy(view, at, available, tsSec)) return this.#skipFor('captured-twice');
    packet.read(view, at, available);
    if (packet.isFragment) this.#fragments.complete(packet, view, at);
    const nowMs = this.#nowAt(tsSec, tsNsec);
    if (packet.kind === Kind.ERROR) return this.#placeError(view, at, available, nowMs);
    if (packet.kind === Kind.NONE) return this.#enter(packet.tuple);
    return this.#placeOrdinary(view, at, available, nowMs);
  }

  /** The host has changed. */
  hostChanged(): void {
    this.#routes.forget();
  }

  /** Notes that a packet of PROTOCOL left the host, or reached it, because of the packet placed last. */
  noteOutput(protocol: number): void {
    this.#outputProtocol = protocol;
  }

  /** Notes what became of the packet placed last. */
  settle(outcome: Outcome): void {
    const packet = this.#packet;
    if (packet.kind === Kind.NONE || packet.kind === Kind.ERROR) return;
    if (outcome === Outcome.HELD || outcome === Outcome.SKIPPED) return;
    const fate = this.#fateOf(outcome);
    if (fate === Fate.ARRIVED && (this.#known === Known.NOTHING || packet.kind === Kind.OPENER)) this.#noteBeginning();
    if (fate !== Fate.ARRIVED || !this.conversations.areWhole) this.conversations.settle(packet, fate, this.#known);
  }

  #fateOf(outcome: Outcome): Fate {
    if (outcome !== Outcome.DROPPED && outcome !== Outcome.REJECTED) return Fate.ARRIVED;
    // What the host sends because of a packet that it drops is its answer.
    if (this.#outputProtocol < 0) return Fate.DROPPED;
    return this.#outputProtocol === IPPROTO_TCP ? Fate.REFUSED : Fate.REJECTED;
  }

  /** The time on the host's clock once the packet has arrived. */
  #nowAt(tsSec: number, tsNsec: number): number {
    const clock = this.#clock;
    if (clock.packets === 0) return 0;
    return Math.max(clock.nowMs, (tsSec - clock.startSec) * 1000 + (tsNsec - clock.startNsec) * 1e-6);
  }

  #skipFor(reason: StitchSkip): typeof STITCH_SKIPPED {
    this.skip = reason;
    this.#packet.kind = Kind.NONE;
    return STITCH_SKIPPED;
  }

  #enter({ source, destination }: Tuple): number {
    const dev = this.#routes.deviceTowards(source, destination);
    return dev === FROM_NOWHERE ? this.#skipFor('no-route-to-sender') : dev;
  }

  #placeOrdinary(view: DataView, at: number, available: number, nowMs: number): number {
    const packet = this.#packet;
    const { conversations } = this;
    const translations = this.#translations;
    const found = translations.find(packet.tuple, nowMs);
    const { entry } = translations;
    if (found === View.COPY) return this.#skipFor('captured-twice');
    this.#known = entry < 0 ? Known.NOTHING : this.#knownOf(entry, found);
    const sent = this.#sent;
    sent.source = packet.tuple.source;
    sent.destination = packet.tuple.destination;
    if (found === View.BEHIND) {
      this.#hasSeenBehind = true;
      packet.setReplyAsCaptured(translations, entry);
      conversations.noteSeenBehind(packet);
    } else if (this.#hasSeenBehind && found === View.REPLY && conversations.isSeenBehind(packet)) {
      return this.#skipFor('captured-twice');
    }
    if (!conversations.areWhole) {
      if (conversations.isRefusedAlready(packet)) return this.#skipFor('own-answer');
      if (!conversations.isSent(packet)) return this.#skipFor('not-sent');
    }
    if (found === View.REPLY ? translations.isTranslated(entry) : found === View.ENDED && packet.kind !== Kind.OPENER) {
      sent.protocol = packet.tuple.protocol;
      if (found === View.REPLY) translations.replyOf(entry, sent);
      else translations.endedReplyOf(packet.tuple, sent);
      if (packet.isLaterFragment) setAddresses(view, at, sent);
      else setTuple(view, at, available, sent);
    }
    const dev = this.#enter(sent);
    if (found === View.NONE && dev !== STITCH_SKIPPED && isOpening(packet.kind)) this.behindNat.look(packet.tuple, dev);
    return dev;
  }

  #placeError(view: DataView, at: number, available: number, nowMs: number): number {
    const packet = this.#packet;
    if (packet.isLaterFragment) return this.#enter(packet.tuple);
    if (this.#errors.isRefusedAlready(view, at, available)) return this.#skipFor('own-answer');
    if (!this.#errors.isSent(view, at, available)) return this.#skipFor('not-sent');
    this.#errors.untranslate(packet, view, at, available, nowMs);
    const dev = this.#enter(packet.tuple);
    return dev === STITCH_LOCAL && this.#errors.isEmulated(view, at) ? this.#skipFor('own-answer') : dev;
  }

  #knownOf(entry: number, found: View): Known {
    const { words } = this.#table;
    const { tuple, kind, end } = this.#packet;
    const base = entry * RECORD_WORDS;
    if (tuple.protocol === IPPROTO_SCTP && (words[base + STATUS] & Status.SEEN_REPLY) === 0) return Known.OPENED;
    if (tuple.protocol !== IPPROTO_TCP) return Known.ESTABLISHED;
    switch (words[base + TCP_STATE]) {
      case TcpState.SYN_SENT:
        // Another opener than the one that arrived belongs to a new connection.
        return kind === Kind.OPENER && words[sideEndAt(entry, ORIGINAL)] !== end ? Known.NOTHING : Known.OPENED;
      case TcpState.SYN_SENT2:
        return Known.OPENED;
      case TcpState.SYN_RECV:
        return found === View.ORIGINAL && kind === Kind.LATER ? Known.ANSWERED : Known.ESTABLISHED;
      case TcpState.ESTABLISHED:
        return Known.ESTABLISHED;
      default:
        return Known.CLOSING;
    }
  }

  /** A packet arrived that belonged to no connection. */
  #noteBeginning(): void {
    const packet = this.#packet;
    const translations = this.#translations;
    const found = translations.find(packet.tuple, this.#clock.nowMs);
    if (found !== View.ORIGINAL) {
      if (found === View.NONE) this.conversations.noteUntracked(packet);
      return;
    }
    if (translations.isTranslated(translations.entry)) translations.remember(translations.entry, packet.tuple);
    if (packet.kind === Kind.LATER) this.underWay++;
  }
}

function isOpening(kind: Kind): boolean {
  return kind === Kind.OPENER || kind === Kind.QUERY || kind === Kind.DATAGRAM;
}
