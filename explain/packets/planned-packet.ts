/** Packets that sentences describe, as they get into a host. What a sentence leaves out is chosen, and said. */
import type { Address } from '../../codecs/address.js';
import { ICMP_ERROR_TYPES, IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP, TCP_ACK, TCP_SYN } from '../../codecs/layouts.js';
import { protocolName } from '../../codecs/protocol-names.js';
import { formatIcmpKind } from '../../codecs/sentence/icmp-kinds.js';
import { hasPorts, type NumberRange, type Sentence, type SentenceEnd } from '../../codecs/sentence/sentence.js';
import { SentenceError } from '../../codecs/sentence/sentence-error.js';
import { flagLetters } from '../../codecs/sentence/tcp-flags.js';
import type { Host } from '../../core/host/host.js';
import { noInterface } from '../../core/host/interfaces.js';
import { buildPacket, headerBytes, type PacketSpec, tcpOptions } from './build-packet.js';
import { chooseEnds, isOwn } from './choose-ends.js';
import { DNS_QUERY } from './dns-message.js';
import { arrivingFrame, bareFrame, entryOf } from './frames.js';

export interface PlannedPacket {
  /** The whole frame as `linktype` says. */
  readonly bytes: Uint8Array;
  readonly linktype: number;
  /** The interface that it arrives on; undefined: the host itself sends it. */
  readonly dev: string | undefined;
  /** A socket sends it that is bound to its source address, which is the host's (`Emulator.send`). */
  readonly isSourced: boolean;
  /** An int32. */
  readonly mark: number;
  /** The IPv4 packet in it. */
  readonly packet: Uint8Array;
  /** What was chosen because the sentence does not say it: `source port 51515`, `ttl 64`. */
  readonly chosen: readonly string[];
}

/** What a packet is like where neither its sentence nor what came before it says so. */
export interface PacketDefaults {
  readonly sport?: number;
  readonly dport?: number;
  readonly flags?: number;
  readonly sequence?: number;
  readonly acknowledgment?: number;
  readonly query?: { readonly id: number; readonly sequence: number };
  /** The packet that an ICMP error is about, from its IP header on. */
  readonly quoted?: Uint8Array | undefined;
  readonly id?: number;
  readonly data?: Uint8Array;
  /** Added to the sequence number and the acknowledgment of TCP. */
  readonly shift?: { readonly sequence?: number; readonly acknowledgment?: number };
  /** Of the frame, if the packet arrives in one that has any. */
  readonly macs?: { readonly source: Uint8Array; readonly destination: Uint8Array } | undefined;
}

const TTL = 64;
const SPORT = 51_515;
const FIRST_SEQUENCE = 1000;
const ECHO_REQUEST = 8;
const UNREACHABLE = 3;
const FRAGMENTATION_NEEDED = 4;
/** What a message of fragmentation needed says that the next link can carry. */
const NEXT_MTU = 1400;
/** Bytes of data in a datagram; in an echo request, as ping sends; in a packet of any other protocol. */
const DATAGRAM_BYTES = 32;
const DNS_PORT = 53;
const PING_BYTES = 56;
const OTHER_BYTES = 20;
/** Of a quoted packet: its IP header and eight bytes (RFC 792). */
const QUOTED_BYTES = 28;

/**
 * The packet that SENTENCE describes, as it gets into HOST. DEFAULTS: what it is like where the sentence does not say.
 * @throws {SentenceError} if the sentence describes a kind of packets, or none that can get into HOST
 */
export function planPacket(sentence: Sentence, host: Host, defaults: PacketDefaults = {}): PlannedPacket {
  refuseKinds(sentence);
  const chosen: string[] = [];
  const input = inputOf(sentence, host);
  const { source, destination } = chooseEnds(sentence, host, input, chosen);
  const isOverLo = typeof input === 'number' && isOwnOverLo(host, input, source, destination);
  const entry = isOverLo ? 'host' : (input ?? entryOf(host, source, destination));
  if (entry === 'nowhere') {
    throw fault('the host has no route to the source: begin with the interface that it comes in by');
  }
  if (input === undefined || isOverLo)
    chosen.push(entry === 'host' ? 'sent by the host itself' : `in ${host.interfaceNames[entry]}`);
  const packet = packetOf(sentence, { source, destination }, defaults, chosen);
  const frame = entry === 'host' ? bareFrame(packet) : arrivingFrame(host, entry, packet, defaults.macs);
  return {
    ...frame,
    dev: entry === 'host' ? undefined : host.interfaceNames[entry],
    isSourced: entry === 'host' && entryOf(host, source, destination) === 'host',
    mark: (sentence.mark ?? 0) | 0,
    packet,
    chosen,
  };
}

