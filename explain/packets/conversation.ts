/**
 * What happens after a first packet: `--then` in words (`handshake`, `close`, `ping`, `dns`, `reply`) and in sentences.
 *
 * Whoever got a packet answers what it got, with its addresses as NAT has left them, and the answer enters the host
 * where the packet has left it. Both ends go on with the sequence numbers that they have seen.
 */
import { formatLoaded, toLoaded } from '../../codecs/byte-order.js';
import {
  ETHERNET_LENGTH,
  ICMP_ERROR_TYPES,
  IPPROTO_ICMP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPV4_SOURCE_AT,
  TCP_ACK,
  TCP_FIN,
  TCP_RST,
  TCP_SYN,
} from '../../codecs/layouts.js';
import { Linktype } from '../../codecs/linktypes.js';
import { withNearest } from '../../codecs/nearest.js';
import { fits } from '../../codecs/sentence/fits.js';
import { FOLLOW_WORDS, type FollowWord } from '../../codecs/sentence/follow-words.js';
import { parseSentence, type SentenceNames } from '../../codecs/sentence/parse.js';
import type { Sentence } from '../../codecs/sentence/sentence.js';
import { SentenceError } from '../../codecs/sentence/sentence-error.js';
import type { Host } from '../../core/host/host.js';
import type { TrialResult } from '../trial.js';
import { type Arrival, arrivalOf, endText } from './arrival.js';
import { buildPacket, type PacketSpec } from './build-packet.js';
import { DNS_ANSWER, DNS_QUERY } from './dns-message.js';
import { type Entry, FlowEnd, readSeenPacket, type SeenPacket } from './flow.js';
import { type PacketDefaults, type PlannedPacket, planPacket } from './planned-packet.js';

/** Yields packets, is told what became of each, and returns a note if the story did not go as it should. */
export type Steps = Generator<PlannedPacket, string | undefined, TrialResult>;

type Step<T> = Generator<PlannedPacket, T, TrialResult>;

/** Who sends, and who answers, in one flow. */
interface Flow {
  readonly opener: FlowEnd;
  /** Undefined until a packet has reached it. */
  responder: FlowEnd | undefined;
}

interface LastPacket {
  readonly flow: Flow;
  readonly sender: FlowEnd;
  readonly seen: SeenPacket;
  readonly verdict: string;
  /** What its receiver got. */
  readonly got: { readonly by: FlowEnd; readonly seen: SeenPacket; readonly bytes: Uint8Array } | undefined;
}

const TTL = 64;
const ECHO_REQUEST = 8;
const DNS_PORT = 53;
/** Sources of what `dns` asks. */
const ASKING_PORT = 40_053;
const PORT_UNREACHABLE = { type: 3, code: 3 };
const NO_ICMP = { type: 0, code: 0 };
/** How far a new connection's sequence numbers are from those of the one before. */
const NEXT_CONNECTION = 1_000_000;
/** The replies to queries of ICMP: echo, time stamp, information, address mask. */
const REPLY_TYPES: ReadonlyMap<number, number> = new Map([
  [8, 0],
  [13, 14],
  [15, 16],
  [17, 18],
]);

/** What is sent besides what follows from who sends it. */
interface Content {
  readonly flags?: number;
  readonly icmp?: PacketSpec['icmp'];
  readonly data?: Uint8Array;
}

export class Conversation {
  readonly #host: Host;
  readonly #names: SentenceNames;
  /** The latest last. */
  readonly #flows: Flow[] = [];
  #last: LastPacket | undefined;
  /** Packets as they left, which ICMP errors may be about. */
  readonly #left: Uint8Array[] = [];

  constructor(host: Host, names: SentenceNames) {
    this.#host = host;
    this.#names = names;
  }

