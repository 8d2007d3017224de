/**
 * What a text of rules consists of: outputs of iptables-save, iptables -S and iptables -L, perhaps with the commands
 * that printed them, as they are copied from a terminal.
 */
import type { Family } from '../../../codecs/address.js';
import type { Word } from '../../../codecs/iptables-save.js';
import { HOOK_NAMES, TABLE_NAMES, type TableName } from '../../hooks.js';
import { RuleFault } from '../parse/error.js';
import { missingRules } from '../parse/missing-rules.js';
import { baseName, type IptablesName, iptablesName, typedWords } from './command-words.js';

export type OutputForm = 'iptables-save' | 'iptables -S' | 'iptables -L';

/** What a command prints. Table and family are undefined if the text does not show the command. */
interface Output {
  readonly form: OutputForm;
  readonly table: TableName | undefined;
  readonly family: Family | undefined;
}

/** Lines that one command printed. */
export interface Section extends Output {
  /** Its first word. */
  readonly start: Word;
  readonly lines: Word[];
}

/** Other commands that change rules. */
const CHANGING = /^(?:ip6?tables|ipset|nft|ufw|firewall-cmd)/;
/** What makes more of a command than its words. */
const OPERATORS = /[|<>;&]/;
/** The prompt of a shell, and what was typed behind it. */
const PROMPT = /^(?:\S[^\s@]*@\S.*?|\[.*?\]|\([^\s)]+\)\s?\S*?|[~\w./-]*\s?|└─)[#$%>❯](?:\s+(.*))?$|^┌/s;
/** Lines of rules, which no prompt starts with. */
const RULES = /^(?:[-*:]\S|\[\d+:\d+\]|COMMIT$|Chain \S+ \()/;
const NOTE = /^ip6?tables\S* v[\d.]+ .*is incompatible/;
const COMMENT = /^\s*(?:#.*)?$/;

export interface Sections {
  /** In the order of the file. */
  readonly sections: readonly Section[];
  /** Lines in which iptables says that it does not show all rules. */
  readonly notes: readonly Word[];
}

/** The sections of LINES, which are all lines of a text. Throws a RuleFault at a line that belongs to none. */
export function sectionsOf(lines: readonly string[]): Sections {
  const splitter = new Splitter(lines.some((line) => typedIn(line) !== undefined));
  for (const [index, text] of lines.entries()) splitter.line({ text, line: index + 1, column: 1 });
  return splitter;
}

/** What is typed in LINE, behind a prompt; undefined if it has none. A # may also start a comment. */
function typedIn(line: string): string | undefined {
  if (RULES.test(line) || NOTE.test(line)) return undefined;
  const typed = PROMPT.exec(line);
  if (typed === null) return /^\s*(?:sudo|ip6?tables)\b/.test(line) ? line.trim() : undefined;
  const command = (typed[1] ?? '').trim();
  return COMMENT.test(line) && commandOf(command) === undefined && !isChanging(command) ? undefined : command;
}

/** A command that lists rules, as typed in a text. */
export interface ListingCommand {
  readonly line: Word;
  readonly typed: string;
  readonly family: Family;
  /** Whether rules, or a note in place of rules, come before the next command. */
  readonly hasOutput: boolean;
}

/** The commands in LINES, which are all lines of a text, that list rules. */
export function listingCommandsIn(lines: readonly string[]): ListingCommand[] {
  const found: ListingCommand[] = [];
  let hasOutput = false;
  for (let i = lines.length - 1; i >= 0; i--) {
    const text = lines[i];
    const typed = typedIn(text);
    if (typed === undefined) {
      hasOutput ||= /^(?:[-*]\S|\s*Chain \S+ \()/.test(text) || NOTE.test(text) || missingRules(text) !== undefined;
      continue;
    }
    const command = commandOf(typed);
    if (command !== undefined && formOf(command) !== undefined) {
      const { family } = command.name;
      found.push({ line: { text, line: i + 1, column: 1 }, typed, family, hasOutput });
    }
    hasOutput = false;
  }
  return found.reverse();
}

class Splitter implements Sections {
  readonly sections: Section[] = [];
  readonly notes: Word[] = [];
  /** Whether the text shows commands: what is no rule may then be the output of others. */
  readonly #isTranscript: boolean;
  #open: Section | undefined;
  /** What the command before prints, if it lists rules. */
  #said: Output | undefined;
  /** `orderOf` the latest line of -S. */
  #order = 0;

  constructor(isTranscript: boolean) {
    this.#isTranscript = isTranscript;
  }

  line(line: Word): void {
    const { text } = line;
    if (this.#open?.form === 'iptables-save' && !this.#isCommitted()) this.#open.lines.push(line);
    else if (text.startsWith('*')) this.#start('iptables-save', line);
    else if (/^-[PNA] \S/.test(text)) this.#listRule(line);
    else if (/^Chain \S+ \((?:policy \S|-?\d+ reference)/.test(text)) this.#listChain(line);
    else if (!this.#typed(line) && !this.#continued(line)) {
      throw new RuleFault(line, `"${text.trim()}" is neither a rule nor a command`, 'the output of iptables-save');
    }
  }

  #isCommitted(): boolean {
    return this.#open!.lines.at(-1)!.text === 'COMMIT';
  }

  #start(form: OutputForm, line: Word): void {
    this.#open = { form, table: this.#said?.table, family: this.#said?.family, start: line, lines: [line] };
    this.sections.push(this.#open);
  }

  /** Of each table, -S lists the policies in the order of hooks, the chains, and the rules. */
  #listRule(line: Word): void {
    const order = orderOf(line.text);
    const isNext = order > this.#order || (order === this.#order && order >= CHAINS);
    if (this.#open?.form === 'iptables -S' && isNext) this.#open.lines.push(line);
    else this.#start('iptables -S', line);
    this.#order = order;
  }

  #listChain(line: Word): void {
    if (this.#open?.form === 'iptables -L') this.#open.lines.push(line);
    else this.#start('iptables -L', line);
  }

  /** A command, or a prompt with nothing behind it. */
  #typed(line: Word): boolean {
    const typed = typedIn(line.text);
    if (typed === undefined) return false;
    const command = commandOf(typed);
    const form = command && formOf(command);
    if (form === undefined && isChanging(typed)) throw changed(line, typed);
    this.#open = undefined;
    this.#said = form && { form, table: tableOf(form, command!.args), family: command!.name.family };
    return true;
  }

  /** A line that is no rule in itself. */
  #continued(line: Word): boolean {
    if (missingRules(line.text) !== undefined) this.notes.push(line);
    else if (this.#open?.form === 'iptables -L') this.#open.lines.push(line);
    else return COMMENT.test(line.text) || (this.#isTranscript && this.#open === undefined);
    return true;
  }
}

const CHAINS = HOOK_NAMES.length;

/** Where LINE stands in an output of -S, after lines with lower numbers. */
function orderOf(line: string): number {
  if (line.startsWith('-A')) return CHAINS + 1;
  return line.startsWith('-N') ? CHAINS : HOOK_NAMES.findIndex((hook) => line.startsWith(`-P ${hook} `));
}

/** A command of iptables, as typed. */
interface Command {
  readonly name: IptablesName;
  /** Each with a blank before it. */
  readonly args: string;
}

/** The command TYPED; undefined if it is none of iptables, or more than that. */
function commandOf(typed: string): Command | undefined {
  const [first = '', ...words] = typedWords(typed);
  const name = iptablesName(first);
  if (name === undefined || OPERATORS.test(typed)) return undefined;
  return { name, args: words.map((word) => ` ${word}`).join('') };
}

/** Whether the command TYPED, which lists nothing, may change rules. */
function isChanging(typed: string): boolean {
  const words = typedWords(typed);
  // Behind an option of sudo that is not known, the name may be any of the words.
  const isUnknown = /^sudo\s/.test(typed) && words[0]?.startsWith('-') === true;
  const names = isUnknown ? words.slice(0, -1) : words.slice(0, words.length > 1 ? 1 : 0);
  return names.some((word) => CHANGING.test(baseName(word)));
}

/** What COMMAND prints; undefined if it lists nothing. */
function formOf({ name, args }: Command): OutputForm | undefined {
  if (name.isSave) return 'iptables-save';
  if (/\s(?:-[a-z]*S|--list-rules)(?:\s|$)/.test(args)) return 'iptables -S';
  return /\s(?:-[a-z]*L|--list)(?:\s|$)/.test(args) ? 'iptables -L' : undefined;
}

function tableOf(form: OutputForm, args: string): TableName | undefined {
  if (form === 'iptables-save') return undefined;
  const name = /\s(?:-[a-z]*t\s*|--table[\s=])(\w+)/.exec(args)?.[1] ?? 'filter';
  return TABLE_NAMES.find((known) => known === name);
}

/** The fault of a command among outputs that may have changed the rules. */
function changed(line: Word, command: string): RuleFault {
  const what = `"${command}" stands among listings: it may have changed what is listed before it`;
  return new RuleFault(line, what, 'the listings as they are after all commands, without it', 'unsupported');
}
