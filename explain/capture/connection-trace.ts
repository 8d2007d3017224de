/** The connections of captures that a sentence describes: the stories of all their packets. */

import { ICMP_LENGTH } from '../../codecs/layouts.js';
import { fits } from '../../codecs/sentence/fits.js';
import { readSentencePacket } from '../../codecs/sentence/read-packet.js';
import type { Sentence } from '../../codecs/sentence/sentence.js';
import { ORIGINAL_TUPLE, RECORD_WORDS, REPLY_TUPLE, TUPLE_PORTS } from '../../core/conntrack/record.js';
import { Tuple } from '../../core/conntrack/tuple.js';
import type { Frame } from '../../core/link/frame.js';
import { IpLocation, locateIp } from '../../core/link/locate-ip.js';
import { protocolOf } from '../../core/protocols/registry.js';
import { ReplayOptionsError } from '../../replay/errors.js';
import type { FrameNames } from '../../replay/frame-names.js';
import type { FramePlace } from '../../replay/packet-watch.js';
import { type ReplayOptions, replay, type WatchedRun } from '../../replay/replay.js';
import type { Setting } from '../../replay/setting.js';
import type { Summary } from '../../replay/summary.js';
import type { Story } from '../story/story.js';
import { fragmentOf } from './fragment-key.js';
import { Ladder, type LadderEnd } from './ladder.js';
import type { Direction } from './rung.js';
import { StoryWatch } from './story-watch.js';

/** How many connections are followed, and how many packets of each are kept. */
const MOST_LADDERS = 20;
const MOST_RUNGS = 2000;

export interface ConnectionTrace {
  readonly ladders: readonly { readonly ladder: Ladder; readonly end: LadderEnd }[];
  /** Whether more connections fit than were followed. */
  readonly hasMore: boolean;
  readonly setting: Setting;
  readonly summary: Summary;
}

/**
 * The connections of which a packet fits the sentence that PARSE makes of the names of the host, in a replay with OPTIONS.
 * @throws {ReplayOptionsError} if there is none, or the sentence asks for what is not known of a packet that arrives
 * @throws as `replay`
 */
export function traceConnections(options: ReplayOptions, parse: (setting: Setting) => Sentence): ConnectionTrace {
  let watch: ConnectionWatch | undefined;
  const summary = replay({
    ...options,
    watch: (run) => {
      watch = new ConnectionWatch(run, parse(run.setting));
      return watch;
    },
  });
  if (watch === undefined) throw new Error('nothing was replayed');
  return watch.result(summary);
}

type TupleWords = readonly [source: number, destination: number, ports: number, protocol: number];

interface Followed {
  readonly ladder: Ladder;
  /** Undefined: an error about one of its packets. */
  readonly direction: Direction | undefined;
}

class ConnectionWatch extends StoryWatch {
  readonly #sentence: Sentence;
  readonly #setting: Setting;
  readonly #names: FrameNames;
  readonly #ladders: Ladder[] = [];
  /** By the tuples of packets, in either direction, translated or not. */
  readonly #byTuple = new Map<string, Followed>();
  /** Of fragments, which have no ports: by the fields that all fragments of a packet share. */
  readonly #byFragment = new Map<string, Followed>();
  readonly #location = new IpLocation();
  readonly #tuple = new Tuple();
  #current: Followed | undefined;
  /** The tuple of the current packet. */
  #words: TupleWords | undefined;
  /** Of the last packet of each that had an entry; of its first one until then. */
  readonly #lastTuples = new Map<Ladder, TupleWords>();
  #hasMore = false;

  constructor({ setting, names }: WatchedRun, sentence: Sentence) {
    super();
    this.#setting = setting;
    this.#names = names;
    this.#sentence = sentence;
    if (sentence.state !== undefined || sentence.output !== undefined)
      throw new ReplayOptionsError(
        '--connection: the state of a packet, and where it leaves, are known only when it has been replayed: leave them out',
      );
  }

  wants(_place: FramePlace, frame: Frame, _isShown: boolean, isOwn: boolean): boolean {
    this.#current = this.#find(frame, isOwn);
    return this.#current !== undefined;
  }

