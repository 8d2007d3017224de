/** Parses iptables-save text into a `Ruleset` (like iptables-restore, including the kernel's checks). */
import { splitWords, type Word } from '../../../codecs/iptables-save.js';
import { withNearest } from '../../../codecs/nearest.js';
import { compareBytes } from '../../../codecs/text.js';
import { HOOK_NAMES, type Hook, TABLE_HOOKS, TABLE_NAMES, type TableName, Verdict } from '../../hooks.js';
import { ANY_PACKET } from '../base-match.js';
import type { Chain, Match, Rule, Ruleset, RulesetWarning, Table } from '../model.js';
import { type ChainDraft, checkTable } from './check-table.js';
import { RuleFault, RulesetError, unknownName } from './error.js';
import { type Command, checkNameLength, parseCommand, type RuleDraft } from './parse-rule.js';

export interface ParseOptions {
  /** Accept rules with unsupported features: each adds a warning and never matches. */
  readonly lax?: boolean;
}

/** Parses TEXT, the content of FILE_NAME. Throws a RulesetError at the first error. */
export function parseRuleset(text: string, fileName: string, options: ParseOptions = {}): Ruleset {
  const reader = new RulesetReader(fileName, options.lax === true);
  try {
    for (let at = 0, number = 1; at <= text.length; number++) {
      const newline = text.indexOf('\n', at);
      const end = newline < 0 ? text.length : newline;
      reader.line(text.slice(at, end), number);
      at = end + 1;
    }
    return { fileName, family: 'ipv4', tables: reader.finish(), warnings: reader.warnings };
  } catch (error) {
    throw error instanceof RuleFault ? new RulesetError(fileName, error) : error;
  }
}

const RESERVED = ['ACCEPT', 'DROP', 'QUEUE', 'RETURN'];

class RulesetReader {
  readonly warnings: RulesetWarning[] = [];
  readonly #fileName: string;
  readonly #lax: boolean;
  readonly #tables = new Map<TableName, Table>();
  #table: TableDraft | undefined;
  #start: Word = { text: '', line: 1, column: 1 };

  constructor(fileName: string, lax: boolean) {
    this.#fileName = fileName;
    this.#lax = lax;
  }

