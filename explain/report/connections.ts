/** The connections of a replay: which packets belong together, and what became of them. */
import type { IpStack } from '../../core/ip-stack.js';
import type { Frame } from '../../core/link/frame.js';
import { type Belonging, ConnectionBook } from '../capture/connection-book.js';
import { CONNECTION_COLUMNS, ENTRY_ENDS, VERDICTS } from './format/model.js';
import { columnSection } from './sections.js';
import type { SeenPacket } from './seen-packet.js';

/** What a packet has to do with a connection, as columns have it. */
export interface Membership {
  readonly connection: number;
  readonly direction: number;
}

const NONE: Membership = { connection: -1, direction: -1 };

interface Followed {
  readonly number: number;
  readonly tuple: number;
  reply: number;
  readonly inDev: number;
  readonly outDev: number;
  entry: number;
  readonly traversal: number;
  lastTraversal: number;
  state: string | undefined;
  verdict: number;
  readonly firstNs: number;
  lastNs: number;
  readonly packets: [original: number, reply: number];
  readonly bytes: [original: number, reply: number];
  refused: number;
  invalid: number;
}

const OPEN = ENTRY_ENDS.indexOf('open');
const REFUSED: readonly number[] = [VERDICTS.indexOf('dropped'), VERDICTS.indexOf('rejected')];

export class ReportConnections {
  /** Names of states, by the numbers that columns have for them. */
  readonly states: string[] = [];
  readonly #book = new ConnectionBook<Followed>();
  readonly #all: Followed[] = [];
  #hasPacket = false;

  get count(): number {
    return this.#all.length;
  }

  begin(emulator: IpStack): void {
    this.#book.attach(emulator);
  }

  /** FRAME is about to enter the host. */
  enter(frame: Frame): void {
    this.#hasPacket = this.#book.read(frame);
  }

  /** The host has dealt with PACKET, which entered last. */
  settle(packet: SeenPacket): Membership {
    if (!this.#hasPacket || packet.tuple < 0) return NONE;
    const found = this.#book.find() ?? this.#begin(packet);
    if (this.#book.follow(found)) found.of.entry = OPEN;
    const { of, direction } = found;
    const way = direction === 'reply' ? 1 : 0;
    if (direction !== undefined) {
      of.packets[way]++;
      of.bytes[way] += packet.length;
      if (way === 1 && of.reply < 0) of.reply = packet.tuple;
      of.lastTraversal = packet.traversal;
      of.verdict = packet.verdict;
      of.state = packet.tracked?.stateAfter ?? of.state;
    }
    of.lastNs = packet.timeNs;
    if (REFUSED.includes(packet.verdict)) of.refused++;
    if (packet.tracked?.ctstate === 'INVALID') of.invalid++;
    return { connection: of.number, direction: direction === undefined ? -1 : way };
  }

  #begin({ tuple, inDev, outDev, traversal, verdict, timeNs }: SeenPacket): Belonging<Followed> {
    const one: Followed = {
      ...{ number: this.#all.length, tuple, reply: -1, traversal, lastTraversal: traversal, state: undefined, verdict },
      ...{
        inDev,
        outDev,
        entry: 0,
        firstNs: timeNs,
        lastNs: timeNs,
        packets: [0, 0],
        bytes: [0, 0],
        refused: 0,
        invalid: 0,
      },
    };
    this.#all.push(one);
    return this.#book.begin(one);
  }

  section(): Uint8Array {
    return columnSection(CONNECTION_COLUMNS, this.#rows());
  }

  *#rows(): Generator<number[]> {
    for (const one of this.#all) {
      const { tuple, reply, traversal, lastTraversal, verdict, firstNs, lastNs, packets, bytes, refused, invalid } =
        one;
      const state = one.state === undefined ? -1 : this.#numberOf(one.state);
      const { inDev, outDev, entry } = one;
      yield [
        ...[tuple, reply, inDev, outDev, traversal, lastTraversal, entry, state, -1, -1, verdict, firstNs, lastNs],
        ...[packets[0], bytes[0], packets[1], bytes[1], 0, 0, refused, invalid, 0, 0, 0, 0],
      ];
    }
  }

  #numberOf(state: string): number {
    const known = this.states.indexOf(state);
    return known >= 0 ? known : this.states.push(state) - 1;
  }
}
