/** Carries out commands as iptables-legacy does (iptables.c, libiptc). */
import { isLongerThan } from '../../../codecs/text.js';
import { Verdict } from '../../hooks.js';
import type { RuleDraft } from '../parse/command.js';
import { checkRenamed, MAX_LABEL_BYTES, RESERVED } from '../parse/names.js';
import { type EditedChain, newRule } from './edited-table.js';
import {
  BAD_RULE,
  type CommandRun,
  chainName,
  countersOf,
  findRule,
  list,
  noChain,
  noPosition,
  noRule,
  refuseStandard,
  tell,
} from './run.js';
import { type CommandFault, failed, misused, type Problem } from './tool.js';

/** Carries out the command of RUN. */
export function runLegacy(run: CommandRun): void {
  runOn(run);
  // Replacing the table, iptables puts back the counters of rules, but no others than given ones of policies.
  if (run.table.isChanged) {
    for (const chain of run.table.chains.values()) {
      const [packets, bytes] = run.command.letter === 'P' && chain.name === chainName(run) ? countersOf(run) : [0, 0];
      Object.assign(chain, { packets, bytes });
    }
  }
}

function runOn(run: CommandRun): void {
  const { command, table, tool } = run;
  switch (command.letter) {
    case 'A':
    case 'I':
    case 'R':
    case 'D':
    case 'C':
      runOnRules(run);
      return;
    case 'L':
    case 'S':
      list(
        run,
        (problem) => failed(tool, problem, 'ENOENT'),
        () => zero(run, command.zeroes === 'rule'),
      );
      return;
    case 'Z':
      zero(run, command.position !== undefined);
      return;
    case 'F':
      for (const chain of chosenChains(run)) {
        tell(run, 'Flushing', chain);
        chain.rules = [];
      }
      table.isChanged = true;
      return;
    case 'N':
      create(run);
      return;
    case 'X':
      deleteChains(run);
      return;
    case 'E':
      rename(run);
      return;
    case 'P':
      setPolicy(run);
  }
}

/** The chain that the command names; MESSAGE if there is none. */
function chainOf(run: CommandRun, message = 'ENOENT'): EditedChain {
  const chain = run.table.chains.get(chainName(run));
  if (chain === undefined) throw failed(run.tool, noChain(run, run.command.chain!), message);
  return chain;
}

function chosenChains(run: CommandRun): EditedChain[] {
  return run.command.chain === undefined ? run.table.sortedChains : [chainOf(run)];
}

function runOnRules(run: CommandRun): void {
  const { command, table, tool } = run;
  const { letter, word, position } = command;
  const isSearch = letter === 'C' || (letter === 'D' && position === undefined);
  const rules = command.rules.map((draft) => withTarget(run, draft));
  const chain = chainOf(run, isSearch ? BAD_RULE : 'ENOENT');
  const tooBig = (what: string, more: number): CommandFault =>
    failed(tool, noPosition(word, chain, position ?? 1, more), `Index of ${what} too big`);
  if (letter === 'I' && (position ?? 1) > chain.rules.length + 1) throw tooBig('insertion', 1);
  if (letter === 'R' && position! > chain.rules.length) throw tooBig('replacement', 0);
  if (letter === 'D' && position !== undefined && position > chain.rules.length) throw tooBig('deletion', 0);
  for (const draft of rules) checkTarget(run, draft);
  const counters = countersOf(run);
  if (letter === 'A') chain.rules.push(...rules.map((draft) => newRule(draft, counters)));
  else if (letter === 'I') {
    for (const draft of rules) chain.rules.splice((position ?? 1) - 1, 0, newRule(draft, counters));
  } else if (letter === 'R') chain.rules[position! - 1] = newRule(rules[0], counters);
  else if (position !== undefined) chain.rules.splice(position - 1, 1);
  else searchRules(run, chain, rules);
  if (letter !== 'C') table.isChanged = true;
}

function searchRules(run: CommandRun, chain: EditedChain, rules: readonly RuleDraft[]): void {
  const { command, tool } = run;
  let isMissing = false;
  for (const draft of rules) {
    const index = findRule(run, chain, draft);
    if (index < 0) isMissing = true;
    else if (command.letter === 'D') chain.rules.splice(index, 1);
  }
  // Where the rule has a target that is no verdict, iptables looks whether that is a base chain, and forgets what for.
  const { target } = rules[0];
  const isVerdict = target.kind === 'extension' && target.extension.isVerdict === true;
  const isForgotten = !isVerdict && !['none', 'verdict'].includes(target.kind);
  if (isMissing) throw failed(tool, noRule(command.word, chain), isForgotten ? 'ENOENT' : BAD_RULE);
}

/** DRAFT, whose target may be a chain of the same name. */
function withTarget(run: CommandRun, draft: RuleDraft): RuleDraft {
  const { target } = draft;
  const { table, tool, command } = run;
  const word = command.targetWord;
  if (target.kind === 'extension') {
    return table.chains.has(word.text) ? { ...draft, target: { kind: 'jump', chain: word.text } } : draft;
  }
  if (!('chain' in target) || table.chains.has(target.chain)) return draft;
  const { chain } = target;
  refuseStandard(word);
  const text =
    target.kind === 'goto'
      ? `goto '${chain}' is not a chain`
      : `Couldn't load target \`${chain}':No such file or directory\n`;
  throw misused(tool, noChain(run, word, chain), text);
}

