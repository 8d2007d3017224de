/**
 * Reads lists of connections: the output of `conntrack -L`, with or without `-o extended`, and /proc/net/nf_conntrack.
 *
 *     ipv4     2 tcp      6 431999 ESTABLISHED src=10.0.0.7 dst=192.0.2.10 sport=51515 dport=80 packets=3 bytes=180
 *         src=172.17.0.3 dst=10.0.0.7 sport=8080 dport=51515 packets=2 bytes=112 [ASSURED] mark=0 use=1
 */
import { parseAddress } from './address.js';
import { portToLoaded } from './byte-order.js';
import type { ListedDirection } from './conntrack-list.js';
import { ConntrackListError } from './conntrack-list-error.js';

/** A connection in a list. Its directions' `ports` are as in a ListedDirection. */
export interface ReadConnection {
  /** The line of the list, from 1, and the columns of what only the protocol can judge. */
  readonly line: number;
  readonly protocolColumn: number;
  readonly stateColumn: number;
  readonly protocol: number;
  /** As written: `tcp`, `unknown` … */
  readonly protocolName: string;
  readonly timeoutSeconds: number;
  readonly state: string | undefined;
  readonly original: ListedDirection;
  readonly reply: ListedDirection;
  readonly isSeenReply: boolean;
  readonly isAssured: boolean;
  /** An int32. */
  readonly mark: number;
  readonly helper: string | undefined;
}

export interface ConntrackList {
  readonly connections: readonly ReadConnection[];
  /** How many lines are of IPv6, and how many of other zones than 0. */
  readonly ipv6: number;
  readonly zoned: number;
}

interface Word {
  readonly text: string;
  /** From 1. */
  readonly column: number;
}

const FAMILIES: Readonly<Record<string, string>> = { ipv4: '2', ipv6: '10' };
const MAX_UINT32 = 0xffffffff;
/** What conntrack prints on stderr after the list, and what often stands in the same file. */
const FOOTER = /^conntrack v\S+ \(conntrack-tools\)/;

/**
 * Reads TEXT, the content of FILE.
 * @throws {ConntrackListError} for the first line that cannot be read
 */
export function readConntrackList(text: string, file: string): ConntrackList {
  const connections: ReadConnection[] = [];
  let ipv6 = 0;
  let zoned = 0;
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '' || FOOTER.test(line)) continue;
    const read = new LineReader(line, { file, line: index + 1 }).read();
    if (read === 'ipv6') ipv6++;
    else if (read === 'zone') zoned++;
    else connections.push(read);
  }
  return { connections, ipv6, zoned };
}

/** The members of a direction while it is read. */
type Members = Map<string, number>;

const DIRECTION_KEYS = ['src', 'dst', 'sport', 'dport', 'type', 'code', 'id', 'srckey', 'dstkey', 'packets', 'bytes'];
/** Said of a connection, and of no consequence here. */
const IGNORED_KEYS = ['use', 'secctx', 'secmark', 'labels', 'delta-time', 'l3out', 'timeout'];
const FLAGS = ['[UNREPLIED]', '[ASSURED]', '[DYING]', '[UNCONFIRMED]'];

class LineReader {
  readonly #words: Word[];
  #next = 0;
  readonly #directions: [Members, Members] = [new Map(), new Map()];
  #direction = -1;
  readonly #flags = new Set<string>();
  #mark = 0;
  #zone = 0;
  #helper: string | undefined;

  readonly #place: { file: string; line: number };

