/**
 * The elements that `ipset restore` has read but not yet sent. It collects adjacent lines that add to one set, or
 * delete from it, until a message to the kernel is full. So a mistake in a later line keeps the lines before it from
 * being carried out, unless a message with them was sent before.
 */
import { Element } from '../sets/element.js';
import type { IpSet } from '../sets/ip-set.js';
import { stringBytes } from './options.js';

/** The size of the buffer for a message (a page), and what has to stay free for an answer, in bytes. */
const BUFFER_BYTES = 4096;
const RESERVED_BYTES = 20;
/** Netlink's and nfnetlink's headers, and the version of the protocol. */
const HEADER_BYTES = 28;
const NUMBER_BYTES = 8;
const NEST_BYTES = 4;

/** A name of a set that is one word, and no option. */
const PLAIN_WORD = /^[^\s"-][^\s"]*$/;

export type BatchCommand = 'add' | 'del';

export class Batch {
  command: BatchCommand = 'add';
  setName = '';
  /** Whether `-exist` was given when its first line was read. */
  isExist = false;
  count = 0;
  /** The lines that were read, one for each element: in the file, and as ipset counts. */
  readonly lines: number[] = [];
  readonly countedLines: number[] = [];
  /** The columns of the elements. */
  readonly columns: number[] = [];
  readonly #elements: Element[] = [];
  #bytes = 0;

  /** The element at I; those from `count` on are free. */
  element(i: number): Element {
    this.#elements[i] ??= new Element();
    return this.#elements[i];
  }

  /** How a line starts that adds to the same set and says nothing else before the element; empty: not to be had. */
  prefix = '';
  /** Whether an element may be a plain IPv4 address. */
  takesPlain = false;
  set: IpSet | undefined = undefined;

  /** Starts a message. */
  start(command: BatchCommand, setName: string, set: IpSet, isExist: boolean): void {
    this.command = command;
    this.setName = setName;
    this.set = set;
    const { type, options } = set;
    this.prefix = command === 'add' && PLAIN_WORD.test(setName) ? `add ${setName} ` : '';
    this.takesPlain = type.dimensions.length === 1 && type.families.includes('ipv4') && options.family === 'ipv4';
    this.restart(isExist);
  }

  /** Starts another message with the same command for the same set. */
  restart(isExist: boolean): void {
    const { setName } = this;
    this.isExist = isExist;
    this.count = 0;
    this.#bytes = HEADER_BYTES + stringBytes(setName) + NUMBER_BYTES + NEST_BYTES;
  }

  /** Whether an element of BYTES still fits. */
  hasRoom(bytes: number): boolean {
    return this.#bytes + bytes + RESERVED_BYTES <= BUFFER_BYTES;
  }

  /** Takes the element at `count`, which was filled in, and takes BYTES. */
  push(line: number, countedLine: number, column: number, bytes: number): void {
    this.lines[this.count] = line;
    this.countedLines[this.count] = countedLine;
    this.columns[this.count] = column;
    this.count++;
    this.#bytes += bytes;
  }

  /** Makes the element that was filled in last the first. */
  moveToFront(from: number): void {
    const first = this.element(0);
    this.#elements[0] = this.element(from);
    this.#elements[from] = first;
  }
}

/** An element without what it says. */
export const ELEMENT_BYTES = NEST_BYTES + NUMBER_BYTES;
/** An element with nothing but one IPv4 address. */
export const PLAIN_ELEMENT_BYTES = ELEMENT_BYTES + 12;
