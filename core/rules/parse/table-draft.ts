/** A table during parsing: its chains and rules, and what the commands of iptables do with them. */
import type { Family } from '../../../codecs/address.js';
import type { NamesDescription } from '../../../codecs/host/names.js';
import { tokensOf, type Word } from '../../../codecs/iptables-save.js';
import { withNearest } from '../../../codecs/nearest.js';
import { compareBytes } from '../../../codecs/text.js';
import { HOOK_NAMES, type Hook, TABLE_HOOKS, type TableName, Verdict } from '../../hooks.js';
import { ANY_PACKET, type DeviceMatch } from '../base-match.js';
import type { Backend, RulesetWarning, Table } from '../model.js';
import type { UnsupportedPart } from '../unsupported.js';
import { type ChainDraft, checkTable, type WordFinder } from './check-table.js';
import { type Command, RULE_COMMANDS, type RuleDraft, type RuleScope } from './command.js';
import { RuleFault, unknownName } from './error.js';
import { finishedTable } from './finished-table.js';
import type { KernelObjects } from './kernel-objects.js';
import { checkNameLength, checkRenamed, RESERVED } from './names.js';

/** What the tables of a file share. */
export interface FileState {
  readonly warnings: RulesetWarning[];
  /** The names in the `:chain` lines so far. */
  readonly declared: Set<string>;
  /** What the rules of the tables so far make in the kernel. */
  readonly objects: KernelObjects;
  readonly family: Family;
  readonly names: NamesDescription;
  /** Left out: legacy. */
  readonly backend?: Backend | undefined;
}

export class TableDraft implements RuleScope {
  readonly name: TableName;
  readonly table: TableName;
  readonly family: Family;
  readonly names: NamesDescription;
  readonly backend: Backend | undefined;
  readonly #file: FileState;
  readonly #chains = new Map<string, ChainDraft>();
  /** The base chains that nf_tables has: those that a rule has made, and of these, those whose policy counts. */
  readonly #touched = new Set<string>();
  readonly #counted = new Set<string>();

