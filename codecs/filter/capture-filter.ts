/** hot: a filter in tcpdump's language, as it chooses records of captures. */
import { BpfProgram } from '../bpf/bpf-program.js';
import type { CaptureRecord } from '../capture.js';
import type { Expression } from './ast.js';
import type { HostNames } from './code-writer.js';
import { compileFilter } from './compile.js';
import { FilterError } from './filter-error.js';
import { parseFilter } from './parser.js';

/** What the filter looks at of a record. */
export type FilteredRecord = Pick<CaptureRecord, 'bytes' | 'at' | 'caplen' | 'wirelen' | 'linktype'>;

export class CaptureFilter {
  readonly text: string;
  readonly #name: string | undefined;
  readonly #expression: Expression;
  #names: HostNames = new Map();
  readonly #programs = new Map<number, BpfProgram>();
  /** The program for the link type of the last record. */
  #current: BpfProgram | undefined;
  #linktype = -1;

  /**
   * @param text in the language of pcap-filter(7); empty: every packet
   * @param name what errors call it, such as `--filter`
   * @throws {FilterError} if it is not correct
   */
  constructor(text: string, name?: string) {
    this.text = text;
    this.#name = name;
    this.#expression = this.#named(() => parseFilter(text));
  }

  /** Before the first record: what hosts may be called in the filter, by address. */
  useNames(names: HostNames): void {
    this.#names = names;
  }

  #named<T>(make: () => T): T {
    try {
      return make();
    } catch (error) {
      throw error instanceof FilterError && this.#name !== undefined ? error.of(this.#name) : error;
    }
  }

  /**
   * Compiles the filter for LINKTYPE now, and not only at the first record of this kind.
   * @throws {FilterError} if it asks for what such frames do not have
   */
  prepare(linktype: number): BpfProgram {
    let program = this.#programs.get(linktype);
    if (program === undefined) {
      program = new BpfProgram(this.#named(() => compileFilter(this.#expression, linktype, this.#names)));
      this.#programs.set(linktype, program);
    }
    return program;
  }

  /**
   * Whether the filter chooses RECORD. Bytes that were not captured are not there for it, whatever the packet's length.
   * @throws {FilterError} as `prepare`
   */
  matches(record: FilteredRecord): boolean {
    if (record.linktype !== this.#linktype || this.#current === undefined) {
      this.#current = this.prepare(record.linktype);
      this.#linktype = record.linktype;
    }
    return this.#current.run(record.bytes, record.at, record.caplen, record.wirelen) !== 0;
  }
}
