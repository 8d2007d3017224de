/**
 * Claims about connections of captures: those of which the first packet that was captured fits. All their packets are
 * heard, since the verdict is that of the first one that does not get through.
 */
import type { PacketClaim } from '../../codecs/expectation/expectation.js';
import { ICMP_ERROR_TYPES, TCP_ACK, TCP_SYN } from '../../codecs/layouts.js';
import { fits } from '../../codecs/sentence/fits.js';
import type { IpStack } from '../../core/ip-stack.js';
import type { Frame } from '../../core/link/frame.js';
import { type Belonging, ConnectionBook, opposite } from '../capture/connection-book.js';
import { EntryCourse } from '../capture/entry-course.js';
import { betweenWords, endWords } from '../capture/entry-words.js';
import { type Direction, timedOutOf } from '../capture/rung.js';
import type { Story } from '../story/story.js';
import { ConnectionCourse } from './connection-course.js';
import { type FrameFilter, OWN } from './frame-filter.js';
import type { MetPacket } from './packet-claims.js';
import type { Tally } from './tally.js';

/** A connection. Without any courses, it is only told apart from others. */
interface Connection {
  readonly name: string;
  readonly entry: EntryCourse;
  readonly courses: readonly ConnectionCourse[];
  /** Its first packet was captured in the direction that is conntrack's reply: it was opened before. */
  readonly isTurned: boolean;
  hasHadEntry: boolean;
  /** That its entry timed out, the first time. */
  timedOut: string | undefined;
}

/** A claim, the frames that may open a connection that fits it, and what has come of it so far. */
export interface ConnectionClaim {
  readonly claim: PacketClaim;
  readonly filter: FrameFilter;
  readonly tally: Tally;
}

/** How many stories are kept for connections of which it is still open whether they are as they should be. */
const MOST_STORIES = 1000;
/** How many connections that timed out are named. */
const MOST_NAMED = 3;

export class ConnectionClaims {
  readonly #claims: readonly ConnectionClaim[];
  readonly #book = new ConnectionBook<Connection>();
  readonly #connections: Connection[] = [];
  readonly #budget = { left: MOST_STORIES };
  #emulator!: IpStack;
  #current: Belonging<Connection> | undefined;
  /** Conntrack had an entry for the current packet before it came. */
  #hadEntry = false;
  /** Entries that were there before the first packet, and of which none has come yet. */
  readonly #unseen = new Set<number>();

  constructor(claims: readonly ConnectionClaim[]) {
    this.#claims = claims;
  }

  begin(emulator: IpStack): void {
    this.#emulator = emulator;
    this.#book.attach(emulator);
    if (this.#claims.length > 0)
      emulator.connections.forEach(emulator.nowMs, (entry) => {
        this.#unseen.add(entry);
      });
  }

  /** Whether the packet in FRAME belongs to a connection that is followed, or may open one that fits a claim. */
  wants(frame: Frame, isOwn: boolean): boolean {
    const book = this.#book;
    this.#current = undefined;
    if (this.#claims.length === 0 || !book.read(frame)) return false;
    this.#current = book.find();
    const { entry } = book;
    this.#hadEntry = entry >= 0 && !this.#unseen.delete(entry >>> 1);
    const { at, captured } = book.location;
    const dev = isOwn ? OWN : frame.dev;
    return (
      this.#current !== undefined || this.#claims.some(({ filter }) => filter.takes(frame.view, at, captured, dev))
    );
  }

  /** MET is the packet of the frame that was asked for last. NAME: of the frame. It is whole, or never will be. */
  take(met: MetPacket, name: string): void {
    const current = this.#current;
    if (current !== undefined && !opensAnother(current, met.story)) {
      const { of, direction } = current;
      this.#add(current, met, of.isTurned && direction !== undefined ? opposite(direction) : direction);
      return;
    }
    if (!this.#isOpening(met)) return;
    const courses = this.#claims.flatMap(({ claim }) =>
      claim.sentence !== undefined && fits(claim.sentence, met.entered)
        ? [new ConnectionCourse(claim, met, this.#budget)]
        : [],
    );
    if (courses.length === 0 && current === undefined) return;
    const isTurned = met.story.tracked?.direction === 'reply';
    const connection = { name, entry: new EntryCourse(), courses, isTurned, hasHadEntry: false, timedOut: undefined };
    if (courses.length > 0) this.#connections.push(connection);
    this.#add(this.#book.begin(connection), met, 'original');
  }

  /** Whether MET, of no connection that is followed, is the first packet of one. */
  #isOpening({ story, entered }: MetPacket): boolean {
    if (entered.icmp !== undefined && ICMP_ERROR_TYPES.includes(entered.icmp.type)) return false;
    return !this.#hadEntry || story.tracked?.isReopened === true || timedOutOf(story) !== undefined;
  }

  /** DIRECTION: original is that of its first packet. */
  #add(belonging: Belonging<Connection>, met: MetPacket, direction: Direction | undefined): void {
    const connection = belonging.of;
    const { entry, courses } = connection;
    const isKnown = this.#book.follow(belonging);
    const between = entry.next(met.story, this.#emulator.nowMs, isKnown || (direction === undefined && entry.isThere));
    if (between?.kind === 'timed-out') connection.timedOut ??= betweenWords(between);
    connection.hasHadEntry ||= isKnown;
    for (const course of courses) course.add(met, direction);
  }

  /** The captures have ended. */
  finish(): void {
    const { nowMs } = this.#emulator;
    for (const connection of this.#connections) {
      const { entry, courses, timedOut, name } = connection;
      const end = entry.endAt(nowMs, this.#book.isThere(connection));
      const words = timedOut ?? endWords(end);
      const expiry = { isExpired: timedOut !== undefined || end.kind === 'timed-out', words };
      for (const course of courses) {
        const tally = this.#claims.find(({ claim }) => claim === course.claim)!.tally;
        const { problems, offender } = course.judge(expiry);
        tally.add(problems, () => offender);
        if (course.claim.ends?.value === 'expired' && expiry.isExpired && tally.notes.length < MOST_NAMED)
          tally.notes.push(`${name}: ${words}`);
      }
    }
  }
}

/** Whether the packet of STORY opens a new connection with the ends of CURRENT, which has ended. */
function opensAnother({ of: { hasHadEntry } }: Belonging<Connection>, { packet, tracked }: Story): boolean {
  const flags = packet?.tcp?.flags ?? 0;
  if ((flags & (TCP_SYN | TCP_ACK)) !== TCP_SYN || tracked?.ctstate !== 'NEW') return false;
  return tracked.isReopened === true || (hasHadEntry && tracked.stateBefore === undefined);
}
