/**
 * Which of the connections that are followed a packet belongs to, in either direction, translated or not. For each
 * frame, call `read`, then `find` or `begin`; when the host has dealt with it, `follow`.
 */
import { ICMP_LENGTH } from '../../codecs/layouts.js';
import { ORIGINAL_TUPLE, RECORD_WORDS, REPLY_TUPLE, TUPLE_PORTS } from '../../core/conntrack/record.js';
import { Tuple } from '../../core/conntrack/tuple.js';
import type { IpStack } from '../../core/ip-stack.js';
import type { Frame } from '../../core/link/frame.js';
import { IpLocation, locateIp } from '../../core/link/locate-ip.js';
import { protocolOf } from '../../core/protocols/registry.js';
import { fragmentOf } from './fragment-key.js';
import type { Direction } from './rung.js';

type TupleWords = readonly [source: number, destination: number, ports: number, protocol: number];

/** What a packet has to do with a connection. */
export interface Belonging<T> {
  readonly of: T;
  /** Undefined: it is an ICMP error about one of its packets. */
  readonly direction: Direction | undefined;
}

/** T tells connections apart. */
export class ConnectionBook<T> {
  /** Where the packet of the frame read last is. */
  readonly location = new IpLocation();
  /** What it has in common with other fragments; '': it is none. */
  fragment = '';
  #emulator!: IpStack;
  #frame!: Frame;
  /** By the tuples of packets. */
  readonly #byTuple = new Map<string, Belonging<T>>();
  /** Of fragments, which have no ports. */
  readonly #byFragment = new Map<string, Belonging<T>>();
  readonly #tuple = new Tuple();
  /** The tuple of the packet. */
  #words: TupleWords | undefined;
  /** Those of first fragments. */
  readonly #wordsOfFragments = new Map<string, TupleWords>();
  /** Of the last packet of each that had an entry; of its first one until then. */
  readonly #lastTuples = new Map<T, TupleWords>();

  attach(emulator: IpStack): void {
    this.#emulator = emulator;
  }

  /** Reads the packet in FRAME. Returns false if it has none. */
  read(frame: Frame): boolean {
    const { location } = this;
    const tuple = this.#tuple;
    this.#frame = frame;
    this.#words = undefined;
    this.fragment = '';
    if (!locateIp(frame, location)) return false;
    const { at, captured } = location;
    this.fragment = fragmentOf(frame, at);
    if (tuple.read(frame.view, at, captured)) {
      const { source, destination, ports, protocol } = tuple;
      this.#words = [source, destination, ports, protocol];
      if (this.fragment !== '') this.#wordsOfFragments.set(this.fragment, this.#words);
    } else this.#words = this.#wordsOfFragments.get(this.fragment);
    return true;
  }

  /** Whether it has a tuple, or a fragment of it has come that has one. */
  get hasTuple(): boolean {
    return this.#words !== undefined;
  }

  /** The reference to the entry that conntrack has for it; negative: none. */
  get entry(): number {
    return this.#words === undefined ? -1 : this.#entryOf(this.#words);
  }

  /** What the packet belongs to; undefined: nothing that is followed. */
  find(): Belonging<T> | undefined {
    const found = this.#found();
    if (found !== undefined && this.fragment !== '') this.#byFragment.set(this.fragment, found);
    return found;
  }

  #found(): Belonging<T> | undefined {
    const words = this.#words;
    if (words === undefined) return this.#byFragment.get(this.fragment);
    return this.#byTuple.get(words.join(' ')) ?? this.#quoted(words);
  }

  /** The connection that an ICMP error is about. */
  #quoted([, , , protocol]: TupleWords): Belonging<T> | undefined {
    const { view } = this.#frame;
    const { at, captured } = this.location;
    const tuple = this.#tuple;
    if (protocolOf(protocol).name !== 'icmp') return undefined;
    const quotedAt = ((view.getUint8(at) & 15) << 2) + ICMP_LENGTH;
    if (!tuple.read(view, at + quotedAt, captured - quotedAt)) return undefined;
    const quoted = this.#byTuple.get(keyOf(tuple));
    return quoted && { of: quoted.of, direction: undefined };
  }

  /** From now on, the connection that the packet opens is followed, as ONE. */
  begin(one: T): Belonging<T> {
    const found = { of: one, direction: 'original' as const };
    if (this.fragment !== '') this.#byFragment.set(this.fragment, found);
    return found;
  }

  /**
   * The host has dealt with the packet, which is one OF a connection: notes what the packets of that look like. Returns
   * whether conntrack has an entry for it.
   */
  follow({ of, direction }: Belonging<T>): boolean {
    const tuple = this.#tuple;
    const own = this.#words;
    // An ICMP error is not a packet of the connection.
    if (own !== undefined && direction !== undefined) {
      const [source, destination, ports, protocol] = own;
      Object.assign(tuple, { source, destination, ports, protocol });
      this.#byTuple.set(keyOf(tuple), { of, direction });
      if (tuple.invert()) this.#byTuple.set(keyOf(tuple), { of, direction: opposite(direction) });
      if (!this.#lastTuples.has(of) || this.#entryOf(own) >= 0) this.#lastTuples.set(of, own);
    }
    // Later fragments have no ports, and the tuple of an error is another one.
    const last = this.#lastTuples.get(of);
    const reference = last === undefined ? -1 : this.#entryOf(last);
    if (last === undefined || reference < 0) return false;
    const { words } = this.#emulator.connections;
    for (const [part, direction] of [[ORIGINAL_TUPLE, 'original'] as const, [REPLY_TUPLE, 'reply'] as const]) {
      const base = (reference >>> 1) * RECORD_WORDS + part;
      const [source, destination] = [words[base], words[base + 1]];
      Object.assign(tuple, { source, destination, ports: words[base + TUPLE_PORTS], protocol: last[3] });
      this.#byTuple.set(keyOf(tuple), { of, direction });
    }
    return true;
  }

  /** Whether conntrack has an entry for ONE now. */
  isThere(one: T): boolean {
    const last = this.#lastTuples.get(one);
    return last !== undefined && this.#entryOf(last) >= 0;
  }

  #entryOf([source, destination, ports, protocol]: TupleWords): number {
    const { connections, nowMs } = this.#emulator;
    return connections.peek(source, destination, ports, protocol, nowMs);
  }
}

function keyOf({ source, destination, ports, protocol }: Tuple): string {
  return `${source} ${destination} ${ports} ${protocol}`;
}

export function opposite(direction: Direction): Direction {
  return direction === 'original' ? 'reply' : 'original';
}
