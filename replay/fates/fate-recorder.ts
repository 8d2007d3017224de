/**
 * hot: notes what became of each packet of a run, a batch at a time, so that two runs of the same captures can be
 * compared (core/fate-records.ts). The capture loop notes packets of the fast path; what is noted here of the others is
 * enough to say what they met and how they left.
 */
import {
  ETHERNET_LENGTH,
  IPV4_DESTINATION_AT,
  IPV4_LENGTH,
  IPV4_PROTOCOL_AT,
  IPV4_SOURCE_AT,
} from '../../codecs/layouts.js';
import { ORIGINAL_TUPLE, PROTOCOL, RECORD_WORDS, REPLY_TUPLE } from '../../core/conntrack/record.js';
import { invertPorts, Tuple } from '../../core/conntrack/tuple.js';
import type { DropCause } from '../../core/drop.js';
import {
  FATE,
  FATE_HASH_FACTOR,
  FATE_HASH_FACTOR_2,
  FATE_HASH_START,
  FATE_HASHED_BYTES,
  FATE_STATE,
} from '../../core/fate-records.js';
import { PATH as PATH_LAYOUT } from '../../core/flow/records.js';
import type { Interface } from '../../core/host/interfaces.js';
import type { IpStack } from '../../core/ip-stack.js';
import type { Frame } from '../../core/link/frame.js';
import { IpLocation, locateIp } from '../../core/link/locate-ip.js';
import { REGIONS } from '../../core/memory-map.js';
import { Outcome } from '../../core/outcome.js';
import { REPLY } from '../../core/packet.js';
import type { Decision } from '../../core/rules/run/hooked-tables.js';
import type { FramePlace } from '../packet-watch.js';

/** The words of a fate. */
export const FATE_WORDS = FATE.words;
const { hash: HASH, hash2: HASH_2, path: PATH, details: DETAILS } = FATE.word;
const { source: SOURCE, destination: DESTINATION, ports: PORTS, protocolAndInput: PROTOCOL_AND_INPUT } = FATE.word;

/** What is noted of a packet of the slow path: the index of each word. */
export const Detail = {
  OUTCOME: 0,
  /** What decided: an index in `deciders`; -1: nothing. */
  DECIDER: 1,
  FLAGS: 2,
  /** The tuple that opened its connection, and its protocol; 0: it belongs to none. */
  SOURCE: 3,
  DESTINATION: 4,
  PORTS: 5,
  PROTOCOL: 6,
  /** The packet as it left or was delivered: what stands for the interface, or DELIVERED; else NOWHERE. */
  OUT_DEV: 7,
  OUT_SOURCE: 8,
  OUT_DESTINATION: 9,
  OUT_PORTS: 10,
  /** The MAC address of the next hop: the first four bytes, and the others. */
  NEXT_HOP: 11,
  NEXT_HOP_REST: 12,
  WORDS: 13,
} as const;

export const DetailFlag = {
  UNCERTAIN: 1,
  /** NAT drew a port at random. */
  DRAWN: 2,
} as const;

/** In place of an interface. */
const DELIVERED = -1;
const NOWHERE = -2;

/** The path of a packet that has not arrived. */
export const NOT_ARRIVED = -2;
/** Its hash. */
const NOTHING = 0;

const NO_BYTES = new Uint8Array(0);

export class FateRecorder {
  /** The fates of the current batch, FATE_WORDS each. */
  words: Int32Array = new Int32Array(0);
  /** What is noted besides, `Detail.WORDS` each. */
  details: Int32Array = new Int32Array(Detail.WORDS * 64);
  /** Of each fate: which frame it is about, the same number in another run; and the number of that in its input. */
  keys: Float64Array = new Float64Array(64);
  numbers: Float64Array = new Float64Array(64);
  /** Everything that has decided about packets so far. */
  readonly deciders: (Decision | DropCause)[] = [];