  constructor(name: TableName, before: Table | undefined, file: FileState) {
    this.name = name;
    this.table = name;
    this.family = file.family;
    this.names = file.names;
    this.backend = file.backend;
    this.#file = file;
    // iptables-nft deletes the table, and makes it again.
    const old = this.backend === 'nft' ? undefined : before;
    for (const hook of TABLE_HOOKS[name]) {
      const { policy, line } = old?.chains.find((chain) => chain.hook === hook) ?? {
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

  isDeclared(name: string): boolean {
    return this.#file.declared.has(name);
  }

  warn({ line, column }: Word, message: string): void {
    this.#file.warnings.push({ line, column, message });
  }

  /** Parses `:chain policy [packets:bytes]`. */
  declare(line: string, number: number): void {
    const [name, policy] = tokensOf(line, number);
    const whole: Word = { text: line, line: number, column: 1 };
    if (name === undefined) throw new RuleFault(whole, 'a chain without a name', ':chain policy [packets:bytes]');
    if (policy === undefined) throw new RuleFault(name, `no policy for the chain ${name.text}`, 'ACCEPT, DROP or -');
    this.declareChain(name, policy);
  }

  /** Declares the chain NAME; a POLICY of `-` makes it the user's. */
  declareChain(name: Word, policy: Word): void {
    checkNameLength(name, 'chain');
    if (name.text === 'standard') {
      // A rule without a target of its own is then refused, or iptables-restore crashes.
      throw new RuleFault(name, 'a chain cannot be declared with the name standard', 'another name', 'unsupported');
    }
    this.#file.declared.add(name.text);
    this.#counted.add(name.text);
    if (this.chainKind(name.text) !== 'built-in' && policy.text === '-') this.#create(name);
    else if (policy.text !== '-') this.#setPolicy(name, policy);
  }

  run(command: Command): void {
    const { letter, chain: name, argument } = command;
    if (letter === 'N') this.#create(name!);
    else if (letter === 'P') this.#setPolicy(name!, argument!);
    else if (letter === 'E') this.#rename(name!, argument!);
    else if (name === undefined) this.#runOnAll(command);
    // With -6 and no rule, iptables does not look for the chain.
    else if (!RULE_COMMANDS.includes(letter) || command.rules.length > 0 || command.position !== undefined) {
      this.#runOn(this.#chain(name), command);
    }
  }

  #runOnAll({ letter, word }: Command): void {
    for (const chain of [...this.#chains.values()]) {
      if (letter === 'F') chain.rules.length = 0;
      else if (letter === 'X' && chain.hook === undefined) this.#delete(word, chain);
    }
  }

  #runOn(chain: ChainDraft, command: Command): void {
    const { letter, word, position, rules } = command;
    switch (letter) {
      case 'F':
        this.#touched.add(chain.name);
        chain.rules.length = 0;
        break;
      case 'X':
        this.#delete(command.chain!, chain);
        break;
      case 'A':
        this.#touched.add(chain.name);
        chain.rules.push(...rules);
        break;
      case 'I':
        this.#touched.add(chain.name);
        // Several rules are all inserted at the same position.
        for (const rule of rules) chain.rules.splice(this.#index(chain, word, position ?? 1, 1), 0, rule);
        break;
      case 'R':
        if (rules.length !== 1) throw new RuleFault(word, 'a rule is replaced by one rule', 'one address');
        chain.rules[this.#index(chain, word, position!, 0)] = rules[0];
        break;
      case 'C':
        this.#warnOfComparison(word, rules);
        for (const rule of rules) findRule(chain, rule, word);
        break;
      case 'D':
        this.#warnOfComparison(word, rules);
        if (position !== undefined) chain.rules.splice(this.#index(chain, word, position, 0), 1);
        for (const rule of rules) chain.rules.splice(findRule(chain, rule, word), 1);
        break;
      case 'Z':
        // Counters start at zero.
        if (position === undefined && this.#touched.has(chain.name)) this.#counted.add(chain.name);
        if (position !== undefined) this.#index(chain, word, position, 0);
    }
  }

  /** ip6tables compares with a mask of the wrong size (delete_entry in 1.8.9). */
  #warnOfComparison(word: Word, rules: readonly RuleDraft[]): void {
    if (this.family === 'ipv4' || rules.length === 0) return;
    this.warn(word, `ip6tables 1.8.9 may take another rule for this one, as ${word.text} does not compare all of it`);
  }

  /** The index of POSITION (from 1) in CHAIN, which may be MORE behind its last rule. */
  #index(chain: ChainDraft, word: Word, position: number, more: number): number {
    const last = chain.rules.length + more;
    if (position <= last) return position - 1;
    const expected = last === 0 ? 'a chain with rules' : `1–${last}`;
    throw new RuleFault(word, `the chain ${chain.name} has no position ${position}`, expected);
  }

  #rename(name: Word, to: Word): void {
    const chain = this.#chain(name);
    if (chain.hook !== undefined) throw new RuleFault(name, `the built-in chain ${name.text} cannot be renamed`);
    checkRenamed(to);
    this.#create(to);
    this.#chains.set(to.text, { ...chain, name: to.text });
    this.#chains.delete(name.text);
    for (const { rules } of this.#chains.values()) {
      rules.forEach((rule, i) => {
        if (!('chain' in rule.target) || rule.target.chain !== name.text) return;
        rules[i] = { ...rule, target: { ...rule.target, chain: to.text } };
      });
    }
  }

  /**
   * Adds a rule that cannot be parsed because of FAULT: it never matches, and is saved as written in LINE. Returns
   * false if WORDS hold no rule to add.
   */
  runInert(words: readonly Word[], line: string, number: number, fault: RuleFault): boolean {
    const at = words.findIndex(({ text }) => /^(?:-[AI]|--app|--ins)/.test(text));
    const word = words[at];
    if (word === undefined) return false;
    const attached = /^-[AI](.+)|=(.*)/s.exec(word.text);
    const name: Word | undefined = attached ? { ...word, text: attached[1] ?? attached[2] } : words[at + 1];
    if (name === undefined) throw new RuleFault(word, `${word.text} without a chain`, 'a chain of this table');
    const chain = this.#chain(name);
    let next = attached ? at + 1 : at + 2;
    const isInserted = /^-I|^--ins/.test(word.text);
    const isNumbered = isInserted && /^[0-9]+$/.test(words[next]?.text ?? '');
    const position = isNumbered ? Number(words[next++].text) : 1;
    const end = words[next] === undefined ? line.length : words[next].column - 1;
    const verbatim = `${line.slice(words[0].column - 1, word.column - 1)}${line.slice(end)}`.trim();
    const draft = inertRule(verbatim, number, fault);
    if (isInserted) chain.rules.splice(this.#index(chain, word, position, 1), 0, draft);
    else chain.rules.push(draft);
    return true;
  }

  /** Appends such a rule to CHAIN, read from line NUMBER and saved as VERBATIM. */
  appendInert(chain: Word, verbatim: string, number: number, fault: RuleFault): void {
    this.#chain(chain).rules.push(inertRule(verbatim, number, fault));
  }

  finish(file: string, wordOf: WordFinder): Table {
    const builtIn = TABLE_HOOKS[this.name].map((hook) => this.#chains.get(HOOK_NAMES[hook])!);
    const user = [...this.#chains.values()].filter((chain) => chain.hook === undefined);
    user.sort((a, b) => compareBytes(a.name, b.name));
    const drafts = [...builtIn, ...user];
    const isNft = this.backend === 'nft';
    checkTable({ name: this.name, family: this.family, isNft }, drafts, this.#file.objects, wordOf);
    const { name, family } = this;
    return isNft
      ? finishedTable({ name, family, isNft }, drafts.map(this.#ofNft), file)
      : finishedTable({ name, family }, drafts, file);
  }

  /** DRAFT, with what nf_tables has of it if it is a base chain. */
  readonly #ofNft = (draft: ChainDraft): ChainDraft => {
    if (draft.hook === undefined || draft.line > 0 || this.#counted.has(draft.name)) return draft;
    return this.#touched.has(draft.name) || draft.rules.length > 0
      ? { ...draft, isUncounted: true }
      : { ...draft, isAbsent: true };
  };

  #chain(name: Word): ChainDraft {
    const chain = name && this.#chains.get(name.text);
    if (chain !== undefined) return chain;
    const expected = withNearest('a chain of this table', name.text, this.#chains.keys());
    throw new RuleFault(name, `no chain "${name.text}" in the table ${this.name}`, expected);
  }

  #create(name: Word): void {
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
}

/** What a line that FAULT makes impossible to parse is, among what is not supported. */
export function unparsedPart({ word, message }: RuleFault): UnsupportedPart {
  return { part: 'rule', name: word.text, message, word };
}

function inertRule(verbatim: string, line: number, fault: RuleFault): RuleDraft {
  const unsupported = [unparsedPart(fault)];
  return { base: ANY_PACKET, matches: [], target: { kind: 'none' }, line, unsupported, verbatim };
}

/** The index of the first rule of CHAIN that is the same as RULE. */
function findRule(chain: ChainDraft, rule: RuleDraft, word: Word): number {
  const meaning = meaningOf(rule);
  const index = chain.rules.findIndex((one) => meaningOf(one) === meaning);
  if (index >= 0) return index;
  throw new RuleFault(word, `the chain ${chain.name} has no such rule`, 'a rule that the chain has');
}

/** Equal for rules that iptables takes for the same. */
export function meaningOf({ base, matches, target, verbatim }: RuleDraft): string {
  const device = (match: DeviceMatch | undefined) => (match?.name === '+' && !match.negated ? undefined : match);
  const parts = [
    { ...base, inDev: device(base.inDev), outDev: device(base.outDev) },
    matches.map(({ extension, params }) => [extension.name, params]),
    target.kind === 'extension' ? [target.extension.name, target.params] : target,
    verbatim,
  ];
  return JSON.stringify(parts, (key, value) => {
    // Where the name of a set stands means nothing.
    if (key === 'word') return undefined;
    return typeof value === 'bigint' ? String(value) : value;
  });
}