  /**
   * The packets that TEXT, a sentence or a word, stands for.
   * @throws {SentenceError} if it is neither, or describes no packet
   */
  *steps(text: string): Steps {
    const word = FOLLOW_WORDS.find((known) => known === text.trim());
    if (word !== undefined) return yield* this.#word(word);
    if (/^[a-z-]+$/i.test(text.trim()) && !text.includes('>')) {
      const message = withNearest(`"${text}" is neither a sentence nor a word for what follows`, text, FOLLOW_WORDS);
      throw new SentenceError(1, `${message} (${FOLLOW_WORDS.join(', ')})`);
    }
    return yield* this.send(parseSentence(text, { names: this.#names }));
  }

  /** The packet of SENTENCE, in which MORE is as it says. Throws a SentenceError if there is none. */
  *send(sentence: Sentence, more: PacketDefaults = {}): Steps {
    const planned = planPacket(sentence, this.#host, { ...this.#defaultsOf(sentence), ...more });
    const result = yield planned;
    this.#note(planned.packet, entryOf(planned), result);
    return undefined;
  }

  /** Who got the last packet. */
  get receiver(): FlowEnd | undefined {
    return this.#last?.got?.by;
  }

  *#word(word: FollowWord): Steps {
    const last = this.#last;
    if (last === undefined) throw new SentenceError(1, `"${word}" needs a packet before it`);
    switch (word) {
      case 'reply':
        return yield* this.#reply(last);
      case 'handshake':
        return yield* this.#handshake(last);
      case 'close':
        return yield* this.#close(last);
      case 'ping':
        return yield* this.#ask(last, IPPROTO_ICMP, {
          icmp: { type: ECHO_REQUEST, code: 0 },
          data: new Uint8Array(56),
        });
      case 'dns':
        return yield* this.#ask(last, IPPROTO_UDP, { data: DNS_QUERY });
    }
  }

  *#handshake(last: LastPacket): Steps {
    const isSyn = last.seen.protocol === IPPROTO_TCP && (last.seen.flags & (TCP_SYN | TCP_ACK)) === TCP_SYN;
    if (!isSyn) throw new SentenceError(1, '"handshake" goes on after a SYN, which the packet before is not');
    const note = yield* this.#reply(last);
    if (note !== undefined) return note;
    const answer = this.#last!;
    if ((answer.seen.flags & TCP_RST) !== 0) return undefined;
    const { sender: client } = last;
    const stranger = this.#stranger(answer, client);
    if (stranger !== undefined) return stranger;
    yield* this.#send(last.flow, client, { flags: TCP_ACK });
    return undefined;
  }

  *#close({ flow, seen }: LastPacket): Steps {
    const { opener, responder } = flow;
    if (seen.protocol !== IPPROTO_TCP)
      throw new SentenceError(1, '"close" ends a connection of TCP, which the packet before is not of');
    if (responder === undefined) return 'close: no packet of this connection has reached anybody';
    for (const end of [opener, responder]) {
      yield* this.#send(flow, end, { flags: TCP_FIN | TCP_ACK });
      if (this.#last!.got === undefined) return `close: the FIN of ${endText(end.address, end.port)} did not arrive`;
    }
    yield* this.#send(flow, opener, { flags: TCP_ACK });
    return undefined;
  }