  constructor(line: string, place: { file: string; line: number }) {
    this.#place = place;
    this.#words = Array.from(line.matchAll(/\[(?:start|stop)=[^\]]*\]|\S+/g), (match) => ({
      text: match[0],
      column: match.index + 1,
    }));
  }

  read(): ReadConnection | 'ipv6' | 'zone' {
    const offloaded = this.#words.find(({ text }) => text === '[OFFLOAD]' || text === '[HW_OFFLOAD]');
    if (this.#isIpv6()) return 'ipv6';
    if (offloaded !== undefined) {
      const what = `${offloaded.text}: connections of a flowtable are not supported, as their packets bypass the rules`;
      throw this.#error(offloaded.column, what, true);
    }
    const name = this.#take('a protocol, such as tcp');
    if (!/^[a-z][a-z0-9-]*$/.test(name.text)) throw this.#notAList(name);
    const protocol = this.#number(this.#take('the number of the protocol'), 255);
    const timeout = this.#number(this.#take('the time left, in seconds'), MAX_UINT32);
    const first = this.#words[this.#next];
    const state = first !== undefined && /^[A-Z][A-Z0-9_]*$/.test(first.text) ? first : undefined;
    if (state !== undefined) this.#next++;
    for (; this.#next < this.#words.length; this.#next++) this.#readMember(this.#words[this.#next]);
    if (this.#zone !== 0) return 'zone';
    return {
      line: this.#place.line,
      protocolColumn: name.column,
      stateColumn: state?.column ?? this.#words[Math.min(3, this.#words.length - 1)].column,
      protocol,
      protocolName: name.text,
      timeoutSeconds: timeout,
      state: state?.text,
      original: this.#directionOf(0),
      reply: this.#directionOf(1),
      isSeenReply: !this.#flags.has('[UNREPLIED]'),
      isAssured: this.#flags.has('[ASSURED]'),
      mark: this.#mark,
      helper: this.#helper,
    };
  }

  /** Takes the family if there is one; returns whether it is IPv6. Without one, the first address tells. */
  #isIpv6(): boolean {
    const [family, number] = this.#words;
    if (family.text in FAMILIES && number?.text === FAMILIES[family.text]) {
      this.#next = 2;
      return family.text === 'ipv6';
    }
    return this.#words.find(({ text }) => text.startsWith('src='))?.text.includes(':') === true;
  }

  #readMember(word: Word): void {
    const { text, column } = word;
    if (text.startsWith('[')) {
      if (!FLAGS.includes(text) && !/^\[(?:start|stop)=/.test(text)) {
        throw this.#error(column, `unknown flag ${text}; expected ${FLAGS.join(', ')}`);
      }
      this.#flags.add(text);
      return;
    }
    const at = text.indexOf('=');
    const key = text.slice(0, Math.max(at, 0));
    const value = { text: text.slice(at + 1), column: column + at + 1 };
    if (key === 'src') this.#direction++;
    const direction = this.#directions[this.#direction];
    if (this.#direction > 1) throw this.#error(column, 'a third src=: a connection has two directions');
    if (key === 'mark') this.#mark = this.#number(value, MAX_UINT32) | 0;
    else if (key === 'zone' || key === 'zone-orig' || key === 'zone-reply') this.#zone = this.#number(value, 0xffff);
    else if (key === 'helper') this.#helper = value.text;
    else if (DIRECTION_KEYS.includes(key) && direction !== undefined) this.#readEnd(direction, key, value);
    else if (!IGNORED_KEYS.includes(key)) {
      const expected = this.#direction < 0 ? 'src=ADDRESS' : 'KEY=VALUE as conntrack -L prints it';
      throw this.#error(column, `"${text}" is not understood; expected ${expected}`);
    }
  }

  #readEnd(direction: Members, key: string, value: Word): void {
    // With -o id, the number of a connection is called like the ID of an ICMP query.
    if (key === 'id' && (direction.has('id') || !direction.has('code'))) return;
    if (direction.has(key)) throw this.#error(value.column, `${key} is given twice for one direction`);
    if (key === 'src' || key === 'dst') {
      const address = parseAddress(value.text);
      if (address?.family !== 'ipv4') throw this.#error(value.column, `"${value.text}" is not an IPv4 address`);
      direction.set(key, address.loaded);
    } else if (key === 'packets' || key === 'bytes') {
      direction.set(key, this.#number(value, Number.MAX_SAFE_INTEGER));
    } else {
      direction.set(key, this.#number(value, key === 'type' || key === 'code' ? 0xff : 0xffff));
    }
  }

  #directionOf(index: 0 | 1): ListedDirection {
    const members = this.#directions[index];
    const last = this.#words[this.#words.length - 1];
    const end = last.column + last.text.length;
    const required = (key: string): number => {
      const value = members.get(key);
      if (value !== undefined) return value;
      throw this.#error(end, `${key}= of the ${index === 0 ? 'original' : 'reply'} direction is missing`);
    };
    const source = required('src');
    const destination = required('dst');
    let ports = 0;
    if (members.has('sport')) ports = portToLoaded(required('sport')) | (portToLoaded(required('dport')) << 16);
    else if (members.has('type')) {
      ports = portToLoaded(required('id')) | (required('type') << 16) | (required('code') << 24);
    } else if (members.has('srckey')) {
      ports = portToLoaded(required('srckey')) | (portToLoaded(required('dstkey')) << 16);
    }
    return { source, destination, ports, packets: members.get('packets') ?? 0, bytes: members.get('bytes') ?? 0 };
  }

  #take(expected: string): Word {
    const word = this.#words[this.#next++];
    if (word !== undefined) return word;
    const last = this.#words[this.#words.length - 1];
    throw this.#error(last.column + last.text.length, `the line ends; expected ${expected}`);
  }

  #number({ text, column }: Word, max: number): number {
    const number = /^(?:\d+|0x[0-9a-fA-F]+)$/.test(text) ? Number(text) : Number.NaN;
    if (number <= max) return number;
    throw this.#error(column, `"${text}" is not a number from 0 to ${max}`);
  }

  #notAList({ text, column }: Word): ConntrackListError {
    const wanted = 'expected the output of conntrack -L -o extended';
    if (text.startsWith('<')) return this.#error(column, `this is XML; ${wanted}`);
    if (/^-[A-Z]$/.test(text)) return this.#error(column, `this is the output of conntrack -L -o save; ${wanted}`);
    if (/^\[(?:NEW|UPDATE|DESTROY)\]$/.test(text))
      return this.#error(column, `these are events of conntrack -E; ${wanted}`);
    return this.#error(column, `"${text}" is not a protocol; ${wanted}`);
  }

  #error(column: number, problem: string, isUnsupported = false): ConntrackListError {
    const { file, line } = this.#place;
    return new ConntrackListError(problem, file, line, column, isUnsupported);
  }
}