  line(line: string, number: number): void {
    if (line.startsWith('#') || line.trim() === '') return;
    const whole: Word = { text: line, line: number, column: 1 };
    if (line.endsWith('\r')) {
      throw new RuleFault({ ...whole, column: line.length }, 'a line that ends in CR LF', 'lines that end in LF');
    }
    if (this.#table === undefined) this.#startTable(line, whole);
    else if (line === 'COMMIT') this.#commit(this.#table);
    else if (line.startsWith(':')) this.#table.declare(line, number);
    else this.#rule(this.#table, line, number);
  }

  /** The tables in the order in which they were first loaded. */
  finish(): Table[] {
    if (this.#table !== undefined) throw new RuleFault(this.#start, 'the table is not closed', 'COMMIT at its end');
    return [...this.#tables.values()];
  }

  #startTable(line: string, whole: Word): void {
    if (!line.startsWith('*')) {
      throw new RuleFault({ ...whole, text: line.split(/[ \t]/, 1)[0] }, 'a line outside of any table', '*table');
    }
    const name = line.slice(1).split(/[ \t]/, 1)[0];
    const table = TABLE_NAMES.find((known) => known === name);
    if (table === undefined) throw unknownName({ ...whole, text: name, column: 2 }, 'table', name, TABLE_NAMES);
    this.#start = whole;
    // Loading a table again discards its rules but keeps its policies.
    this.#table = new TableDraft(table, this.#tables.get(table));
  }

  #commit(table: TableDraft): void {
    this.#tables.set(table.name, table.finish(this.#fileName));
    this.#table = undefined;
  }

  #rule(table: TableDraft, line: string, number: number): void {
    const words = splitWords(line, number, endOfCounters(line, number));
    if (!Array.isArray(words)) {
      const quote: Word = { text: '"', line: number, column: words.unclosedAt };
      throw new RuleFault(quote, 'unterminated quote', '" before the end of the line');
    }
    if (words.length === 0) {
      throw new RuleFault({ text: line, line: number, column: 1 }, 'counters without a rule', '-A chain …');
    }
    try {
      table.run(parseCommand(words, table));
    } catch (fault) {
      if (!(this.#lax && fault instanceof RuleFault && fault.code === 'unsupported')) throw fault;
      this.warnings.push({ line: number, column: fault.word.column, message: fault.message });
      table.runInert(words, line, number);
    }
  }
}

/** The number of characters in LINE taken by the `[packets:bytes]` before a rule. */
function endOfCounters(line: string, number: number): number {
  if (!line.startsWith('[')) return 0;
  const end = line.indexOf(']');
  const counters: Word = { text: line.split(/[ \t]/, 1)[0], line: number, column: 1 };
  if (end < 0 || !line.slice(0, end).includes(':')) throw new RuleFault(counters, 'bad counters', '[packets:bytes]');
  return end + 1;
}

/** A table during parsing. */
class TableDraft {
  readonly name: TableName;
  readonly table: TableName;
  readonly #chains = new Map<string, ChainDraft>();

  constructor(name: TableName, before: Table | undefined) {
    this.name = name;
    this.table = name;
    for (const hook of TABLE_HOOKS[name]) {
      const { policy, line } = before?.chains.find((chain) => chain.hook === hook) ?? {
        policy: Verdict.ACCEPT,
        line: 0,
      };
      this.#chains.set(HOOK_NAMES[hook], { name: HOOK_NAMES[hook], hook, policy, line, rules: [] });
    }
  }

  chainKind(name: string): 'built-in' | 'user' | undefined {
    const chain = this.#chains.get(name);
    if (chain === undefined) return undefined;
    return chain.hook === undefined ? 'user' : 'built-in';
  }

  chainNames(): Iterable<string> {
    return this.#chains.keys();
  }

  /** Parses `:chain policy [packets:bytes]`. */
  declare(line: string, number: number): void {
    const words = [...line.slice(1).matchAll(/[^ \t]+/g)].map(
      (found): Word => ({ text: found[0], line: number, column: found.index + 2 }),
    );
    const [name, policy] = words;
    const whole: Word = { text: line, line: number, column: 1 };
    if (name === undefined) throw new RuleFault(whole, 'a chain without a name', ':chain policy [packets:bytes]');
    if (policy === undefined) throw new RuleFault(name, `no policy for the chain ${name.text}`, 'ACCEPT, DROP or -');
    if (this.chainKind(name.text) !== 'built-in' && policy.text === '-') this.#create(name);
    else if (policy.text !== '-') this.#setPolicy(name, policy);
  }

  run(command: Command): void {
    const { letter, chain: name, policy } = command;
    if (name === undefined) {
      if (letter === 'F') for (const chain of this.#chains.values()) chain.rules.length = 0;
      else
        for (const chain of [...this.#chains.values()]) if (chain.hook === undefined) this.#delete(command.word, chain);
      return;
    }
    if (letter === 'N') {
      if (/^[-!]/.test(name.text)) throw new RuleFault(name, `a chain's name cannot start with ${name.text[0]}`);
      this.#create(name);
    } else if (letter === 'P') this.#setPolicy(name, policy!);
    else {
      const chain = this.#chain(name);
      if (letter === 'F') chain.rules.length = 0;
      else if (letter === 'X') this.#delete(name, chain);
      else for (const draft of command.rules) this.#add(chain, draft, command);
    }
  }

  /** Adds a rule that cannot be run: it never matches, and is saved as written in LINE. */
  runInert(words: readonly Word[], line: string, number: number): void {
    const at = words.findIndex(({ text }) => /^(-A|-I|--append|--insert)$/.test(text));
    if (at < 0) return;
    if (words[at + 1] === undefined)
      throw new RuleFault(words[at], `${words[at].text} without a chain`, 'a chain of this table');
    const chain = this.#chain(words[at + 1]);
    const start = words[at].column - 1;
    const end = words[at + 2] === undefined ? line.length : words[at + 2].column - 1;
    const before = line.slice(words[0].column - 1, start);
    const verbatim = `${before}${line.slice(end)}`.trim();
    const draft: RuleDraft = {
      base: ANY_PACKET,
      matches: [],
      target: { kind: 'none' },
      matchWords: [],
      targetWord: words[at],
      line: number,
      verbatim,
    };
    if (/I|insert/.test(words[at].text)) chain.rules.unshift(draft);
    else chain.rules.push(draft);
  }

  finish(file: string): Table {
    const builtIn = TABLE_HOOKS[this.name].map((hook) => this.#chains.get(HOOK_NAMES[hook])!);
    const user = [...this.#chains.values()].filter((chain) => chain.hook === undefined);
    user.sort((a, b) => compareBytes(a.name, b.name));
    checkTable(this.name, this.#chains);
    const rules: Rule[] = [];
    const chains = [...builtIn, ...user].map((draft, index): Chain => {
      const { name, hook, policy } = draft;
      const chainRules = draft.rules.map(({ base, matches, target, line, verbatim }, i): Rule => {
        const number = i + 1;
        const comment = commentOf(matches);
        // No spread: it would make building large rulesets three times slower and double the memory.
        const rule = { index: rules.length, chain: name, number, file, line, comment, base, matches, target, verbatim };
        rules.push(rule);
        return rule;
      });
      return { name, hook, policy, file, line: draft.line, index, rules: chainRules };
    });
    return { name: this.name, family: 'ipv4', chains, rules };
  }

  #chain(name: Word): ChainDraft {
    const chain = name && this.#chains.get(name.text);
    if (chain !== undefined) return chain;
    const expected = withNearest('a chain of this table', name.text, this.#chains.keys());
    throw new RuleFault(name, `no chain "${name.text}" in the table ${this.name}`, expected);
  }

  #create(name: Word): void {
    checkNameLength(name, 'chain');
    if (RESERVED.includes(name.text) || this.#chains.has(name.text)) {
      throw new RuleFault(name, `the chain ${name.text} exists already`, 'another name');
    }
    this.#chains.set(name.text, {
      name: name.text,
      hook: undefined,
      policy: Verdict.ACCEPT,
      line: name.line,
      rules: [],
    });
  }

  #setPolicy(name: Word, policy: Word): void {
    const chain = this.#chains.get(name.text);
    if (chain?.hook === undefined) {
      const hooks = TABLE_HOOKS[this.name].map((hook: Hook) => HOOK_NAMES[hook]);
      const what = `${name.text} is not a built-in chain of the table ${this.name}, so it has no policy`;
      throw new RuleFault(name, what, withNearest(hooks.join(', '), name.text, hooks));
    }
    if (policy.text !== 'ACCEPT' && policy.text !== 'DROP') {
      throw unknownName(policy, 'policy', policy.text, ['ACCEPT', 'DROP']);
    }
    chain.line = policy.line;
    chain.policy = policy.text === 'ACCEPT' ? Verdict.ACCEPT : Verdict.DROP;
  }

  #delete(word: Word, chain: ChainDraft): void {
    const isTarget = (draft: RuleDraft): boolean => 'chain' in draft.target && draft.target.chain === chain.name;
    if (
      chain.hook !== undefined ||
      chain.rules.length > 0 ||
      [...this.#chains.values()].some((c) => c.rules.some(isTarget))
    ) {
      throw new RuleFault(
        word,
        `the chain ${chain.name} cannot be deleted`,
        'an empty user chain that no rule refers to',
      );
    }
    this.#chains.delete(chain.name);
  }

  #add(chain: ChainDraft, draft: RuleDraft, command: Command): void {
    if (command.letter === 'A') {
      chain.rules.push(draft);
      return;
    }
    if (command.position > chain.rules.length + 1) {
      throw new RuleFault(
        command.word,
        `the chain ${chain.name} has no position ${command.position}`,
        `1–${chain.rules.length + 1}`,
      );
    }
    chain.rules.splice(command.position - 1, 0, draft);
  }
}

/** The text of the first comment in MATCHES. */
function commentOf(matches: readonly Match[]): string | undefined {
  for (const { extension, params } of matches) {
    const comment = extension.comment?.(params);
    if (comment !== undefined) return comment;
  }
  return undefined;
}
