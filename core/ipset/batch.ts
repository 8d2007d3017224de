/**
 * The elements that `ipset restore` has read but not yet sent. It collects adjacent lines that add to one set, or
 * delete from it, until a message to the kernel is full. So a mistake in a later line keeps the lines before it from
 * being carried out, unless a message with them was sent before.
 */
import { byteLength } from '../../codecs/text.js';
import { Element } from '../sets/element.js';
import type { IpSet } from '../sets/ip-set.js';
import type { CommandData } from './command-data.js';
import { Opt } from './options.js';

/** The size of the buffer for a message (a page), and what has to stay free for an answer, in bytes. */
const BUFFER_BYTES = 4096;
const RESERVED_BYTES = 20;
/** Netlink's and nfnetlink's headers, and the version of the protocol. */
const HEADER_BYTES = 28;
const NUMBER_BYTES = 8;
const LONG_BYTES = 12;
const NEST_BYTES = 4;

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

  /** How a line starts that adds a plain address to the same set and may be read without looking further; or empty. */
  plainPrefix = '';

  /** Starts a message. */
  start(command: BatchCommand, setName: string, isExist: boolean): void {
    this.command = command;
    this.setName = setName;
    this.plainPrefix = '';
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

  /** Notes whether lines for SET, of which DATA was one, may be read as plain ones. */
  notePlain(data: CommandData, { type, options }: IpSet): void {
    const isPlain = this.command === 'add' && type.dimensions.length === 1 && type.families.includes('ipv4');
    const isWord = /^[^\s"-][^\s"]*$/.test(data.setName);
    this.plainPrefix = isPlain && isWord && options.family === 'ipv4' ? `add ${data.setName} ` : '';
  }

  /** Makes the element that was filled in last the first. */
  moveToFront(from: number): void {
    const first = this.element(0);
    this.#elements[0] = this.element(from);
    this.#elements[from] = first;
  }
}

/** An attribute with TEXT, in bytes. */
function stringBytes(text: string): number {
  return 4 + ((byteLength(text) + 1 + 3) & ~3);
}

/** An element with nothing but one IPv4 address, in bytes. */
export const PLAIN_ELEMENT_BYTES = NEST_BYTES + 12 + NUMBER_BYTES;

/** What the element of DATA takes in a message, in bytes. */
export function elementBytes(data: CommandData): number {
  const { element, family } = data;
  const address = family === 'ipv6' ? 24 : 12;
  let bytes = NEST_BYTES + NUMBER_BYTES;
  for (const opt of [Opt.IP, Opt.IP_TO, Opt.IP2, Opt.IP2_TO]) if (data.has(opt)) bytes += address;
  for (const opt of NUMBERS) if (data.has(opt)) bytes += NUMBER_BYTES;
  for (const opt of LONGS) if (data.has(opt)) bytes += LONG_BYTES;
  if (data.has(Opt.NAME)) bytes += stringBytes(element.set);
  if (data.has(Opt.NAMEREF)) bytes += stringBytes(element.neighbour);
  if (data.has(Opt.IFACE)) bytes += stringBytes(element.iface);
  if (data.has(Opt.ADT_COMMENT)) bytes += stringBytes(element.comment ?? '');
  return bytes;
}

const NUMBERS: readonly Opt[] = [
  ...[Opt.CIDR, Opt.CIDR2, Opt.MARK, Opt.PORT, Opt.PORT_TO, Opt.PROTO, Opt.TIMEOUT, Opt.CADT_FLAGS],
  ...[Opt.SKBPRIO, Opt.SKBQUEUE],
];
/** An Ethernet address takes as much as a number of 64 bits. */
const LONGS: readonly Opt[] = [Opt.PACKETS, Opt.BYTES, Opt.SKBMARK, Opt.ETHER];