  #emulator!: IpStack;
  #state: Int32Array = new Int32Array(FATE_STATE.words);
  #region = this.words;
  #paths: Int32Array = new Int32Array(0);
  #linkLengths: readonly number[] = [];
  /** What stands for each interface. */
  #ids: readonly number[] = [];
  readonly #deciderIndexes = new Map<Decision | DropCause, number>();
  #detailCount = 0;
  #drawnBefore = 0;
  /** The fates before this batch. */
  #base = 0;
  /** Given by the run: the number of the current frame. Below 0: frames are counted here. */
  #key = -1;
  #isOpen = false;
  #hash: number = NOTHING;
  #hash2: number = NOTHING;
  /** The last output of the current packet that is no later fragment, in the words of its details from OUT_DEV on. */
  readonly #output = new Int32Array(Detail.WORDS - Detail.OUT_DEV);
  readonly #location = new IpLocation();
  readonly #tuple = new Tuple();
  #bytes: Uint8Array = NO_BYTES;
  #view: DataView = new DataView(NO_BYTES.buffer);

  /** Notes what EMULATOR does, a host with these INTERFACES. */
  attach(emulator: IpStack, interfaces: readonly Interface[]): void {
    const { buffer } = emulator.memory;
    this.#emulator = emulator;
    this.useInterfaces(interfaces);
    this.#region = REGIONS.fates.wordsOf(buffer);
    this.words = this.#region;
    this.#paths = REGIONS.paths.wordsOf(buffer);
    this.#state = REGIONS.fateState.wordsOf(buffer);
    this.#state[FATE_STATE.word.isOn] = 1;
  }

