/**
 * Commands of iptables on a loaded ruleset: what `iptables …` would make of the kernel's tables, and what it would say
 * (iptables 1.8.9, iptables-legacy and iptables-nft; man iptables).
 */
import type { NamesDescription } from '../../../codecs/host/names.js';
import type { Word } from '../../../codecs/iptables-save.js';
import { TABLE_NAMES, type TableName } from '../../hooks.js';
import type { Ruleset, SavedCounters } from '../model.js';
import { checkTable, KernelFault, type WordFinder } from '../parse/check-table.js';
import type { Command } from '../parse/command.js';
import { RuleFault } from '../parse/error.js';
import { KernelObjects } from '../parse/kernel-objects.js';
import { CommandScope } from './command-scope.js';
import { EditedTable } from './edited-table.js';
import type { CommandRun } from './run.js';
import { runLegacy } from './run-legacy.js';
import { refusedRule, runNft } from './run-nft.js';
import { CommandFault, failed, familyOf, misused, stderrOf, type Tool, ToolExit, versionOf } from './tool.js';

/** The rules of one family in the kernel. */
export interface RulesetState {
  readonly ruleset: Ruleset;
  /** Of each table; those of a table that is not there are zero. */
  readonly counters: ReadonlyMap<TableName, SavedCounters>;
}

export interface ApplyOptions {
  readonly tool: Tool;
  /** What new rules, chains and policies are from. Their lines are those of the words. */
  readonly file: string;
  /** The names on the host. Default: those that every host has. */
  readonly names?: NamesDescription;
}

/** What a command did. */
export interface Applied extends RulesetState {
  /** As iptables exits. */
  readonly exitCode: number;
  /** What it writes: the text of a listing, and messages. Empty where its words are not known. */
  readonly stdout: string;
  readonly stderr: string;
  /** Why it failed, for people; undefined if it did not. */
  readonly fault: RuleFault | undefined;
  /** What it took for something else than its author may think. */
  readonly warnings: readonly { readonly word: Word; readonly message: string }[];
  /**
   * Of the tables that the command replaced, for each rule the index of the same rule in the table before it, or -1 for
   * a new one. Rules that stay keep their counters (which `counters` has already) and, with nf_tables, what their
   * matches remember.
   */
  readonly origins: ReadonlyMap<TableName, Int32Array>;
}

/**
 * Carries out the command of WORDS, which stand behind the tool's name, on STATE. A command that fails is no error: it
 * leaves what iptables leaves.
 */
export function applyIptables(words: readonly Word[], state: RulesetState, options: ApplyOptions): Applied {
  return new CommandLineRun(words, state, options).run();
}

class CommandLineRun {
  readonly #words: readonly Word[];
  readonly #state: RulesetState;
  readonly #tool: Tool;
  readonly #file: string;
  readonly #scope: CommandScope;
  #edited: EditedTable | undefined;
  #verbosity = 0;

  constructor(words: readonly Word[], state: RulesetState, { tool, file, names }: ApplyOptions) {
    this.#words = words;
    this.#state = state;
    this.#tool = tool;
    this.#file = file;
    this.#scope = new CommandScope(tool, names);
  }

  run(): Applied {
    let stdout = '';
    try {
      const command = this.#scope.parse(this.#words);
      this.#verbosity = command.verbosity;
      if ('Vh'.includes(command.letter)) return this.#done(`${versionOf(this.#tool)}\n`);
      stdout = this.#carryOut(command);
    } catch (fault) {
      if (!(fault instanceof RuleFault)) throw fault;
      return this.#failed(fault);
    }
    return this.#done(stdout);
  }

