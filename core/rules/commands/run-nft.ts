/**
 * Carries out commands as iptables-nft does (nft.c, nft-cmd.c): what it does goes to the kernel in one batch, of which
 * nothing stays if any of it fails. Base chains are made when they are needed.
 */
import type { Word } from '../../../codecs/iptables-save.js';
import { isLongerThan } from '../../../codecs/text.js';
import { HOOK_NAMES, TABLE_HOOKS, Verdict } from '../../hooks.js';
import type { RuleDraft } from '../parse/command.js';
import { RuleFault } from '../parse/error.js';
import { MAX_NAME_BYTES } from '../parse/names.js';
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
import { type CommandFault, failed, misused, type Problem, ToolExit } from './tool.js';

/** Carries out the command of RUN. */
export function runNft(run: CommandRun): void {
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
        (problem) => {
          const text = `chain \`${chainName(run)}' in table \`${table.name}' is incompatible, use 'nft' tool.`;
          return misused(tool, problem, text, ToolExit.FAILED);
        },
        () => zeroListed(run),
      );
      return;
    case 'Z':
      zero(run, command.position !== undefined);
      return;
    case 'F':
      flush(run);
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

/** What the kernel refuses of a batch. ITEM is what it was about. */
function refused(run: CommandRun, problem: Problem, what: string, why: string, item: string): CommandFault {
  return misused(run.tool, problem, ` ${what} failed (${why}): ${item}`, ToolExit.RESOURCE);
}

const KERNEL_ERRORS = {
  EINVAL: 'Invalid argument',
  ENOENT: 'No such file or directory',
  ERANGE: 'Numerical result out of range',
  // nf_tables only looks how deep chains are nested.
  ELOOP: 'Too many links',
  EOPNOTSUPP: 'Operation not supported',
} as const;

/** What the kernel refuses with ERROR of the rule of a command. */
export function refusedRule(run: CommandRun, problem: Problem, error: keyof typeof KERNEL_ERRORS): CommandFault {
  const { letter, chain, position = 1, rules } = run.command;
  // At the end, iptables appends.
  const isLast = position > 1 && run.table.chains.get(chainName(run))?.rules.length === position - 1 + rules.length;
  const what = letter === 'R' ? 'RULE_REPLACE' : letter === 'I' && !isLast ? 'RULE_INSERT' : 'RULE_APPEND';
  return refused(run, problem, what, KERNEL_ERRORS[error], `rule in chain ${chain?.text}`);
}

/** The chain that the command names, if it exists in the kernel. */
function existing(run: CommandRun): EditedChain | undefined {
  const chain = run.table.chains.get(chainName(run));
  return chain?.isAbsent ? undefined : chain;
}

/** The chain that the command names; MESSAGE if it does not exist. */
function chainOf(run: CommandRun, message = 'ENOENT'): EditedChain {
  const chain = existing(run);
  if (chain !== undefined) return chain;
  const word = run.command.chain!;
  const isBuiltIn = run.table.chains.has(word.text);
  const what = `the base chain ${word.text} of the table ${run.table.name} does not exist yet: nothing has needed it`;
  throw failed(run.tool, isBuiltIn ? { word, what, expected: 'a chain with rules' } : noChain(run, word), message);
}

/** The chain that the command names, made if it is a base chain. */
function madeChain(run: CommandRun): EditedChain {
  const chain = run.table.chains.get(chainName(run));
  if (chain === undefined) throw failed(run.tool, noChain(run, run.command.chain!), 'ENOENT');
  // Nothing has set its policy.
  if (chain.isAbsent) Object.assign(chain, { isAbsent: false, isUncounted: true });
  return chain;
}

function runOnRules(run: CommandRun): void {
  const { command, table, tool } = run;
  const { letter, word, position } = command;
  for (const draft of command.rules) checkTarget(run, draft);
  const isSearch = letter === 'C' || (letter === 'D' && position === undefined);
  const chain = 'AI'.includes(letter) ? madeChain(run) : chainOf(run, isSearch ? BAD_RULE : 'ENOENT');
  const tooBig = (what: string, more: number): CommandFault =>
    failed(tool, noPosition(word, chain, position!, more), `Index of ${what} too big`);
  const counters = countersOf(run);
  const added = command.rules.map((draft) => newRule(draft, counters));
  if (letter === 'A') chain.rules.push(...added);
  else if (letter === 'I') {
    for (const rule of added) {
      if ((position ?? 1) > chain.rules.length + 1) throw tooBig('insertion', 1);
      chain.rules.splice((position ?? 1) - 1, 0, rule);
    }
  } else if (letter === 'R') {
    if (position! > chain.rules.length) throw tooBig('replacement', 0);
    chain.rules[position! - 1] = added[0];
  } else if (position !== undefined) {
    if (position > chain.rules.length) throw tooBig('deletion', 0);
    chain.rules.splice(position - 1, 1);
  } else searchRules(run, chain);
  if (letter === 'C') return;
  if (letter !== 'D') for (const draft of command.rules) checkRule(run, draft);
  table.isChanged = true;
}

