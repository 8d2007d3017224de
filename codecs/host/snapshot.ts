/** Takes a snapshot apart: what the script of `nfreplay snapshot` printed on a host (snapshot-script.ts). */
import { shown } from '../text.js';
import { HostError } from './error.js';
import { type HostOutput, memberOfFile } from './outputs.js';

const NAME = '#nfreplay';
const MARKER = `${NAME} `;
/** What a line of an output that starts like a marker starts with instead. */
const ESCAPED = `${NAME}|`;
const VERSION = '1';

/** Whether TEXT is a snapshot, perhaps behind messages of ssh or sudo. */
export function isSnapshot(text: string): boolean {
  return text.startsWith(MARKER) || text.includes(`\n${MARKER}`);
}

/** A snapshot, taken apart. */
export interface Snapshot {
  readonly outputs: readonly HostOutput[];
  /** Such as `2026-11-27T07:38:02Z on web1, Linux 6.1.0-13-amd64, by user 0`. */
  readonly taken: string;
}

/**
 * The outputs in TEXT, the content of FILE.
 * @throws {HostError} if it is cut or damaged, or contains more than one host
 */
export function readSnapshot(text: string, file: string): Snapshot {
  return new SnapshotReader(file).read(text);
}

interface OpenOutput {
  name: string;
  command: string;
  markerLine: number;
  lines: string[];
  said: string[];
  failure?: string;
  isOver: boolean;
}

class SnapshotReader {
  readonly #file: string;
  readonly #outputs: HostOutput[] = [];
  #taken = '';
  #isBegun = false;
  #isEnded = false;
  #open: OpenOutput | undefined;
  #number = 0;

  constructor(file: string) {
    this.#file = file;
  }

  read(text: string): Snapshot {
    const isCrLf = /^#nfreplay [^\n]*\r\n/m.test(text);
    for (const raw of text.replace(/^\ufeff/, '').split('\n')) {
      this.#number++;
      const line = isCrLf ? raw.replace(/\r$/, '') : raw;
      if (line.startsWith(MARKER)) this.#marker(line.slice(MARKER.length).trimEnd());
      else this.#content(line);
    }
    if (!this.#isBegun) throw this.#error('the first line of the snapshot, "#nfreplay snapshot 1", is missing', 1);
    if (!this.#isEnded) {
      const cut = 'the snapshot is cut: its last line, "#nfreplay end", is missing; take it again';
      throw this.#error(cut, Math.max(1, text.endsWith('\n') ? this.#number - 1 : this.#number));
    }
    return { outputs: this.#outputs, taken: this.#taken };
  }

  #marker(marker: string): void {
    const [, word, rest] = /^(\w*):? ?(.*)$/.exec(marker) ?? ['', marker, ''];
    if (word === 'snapshot') this.#begin(rest);
    else if (!this.#isBegun) throw this.#error('the first line of the snapshot, "#nfreplay snapshot 1", is missing');
    else if (this.#isEnded) throw this.#error(`"${shown(MARKER + marker)}" behind the end of the snapshot`);
    else if (word === 'taken') this.#taken = rest;
    else if (word === 'output') this.#start(rest);
    else if (word === 'end') this.#end();
    else this.#detail(word, rest, marker);
  }

  #begin(version: string): void {
    if (this.#isBegun) throw this.#error('a second snapshot begins here; give one host a file');
    if (version !== VERSION)
      throw this.#error(`a snapshot of version ${shown(version)}; this nfreplay reads version ${VERSION}`);
    this.#isBegun = true;
  }

  #start(rest: string): void {
    this.#refuseOpen();
    const [, name, command = ''] = /^([^:\s]+)(?:: (.*))?/.exec(rest) ?? [];
    if (name === undefined) throw this.#error('expected the name of an output behind "#nfreplay output"');
    this.#open = { name, command, markerLine: this.#number, lines: [], said: [], isOver: false };
  }

  /** What a marker says about the open output. */
  #detail(word: string, rest: string, marker: string): void {
    const open = this.#open;
    if (open === undefined || !['said', 'exit', 'none', 'missing'].includes(word) || open.isOver)
      throw this.#error(`unexpected "${shown(MARKER + marker)}"; was a line removed?`);
    if (word === 'said') open.said.push(rest);
    else open.isOver = true;
    if (word === 'missing') open.failure = rest;
    if (word === 'exit' && rest !== '0') open.failure = open.said.find((line) => line !== '') ?? `exit code ${rest}`;
    if (open.isOver) this.#close(open);
  }

  #close({ name, command, lines, markerLine, failure }: OpenOutput): void {
    const member = memberOfFile(name);
    const earlier = this.#outputs.find((output) => output.member === member);
    if (earlier !== undefined) throw this.#error(`a second output ${shown(name)}; give one host a file`, markerLine);
    if (member === undefined) return;
    this.#outputs.push({
      member,
      command,
      text: lines.join('\n'),
      file: this.#file,
      firstLine: markerLine + 1,
      ...(failure === undefined ? {} : { failure }),
    });
  }

  #end(): void {
    this.#refuseOpen();
    this.#isEnded = true;
  }

  #refuseOpen(): void {
    const open = this.#open;
    if (open !== undefined && !open.isOver)
      throw this.#error(`output ${shown(open.name)} has no end: the line "#nfreplay exit …" before this is missing`);
  }

  #content(line: string): void {
    const open = this.#open;
    if (!this.#isBegun || line.trim() === '') {
      if (open !== undefined && !open.isOver) open.lines.push(line);
      return;
    }
    if (open === undefined || open.isOver || this.#isEnded)
      throw this.#error(`a line that belongs to no output: ${JSON.stringify(shown(line.slice(0, 60)))}`);
    open.lines.push(line.startsWith(ESCAPED) ? NAME + line.slice(ESCAPED.length) : line);
  }

  #error(problem: string, line = this.#number): HostError {
    return new HostError('', problem, this.#file, line, 1);
  }
}
