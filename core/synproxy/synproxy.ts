/**
 * SYNPROXY (nf_synproxy_core.c): the host answers a client's SYN with a cookie and keeps nothing. Once the client has
 * acknowledged the cookie, the host connects to the server, and from then on changes sequence numbers and timestamps
 * between them.
 *
 *     client            host              server
 *       │── SYN ────────►│                  │
 *       │◄── SYN/ACK ────│  (window 0)      │
 *       │── ACK ────────►│── SYN ──────────►│
 *       │                │◄── SYN/ACK ──────│
 *       │◄── ACK ────────│── ACK ──────────►│
 */
import {
  IPPROTO_TCP,
  TCP_ACK,
  TCP_ACKNOWLEDGMENT_AT,
  TCP_CWR,
  TCP_ECE,
  TCP_FIN,
  TCP_FLAGS_AT,
  TCP_LENGTH,
  TCP_RST,
  TCP_SEQUENCE_AT,
  TCP_SYN,
  TCP_WINDOW_AT,
} from '../../codecs/layouts.js';
import type { Answers } from '../answers/answers.js';
import type { Conntrack } from '../conntrack/conntrack.js';
import { RECORD_WORDS, STATUS, Status } from '../conntrack/record.js';
import type { ConntrackTable } from '../conntrack/table.js';
import { sideEndAt, TCP_SIDE, TCP_STATE } from '../conntrack/tcp-record.js';
import { because } from '../drop.js';
import { Hook, type HookEntry, Priority, Verdict } from '../hooks.js';
import { CtInfo, ORIGINAL, type Packet, REPLY } from '../packet.js';
import { TcpState } from '../protocols/tcp-states.js';
import type { UncertainCause } from '../uncertainty.js';
import type { Cookies } from './cookies.js';
import { adjustSequence, adjustTimestamp, type ProxiedConnection, type ProxiedConnections } from './proxied.js';
import { type ProxyOptions, readOptions } from './tcp-options.js';

/** What the rule says that the server supports. */
export interface ServerOffer {
  readonly sackPermitted: boolean;
  readonly timestamp: boolean;
  readonly windowScale: number | undefined;
  readonly mss: number | undefined;
  readonly ecn: boolean;
}

const MISSED_SYN: UncertainCause = {
  reason: '`-j SYNPROXY` does not know the cookie that is acknowledged, as the SYN was not captured',
  scope: 'connection',
};
const SEVERAL_SYNS: UncertainCause = {
  reason: '`-j SYNPROXY` does not know which of several SYNs with one sequence number is acknowledged',
  scope: 'connection',
};
const KINDS = TCP_SYN | TCP_ACK | TCP_FIN | TCP_RST;
/** The timestamp of a SYN/ACK holds the client's options in its lowest bits: window scale, SACK, ECN. */
const COOKIE_BITS = 0x3f;
const [NO_SCALE, SACK_BIT, ECN_BIT] = [0xf, 0x10, 0x20];

export class Synproxy {
  readonly #answers: Answers;
  readonly #conntrack: Conntrack;
  readonly #table: ConntrackTable;
  readonly #connections: ProxiedConnections;
  readonly #cookies: Cookies;
  readonly #doubt: (packet: Packet, cause: UncertainCause) => void;
  /** The SYN to a server, or the SYN/ACK to a client, that is being sent. */
  #serverSyn: Packet | undefined;
  #synAck: Packet | undefined;

  /** DOUBT is told of packets of which it cannot be said what becomes of them. */
  constructor(
    answers: Answers,
    conntrack: Conntrack,
    connections: ProxiedConnections,
    cookies: Cookies,
    doubt: (packet: Packet, cause: UncertainCause) => void,
  ) {
    this.#answers = answers;
    this.#conntrack = conntrack;
    this.#table = conntrack.table;
    this.#connections = connections;
    this.#cookies = cookies;
    this.#doubt = doubt;
  }

  /** Before connections are confirmed. It takes the server's SYN/ACK, and changes what else passes. */
  get entries(): HookEntry[] {
    // No `learn`: the fast path knows nothing of this.
    return [Hook.INPUT, Hook.POSTROUTING].map((hook) => ({
      name: 'synproxy',
      hook,
      priority: Priority.CONFIRM - 1,
      run: (packet: Packet) => this.#pass(packet),
    }));
  }