/** The kernel takes no jump to a base chain, no address that is in no network, and knows nothing of -j QUEUE. */
function checkRule(run: CommandRun, { target, base }: RuleDraft): void {
  if ([base.source, base.destination].some((match) => match?.negated && match.mask.isUnspecified)) {
    const what = 'nf_tables does not take ! before a network of all addresses';
    throw refusedRule(run, { word: run.command.word, what }, 'EINVAL');
  }
  if (target.kind === 'extension' && target.extension.isVerdict === true) {
    const what = `nf_tables has no target ${target.extension.name}`;
    throw refusedRule(run, { word: run.command.targetWord, what, expected: 'NFQUEUE' }, 'ENOENT');
  }
  const chain = 'chain' in target ? run.table.chains.get(target.chain) : undefined;
  if (chain?.hook === undefined) return;
  const what = `${chain.name} is a built-in chain: rules cannot jump there`;
  const problem = { word: run.command.targetWord, what, expected: 'a target or a user chain' };
  throw refusedRule(run, problem, chain.isAbsent ? 'ENOENT' : 'EOPNOTSUPP');
}

function searchRules(run: CommandRun, chain: EditedChain): void {
  const { command, tool } = run;
  for (const draft of command.rules) {
    const index = findRule(run, chain, draft);
    if (index < 0) throw failed(tool, noRule(command.word, chain), BAD_RULE);
    if (command.letter === 'D') chain.rules.splice(index, 1);
  }
}

function checkTarget(run: CommandRun, { target }: RuleDraft): void {
  const { table, tool, command } = run;
  if (!('chain' in target) || table.chains.has(target.chain)) return;
  refuseStandard(command.targetWord);
  throw misused(tool, noChain(run, command.targetWord, target.chain), `Chain '${target.chain}' does not exist`);
}

/** A listing takes all base chains for present; zeroing makes them, where there is a table. */
function zeroListed(run: CommandRun): void {
  const { table, command } = run;
  for (const chain of table.sortedChains) {
    if (!chain.isAbsent || (command.chain !== undefined && command.chain.text !== chain.name)) continue;
    if (table.isNew) {
      const what = `there is no table ${table.name} yet`;
      const problem = { word: command.word, what, expected: 'a table with rules' };
      throw refused(run, problem, 'CHAIN_ZERO', KERNEL_ERRORS.ENOENT, `chain ${chain.name}`);
    }
    chain.isAbsent = false;
  }
  zero(run, command.zeroes === 'rule');
}

function zero(run: CommandRun, isRule: boolean): void {
  const { table, command } = run;
  if (isRule) {
    const chain = chainOf(run, BAD_RULE);
    // iptables says nothing if there is no such rule.
    if (command.position! <= chain.rules.length) zeroRule(chain, command.position! - 1);
  } else {
    const chosen = command.chain === undefined ? table.sortedChains : [chainOf(run)];
    for (const chain of chosen) {
      if (chain.isAbsent) continue;
      tell(run, 'Zeroing', chain);
      Object.assign(chain, { isUncounted: false, packets: 0, bytes: 0 });
      chain.rules.forEach(({ packets }, index) => {
        if (packets > 0) zeroRule(chain, index);
      });
    }
  }
  table.isChanged = !table.isNew;
}

/** Puts a new rule in the place of the one at INDEX, as the counter of a rule cannot be changed. */
function zeroRule({ rules }: EditedChain, index: number): void {
  rules[index] = newRule(rules[index].draft, [0, 0]);
}

