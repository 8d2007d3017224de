/** hot: captured ICMP errors: whether they would have been sent, and what they were before the host translated them. */
import { ICMP_CODE_AT, ICMP_LENGTH, ICMP_TYPE_AT, IPV4_LENGTH } from '../../codecs/layouts.js';
import { Tuple } from '../../core/conntrack/tuple.js';
import { CapturedPacket } from './captured-packet.js';
import type { Conversations } from './conversations.js';
import { type Translations, View } from './translations.js';
import { setAddresses, setQuotedTuple } from './untranslate.js';

const UNREACHABLE = 3;
const PROTOCOL_UNREACHABLE = 2;
const PORT_UNREACHABLE = 3;

export class CapturedErrors {
  readonly #conversations: Conversations;
  readonly #translations: Translations;
  readonly #quoted = new CapturedPacket();
  readonly #before = new Tuple();

  constructor(conversations: Conversations, translations: Translations) {
    this.#conversations = conversations;
    this.#translations = translations;
  }

  /** Whether the error at AT, of AVAILABLE bytes, is about a packet that the emulated host has refused itself. */
  isRefusedAlready(view: DataView, at: number, available: number): boolean {
    return this.#readQuoted(view, at, available) && this.#conversations.isErrorRefusedAlready(this.#quoted);
  }

  /** Whether the error at AT, of AVAILABLE bytes, would have been sent. If not, it is counted. */
  isSent(view: DataView, at: number, available: number): boolean {
    return !this.#readQuoted(view, at, available) || this.#conversations.isErrorSent(this.#quoted);
  }

  /**
   * Whether the emulated host decides itself whether to send the error at AT, which the host that was captured sent:
   * any but those about a service that the host does not have.
   */
  isEmulated(view: DataView, at: number): boolean {
    const l4 = at + (view.getUint8(at) & 15) * 4;
    if (view.getUint8(l4 + ICMP_TYPE_AT) !== UNREACHABLE) return true;
    const code = view.getUint8(l4 + ICMP_CODE_AT);
    return code !== PROTOCOL_UNREACHABLE && code !== PORT_UNREACHABLE;
  }

  /**
   * Gives the error of PACKET at AT, which a sender behind the NAT sent to an opener, back what its sender saw: a quote
   * of the translated packet.
   */
  untranslate(packet: CapturedPacket, view: DataView, at: number, available: number, nowMs: number): void {
    if (!this.#readQuoted(view, at, available)) return;
    const quoted = this.#quoted.tuple;
    const before = this.#before;
    const translations = this.#translations;
    switch (translations.find(quoted, nowMs)) {
      case View.ORIGINAL:
        if (!translations.isTranslated(translations.entry)) return;
        before.protocol = quoted.protocol;
        translations.replyOf(translations.entry, before);
        break;
      case View.NONE:
        if (!this.#findEnded(quoted, before, nowMs)) return;
        break;
      default:
        return;
    }
    const { tuple } = packet;
    if (tuple.source === quoted.destination) tuple.source = before.source;
    tuple.destination = before.destination;
    if (!before.invert()) return;
    setQuotedTuple(view, at, available, before);
    setAddresses(view, at, tuple);
  }

  /** Whether QUOTED is of a translated connection that has ended. Writes its reply tuple to INTO. */
  #findEnded(quoted: Tuple, into: Tuple, nowMs: number): boolean {
    into.source = quoted.source;
    into.destination = quoted.destination;
    into.ports = quoted.ports;
    into.protocol = quoted.protocol;
    if (!into.invert() || this.#translations.find(into, nowMs) !== View.ENDED) return false;
    this.#translations.endedReplyOf(into, into);
    return true;
  }

  #readQuoted(view: DataView, at: number, available: number): boolean {
    const quoteAt = at + (view.getUint8(at) & 15) * 4 + ICMP_LENGTH;
    const present = at + available - quoteAt;
    if (present < IPV4_LENGTH) return false;
    this.#quoted.read(view, quoteAt, present);
    return !this.#quoted.isLaterFragment;
  }
}