  /** A question of PROTOCOL between the ends of LAST, unless LAST is one, and the answer. */
  *#ask(last: LastPacket, protocol: number, content: Content): Steps {
    const { seen } = last;
    const { opener: asking } = last.flow;
    const isAsked =
      seen.protocol === protocol &&
      (protocol === IPPROTO_ICMP ? seen.icmp.type === ECHO_REQUEST : seen.dport === DNS_PORT);
    if (isAsked) return yield* this.#reply(last);
    const ports: readonly [number, number] = protocol === IPPROTO_UDP ? [ASKING_PORT, DNS_PORT] : [0, 0];
    const opener = new FlowEnd(protocol, [asking.address, ports[0]], [asking.peer, ports[1]], asking.entry);
    if (seen.protocol === IPPROTO_ICMP) opener.query = { ...seen.query, sequence: (seen.query.sequence + 1) & 0xffff };
    yield* this.#send({ opener, responder: undefined }, opener, content);
    return yield* this.#reply(this.#last!);
  }

  /** The answer of whoever got LAST. */
  *#reply({ flow, seen, got, verdict }: LastPacket): Steps {
    if (got === undefined) return `nobody answers: the packet was ${verdict}`;
    const { by } = got;
    if (this.#isRefused(by, got.seen)) {
      yield* this.#refuse(flow, by, got);
      return undefined;
    }
    const content = answerTo(got.seen);
    if (content === undefined) return 'nobody answers a packet of this kind';
    const chosen =
      seen.protocol === IPPROTO_TCP && (seen.flags & TCP_SYN) !== 0
        ? [`somebody listens on ${endText(by.address, by.port)}`]
        : [];
    yield* this.#send(flow, by, content, this.#listens(by, got.seen) ? [] : chosen);
    return undefined;
  }

  /** Whether the host itself got SEEN, and is known to have no socket for it. */
  #isRefused(by: FlowEnd, seen: SeenPacket): boolean {
    const isForSocket =
      seen.protocol === IPPROTO_UDP || (seen.protocol === IPPROTO_TCP && (seen.flags & TCP_SYN) !== 0);
    if (by.entry.dev !== undefined || !isForSocket) return false;
    return this.#host.description.facts.sockets !== undefined && !this.#listens(by, seen);
  }

  #listens(by: FlowEnd, { protocol, source, destination, sport, dport }: SeenPacket): boolean {
    const { description, facts } = this.#host;
    if (by.entry.dev !== undefined || description.facts.sockets === undefined) return false;
    const key = { protocol, source: toLoaded(source), sport, destination: toLoaded(destination), dport, dev: -1 };
    return facts.sockets!.find(key) >= 0;
  }

  /** What the host answers to a packet for which it has no socket. */
  *#refuse(flow: Flow, by: FlowEnd, got: NonNullable<LastPacket['got']>): Step<void> {
    const chosen = [`nobody listens on ${endText(by.address, by.port)}, by the host's sockets`];
    if (got.seen.protocol === IPPROTO_TCP) {
      by.sequence = 0;
      return yield* this.#send(flow, by, { flags: TCP_RST | TCP_ACK }, chosen);
    }
    const error = new FlowEnd(IPPROTO_ICMP, [by.address, 0], [by.peer, 0], by.entry);
    error.query = { id: 0, sequence: 0 };
    const content = { icmp: PORT_UNREACHABLE, data: got.bytes.slice(0, 548) };
    return yield* this.#send({ opener: error, responder: undefined }, error, content, chosen);
  }

  /** Why CLIENT does not go on after ANSWER; undefined if it does. */
  #stranger({ got, verdict }: LastPacket, client: FlowEnd): string | undefined {
    if (got === undefined) return `handshake: the SYN/ACK was ${verdict}, so the handshake ends here`;
    if (client.expects(got.seen)) return undefined;
    const from = endText(got.seen.source, got.seen.sport);
    const asked = endText(client.peer, client.peerPort);
    return `handshake: the SYN/ACK comes from ${from}, but the client asked ${asked}: it does not go on`;
  }

  /** Sends CONTENT from END of FLOW. */
  *#send(flow: Flow, end: FlowEnd, content: Content, chosen: readonly string[] = []): Step<void> {
    const { flags = 0, icmp = NO_ICMP, data = new Uint8Array(0) } = content;
    const { protocol, entry } = end;
    const packet = buildPacket({
      ...{ protocol, source: end.address, destination: end.peer, sport: end.port, dport: end.peerPort },
      ...{ ttl: TTL, id: 1, flags, sequence: end.sequence, icmp, query: end.query, data },
      acknowledgment: (flags & TCP_ACK) === 0 ? 0 : end.acknowledgment,
    });
    const result = yield {
      ...frameOf(packet, entry),
      dev: entry.dev,
      isSourced: entry.isSourced,
      mark: 0,
      packet,
      chosen,
    };
    this.#note(packet, entry, result, { flow, end });
  }

  /** Remembers that PACKET was sent by ENTRY, and whom it reached. SENDER: who sent it, if that is known. */
  #note(packet: Uint8Array, entry: Entry, result: TrialResult, sender?: { flow: Flow; end: FlowEnd }): void {
    const seen = readSeenPacket(packet);
    const { flow, end } = sender ?? this.#senderOf(seen, entry);
    const arrival = arrivalOf(result, this.#host);
    if (!this.#flows.includes(flow)) this.#flows.push(flow);
    end.sent(seen);
    const got = arrival && this.#arrive(flow, end, arrival);
    this.#last = { flow, sender: end, seen, verdict: result.story.verdict, got };
  }

  #arrive(flow: Flow, sender: FlowEnd, { packet, entry }: Arrival): LastPacket['got'] {
    this.#left.push(packet);
    const seen = readSeenPacket(packet);
    let by = sender === flow.opener ? flow.responder : flow.opener;
    if (by === undefined || (by === flow.responder && !by.expects(seen))) {
      by = FlowEnd.receiverOf(seen, entry);
      flow.responder = by;
    }
    if (by.expects(seen)) by.received(seen);
    return { by, seen, bytes: packet };
  }

  /** The end that sends SEEN: a known one, or one that opens a flow. */
  #senderOf(seen: SeenPacket, entry: Entry): { flow: Flow; end: FlowEnd } {
    const known = this.#ends().find(({ end }) => end.sends(seen));
    if (known !== undefined) return known;
    const opener = FlowEnd.senderOf(seen, entry);
    return { flow: { opener, responder: undefined }, end: opener };
  }

  /** All ends, the latest flow's first. */
  #ends(): { flow: Flow; end: FlowEnd }[] {
    return [...this.#flows].reverse().flatMap((flow) => {
      const ends = flow.responder === undefined ? [flow.opener] : [flow.opener, flow.responder];
      return ends.map((end) => ({ flow, end }));
    });
  }

  /** What the packet of SENTENCE is like as the next one of somebody who has sent or received before. */
  #defaultsOf(sentence: Sentence): PacketDefaults {
    const quoted = this.#quotedBy(sentence);
    const known = this.#ends().find(({ end }) => fits(withoutPlace(sentence), asPacket(end)));
    if (known === undefined) return quoted === undefined ? {} : { quoted };
    const { end, flow } = known;
    const isNew = sentence.flags !== undefined && (sentence.flags & (TCP_SYN | TCP_ACK)) === TCP_SYN;
    const isAnswered = flow.responder !== undefined && flow.opener.acknowledgment !== 0;
    const flags = end === flow.responder && end.acknowledgment !== 0 && !isAnswered ? TCP_SYN | TCP_ACK : TCP_ACK;
    const sequence = isNew ? (isAnswered ? end.sequence + NEXT_CONNECTION : undefined) : end.sequence;
    return {
      ...{ sport: end.port, dport: end.peerPort, query: end.query },
      ...(end.acknowledgment === 0 ? {} : { flags, acknowledgment: end.acknowledgment }),
      ...(sequence === undefined ? {} : { sequence }),
      ...(quoted === undefined ? {} : { quoted }),
    };
  }

  /** The last packet that the receiver of the ICMP error of SENTENCE sent, as it left. */
  #quotedBy({ ends, icmp }: Sentence): Uint8Array | undefined {
    const host = ends?.destination.host;
    if (icmp === undefined || !ICMP_ERROR_TYPES.includes(icmp.type) || host === undefined) return undefined;
    return this.#left.findLast((bytes) => {
      const source = formatLoaded(Buffer.from(bytes).readInt32LE(IPV4_SOURCE_AT));
      return host.addresses.some((address) => String(address) === source);
    });
  }
}

