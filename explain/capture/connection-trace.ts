/** The connections of captures that a sentence describes: the stories of all their packets. */

import { fits } from '../../codecs/sentence/fits.js';
import { readSentencePacket } from '../../codecs/sentence/read-packet.js';
import type { Sentence } from '../../codecs/sentence/sentence.js';
import type { IpStack } from '../../core/ip-stack.js';
import type { Frame } from '../../core/link/frame.js';
import { ReplayOptionsError } from '../../replay/errors.js';
import type { FrameNames } from '../../replay/frame-names.js';
import type { FramePlace } from '../../replay/packet-watch.js';
import { type ReplayOptions, replay, type WatchedRun } from '../../replay/replay.js';
import type { Setting } from '../../replay/setting.js';
import type { Summary } from '../../replay/summary.js';
import type { Story } from '../story/story.js';
import { type Belonging, ConnectionBook } from './connection-book.js';
import type { LadderEnd } from './entry-course.js';
import { Ladder } from './ladder.js';
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

class ConnectionWatch extends StoryWatch {
  readonly #sentence: Sentence;
  readonly #setting: Setting;
  readonly #names: FrameNames;
  readonly #ladders: Ladder[] = [];
  readonly #book = new ConnectionBook<Ladder>();
  #current: Belonging<Ladder> | undefined;
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

  override begin(emulator: IpStack): void {
    super.begin(emulator);
    this.#book.attach(emulator);
  }

  wants(_place: FramePlace, frame: Frame, _isShown: boolean, isOwn: boolean): boolean {
    const book = this.#book;
    this.#current = undefined;
    if (book.read(frame)) this.#current = book.find() ?? (book.hasTuple ? this.#begin(frame, isOwn) : undefined);
    return this.#current !== undefined;
  }

  #begin(frame: Frame, isOwn: boolean): Belonging<Ladder> | undefined {
    const { at, captured } = this.#book.location;
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
    return this.#book.begin(ladder);
  }

  told(story: Story | undefined, place: FramePlace): void {
    const current = this.#current;
    if (current === undefined || story === undefined) return;
    const { of: ladder, direction } = current;
    const isKnown = this.#book.follow(current);
    const hasEntry = isKnown || (direction === undefined && ladder.hasEntry);
    const { nowMs } = this.emulator;
    ladder.add(this.#names.nameOf(place, story.inDev ?? 'local'), story, { nowMs, hasEntry, direction });
  }

  result(summary: Summary): ConnectionTrace {
    if (this.#ladders.length === 0)
      throw new ReplayOptionsError('--connection: no packet of the captures that enters the host fits');
    const { nowMs } = this.emulator;
    const ladders = this.#ladders.map((ladder) => ({ ladder, end: ladder.endAt(nowMs, this.#book.isThere(ladder)) }));
    return { ladders, hasMore: this.#hasMore, setting: this.#setting, summary };
  }
}