/** Throws a SentenceError if SENTENCE describes packets that a host cannot be sent, or says what the host decides. */
function refuseKinds({ ends, input, output, state }: Sentence): void {
  const negated = [ends?.source, ends?.destination, input].some((part) => part?.isNegated);
  if (negated) throw fault('"!" describes a kind of packets; a packet to trace has one address and interface');
  if (ends === undefined) throw fault('no source and destination');
  if (output !== undefined) {
    throw fault(`"out ${output.name}" cannot be chosen: routes decide where a packet leaves`);
  }
  if (state !== undefined && state !== 'NEW') {
    throw fault(`"state ${state}" cannot be chosen: conntrack decides, by the packets before (--then)`);
  }
}

/** Where the packet of SENTENCE comes in, as far as it says so. */
function inputOf({ isLocal, input }: Sentence, host: Host): number | 'host' | undefined {
  if (isLocal) return 'host';
  if (input === undefined) return undefined;
  const index = host.interfaceIndex(input.name);
  if (index < 0) throw fault(noInterface(input.name, host.interfaceNames));
  return index;
}

/** Whether a packet between SOURCE and DESTINATION that comes in by INPUT is one that HOST sends to itself over lo. */
function isOwnOverLo(host: Host, input: number, source: number, destination: number): boolean {
  return host.interfaces[input].isLoopback && isOwn(host, source) && isOwn(host, destination);
}

/** The bytes of the packet of SENTENCE between ENDS (in host order). */
function packetOf(
  sentence: Sentence,
  { source, destination }: { readonly source: number; readonly destination: number },
  defaults: PacketDefaults,
  chosen: string[],
): Uint8Array {
  const { protocol, ends } = sentence;
  if (protocol === undefined) throw fault('"ip" is any protocol; a packet to trace has one, such as tcp');
  const withPorts = hasPorts(protocol);
  const sport = withPorts ? sourcePort(ends!.source, defaults, chosen) : 0;
  const dport = withPorts ? destinationPort(ends!.destination, defaults) : 0;
  const flags = protocol === IPPROTO_TCP ? chosenFlags(sentence, defaults, chosen) : 0;
  const icmp = protocol === IPPROTO_ICMP ? chosenKind(sentence, chosen) : { type: 0, code: 0 };
  const ttl = sentence.ttl === undefined ? say(chosen, `ttl ${TTL}`, TTL) : one(sentence.ttl, 'ttl', chosen);
  const isOpening = (flags & (TCP_SYN | TCP_ACK)) === TCP_SYN;
  const isError = protocol === IPPROTO_ICMP && ICMP_ERROR_TYPES.includes(icmp.type);
  const spec: PacketSpec = {
    ...{ protocol, source, destination, ttl, id: defaults.id ?? 1, sport, dport, flags, icmp },
    sequence: sequenceOf(defaults, isOpening),
    acknowledgment: (flags & TCP_ACK) === 0 ? 0 : acknowledgmentOf(defaults),
    query: isError ? errorWords(icmp, chosen) : (defaults.query ?? { id: 1, sequence: 1 }),
    data: isError ? quoteOf(source, destination, defaults.quoted, chosen) : (defaults.data ?? dataOf(protocol, dport)),
  };
  return withLength(spec, sentence.length, chosen);
}

const fault = (message: string): SentenceError => new SentenceError(undefined, message);

/** Says WHAT was chosen. */
function say<T>(chosen: string[], what: string, value: T): T {
  chosen.push(what);
  return value;
}

/** The first of RANGE. */
function one({ min, max }: NumberRange, what: string, chosen: string[]): number {
  return min === max ? min : say(chosen, `${what} ${min}`, min);
}

function sourcePort({ ports }: SentenceEnd, { sport = SPORT }: PacketDefaults, chosen: string[]): number {
  const port = ports ?? { min: sport, max: sport };
  return ports === undefined || port.min !== port.max ? say(chosen, `source port ${port.min}`, port.min) : port.min;
}

