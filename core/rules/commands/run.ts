/** What carrying out a command on a table needs, with either backend. */
import type { Word } from '../../../codecs/iptables-save.js';
import { withNearest } from '../../../codecs/nearest.js';
import type { Command, RuleDraft } from '../parse/command.js';
import { RuleFault } from '../parse/error.js';
import { STANDARD } from '../parse/names.js';
import { meaningOf } from '../parse/table-draft.js';
import type { EditedChain, EditedTable } from './edited-table.js';
import { listRules } from './listing.js';
import type { CommandFault, Problem, Tool } from './tool.js';

export interface CommandRun {
  readonly tool: Tool;
  readonly table: EditedTable;
  readonly command: Command;
  /** What new rules and chains are from. */
  readonly file: string;
  /** What the command writes to standard output, in pieces. */
  readonly output: string[];
  /** Finds rules faster than by looking at all of them: as findRule does. */
  readonly find?: (chain: EditedChain, rule: RuleDraft) => number;
}

export const BAD_RULE = 'Bad rule (does a matching rule exist in that chain?)';

/** The values of `-c`, or zeros. ip6tables-nft forgets them. */
export function countersOf({ tool, command }: CommandRun): readonly [number, number] {
  const { counters, word } = command;
  if (counters === undefined || (tool.backend === 'nft' && tool.name === 'ip6tables')) return [0, 0];
  const [packets, bytes] = counters.map(Number);
  if (!Number.isSafeInteger(packets) || !Number.isSafeInteger(bytes)) {
    throw new RuleFault(word, 'counters above 2^53 cannot be counted on', 'smaller ones', 'unsupported');
  }
  return [packets, bytes];
}

export function noChain({ table }: CommandRun, word: Word, name = word.text): Problem {
  const expected = withNearest(`a chain of the table ${table.name}`, name, table.chains.keys());
  return { word, what: `no chain "${name}" in the table ${table.name}`, expected };
}

export function noPosition(word: Word, chain: EditedChain, position: number, more: number): Problem {
  const last = chain.rules.length + more;
  const expected = last === 0 ? 'a chain with rules' : `1–${last}`;
  return { word, what: `the chain ${chain.name} has no position ${position}`, expected };
}

export function noRule(word: Word, chain: EditedChain): Problem {
  return { word, what: `the chain ${chain.name} has no such rule`, expected: 'a rule that the chain has' };
}

/** The index of the first rule of CHAIN that iptables takes for the same as RULE; -1: none. */
export function findRule({ find }: CommandRun, chain: EditedChain, rule: RuleDraft): number {
  if (find !== undefined) return find(chain, rule);
  const meaning = meaningOf(rule);
  return chain.rules.findIndex(({ draft }) => meaningOf(draft) === meaning);
}

/** `-j standard` names iptables' own target of verdicts, which no rule is meant to have. */
export function refuseStandard(word: Word): void {
  if (word.text !== STANDARD) return;
  throw new RuleFault(word, `${STANDARD} is iptables' own target, not for rules`, '', 'unsupported');
}

/** The name of the chain that a command with a chain names. */
export function chainName({ command }: CommandRun): string {
  return command.chain!.text;
}

/** Carries out a listing, and the zeroing beside it, which ZERO does. */
export function list(run: CommandRun, fail: (problem: Problem) => CommandFault, zero: () => void): void {
  const { table, command, output } = run;
  const { chain, position, verbosity } = command;
  if (chain !== undefined && !table.chains.has(chain.text)) throw fail(noChain(run, chain));
  output.push(listRules(table, { chain: chain?.text, position, counters: verbosity > 0 }));
  if (command.zeroes !== undefined) zero();
}

/** With -v: says that what VERB means happens to CHAIN. */
export function tell({ command, output }: CommandRun, verb: string, { name }: EditedChain): void {
  if (command.verbosity > 0) output.push(`${verb} chain \`${name}'\n`);
}
