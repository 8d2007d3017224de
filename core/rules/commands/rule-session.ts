/**
 * Commands on single rules in a row, such as those with which an engine publishes thousands of ports: tables stay open
 * between them, so that none costs a look at the whole table. What a session does not carry out, applyIptables does.
 */
import type { NamesDescription } from '../../../codecs/host/names.js';
import type { Word } from '../../../codecs/iptables-save.js';
import { TABLE_NAMES, type TableName } from '../../hooks.js';
import type { Ruleset } from '../model.js';
import type { Command, RuleDraft } from '../parse/command.js';
import { RuleFault } from '../parse/error.js';
import type { RulesetState } from './apply-iptables.js';
import { CommandScope } from './command-scope.js';
import { type EditedChain, type EditedRule, EditedTable } from './edited-table.js';
import { RuleIndex } from './rule-index.js';
import type { CommandRun } from './run.js';
import { runLegacy } from './run-legacy.js';
import { runNft } from './run-nft.js';
import { CommandFault, familyOf, type Tool } from './tool.js';

/** What a command of a session has printed, and its exit code. */
export interface SessionResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What the commands of a session have made; `origins` as in `Applied`. */
export interface SessionEnd extends RulesetState {
  readonly origins: ReadonlyMap<TableName, Int32Array>;
}

interface OpenTables {
  readonly base: RulesetState;
  readonly file: string;
  readonly tables: Map<TableName, EditedTable>;
  readonly index: RuleIndex;
}

/** What of a rule makes no object in the kernel, and is refused for its table, chain and protocol alone. */
const MATCHES: readonly string[] = ['tcp', 'udp', 'sctp'];
const TARGETS: readonly string[] = ['DNAT', 'MASQUERADE', 'CHECKSUM'];

export class RuleSession {
  readonly #tool: Tool;
  readonly #names: NamesDescription;
  /** What the kernel has taken in tables whose chains are the same since: commands without their numbers. */
  readonly #checked = new Set<string>();
  #ruleset: Ruleset | undefined;
  #open: OpenTables | undefined;
  /** What the kernel has to look at first. */
  #unchecked: string | undefined;

  constructor(tool: Tool, names: NamesDescription) {
    this.#tool = tool;
    this.#names = names;
  }

  /**
   * Carries out the command of WORDS. Undefined: that is for applyIptables, once the session has been closed. BEFORE:
   * the rules of a session that is closed. FILE: what new rules are from, until it is closed again.
   */
  run(words: readonly Word[], file: string, before: () => RulesetState): SessionResult | undefined {
    this.#unchecked = undefined;
    const scope = new CommandScope(this.#tool, this.#names);
    const command = commandOf(scope, words);
    const name = TABLE_NAMES.find((one) => one === scope.tableWord.text);
    if (command === undefined || name === undefined || scope.warnings.length > 0) return undefined;
    this.#open ??= this.#opened(file, before());
    const table = this.#table(this.#open, name);
    const chain = table.chains.get(command.chain!.text);
    if (table.isNew && this.#tool.backend === 'legacy') return undefined;
    if ('AI'.includes(command.letter)) {
      const key = words.map(({ text }) => (/^[\d./:]+$/.test(text) ? '0' : text)).join(' ');
      if (chain === undefined || chain.isAbsent || !this.#checked.has(key)) {
        this.#unchecked = key;
        return undefined;
      }
    }
    return this.#carryOut(command, table, this.#open);
  }

  #opened(file: string, base: RulesetState): OpenTables {
    if (base.ruleset !== this.#ruleset) this.#checked.clear();
    this.#ruleset = base.ruleset;
    return { base, file, tables: new Map(), index: new RuleIndex() };
  }

  #table({ base, tables }: OpenTables, name: TableName): EditedTable {
    const open = tables.get(name);
    if (open !== undefined) return open;
    const table = base.ruleset.tables.find((one) => one.name === name);
    const before = table && { table, counters: base.counters.get(name) };
    const opened = new EditedTable(name, familyOf(this.#tool), this.#tool.backend, before);
    tables.set(name, opened);
    return opened;
  }

  #carryOut(command: Command, table: EditedTable, { file, index }: OpenTables): SessionResult | undefined {
    let found: readonly [EditedChain, EditedRule] | undefined;
    const find = (chain: EditedChain, rule: RuleDraft): number => {
      const at = index.find(chain, rule);
      found = at < 0 ? undefined : [chain, chain.rules[at]];
      return at;
    };
    const run: CommandRun = { tool: this.#tool, table, command, file, output: [], find };
    try {
      if (this.#tool.backend === 'legacy') runLegacy(run);
      else runNft(run);
    } catch (fault) {
      if (!(fault instanceof CommandFault)) throw fault;
      return { exitCode: fault.exitCode, stdout: '', stderr: fault.stderr };
    }
    const chain = table.chains.get(command.chain!.text)!;
    if (command.letter === 'A') index.add(chain, chain.rules[chain.rules.length - 1]);
    else if (command.letter === 'I') index.add(chain, chain.rules[0]);
    else if (command.letter === 'D' && found !== undefined) index.remove(...found);
    return { exitCode: 0, stdout: '', stderr: '' };
  }

  /** What the commands since the last time have made; undefined: nothing. */
  close(): SessionEnd | undefined {
    const open = this.#open;
    this.#open = undefined;
    const changed = [...(open?.tables.values() ?? [])].filter(({ isChanged }) => isChanged);
    if (open === undefined || changed.length === 0) return undefined;
    const edits = new Map(changed.map((table) => [table.name, table.finish(open.file)]));
    const tables = open.base.ruleset.tables.map((table) => edits.get(table.name)?.table ?? table);
    this.#ruleset = { ...open.base.ruleset, tables };
    return {
      ruleset: this.#ruleset,
      counters: new Map([
        ...open.base.counters,
        ...[...edits].map(([name, { counters }]) => [name, counters] as const),
      ]),
      origins: new Map([...edits].map(([name, { origins }]) => [name, origins])),
    };
  }

  /** applyIptables has carried out what run() last left to it, and RULESET is what is there since. */
  learn(exitCode: number, ruleset: Ruleset): void {
    if (this.#unchecked === undefined || exitCode !== 0) return;
    this.#checked.add(this.#unchecked);
    this.#ruleset = ruleset;
  }
}

/** The command of WORDS if it is about one rule that the kernel can judge by itself. */
function commandOf(scope: CommandScope, words: readonly Word[]): Command | undefined {
  let command: Command;
  try {
    command = scope.parse(words);
  } catch (fault) {
    if (!(fault instanceof RuleFault)) throw fault;
    return undefined;
  }
  const { letter, rules, position, counters, verbosity } = command;
  const isPlain = 'ACDI'.includes(letter) && position === undefined && counters === undefined && verbosity === 0;
  return isPlain && rules.length === 1 && isByItself(rules[0]) ? command : undefined;
}

function isByItself({ base, matches, target, unsupported, verbatim }: RuleDraft): boolean {
  if (unsupported !== undefined || verbatim !== undefined || matches.length === 0) return false;
  if (base.source?.negated || base.destination?.negated) return false;
  if (!matches.every(({ extension }) => MATCHES.includes(extension.name))) return false;
  return target.kind === 'verdict' || (target.kind === 'extension' && TARGETS.includes(target.extension.name));
}