  /** -j SYNPROXY (synproxy_tg4): DROP if the packet was taken, in which case it was answered, or is no good. */
  take(packet: Packet, offer: ServerOffer): Verdict {
    if (!this.#answers.isChecksumRight(packet) || packet.l4Available < TCP_LENGTH) return Verdict.DROP;
    const options = readOptions(packet);
    if (options === undefined) return Verdict.DROP;
    const flags = packet.bytes[packet.l4 + TCP_FLAGS_AT];
    if ((flags & KINDS) === TCP_SYN) {
      options.ecn = (flags & (TCP_ECE | TCP_CWR)) === (TCP_ECE | TCP_CWR);
      this.#answerSyn(packet, options, offer);
      return Verdict.DROP;
    }
    if ((flags & KINDS) !== TCP_ACK) return Verdict.CONTINUE;
    this.#takeAck(packet, options, packet.view.getUint32(packet.l4 + TCP_SEQUENCE_AT));
    return Verdict.DROP;
  }

  /** Answers a client's SYN with a cookie (synproxy_send_client_synack). */
  #answerSyn(packet: Packet, client: ProxyOptions, offer: ServerOffer): void {
    const sequence = packet.view.getUint32(packet.l4 + TCP_SEQUENCE_AT);
    const hasTimestamp = client.timestamp !== undefined && offer.timestamp;
    // Without timestamps there is no place to remember these.
    const isScaled = hasTimestamp && client.windowScale !== undefined && offer.windowScale !== undefined;
    const sackPermitted = hasTimestamp && client.sackPermitted && offer.sackPermitted;
    const ecn = hasTimestamp && client.ecn && offer.ecn;
    const bits = (isScaled ? client.windowScale! : NO_SCALE) | (sackPermitted ? SACK_BIT : 0) | (ecn ? ECN_BIT : 0);
    const options: ProxyOptions = {
      mss: client.mss === undefined ? undefined : offer.mss,
      windowScale: isScaled ? offer.windowScale : undefined,
      sackPermitted,
      timestamp: hasTimestamp
        ? { value: ((Math.floor(packet.nowMs) & ~COOKIE_BITS) | bits) >>> 0, echo: client.timestamp!.value }
        : undefined,
      ecn,
    };
    this.#answers.sendSegment(
      packet,
      {
        isReply: true,
        sequence: this.#cookies.make(packet, sequence, client.mss),
        acknowledgment: sequence + 1,
        flags: TCP_SYN | TCP_ACK | (ecn ? TCP_ECE : 0),
        window: 0,
        options,
      },
      true,
      (answer) => {
        this.#synAck = answer;
      },
    );
    this.#synAck = undefined;
  }

  /**
   * If PACKET acknowledges a cookie, connects to the server (synproxy_recv_client_ack). SEQUENCE: what the client sends
   * next.
   */
  #takeAck(packet: Packet, options: ProxyOptions, sequence: number): void {
    const { view, l4 } = packet;
    const cookie = (view.getUint32(l4 + TCP_ACKNOWLEDGMENT_AT) - 1) >>> 0;
    const sent = (view.getUint32(l4 + TCP_SEQUENCE_AT) - 1) >>> 0;
    options.mss = this.#cookies.check(packet, cookie, sent);
    if (options.mss === undefined) {
      if (this.#cookies.mayHaveMissed(packet)) this.#doubt(packet, MISSED_SYN);
      else if (this.#cookies.isAmbiguous(packet, sent)) this.#doubt(packet, SEVERAL_SYNS);
      return;
    }
    if (options.timestamp !== undefined) {
      const { echo } = options.timestamp;
      if ((echo & NO_SCALE) !== NO_SCALE) options.windowScale = echo & NO_SCALE;
      if ((echo & SACK_BIT) !== 0) options.sackPermitted = true;
      if ((echo & ECN_BIT) !== 0) options.ecn = true;
    }
    this.#answers.sendSegment(
      packet,
      {
        isReply: false,
        sequence: (sequence - 1) >>> 0,
        // How the hook below learns of the cookie. It leaves the host like this, too.
        acknowledgment: cookie,
        flags: TCP_SYN | (options.ecn ? TCP_ECE | TCP_CWR : 0),
        window: view.getUint16(l4 + TCP_WINDOW_AT),
        options,
      },
      false,
      (syn) => {
        // It has a template: for rules before conntrack it is new, and they cannot have it untracked.
        this.#conntrack.setTemplate(syn);
        syn.isAttached = true;
        this.#serverSyn = syn;
      },
    );
    this.#serverSyn = undefined;
  }

  #pass(packet: Packet): Verdict {
    if (packet.ct < 0) return Verdict.ACCEPT;
    const connection = this.#connections.of(packet.ct) ?? this.#opened(packet);
    if (connection === undefined || packet.inDev === this.#answers.loopback) return Verdict.ACCEPT;
    if (packet.protocol === IPPROTO_TCP && !this.#follow(packet, connection)) return dropped(packet);
    if (packet.ctinfo === CtInfo.RELATED && packet.direction === REPLY) return Verdict.ACCEPT;
    // Its cookie is taken for the sequence number of an old connection's server: the client gets another one.
    if (packet === this.#synAck && connection.sequenceOffset !== 0) this.#cookies.spoil(packet);
    return adjustSequence(packet, connection) ? Verdict.ACCEPT : dropped(packet);
  }

  /** The connection that PACKET opens, if it is the SYN to a server. */
  #opened(packet: Packet): ProxiedConnection | undefined {
    const isConfirmed = (this.#table.words[packet.ct * RECORD_WORDS + STATUS] & Status.CONFIRMED) !== 0;
    return packet === this.#serverSyn && !isConfirmed ? this.#connections.add(packet.ct) : undefined;
  }

  /** Follows PACKET of CONNECTION; returns whether it goes on (ipv4_synproxy_hook). */
  #follow(packet: Packet, connection: ProxiedConnection): boolean {
    const { view, l4, direction } = packet;
    if (packet.l4Available < TCP_LENGTH) return packet.isCut;
    const flags = packet.bytes[l4 + TCP_FLAGS_AT];
    const sequence = view.getUint32(l4 + TCP_SEQUENCE_AT);
    const state = this.#table.words[packet.ct * RECORD_WORDS + TCP_STATE];
    const isOriginal = direction === ORIGINAL;
    if (state === TcpState.CLOSE && (flags & TCP_RST) !== 0 && !isOriginal) {
      setOffset(connection, connection.sequence - sequence + 1);
    }
    const isReopened = state === TcpState.CLOSE && (flags & (TCP_SYN | TCP_ACK)) === TCP_SYN && isOriginal;
    if (isReopened) connection.timestampOffset = 0;
    if (state === TcpState.SYN_SENT || isReopened) {
      const options = readOptions(packet);
      if (options === undefined) return false;
      if ((flags & (TCP_SYN | TCP_ACK)) === TCP_ACK && isOriginal) {
        // A keep-alive is one below what the client sends next.
        this.#takeAck(packet, options, (sequence + 1) >>> 0);
        return false;
      }
      connection.sequence = view.getUint32(l4 + TCP_ACKNOWLEDGMENT_AT);
      if (options.timestamp !== undefined) connection.timestamp = options.timestamp.echo;
    } else if (state === TcpState.SYN_RECV && (flags & (TCP_SYN | TCP_ACK)) === (TCP_SYN | TCP_ACK)) {
      this.#takeSynAck(packet, connection, sequence);
      return false;
    }
    adjustTimestamp(packet, connection);
    return true;
  }

  /** The server has answered: completes its handshake, and opens the client's window. */
  #takeSynAck(packet: Packet, connection: ProxiedConnection, sequence: number): void {
    const { view, l4 } = packet;
    const options = readOptions(packet);
    if (options === undefined) return;
    const { timestamp, windowScale = 0 } = options;
    if (timestamp !== undefined) connection.timestampOffset = (timestamp.value - connection.timestamp) | 0;
    const acknowledgment = view.getUint32(l4 + TCP_ACKNOWLEDGMENT_AT);
    const plain = { mss: undefined, windowScale: undefined, sackPermitted: false, ecn: false };
    const largest = this.#table.words[sideEndAt(packet.ct, ORIGINAL) + TCP_SIDE.word.maxWindow - TCP_SIDE.word.end];
    this.#answers.sendSegment(
      packet,
      {
        isReply: true,
        sequence: acknowledgment,
        acknowledgment: (sequence + 1) >>> 0,
        flags: TCP_ACK,
        window: largest & 0xffff,
        options: { ...plain, timestamp: timestamp && { value: timestamp.echo, echo: timestamp.value } },
      },
      false,
    );
    setOffset(connection, connection.sequence - sequence);
    this.#answers.sendSegment(
      packet,
      {
        isReply: false,
        sequence: (sequence + 1) >>> 0,
        acknowledgment,
        flags: TCP_ACK,
        window: view.getUint16(l4 + TCP_WINDOW_AT) >> windowScale,
        options: { ...plain, timestamp },
      },
      true,
    );
  }
}

function dropped(packet: Packet): Verdict {
  packet.dropCause = because('synproxy');
  return Verdict.DROP;
}

/** nf_ct_seqadj_init, which leaves an offset as it is if the new one is 0. */
function setOffset(connection: ProxiedConnection, offset: number): void {
  if ((offset | 0) !== 0) connection.sequenceOffset = offset | 0;
}