function checkTarget({ table, tool, command }: CommandRun, { target }: RuleDraft): void {
  if (!('chain' in target) || table.chains.get(target.chain)?.hook === undefined) return;
  const what = `${target.chain} is a built-in chain: rules cannot jump there`;
  throw failed(tool, { word: command.targetWord, what, expected: 'a target or a user chain' }, 'EINVAL');
}

function zero(run: CommandRun, isRule: boolean): void {
  const { table, command, tool } = run;
  if (isRule) {
    const position = command.position!;
    const chain = chainOf(run);
    if (position > chain.rules.length) {
      throw failed(tool, noPosition(command.word, chain, position, 0), 'Index of counter too big');
    }
    zeroRule(chain, position - 1);
  } else {
    for (const chain of chosenChains(run)) {
      tell(run, 'Zeroing', chain);
      for (const index of chain.rules.keys()) zeroRule(chain, index);
    }
  }
  table.isChanged = true;
}

function zeroRule({ rules }: EditedChain, index: number): void {
  rules[index] = { ...rules[index], packets: 0, bytes: 0 };
}

function create({ table, command, tool, file }: CommandRun): void {
  const word = command.chain!;
  if (table.chains.has(word.text) || RESERVED.includes(word.text)) {
    throw failed(tool, exists(word.text, command.chain!), 'Chain already exists');
  }
  table.addChain(word.text, file, word.line);
  table.isChanged = true;
}

function exists(name: string, word: Problem['word']): Problem {
  return { word, what: `the chain ${name} exists already`, expected: 'another name' };
}

function deleteChains(run: CommandRun): void {
  const { table, command, tool } = run;
  const isAll = command.chain === undefined;
  const chosen = isAll ? table.sortedChains.filter(({ hook }) => hook === undefined) : [chainOf(run)];
  let fault: CommandFault | undefined;
  for (const chain of chosen) {
    tell(run, 'Deleting', chain);
    const why = whyKept(run, chain);
    if (why === undefined) table.chains.delete(chain.name);
    else fault = failed(tool, why, why.error);
  }
  if (fault !== undefined) throw fault;
  table.isChanged = chosen.length > 0;
}

/** Why CHAIN cannot be deleted; undefined: it can. */
function whyKept({ table, command }: CommandRun, chain: EditedChain): (Problem & { error: string }) | undefined {
  const word = command.chain ?? command.word;
  const { name, hook, rules } = chain;
  const expected = 'an empty user chain that no rule refers to';
  if (hook !== undefined) return { word, what: `${name} is a built-in chain`, expected, error: 'EINVAL' };
  const references = table.references(chain);
  if (references > 0) {
    const what = `${references === 1 ? 'a rule refers' : `${references} rules refer`} to the chain ${name}`;
    return { word, what, expected, error: 'EMLINK' };
  }
  return rules.length === 0
    ? undefined
    : { word, what: `the chain ${name} has rules`, expected: `-F ${name} before it`, error: 'ENOTEMPTY' };
}

function rename(run: CommandRun): void {
  const { table, command, tool } = run;
  const to = command.argument!;
  if (table.chains.has(to.text) || RESERVED.includes(to.text)) throw failed(tool, exists(to.text, to), 'EEXIST');
  const chain = table.chains.get(chainName(run));
  if (chain === undefined) throw failed(tool, noChain(run, command.chain!), 'ENOENT');
  if (chain.hook !== undefined) {
    throw failed(tool, { word: command.chain!, what: `the built-in chain ${chain.name} cannot be renamed` }, 'ENOENT');
  }
  if (isLongerThan(to.text, MAX_LABEL_BYTES)) {
    throw failed(tool, { word: to, what: 'the name of the chain is too long', expected: 'at most 29 bytes' }, 'EINVAL');
  }
  checkRenamed(to);
  table.rename(chain, to.text);
  table.isChanged = true;
}

function setPolicy(run: CommandRun): void {
  const { table, command, tool, file } = run;
  const policy = command.argument!;
  const chain = chainOf(run, 'Bad built-in chain name');
  if (chain.hook === undefined) {
    const what = `${chain.name} is not a built-in chain of the table ${table.name}, so it has no policy`;
    throw failed(tool, { word: command.chain!, what }, 'Bad built-in chain name');
  }
  if (policy.text !== 'ACCEPT' && policy.text !== 'DROP') {
    const problem = { word: policy, what: `unknown policy "${policy.text}"`, expected: 'ACCEPT, DROP' };
    throw failed(tool, problem, "Bad policy name. Run `dmesg' for more information");
  }
  chain.policy = policy.text === 'ACCEPT' ? Verdict.ACCEPT : Verdict.DROP;
  chain.file = file;
  chain.line = policy.line;
  table.isChanged = true;
}