  #carryOut(command: Command): string {
    const table = this.#openTable();
    const output: string[] = [];
    const run: CommandRun = { tool: this.#tool, table, command, file: this.#file, output };
    if (this.#tool.backend === 'legacy') runLegacy(run);
    else runNft(run);
    if (table.isChanged) this.#check(run);
    return output.join('');
  }

  #openTable(): EditedTable {
    const { tableWord } = this.#scope;
    const { text } = tableWord;
    const name = TABLE_NAMES.find((known) => known === text);
    const { backend } = this.#tool;
    if (name === undefined) {
      const what = `unknown table "${text}"`;
      const message =
        backend === 'nft'
          ? `table '${text}' does not exist`
          : `can't initialize ${this.#tool.name} table \`${text}': Table does not exist (do you need to insmod?)`;
      const problem = { word: tableWord, what, expected: TABLE_NAMES.join(', ') };
      throw misused(this.#tool, problem, message, ToolExit.VERSION);
    }
    const { ruleset, counters } = this.#state;
    const table = ruleset.tables.find((one) => one.name === name);
    const before = table && { table, counters: counters.get(name) };
    this.#edited = new EditedTable(name, familyOf(this.#tool), backend, before);
    return this.#edited;
  }

  /** What the kernel checks. */
  #check(run: CommandRun): void {
    const { table, command } = run;
    const wordOf: WordFinder = (draft, match) => {
      if (!command.rules.includes(draft)) return command.word;
      return (match === undefined ? command.targetWord : command.matchWords[match]) ?? command.word;
    };
    const isNft = this.#tool.backend === 'nft';
    const objects = this.#objectsBeside(table.name, wordOf);
    try {
      checkTable({ name: table.name, family: table.family, isNft }, table.drafts(), objects, wordOf);
    } catch (fault) {
      if (!(fault instanceof KernelFault)) throw fault;
      throw this.#refusal(run, fault);
    }
  }

  /** What the rules of the tables beside NAME have made in the kernel. */
  #objectsBeside(name: TableName, wordOf: WordFinder): KernelObjects {
    const objects = new KernelObjects();
    for (const table of this.#state.ruleset.tables) {
      if (table.name === name) continue;
      const drafts = table.chains.map((chain) => ({ ...chain, rules: [...chain.rules], isAbsent: false }));
      checkTable({ ...table, isNft: this.#tool.backend === 'nft' }, drafts, objects, wordOf);
    }
    return objects;
  }

  #refusal(run: CommandRun, fault: KernelFault): CommandFault {
    const { word, message, expected } = fault;
    const problem = { word, what: message, expected };
    return this.#tool.backend === 'legacy'
      ? failed(this.#tool, problem, fault.error)
      : refusedRule(run, problem, fault.error);
  }

  #failed(fault: RuleFault): Applied {
    const isCommandFault = fault instanceof CommandFault;
    const stderr = isCommandFault ? fault.stderr : stderrOf(this.#tool, fault);
    // With more than one -v, iptables-legacy dumps the table, and forgets what it was about.
    const isForgotten = this.#tool.backend === 'legacy' && this.#verbosity > 1;
    return {
      // The legacy tool has made the kernel load the table before it fails.
      ...this.#state,
      ...(this.#tool.backend === 'legacy' && this.#edited?.isNew ? this.#withTable(fresh(this.#edited)) : {}),
      exitCode: isCommandFault ? fault.exitCode : ToolExit.USAGE,
      stdout: '',
      stderr: isForgotten ? '' : (stderr ?? ''),
      fault,
      warnings: this.#scope.warnings,
      origins: new Map(),
    };
  }

  #done(stdout: string): Applied {
    const edited = this.#edited;
    const result = { exitCode: ToolExit.DONE, stdout, stderr: '', fault: undefined, warnings: this.#scope.warnings };
    const isLoaded = edited?.isNew === true && this.#tool.backend === 'legacy';
    if (edited === undefined || !(edited.isChanged || isLoaded)) {
      return { ...this.#state, ...result, origins: new Map() };
    }
    return { ...result, ...this.#withTable(edited) };
  }

  #withTable(edited: EditedTable): RulesetState & Pick<Applied, 'origins'> {
    const { ruleset, counters } = this.#state;
    const { table, counters: counted, origins } = edited.finish(this.#file);
    const tables = edited.isNew
      ? [...ruleset.tables, table]
      : ruleset.tables.map((one) => (one.name === table.name ? table : one));
    return {
      ruleset: { ...ruleset, tables },
      counters: new Map([...counters, [table.name, counted]]),
      origins: new Map([[table.name, origins]]),
    };
  }
}

/** The table of EDITED as the kernel makes it. */
function fresh({ name, family }: EditedTable): EditedTable {
  return new EditedTable(name, family, 'legacy');
}
