/** What commands of iptables did, as the real one or this project answered, and how to compare that. */

import type { Family } from '../../codecs/address.js';
import { type Applied, applyIptables, type RulesetState } from '../../core/rules/commands/apply-iptables.js';
import { loadedCounters } from '../../core/rules/loaded-counters.js';
import type { Backend } from '../../core/rules/model.js';
import { RulesetError } from '../../core/rules/parse/error.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { saveRuleset } from '../../core/rules/save.js';

export interface Answer {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Commands one after another, the first of which finds no tables, as iptables carried them out. */
export interface RecordedSession {
  readonly backend: Backend;
  readonly commands: readonly {
    readonly words: readonly string[];
    readonly exitCode: number;
    readonly stderr: string;
  }[];
  /** What iptables-save -c printed after them. */
  readonly saved: string;
}

export function noTables(family: Family): RulesetState {
  return { ruleset: { fileName: 'rules', family, tables: [], warnings: [] }, counters: new Map() };
}

/** The command of WORDS on STATE. */
export function ourAnswer(words: readonly string[], state: RulesetState, backend: Backend): Applied {
  const placed = words.map((text, i) => ({ text, line: 1, column: i + 1 }));
  const name = state.ruleset.family === 'ipv4' ? 'iptables' : 'ip6tables';
  return applyIptables(placed, state, { tool: { name, backend }, file: 'commands' });
}

/** What iptables-nft says of -Z in a chain that does not exist depends on what has failed before, inside it. */
const LEFT_OVER = 'Incompatible with this kernel';
const BAD_RULE = 'Bad rule (does a matching rule exist in that chain?)';

/** Which of several chains that cannot be deleted the kernel finds first depends on the order of their making. */
function comparable(stderr: string): string {
  return stderr.replace(LEFT_OVER, BAD_RULE).replace(/(CHAIN_DEL failed .*: chain ).*/, '$1…');
}

/** How the answer of iptables, THEIRS, differs from OURS; undefined if it does not. */
export function answerDifference(ours: Applied, theirs: Answer, backend: Backend): string | undefined {
  const shown = ({ exitCode, stdout, stderr }: Answer): string => JSON.stringify([exitCode, stdout, stderr]);
  // Extensions write remarks of their own; and where the words of a message are not known, there are none.
  const isAlike =
    ours.exitCode === theirs.exitCode &&
    (ours.stderr === '' || comparable(theirs.stderr).endsWith(comparable(ours.stderr))) &&
    (ours.exitCode !== 0 ||
      ours.stdout === theirs.stdout ||
      backend === 'nft' ||
      !/^-[PNA]|^\w+ing chain/.test(theirs.stdout));
  if (isAlike) return undefined;
  const why = ours.fault === undefined ? '' : `\n    (here: ${ours.fault.message})`;
  return `iptables: ${shown(theirs)}\n    here:     ${shown(ours)}${why}`;
}

/** How the tables of iptables, SAVED by iptables-save -c, differ from STATE; undefined if they do not. */
export function savedDifference(state: RulesetState, saved: string, backend: Backend): string | undefined {
  const ours = saveRuleset(state.ruleset, state.counters);
  const readable = backend === 'legacy' ? saved : again(saved, state.ruleset.family);
  if (readable === undefined) return undefined;
  const [wanted, got] = backend === 'legacy' ? [saved, ours] : [inOrder(readable), inOrder(withoutRange(ours))];
  if (wanted === got) return undefined;
  const [theirs, here] = [wanted.split('\n'), got.split('\n')];
  const at = theirs.findIndex((line, i) => line !== here[i]);
  return `saved differently:\n    iptables: ${theirs[at] ?? 'nothing'}\n    here:     ${here[at] ?? 'nothing'}`;
}

/**
 * TEXT, which iptables-nft-save printed, in the words of iptables-legacy-save; undefined if iptables-restore would not
 * take it, as that of some options of HMARK.
 */
function again(text: string, family: Family): string | undefined {
  try {
    const ruleset = parseRuleset(text, 'saved', { willRun: false, family });
    return saveRuleset(ruleset, loadedCounters(ruleset, [{ text, file: 'saved' }]));
  } catch (error) {
    if (error instanceof RulesetError) return undefined;
    throw error;
  }
}

/** TEXT without an option that has never worked: iptables-nft leaves it out. */
function withoutRange(text: string): string {
  return text.replace(/ --nflog-range \d+/g, '');
}

/** The tables of TEXT in the order of their names. */
function inOrder(text: string): string {
  return text
    .split(/^(?=\*)/m)
    .sort()
    .join('');
}
