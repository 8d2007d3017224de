/**
 * A run of ipset 7.17: one command, or a file for `ipset restore`, carried out on the sets of a host. Options such as
 * `-exist` hold for the rest of a file, and whatever ipset has to say beyond output ends it.
 */
import { IpsetLines } from '../../codecs/ipset-save.js';
import type { Element } from '../sets/element.js';
import type { IpSet } from '../sets/ip-set.js';
import { SetFault } from '../sets/set-fault.js';
import type { SetStore } from '../sets/store.js';
import { plainQuad } from './addresses.js';
import { Batch, type BatchCommand, ELEMENT_BYTES, PLAIN_ELEMENT_BYTES } from './batch.js';
import { CommandData } from './command-data.js';
import { type CommandName, CommandWords, type Environment, newEnvironment } from './command-line.js';
import { createOptions } from './create-set.js';
import { formatAnswered } from './element-words.js';
import { helpText } from './help.js';
import { kernelMessage } from './kernel-messages.js';
import { listSets } from './listing.js';
import { parseCreate, parseElementCommand, parseElementOf, parseNames } from './parse-command.js';
import { ExitCode, IpsetStop, Report, Severity } from './report.js';

const VERSION = 'ipset v7.17';
/** `add SET`. */
const PREFIX_WORDS = 2;

/** Ends a run that is no failure: a warning, the answer to a test, `quit`. */
export class IpsetEnd {
  constructor(readonly exitCode: ExitCode) {}
}

export class IpsetSession {
  readonly #store: SetStore;
  readonly #report = new Report();
  readonly #data = new CommandData(this.#report);
  readonly #words = new CommandWords();
  readonly #environment: Environment = newEnvironment();
  readonly #batch = new Batch();
  /** What was printed: on standard output, and besides errors on standard error. */
  readonly stdout: string[] = [];
  stderr = '';
  /** Where an error is: line and column from 1; of a command, the line is 1 and the column is that of the word. */
  line = 1;
  column = 1;

  constructor(store: SetStore) {
    this.#store = store;
  }

  get isQuiet(): boolean {
    return this.#environment.isQuiet;
  }

  /** The number of the word of a command at which an error is; -1: none. */
  get wordAt(): number {
    return this.#words.at;
  }

  /**
   * Carries out a command of WORDS, without `ipset`. INPUT: what `restore` reads from standard input. Throws an
   * IpsetStop or an IpsetEnd.
   */
  run(words: readonly string[], input?: string): void {
    this.#input = input;
    this.#runCommand(words);
  }

  #input: string | undefined = undefined;

  /** Carries out the lines of TEXT. Throws an IpsetStop or an IpsetEnd. */
  restore(text: string): void {
    const lines = new IpsetLines(text);
    while (lines.next()) {
      if (this.#continueBatch(lines)) continue;
      const kind = lines.kind();
      if (kind === 'nothing') continue;
      this.line = lines.line;
      this.column = 1;
      if (kind === 'commit') this.#commit();
      else this.#runLine(lines);
    }
    this.#commit();
  }

  #runLine(lines: IpsetLines): void {
    this.#lines = lines;
    this.#report.line = lines.countedLine;
    const fault = lines.splitWords();
    if (fault !== undefined) throw new IpsetStop(fault, ExitCode.PARAMETER_PROBLEM, '', true);
    try {
      this.#runCommand(lines.words);
    } catch (error) {
      this.#locate(lines);
      throw error;
    }
  }

  /** Notes where in LINES an error is. */
  #locate(lines: IpsetLines): void {
    if (!this.#isLocated && this.#words.at >= 0) this.column = lines.columns[this.#words.at];
  }

  #lines: IpsetLines | undefined = undefined;
  /** Whether `line` and `column` already say where the error is. */
  #isLocated = false;