/** What answers SEEN; undefined: nothing. */
function answerTo({ protocol, flags, icmp, dport }: SeenPacket): Content | undefined {
  if (protocol === IPPROTO_TCP) {
    if ((flags & TCP_RST) !== 0) return undefined;
    if ((flags & (TCP_SYN | TCP_ACK)) === TCP_SYN) return { flags: TCP_SYN | TCP_ACK };
    return { flags: (flags & TCP_FIN) === 0 ? TCP_ACK : TCP_FIN | TCP_ACK };
  }
  if (protocol === IPPROTO_ICMP) {
    const type = REPLY_TYPES.get(icmp.type);
    return type === undefined ? undefined : { icmp: { type, code: 0 }, data: new Uint8Array(56) };
  }
  if (protocol === IPPROTO_UDP) return { data: dport === DNS_PORT ? DNS_ANSWER : new Uint8Array(32) };
  return { data: new Uint8Array(20) };
}

function frameOf(packet: Uint8Array, { header }: Entry): Pick<PlannedPacket, 'bytes' | 'linktype'> {
  if (header === undefined) return { bytes: packet, linktype: Linktype.RAW };
  return { bytes: Uint8Array.from([...header, ...packet]), linktype: Linktype.ETHERNET };
}

function entryOf({ bytes, linktype, dev, isSourced }: PlannedPacket): Entry {
  const header = linktype === Linktype.ETHERNET ? bytes.slice(0, ETHERNET_LENGTH) : undefined;
  return { dev, header, isSourced };
}

/** SENTENCE, as far as it says whose packet it is. */
function withoutPlace(sentence: Sentence): Sentence {
  return {
    ...{ isLocal: false, input: undefined, output: undefined, protocol: sentence.protocol, ends: sentence.ends },
    ...{ flags: undefined, icmp: undefined, ttl: undefined, length: undefined, mark: undefined, state: undefined },
  };
}

function asPacket(end: FlowEnd): Parameters<typeof fits>[1] {
  const { protocol, port, peerPort } = end;
  return { protocol, source: endText(end.address, 0), destination: endText(end.peer, 0), sport: port, dport: peerPort };
}