function flush(run: CommandRun): void {
  const { table, command } = run;
  const isVerbose = command.verbosity > 0;
  for (const chain of command.chain === undefined ? table.sortedChains : [madeChain(run)]) {
    tell(run, 'Flushing', chain);
    chain.rules = [];
    if (isVerbose && chain.isAbsent) Object.assign(chain, { isAbsent: false, isUncounted: true });
  }
  table.isChanged = command.chain !== undefined || isVerbose || !table.isNew;
}

function create({ table, command, tool, file }: CommandRun): void {
  const word = command.chain!;
  if (table.chains.has(word.text)) throw failed(tool, exists(word), 'Chain already exists');
  table.addChain(word.text, file, word.line);
  table.isChanged = true;
}

function exists(word: Word): Problem {
  return { word, what: `the chain ${word.text} exists already`, expected: 'another name' };
}

function deleteChains(run: CommandRun): void {
  const { table, command } = run;
  if (command.chain === undefined) {
    if (table.isNew) return;
    for (const chain of table.sortedChains) {
      if (chain.hook === undefined) deleteChain(run, chain);
      else if (chain.rules.length === 0 && chain.policy === Verdict.ACCEPT) makeAbsent(chain);
    }
  } else deleteChain(run, chainOf(run));
  table.isChanged = true;
}

function makeAbsent(chain: EditedChain): void {
  Object.assign(chain, { isAbsent: true, isUncounted: false, packets: 0, bytes: 0 });
}

function deleteChain(run: CommandRun, chain: EditedChain): void {
  const { table, command, tool } = run;
  const word = command.chain ?? command.word;
  const { name } = chain;
  if (chain.hook === undefined) tell(run, 'Deleting', chain);
  if (chain.policy === Verdict.DROP && chain.hook !== undefined) {
    const what = `the base chain ${name} cannot be deleted while its policy is DROP`;
    throw failed(tool, { word, what, expected: `-P ${name} ACCEPT before it` }, 'ENOTEMPTY');
  }
  const references = table.references(chain);
  if (references > 0 || chain.rules.length > 0) {
    const expected = 'an empty chain that no rule refers to';
    const why = references > 0 ? 'is still referred to' : 'still has rules';
    const problem = { word, what: `the chain ${name} ${why}`, expected };
    throw refused(run, problem, 'CHAIN_DEL', 'Device or resource busy', `chain ${name}`);
  }
  if (chain.hook === undefined) table.chains.delete(name);
  else makeAbsent(chain);
}

function rename(run: CommandRun): void {
  const { table, command, tool } = run;
  const to = command.argument!;
  if (table.chains.has(to.text)) throw failed(tool, exists(to), 'EEXIST');
  const chain = chainOf(run);
  checkNameOfChain(to);
  if (chain.hook !== undefined) {
    const what = `iptables-nft renames the base chain ${chain.name}, and then cannot list it any more`;
    throw new RuleFault(command.chain!, what, 'a chain of your own', 'unsupported');
  }
  table.rename(chain, to.text);
  table.isChanged = true;
}

/** With -E, iptables-nft makes chains whose names it does not take any more. */
function checkNameOfChain(name: Word): void {
  if (!isLongerThan(name.text, MAX_NAME_BYTES)) return;
  throw new RuleFault(name, `the chain name "${name.text}" is too long`, 'at most 28 bytes', 'unsupported');
}

function setPolicy(run: CommandRun): void {
  const { table, command, tool, file } = run;
  const policy = command.argument!;
  const isKnown = policy.text === 'ACCEPT' || policy.text === 'DROP';
  if (!isKnown) {
    const problem = { word: policy, what: `unknown policy "${policy.text}"`, expected: 'ACCEPT, DROP' };
    throw failed(tool, problem, "Bad policy name. Run `dmesg' for more information");
  }
  const name = chainName(run);
  const hooks: readonly string[] = TABLE_HOOKS[table.name].map((hook) => HOOK_NAMES[hook]);
  if (!hooks.includes(name)) {
    const what = `${name} is not a built-in chain of the table ${table.name}, so it has no policy`;
    throw failed(tool, { word: command.chain!, what, expected: hooks.join(', ') }, 'Bad built-in chain name');
  }
  const chain = table.chains.get(name)!;
  Object.assign(chain, { file, line: policy.line, isAbsent: false, isUncounted: false, packets: 0, bytes: 0 });
  chain.policy = policy.text === 'ACCEPT' ? Verdict.ACCEPT : Verdict.DROP;
  table.isChanged = true;
}