  /** Takes a line that adds an element to the set of the batch, without looking for options of ipset or a command. */
  #continueBatch(lines: IpsetLines): boolean {
    const batch = this.#batch;
    const { prefix } = batch;
    if (batch.count === 0 || prefix === '' || !lines.isWhole || !lines.text.startsWith(prefix, lines.start))
      return false;
    if (batch.takesPlain && this.#takePlain(lines, lines.start + prefix.length)) return true;
    const fault = lines.splitWords(prefix.length, PREFIX_WORDS);
    if (fault !== undefined || !this.#words.readAdded(lines.words)) return false;
    this.#lines = lines;
    this.line = lines.line;
    this.#report.line = lines.countedLine;
    const data = this.#data;
    data.element = batch.element(batch.count);
    data.reset();
    data.setName = batch.setName;
    try {
      parseElementOf(data, this.#words, 'add', batch.set!);
      this.#collect('add');
    } catch (error) {
      this.#locate(lines);
      throw error;
    }
    return true;
  }

  /** Takes the plain address that is all there is from AT to the end of the line. */
  #takePlain(lines: IpsetLines, at: number): boolean {
    const address = plainQuad(lines.text, at, lines.end);
    if (address === -1) return false;
    const batch = this.#batch;
    if (!batch.hasRoom(PLAIN_ELEMENT_BYTES)) {
      this.#commit();
      batch.restart(this.#environment.isExist);
    }
    const element = batch.element(batch.count);
    element.clear();
    element.ip = address;
    batch.push(lines.line, lines.countedLine, at - lines.start + 1, PLAIN_ELEMENT_BYTES);
    return true;
  }

  #runCommand(words: readonly string[]): void {
    const data = this.#data;
    const inFile = this.#report.line !== 0;
    data.element = this.#batch.element(this.#batch.count);
    data.reset();
    this.#words.read(words, this.#environment, inFile, (text) => data.error(text));
    const { command } = this.#words;
    this.#refuseFile(command);
    switch (command) {
      case 'create':
        parseCreate(data, this.#words);
        break;
      case 'add':
      case 'del':
      case 'test':
        parseElementCommand(data, this.#words, command, this.#store);
        break;
      case 'restore':
        this.#words.endHere();
        if (this.#input === undefined) throw unsupported('`ipset restore` without a file', 'give the file itself');
        this.restore(this.#input);
        return;
      case 'help':
        this.stdout.push(helpText(VERSION, this.#words.first));
        throw new IpsetEnd(ExitCode.DONE);
      case 'version':
        this.stdout.push(`${VERSION}, protocol version: 7\n`);
        throw new IpsetEnd(ExitCode.DONE);
      case 'quit':
        throw new IpsetEnd(ExitCode.DONE);
      default:
        parseNames(data, this.#words);
        this.#words.endHere();
    }
    this.#execute(command);
    if (this.#report.severity !== Severity.NONE) this.#endWithReport();
  }

  #refuseFile(command: CommandName): void {
    if (this.#environment.file === undefined || !['list', 'save', 'restore'].includes(command)) return;
    throw unsupported('-file', command === 'restore' ? 'give the file itself' : 'the output without -file');
  }

  /** Sends the command to the kernel, or collects it (ipset_cmd). */
  #execute(command: CommandName): void {
    const inFile = this.#report.line !== 0;
    if (inFile && (command === 'add' || command === 'del')) {
      this.#collect(command);
      return;
    }
    this.#commit();
    try {
      this.#ask(command);
    } catch (error) {
      if (!(error instanceof SetFault)) throw error;
      if (error.code === 'set-exists') this.#words.at = this.#words.firstAt;
      throw this.#data.error(kernelMessage(error.code, command));
    }
  }

  #collect(command: BatchCommand): void {
    const batch = this.#batch;
    const data = this.#data;
    const bytes = ELEMENT_BYTES + data.bytes;
    const at = batch.count;
    const isSame = at > 0 && batch.command === command && batch.setName === data.setName;
    if (!isSame || !batch.hasRoom(bytes)) {
      this.#commit();
      batch.start(command, data.setName, this.#store.get(data.setName)!, this.#environment.isExist);
      if (at > 0) batch.moveToFront(at);
    }
    const lines = this.#lines!;
    batch.push(lines.line, lines.countedLine, lines.columns[this.#words.secondAt], bytes);
  }

  /** Carries out what was collected, up to the first element that is refused (ipset_commit). */
  #commit(): void {
    const batch = this.#batch;
    const { count, command, isExist } = batch;
    batch.count = 0;
    if (count === 0) return;
    const set = this.#store.get(batch.setName);
    let at = 0;
    try {
      if (set === undefined) throw new SetFault('no-such-set');
      for (; at < count; at++) {
        if (command === 'add') set.add(batch.element(at), isExist);
        else set.del(batch.element(at), isExist);
      }
    } catch (error) {
      if (!(error instanceof SetFault)) throw error;
      this.line = batch.lines[at];
      this.column = batch.columns[at];
      this.#isLocated = true;
      this.#report.line = batch.countedLines[at];
      throw this.#data.error(kernelMessage(error.code, command));
    }
  }

  #ask(command: CommandName): void {
    const store = this.#store;
    const data = this.#data;
    const { isExist } = this.#environment;
    const { setName, setName2, hasSetName } = data;
    switch (command) {
      case 'create':
        store.create(setName, data.type!, createOptions(data), isExist);
        break;
      case 'add':
        this.#set().add(data.element, isExist);
        break;
      case 'del':
        this.#set().del(data.element, isExist);
        break;
      case 'test':
        this.#test();
        break;
      case 'destroy':
        if (!hasSetName) store.destroyAll();
        else if (!isExist || store.get(setName) !== undefined) store.destroy(setName);
        break;
      case 'flush':
        if (hasSetName) store.flush(setName);
        else store.flushAll();
        break;
      case 'rename':
        store.rename(setName, setName2);
        break;
      case 'swap':
        this.#set();
        if (store.get(setName2) === undefined) throw new SetFault('new-name-exists');
        store.swap(setName, setName2);
        break;
      default:
        this.#list(command);
    }
  }

  #set(): IpSet {
    const set = this.#store.get(this.#data.setName);
    if (set === undefined) throw new SetFault('no-such-set');
    return set;
  }

  #test(): void {
    const data = this.#data;
    const isIn = isInSet(this.#set(), data.element);
    if (this.isQuiet) {
      if (!isIn) throw new IpsetEnd(ExitCode.OTHER_PROBLEM);
      return;
    }
    const element = formatAnswered(data.element, data.type!, data.family);
    this.#report.add(
      isIn ? Severity.WARNING : Severity.NOTICE,
      `${element} is ${isIn ? 'in' : 'NOT in'} set ${data.setName}.`,
    );
  }

  #list(command: CommandName): void {
    const environment = this.#environment;
    environment.output ??= command === 'save' ? 'save' : 'plain';
    const mode = environment.output;
    const isTerse = environment.isTerse && mode !== 'save';
    const sets = this.#data.hasSetName ? [this.#set()] : [...this.#store];
    const { isNames, isSorted } = environment;
    const options = { mode, isNames, isSorted, isTerse, hasElements: !isTerse || command === 'save' };
    this.stdout.push(...listSets(sets, (name) => this.#store.references(name), options));
  }

  /** A warning or an answer was printed, and the run is over (default_standard_error). */
  #endWithReport(): never {
    const { text, severity } = this.#report;
    const isWarning = severity === Severity.WARNING;
    if (!this.isQuiet) this.stderr += isWarning ? `Warning: ${text}` : text;
    throw new IpsetEnd(isWarning ? ExitCode.DONE : ExitCode.OTHER_PROBLEM);
  }
}

/** The kernel answers that what cannot be in a set is not in it (ip_set_utest). */
function isInSet(set: IpSet, element: Element): boolean {
  try {
    return set.test(element);
  } catch (error) {
    if (error instanceof SetFault) return false;
    throw error;
  }
}

function unsupported(what: string, instead: string): IpsetStop {
  return new IpsetStop(`${what} is not supported here`, ExitCode.OTHER_PROBLEM, instead);
}