function destinationPort({ ports, host }: SentenceEnd, { dport }: PacketDefaults): number {
  if (ports !== undefined && ports.min === ports.max) return ports.min;
  if (ports === undefined && dport !== undefined) return dport;
  const address: Address | string = host?.addresses[0] ?? '*';
  throw fault(`no destination port: write it behind the address, as in ${address}:${ports?.min ?? 80}`);
}

function chosenFlags({ flags }: Sentence, defaults: PacketDefaults, chosen: string[]): number {
  if (flags !== undefined) return flags;
  const chosenOnes = defaults.flags ?? TCP_SYN;
  return say(chosen, `flags ${flagLetters(chosenOnes)}`, chosenOnes);
}

function chosenKind({ icmp }: Sentence, chosen: string[]): { type: number; code: number } {
  const { type, code } =
    icmp ??
    say(chosen, formatIcmpKind({ type: ECHO_REQUEST, code: undefined }, IPPROTO_ICMP), { type: ECHO_REQUEST, code: 0 });
  return { type, code: code ?? 0 };
}

function dataOf(protocol: number, dport: number): Uint8Array {
  if (protocol === IPPROTO_TCP || (hasPorts(protocol) && protocol !== IPPROTO_UDP)) return new Uint8Array(0);
  if (protocol === IPPROTO_UDP) return dport === DNS_PORT ? DNS_QUERY : new Uint8Array(DATAGRAM_BYTES);
  return new Uint8Array(protocol === IPPROTO_ICMP ? PING_BYTES : OTHER_BYTES);
}

function acknowledgmentOf({ acknowledgment = 1, shift }: PacketDefaults): number {
  return (acknowledgment + (shift?.acknowledgment ?? 0)) >>> 0;
}

function sequenceOf({ sequence, shift }: PacketDefaults, isOpening: boolean): number {
  return ((sequence ?? (isOpening ? FIRST_SEQUENCE : FIRST_SEQUENCE + 1)) + (shift?.sequence ?? 0)) >>> 0;
}

/** What an ICMP error has in place of identifier and sequence number. */
function errorWords({ type, code }: PacketSpec['icmp'], chosen: string[]): PacketSpec['query'] {
  const isTooLong = type === UNREACHABLE && code === FRAGMENTATION_NEEDED;
  return { id: 0, sequence: isTooLong ? say(chosen, `an MTU of ${NEXT_MTU}`, NEXT_MTU) : 0 };
}

/** What an ICMP error from SOURCE to DESTINATION quotes: QUOTED, or else a datagram in the other direction. */
function quoteOf(source: number, destination: number, quoted: Uint8Array | undefined, chosen: string[]): Uint8Array {
  if (quoted !== undefined) return quoted.slice(0, Math.max(QUOTED_BYTES, ((quoted[0] & 15) << 2) + 8));
  chosen.push('about a datagram that nobody sent');
  const spec: PacketSpec = {
    ...{
      protocol: IPPROTO_UDP,
      source: destination,
      destination: source,
      ttl: TTL,
      id: 1,
      sport: SPORT,
      dport: 33_434,
    },
    ...{ flags: 0, sequence: 0, acknowledgment: 0, icmp: { type: 0, code: 0 }, query: { id: 0, sequence: 0 } },
    data: new Uint8Array(DATAGRAM_BYTES),
  };
  return buildPacket(spec).slice(0, QUOTED_BYTES);
}

/** SPEC's packet, as long as LENGTH says. */
function withLength(spec: PacketSpec, length: NumberRange | undefined, chosen: string[]): Uint8Array {
  if (length === undefined) {
    const packet = buildPacket(spec);
    return say(chosen, `${packet.length} bytes`, packet);
  }
  const wanted = one(length, 'len', chosen);
  const options = [tcpOptions(spec), new Uint8Array(0)].find((some) => headerBytes(spec, some) <= wanted);
  if (options === undefined) {
    const least = headerBytes(spec, new Uint8Array(0));
    throw fault(`"len ${wanted}": a packet of ${protocolName(spec.protocol)} has at least ${least} bytes`);
  }
  const data = new Uint8Array(wanted - headerBytes(spec, options));
  data.set(spec.data.subarray(0, data.length));
  return buildPacket({ ...spec, data }, options);
}