  /** The host has changed, and has these interfaces. */
  useInterfaces(interfaces: readonly Interface[]): void {
    this.#linkLengths = interfaces.map(({ linkLength }) => linkLength);
    this.#ids = interfaces.map(({ name }) => interfaceId(name));
    const egress = REGIONS.egress.recordsOf(this.#emulator.memory.buffer);
    for (const [index, fateId] of this.#ids.entries()) if (index < egress.count) egress.assign(index, { fateId });
  }

  /** How many fates the batch has. */
  get count(): number {
    return this.#state[FATE_STATE.word.count];
  }

  /** The number of the current packet, for `EmulatorOptions.packetNumber`. */
  get packetNumber(): number {
    return this.#key >= 0 ? this.#key : this.#base + this.count + 1;
  }

  /** The number of the last packet before this batch. */
  get packetsBefore(): number {
    return this.#base;
  }

  /** Forgets the fates of the batch. */
  startBatch(): void {
    this.#base += this.count;
    this.numbers.fill(0);
    this.#state[FATE_STATE.word.count] = 0;
    this.#detailCount = 0;
    this.words = this.#region;
  }

  /** The fates that follow are about frame KEY, which another run counts likewise. */
  takeFrame(key: number): void {
    this.#key = key;
  }

  /** FRAME arrives, or the host itself sends it. */
  arrive(frame: Frame, place: FramePlace): void {
    const location = this.#location;
    this.#open(place);
    if (locateIp(frame, location)) this.#noteTuple(frame.view, location.at, location.captured);
    this.#isOpen = true;
    this.#hash = FATE_HASH_START;
    this.#hash2 = FATE_HASH_START;
    this.#output[0] = NOWHERE;
    this.#drawnBefore = this.#emulator.drawnPorts;
  }

  /** A frame does not arrive. */
  skip(place: FramePlace): void {
    const at = this.#open(place) * FATE_WORDS;
    this.words[at + PATH] = NOT_ARRIVED;
    this.#state[FATE_STATE.word.count]++;
  }

  /** The emulator is done with the frame that arrived. Unless it IS_SHOWN, it is as if it had not. */
  settle(isShown: boolean): void {
    const emulator = this.#emulator;
    const { words } = this;
    const at = this.count * FATE_WORDS;
    const { outcome } = emulator;
    this.#isOpen = false;
    if (outcome === Outcome.SKIPPED || !isShown) {
      words[at + PATH] = NOT_ARRIVED;
    } else {
      this.#mix(outcome);
      words[at + HASH] = this.#hash;
      words[at + HASH_2] = this.#hash2;
      words[at + PATH] = emulator.lastPath;
      if (emulator.lastPath < 0) words[at + DETAILS] = this.#noteDetails();
    }
    this.#state[FATE_STATE.word.count]++;
  }

  /** A packet leaves by interface DEV, as in `EmulatorOutput`. */
  egress(dev: number, bytes: Uint8Array, at: number, available: number, length: number): void {
    if (!this.#isOpen) return;
    const link = this.#linkLengths[dev];
    this.#note(this.#ids[dev], bytes, at + link, available - link, length - link);
  }

  /** A packet is delivered, as in `EmulatorOutput`. */
  local(bytes: Uint8Array, at: number, available: number, length: number): void {
    if (this.#isOpen) this.#note(DELIVERED, bytes, at, available, length);
  }

  #note(dev: number, bytes: Uint8Array, at: number, available: number, length: number): void {
    const view = this.#viewOf(bytes);
    const hashed = Math.min(available, FATE_HASHED_BYTES);
    const words = hashed & ~3;
    // An Ethernet header stands before each packet that leaves, even where it leaves without one.
    const isBare = dev === DELIVERED;
    const link = at - ETHERNET_LENGTH;
    this.#mix(dev);
    this.#mix(length);
    for (let i = 0; i < 12; i += 4) this.#mixLink(isBare ? 0 : view.getInt32(link + i, true));
    this.#mixLink(isBare ? 0 : view.getUint16(link + 12, true));
    for (let i = 0; i < words; i += 4) this.#mix(view.getInt32(at + i, true));
    for (let i = words; i < hashed; i++) this.#mix(view.getUint8(at + i));
    if (this.#emulator.lastPath < 0) this.#noteOutput(dev, view, at, available, isBare);
  }

  #noteOutput(dev: number, view: DataView, at: number, available: number, isBare: boolean): void {
    const output = this.#output;
    const tuple = this.#tuple;
    if (!tuple.read(view, at, available) && output[0] !== NOWHERE) return;
    output[0] = dev;
    output[1] = view.getInt32(at + IPV4_SOURCE_AT, true);
    output[2] = view.getInt32(at + IPV4_DESTINATION_AT, true);
    output[3] = tuple.ports;
    output[4] = isBare ? 0 : view.getInt32(at - ETHERNET_LENGTH, true);
    output[5] = isBare ? 0 : view.getUint16(at - ETHERNET_LENGTH + 4, true);
  }

  #mixLink(word: number): void {
    const hash = Math.imul(this.#hash ^ word, FATE_HASH_FACTOR);
    this.#hash = hash ^ (hash >>> 15);
  }

  #mix(word: number): void {
    this.#mixLink(word);
    const sum = (this.#hash2 + word) | 0;
    this.#hash2 = Math.imul((sum << 13) | (sum >>> 19), FATE_HASH_FACTOR_2);
  }

  /** Begins a fate about the frame at PLACE, and returns its number in the batch. */
  #open({ input, number }: FramePlace): number {
    const index = this.count;
    const at = index * FATE_WORDS;
    if (at + FATE_WORDS > this.words.length) this.words = grown(this.words);
    const { words } = this;
    if (index >= this.keys.length) {
      this.keys = grownDoubles(this.keys);
      this.numbers = grownDoubles(this.numbers);
    }
    this.keys[index] = this.packetNumber;
    this.numbers[index] = number;
    words.fill(0, at, at + FATE_WORDS);
    words[at + PROTOCOL_AND_INPUT] = input << 8;
    return index;
  }

  /** Notes the addresses and ports of the IPv4 packet at AT. */
  #noteTuple(view: DataView, at: number, captured: number): void {
    if (captured < IPV4_LENGTH) return;
    const { words } = this;
    const to = this.count * FATE_WORDS;
    const tuple = this.#tuple;
    words[to + SOURCE] = view.getInt32(at + IPV4_SOURCE_AT, true);
    words[to + DESTINATION] = view.getInt32(at + IPV4_DESTINATION_AT, true);
    words[to + PORTS] = tuple.read(view, at, captured) ? tuple.ports : 0;
    words[to + PROTOCOL_AND_INPUT] |= view.getUint8(at + IPV4_PROTOCOL_AT);
  }

  /** Notes what the slow path has done with the packet, and returns the number of the note. */
  #noteDetails(): number {
    const emulator = this.#emulator;
    const number = this.#newDetails();
    const at = number * Detail.WORDS;
    const { details } = this;
    const isUncertain = emulator.uncertain.isCurrent;
    const isDrawn = emulator.drawnPorts > this.#drawnBefore;
    details[at + Detail.OUTCOME] = emulator.outcome;
    details[at + Detail.DECIDER] = this.deciderOf(emulator.dropCause ?? emulator.decision());
    details[at + Detail.FLAGS] = (isUncertain ? DetailFlag.UNCERTAIN : 0) | (isDrawn ? DetailFlag.DRAWN : 0);
    details.set(this.#output, at + Detail.OUT_DEV);
    this.#noteConnection(at, emulator.lastConnection);
    return number;
  }

  #newDetails(): number {
    const number = this.#detailCount++;
    if (this.#detailCount * Detail.WORDS > this.details.length) this.details = grown(this.details);
    return number;
  }

  #noteConnection(at: number, entry: number): void {
    const { details } = this;
    const { words } = this.#emulator.connections;
    const from = entry * RECORD_WORDS;
    details[at + Detail.SOURCE] = entry < 0 ? 0 : words[from + ORIGINAL_TUPLE];
    details[at + Detail.DESTINATION] = entry < 0 ? 0 : words[from + ORIGINAL_TUPLE + 1];
    details[at + Detail.PORTS] = entry < 0 ? 0 : words[from + ORIGINAL_TUPLE + 2];
    details[at + Detail.PROTOCOL] = entry < 0 ? 0 : words[from + PROTOCOL] & 0xff;
  }

