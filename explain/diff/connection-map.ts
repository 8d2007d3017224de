/**
 * hot: the connections of which packets differ. One connection has several tuples: the one that opened it, on either
 * host, and those of its packets as they arrive, where a host takes them for another connection.
 */
import { ICMP_ERROR_TYPES, IPPROTO_ICMP } from '../../codecs/layouts.js';
import { invertPorts } from '../../core/conntrack/tuple.js';
import { FATE } from '../../core/fate-records.js';
import { Detail, FATE_WORDS, type FateRecorder } from '../../replay/fates/fate-recorder.js';
import { TupleMap } from '../../replay/tuple-map.js';

const { source: SOURCE, destination: DESTINATION, ports: PORTS, protocolAndInput: PROTOCOL_AND_INPUT } = FATE.word;

/** Words of a key of TupleMap must not be 0. */
const KIND_BIT = 1 << 8;

/** A tuple, as loaded. */
export class LoadedTuple {
  source = 0;
  destination = 0;
  ports = 0;
  protocol = 0;

  set(source: number, destination: number, ports: number, protocol: number): void {
    this.source = source;
    this.destination = destination;
    this.ports = ports;
    this.protocol = protocol;
  }
}

/** The packet of a fate in one run. */
export interface FateAt {
  readonly recorder: FateRecorder;
  /** Its number in the batch; -1: this run has none. */
  index: number;
  /** Where its details start; -1: it did not arrive. */
  at: number;
}

/** What all packets of a connection have in common. */
export interface ConnectionNote {
  /** The number of its group; NO_GROUP: it is no difference. */
  readonly group: number;
  /** The number of its service. */
  readonly service: number;
}

export const NO_GROUP = -1;
/** A word of a connection that was not remembered is 0. */
const GROUP_0 = 2;

export class ConnectionMap {
  /** The tuple that opened the connection of the packet that was looked up last, or the packet's own. */
  readonly opener = new LoadedTuple();
  /** Whether that packet came from the other end. */
  isReply = false;
  /** What was remembered of its connection. */
  group = NO_GROUP;
  service = 0;
  readonly #map = new TupleMap(2);
  readonly #tuples = Array.from({ length: 4 }, () => new LoadedTuple());
  /** How many of them are in use, and how many stand for the connection. */
  #count = 0;
  #own = 0;

  /** Looks up the connection of a packet, which two runs know as OLD and OTHER. Returns whether it is known. */
  find(old: FateAt, other: FateAt): boolean {
    const isError = this.#collect(old, other);
    const map = this.#map;
    let found = -1;
    for (let i = 0; i < this.#count && found < 0; i++) found = this.#lookUp(this.#tuples[i]);
    if (found < 0) return false;
    this.group = map.words[found] - GROUP_0;
    this.service = map.words[found + 1];
    // The connection may have another name now; an error may be about any.
    if (!isError) this.#insertAll(this.group, this.service);
    return true;
  }

  /** Remembers the connection that was not found. */
  remember({ group, service }: ConnectionNote): void {
    this.#insertAll(group, service);
  }

  #insertAll(group: number, service: number): void {
    const map = this.#map;
    for (let i = 0; i < this.#own; i++) {
      const { source, destination, ports, protocol } = this.#tuples[i];
      const at = map.insert(source, destination, ports, protocol | KIND_BIT);
      if (map.words[at] !== 0) continue;
      map.words[at] = group + GROUP_0;
      map.words[at + 1] = service;
    }
  }

  #lookUp({ source, destination, ports, protocol }: LoadedTuple): number {
    const found = this.#map.find(source, destination, ports, protocol | KIND_BIT);
    if (found >= 0) return found;
    return this.#map.find(destination, source, invertPorts(ports, protocol), protocol | KIND_BIT);
  }

  /** Collects the tuples of a packet, and returns whether it is an ICMP error. */
  #collect(old: FateAt, other: FateAt): boolean {
    this.#count = 0;
    const arrived = old.index >= 0 ? old : other;
    const { words } = arrived.recorder;
    const at = arrived.index * FATE_WORDS;
    const isIcmp = (words[at + PROTOCOL_AND_INPUT] & 0xff) === IPPROTO_ICMP;
    // An error is about a connection, but may meet a fate of its own.
    const isError = isIcmp && ICMP_ERROR_TYPES.includes((words[at + PORTS] >>> 16) & 0xff);
    if (!isError) this.#addOpeners(old, other);
    this.#addArrived(arrived);
    if (old.index >= 0 && other.index >= 0) this.#addArrived(other);
    this.#own = this.#count;
    if (isError) this.#addOpeners(old, other);
    const [first] = this.#tuples;
    this.opener.set(first.source, first.destination, first.ports, first.protocol);
    this.isReply = words[at + SOURCE] !== first.source || words[at + DESTINATION] !== first.destination;
    return isError;
  }

  #addOpeners(old: FateAt, other: FateAt): void {
    this.#addOpener(old);
    this.#addOpener(other);
  }

  /** Adds the tuple that opened the connection, if the packet belongs to one. */
  #addOpener({ recorder: { details }, at }: FateAt): void {
    if (at < 0 || details[at + Detail.PROTOCOL] === 0) return;
    this.#tuples[this.#count++].set(
      details[at + Detail.SOURCE],
      details[at + Detail.DESTINATION],
      details[at + Detail.PORTS],
      details[at + Detail.PROTOCOL],
    );
  }

  /** Adds the tuple with which the packet arrived, or would have. */
  #addArrived({ recorder: { words }, index }: FateAt): void {
    const at = index * FATE_WORDS;
    const protocol = words[at + PROTOCOL_AND_INPUT] & 0xff;
    const tuple = this.#tuples[this.#count++];
    tuple.set(words[at + SOURCE], words[at + DESTINATION], words[at + PORTS], protocol);
  }
}