  #find(frame: Frame, isOwn: boolean): Followed | undefined {
    const location = this.#location;
    this.#words = undefined;
    if (!locateIp(frame, location)) return undefined;
    const { at, captured } = location;
    const fragment = fragmentOf(frame, at);
    const tuple = this.#tuple;
    if (!tuple.read(frame.view, at, captured)) return this.#byFragment.get(fragment);
    const { source, destination, ports, protocol } = tuple;
    this.#words = [source, destination, ports, protocol];
    const found = this.#byTuple.get(keyOf(tuple)) ?? this.#quotedIn(frame, at, captured) ?? this.#begin(frame, isOwn);
    if (found !== undefined && fragment !== '') this.#byFragment.set(fragment, found);
    return found;
  }

  /** The ladder of the connection of which an ICMP error tells. */
  #quotedIn({ view }: Frame, at: number, captured: number): Followed | undefined {
    const tuple = this.#tuple;
    if (protocolOf(tuple.protocol).name !== 'icmp') return undefined;
    const quotedAt = ((view.getUint8(at) & 15) << 2) + ICMP_LENGTH;
    if (!tuple.read(view, at + quotedAt, captured - quotedAt)) return undefined;
    const quoted = this.#byTuple.get(keyOf(tuple));
    return quoted && { ladder: quoted.ladder, direction: undefined };
  }

  #begin(frame: Frame, isOwn: boolean): Followed | undefined {
    const { at, captured } = this.#location;
    const packet = readSentencePacket(frame.bytes.subarray(at, at + captured));
    if (packet === undefined) return undefined;
    const place = isOwn ? { isLocal: true } : { inDev: this.#setting.host.interfaceNames[frame.dev] };
    if (!fits(this.#sentence, { ...packet, ...place })) return undefined;
    if (this.#ladders.length === MOST_LADDERS) {
      this.#hasMore = true;
      return undefined;
    }
    const ladder = new Ladder(MOST_RUNGS);
    this.#ladders.push(ladder);
    return { ladder, direction: 'original' };
  }

  told(story: Story | undefined, place: FramePlace): void {
    const current = this.#current;
    if (current === undefined || story === undefined) return;
    const { ladder, direction } = current;
    const hasEntry = this.#follow(current);
    const { nowMs } = this.emulator;
    ladder.add(this.#names.nameOf(place, story.inDev ?? 'local'), story, { nowMs, hasEntry, direction });
  }

  /**
   * Notes what the packets of the connection look like of which the current one is. Returns whether conntrack has an
   * entry for it.
   */
  #follow({ ladder, direction }: Followed): boolean {
    const { connections } = this.emulator;
    const tuple = this.#tuple;
    const own = this.#words;
    // An ICMP error is not a packet of the connection.
    if (own !== undefined && direction !== undefined) {
      const [source, destination, ports, protocol] = own;
      Object.assign(tuple, { source, destination, ports, protocol });
      this.#byTuple.set(keyOf(tuple), { ladder, direction });
      if (tuple.invert()) this.#byTuple.set(keyOf(tuple), { ladder, direction: opposite(direction) });
      if (!this.#lastTuples.has(ladder) || this.#entryOf(own) >= 0) this.#lastTuples.set(ladder, own);
    }
    // Later fragments have no ports, and the tuple of an error is another one.
    const last = this.#lastTuples.get(ladder);
    const reference = last === undefined ? -1 : this.#entryOf(last);
    if (last === undefined || reference < 0) return direction === undefined && ladder.hasEntry;
    const { words } = connections;
    for (const [part, of] of [[ORIGINAL_TUPLE, 'original'] as const, [REPLY_TUPLE, 'reply'] as const]) {
      const base = (reference >>> 1) * RECORD_WORDS + part;
      const [source, destination] = [words[base], words[base + 1]];
      Object.assign(tuple, { source, destination, ports: words[base + TUPLE_PORTS], protocol: last[3] });
      this.#byTuple.set(keyOf(tuple), { ladder, direction: of });
    }
    return true;
  }

  /** The reference to the entry that packets with these words belong to now, or a negative number. */
  #entryOf([source, destination, ports, protocol]: TupleWords): number {
    const { connections, nowMs } = this.emulator;
    return connections.peek(source, destination, ports, protocol, nowMs);
  }

  #isThere(ladder: Ladder): boolean {
    const last = this.#lastTuples.get(ladder);
    return last !== undefined && this.#entryOf(last) >= 0;
  }

  result(summary: Summary): ConnectionTrace {
    if (this.#ladders.length === 0)
      throw new ReplayOptionsError('--connection: no packet of the captures that enters the host fits');
    const { nowMs } = this.emulator;
    const ladders = this.#ladders.map((ladder) => ({ ladder, end: ladder.endAt(nowMs, this.#isThere(ladder)) }));
    return { ladders, hasMore: this.#hasMore, setting: this.#setting, summary };
  }
}

function keyOf({ source, destination, ports, protocol }: Tuple): string {
  return `${protocol} ${source} ${destination} ${ports}`;
}

function opposite(direction: Direction): Direction {
  return direction === 'original' ? 'reply' : 'original';
}