  /**
   * Where the details of fate INDEX, of a packet that arrived, start in `details`. If it took the fast path, they are
   * looked up now.
   */
  detailsOf(index: number): number {
    const at = index * FATE_WORDS;
    if (this.words[at + PATH] >= 0) {
      this.words[at + DETAILS] = this.#lookUpDetails(at, this.words[at + PATH]);
      this.words[at + PATH] = -1;
    }
    return this.words[at + DETAILS] * Detail.WORDS;
  }

  /** The rules are about to change: looks up what is known of the paths that the packets of this batch took. */
  beforeChange(): void {
    for (let index = 0; index < this.count; index++)
      if (this.words[index * FATE_WORDS + PATH] >= 0) this.detailsOf(index);
  }

  /** Notes the details of the packet with the fate AT, which took PATH, and returns their number. */
  #lookUpDetails(at: number, path: number): number {
    const { words } = this;
    const emulator = this.#emulator;
    const { connections } = emulator;
    const protocol = words[at + PROTOCOL_AND_INPUT] & 0xff;
    const tuple = [words[at + SOURCE], words[at + DESTINATION], words[at + PORTS]] as const;
    const found = connections.memory.wasm.lookUp(...tuple, protocol);
    const number = this.#newDetails();
    const to = number * Detail.WORDS;
    const { details } = this;
    details[to + Detail.OUTCOME] = Outcome.FORWARDED;
    details[to + Detail.DECIDER] = this.deciderOf(emulator.decision(path));
    details[to + Detail.FLAGS] = 0;
    this.#noteConnection(to, found < 0 ? -1 : found >>> 1);
    const from = path * PATH_LAYOUT.words;
    details[to + Detail.OUT_DEV] = this.#ids[this.#paths[from + PATH_LAYOUT.word.outDev]];
    details[to + Detail.NEXT_HOP] = this.#paths[from + PATH_LAYOUT.word.link];
    details[to + Detail.NEXT_HOP_REST] = this.#paths[from + PATH_LAYOUT.word.link + 1] & 0xffff;
    const isReply = (found & 1) === REPLY;
    const other = (found >>> 1) * RECORD_WORDS + (isReply ? ORIGINAL_TUPLE : REPLY_TUPLE);
    details[to + Detail.OUT_SOURCE] = found < 0 ? tuple[0] : connections.words[other + 1];
    details[to + Detail.OUT_DESTINATION] = found < 0 ? tuple[1] : connections.words[other];
    details[to + Detail.OUT_PORTS] = found < 0 ? tuple[2] : invertPorts(connections.words[other + 2], protocol);
    return number;
  }

  /** The index of DECIDER in `deciders`; -1 for undefined. */
  deciderOf(decider: Decision | DropCause | undefined): number {
    if (decider === undefined) return -1;
    let index = this.#deciderIndexes.get(decider);
    if (index === undefined) {
      index = this.deciders.push(decider) - 1;
      this.#deciderIndexes.set(decider, index);
    }
    return index;
  }

  #viewOf(bytes: Uint8Array): DataView {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    }
    return this.#view;
  }
}

function grown(words: Int32Array): Int32Array {
  const more = new Int32Array(words.length * 2);
  more.set(words);
  return more;
}

function grownDoubles(doubles: Float64Array): Float64Array {
  const more = new Float64Array(doubles.length * 2);
  more.set(doubles);
  return more;
}

/** What stands for the interface NAME: the same number for all hosts. */
export function interfaceId(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  // Above what stands for no interface.
  return hash & 0x7fffffff;
}
