/** What the words of a command have said so far (struct ipset_data). */
import type { Family } from '../../codecs/address.js';
import { type CreateOptions, DEFAULT_CREATE_OPTIONS } from '../sets/create-options.js';
import { Element } from '../sets/element.js';
import type { SetType } from '../sets/set-type.js';
import { IPV6_MORE_BYTES, OPT_BYTES, OPT_COUNT, Opt, stringBytes } from './options.js';
import { ExitCode, IpsetStop, type Report, Severity } from './report.js';

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };

export class CommandData {
  readonly report: Report;
  setName = '';
  /** Whether there is one: `ipset list` may do without. */
  hasSetName = false;
  /** Of rename and swap. */
  setName2 = '';
  type: SetType | undefined = undefined;
  family: Family | undefined = undefined;
  /** What the element takes in a message to the kernel, in bytes. */
  bytes = 0;
  /** The family was not given, but is the type's first. */
  isFamilyAssumed = false;
  element = new Element();
  options: Mutable<CreateOptions> = { ...DEFAULT_CREATE_OPTIONS };
  /** Whether the command still says which set it is for: an error makes ipset forget it. */
  isForgotten = false;
  readonly #given = new Uint8Array(OPT_COUNT);
  readonly #ignored = new Uint8Array(OPT_COUNT);

  constructor(report: Report) {
    this.report = report;
  }

  /** Forgets everything. */
  reset(): void {
    this.setName = '';
    this.hasSetName = false;
    this.setName2 = '';
    this.type = undefined;
    this.family = undefined;
    this.isFamilyAssumed = false;
    this.isForgotten = false;
    this.bytes = 0;
    this.element.clear();
    this.#given.fill(0);
    this.#ignored.fill(0);
  }

  /** What `reset` leaves to the few commands that need it. */
  resetOptions(): void {
    this.options = { ...DEFAULT_CREATE_OPTIONS };
  }

  /** The family is that of the type; IS_ASSUMED: the first of two. */
  noteFamily(isAssumed: boolean): void {
    this.isFamilyAssumed = isAssumed;
    this.note(Opt.FAMILY);
  }

  has(opt: Opt): boolean {
    return this.#given[opt] !== 0;
  }

  note(opt: Opt): void {
    if (this.#given[opt] !== 0) return;
    this.#given[opt] = 1;
    this.bytes += OPT_BYTES[opt];
  }

  /** The same for an address, of FAMILY. */
  noteAddress(opt: Opt, family: Family): void {
    this.note(opt);
    if (family === 'ipv6') this.bytes += IPV6_MORE_BYTES;
  }

  /** The same for a TEXT. */
  noteText(opt: Opt, text: string): void {
    this.note(opt);
    this.bytes += stringBytes(text);
  }

  forget(opt: Opt): void {
    this.#given[opt] = 0;
  }

  /** Notes that OPT means nothing any more; returns whether that was noted before. */
  ignores(opt: Opt): boolean {
    const before = this.#ignored[opt] !== 0;
    this.#ignored[opt] = 1;
    return before;
  }

  /** An error that ends the command, once it is thrown. EXPECTED: what would have been right. */
  error(message: string, expected = ''): IpsetStop {
    this.softError(message);
    return new IpsetStop(this.report.text, ExitCode.OTHER_PROBLEM, expected);
  }

  syntaxError(message: string, expected = ''): IpsetStop {
    return this.error(`Syntax error: ${message}`, expected);
  }

  /** An error after which ipset goes on, having forgotten what the command said. */
  softError(message: string): void {
    this.report.add(Severity.ERROR, message);
    this.reset();
    this.isForgotten = true;
  }

  /** Makes the warnings so far the error that ends the command. */
  warningAsError(expected: string): IpsetStop {
    this.report.severity = Severity.ERROR;
    this.reset();
    this.isForgotten = true;
    return new IpsetStop(this.report.text, ExitCode.OTHER_PROBLEM, expected);
  }
}
