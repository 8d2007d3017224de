/** What could be changed so that a packet gets through, or no longer does: guesses, which are tried before they are said. */
import { type HookName, type TableName, Verdict } from '../../core/hooks.js';
import type { Rule, Ruleset } from '../../core/rules/model.js';
import { commandHead, commandText } from '../command.js';
import type { RuleStep, Stage, Story } from '../story/story.js';
import { type Candidate, Rank } from './change.js';
import { hostCandidates } from './host-candidates.js';
import type { Nearest } from './nearest.js';
import { amendedRule, wordsOf } from './rule-words.js';
import { selectorOf } from './selector.js';

/** What a packet met, and in which rules. */
export interface Met {
  readonly story: Story;
  readonly ruleset: Ruleset;
  readonly interfaceNames: readonly string[];
  readonly nearest: Nearest | undefined;
}

/** Where rules decided: in a chain of TABLE that HOOK calls. */
interface Place {
  readonly table: TableName;
  readonly hook: HookName;
  readonly stage: Stage;
  /** The number in the built-in chain of the rule that decided, or that led to it; undefined: none did, so its policy. */
  readonly number: number | undefined;
  /**
   * The number in the built-in chain of the rule from which the packet went to the policy without meeting the rules
   * behind it: a RETURN, or a goto of a chain that let it out. Undefined: it came by the end.
   */
  readonly leftAt: number | undefined;
  /** The rule that decided. */
  readonly rule: Rule | undefined;
  /** The chains that the packet entered from there until then. */
  readonly entered: readonly string[];
}

/** Chains that a tool leaves to the administrator, or in which it keeps what the administrator asked it for. */
const OWN_CHAINS = /^ufw-user-(?:input|forward|output)$|_allow$|_rule$|(?:^|[-_])(?:custom|local|user)$/i;

/** Hooks at which rules can ask for the interface that a packet came in by. */
const HAS_INPUT: ReadonlySet<HookName> = new Set(['PREROUTING', 'INPUT', 'FORWARD']);

/** Changes after which the packet of MET might get through. */
export function openingCandidates(met: Met): Candidate[] {
  const { story } = met;
  const { decider } = story;
  if (decider.kind === 'host') return hostCandidates(met.story);
  const place = placeOf(story);
  if (place === undefined) return [];
  return [
    ...hostCandidates(met.story),
    ...insertions(story, place, 'ACCEPT'),
    ...amendment(met, place),
    ...deletion(place),
    ...(place.number === undefined ? [policy(place)] : []),
  ];
}

/** Changes after which the packet of MET, which got through, might not. */
export function closingCandidates({ story, ruleset }: Met): Candidate[] {
  const place = placeOf(story) ?? filterPlace(story, ruleset);
  return place === undefined ? [] : insertions(story, place, 'DROP');
}

/** The rule at NUMBER of the built-in chain of a decision, moved before the rule that decided. */
export function moved(story: Story, rule: Rule): Candidate | undefined {
  const place = placeOf(story);
  if (place?.number === undefined || rule.number <= place.number) return undefined;
  const { table, hook, number } = place;
  return {
    rank: Rank.MOVE,
    words: `rule ${rule.number} of ${table} ${hook} moved before rule ${number}`,
    commands: [
      commandText(commandHead(table, '-D', hook, rule.number)),
      commandText([...commandHead(table, '-I', hook, number), ...wordsOf(rule)]),
    ],
  };
}

/** The number of the rule of the built-in chain that decided in TABLE at HOOK, or led to that; undefined: none did. */
export function decidingNumber(story: Story, table: TableName, hook: HookName): number | undefined {
  const stage = story.stages.findLast((one) => one.hook === hook);
  const last = stage?.steps.findLast(
    (step) => (step.kind === 'rule' || step.kind === 'policy') && step.table === table,
  );
  return stage === undefined || last?.kind !== 'rule' ? undefined : topRule(stage, table)?.number;
}

/** The rule of the built-in chain of TABLE that decided at STAGE, or led to what did, if a rule did. */
function topRule({ steps }: Stage, table: TableName): Rule | undefined {
  const last = steps.findLast(
    (step): step is RuleStep =>
      step.kind === 'rule' && step.table === table && step.level === 0 && (step.isMatched || step.isHotdrop),
  );
  return last?.rule;
}

/** The rule of the built-in chain of TABLE behind which the packet met no other at STAGE, but came to the policy. */
function leavingRule(stage: Stage, table: TableName): Rule | undefined {
  const { target } = topRule(stage, table) ?? {};
  const isLeaving = target?.kind === 'goto' || (target?.kind === 'verdict' && target.verdict === Verdict.RETURN);
  return isLeaving ? topRule(stage, table) : undefined;
}

function placeOf(story: Story): Place | undefined {
  const { decider } = story;
  if (decider.kind !== 'rule' && decider.kind !== 'policy') return undefined;
  const { table, hook } = decider;
  const stage = story.stages.findLast((one) => one.hook === hook);
  if (stage === undefined) return undefined;
  const number = decider.kind === 'policy' ? undefined : topRule(stage, table)?.number;
  const entered = stage.steps.flatMap((step) => {
    if (step.kind !== 'rule' || step.table !== table || !step.isMatched) return [];
    const { target } = step.rule;
    return target.kind === 'jump' || target.kind === 'goto' ? [target.chain] : [];
  });
  const leftAt = decider.kind === 'policy' ? leavingRule(stage, table)?.number : undefined;
  return { table, hook, stage, number, leftAt, rule: decider.kind === 'rule' ? decider.rule : undefined, entered };
}

/** Where a rule of filter could decide about the packet of STORY, which met none. */
function filterPlace(story: Story, { tables }: Ruleset): Place | undefined {
  const stage = story.stages.findLast(({ hook }) => hook === 'INPUT' || hook === 'FORWARD' || hook === 'OUTPUT');
  const { hook } = stage ?? {};
  if (stage === undefined || hook === undefined) return undefined;
  const isThere = tables.some(({ name }) => name === 'filter');
  return isThere
    ? { table: 'filter', hook, stage, number: undefined, leftAt: undefined, rule: undefined, entered: [] }
    : undefined;
}

function insertions(story: Story, place: Place, target: 'ACCEPT' | 'DROP'): Candidate[] {
  const { table, hook, stage, leftAt, entered } = place;
  const number = place.number ?? leftAt;
  const packet = stage.packet ?? story.packet;
  if (packet === undefined) return [];
  const isKnown = target === 'ACCEPT' && isTracked(table, hook);
  const selector = selectorOf(packet, hook, {
    ctstate: isKnown || story.tracked?.ctstate === 'NEW' ? story.tracked?.ctstate : undefined,
    inDev: HAS_INPUT.has(hook) ? story.inDev : undefined,
    // Others must still get in where one is shut out; and what table raw drops, it was told to protect.
    isOfEnds: target === 'DROP' || table === 'raw',
  });
  const rule = [...selector.options, '-j', target];
  const what = `${target === 'DROP' ? 'a' : 'an'} ${target} for ${selector.words}`;
  const made = (rank: number, where: string, head: readonly string[]): Candidate => ({
    rank,
    words: `${what} ${where}`,
    commands: [commandText([...head, ...rule])],
  });
  return [
    ...entered
      .filter((chain) => OWN_CHAINS.test(chain))
      .map((chain) => made(Rank.OWN_CHAIN, `in ${table} ${chain}`, commandHead(table, '-I', chain))),
    number === undefined
      ? made(Rank.INSERT, `at the end of ${table} ${hook}`, commandHead(table, '-A', hook))
      : made(Rank.INSERT, `in ${table} ${hook} before rule ${number}`, commandHead(table, '-I', hook, number)),
  ];
}

/** Whether conntrack has seen the packet when TABLE is asked at HOOK. */
function isTracked(table: TableName, hook: HookName): boolean {
  return table !== 'raw' || (hook !== 'PREROUTING' && hook !== 'OUTPUT');
}

function amendment({ nearest, interfaceNames }: Met, place: Place): Candidate[] {
  if (nearest === undefined) return [];
  const { step, failure, isSlip } = nearest;
  const { table, rule } = step;
  const amended = amendedRule(rule, failure, interfaceNames);
  if (amended === undefined || place.rule === rule) return [];
  return [
    {
      rank: isSlip || amended.isAddition ? Rank.SLIP : Rank.AMEND,
      words: `${amended.difference} in rule ${rule.number} of ${table} ${rule.chain}`,
      ...(amended.isAddition ? {} : { also: `it then no longer matches ${amended.former}` }),
      commands: [commandText([...commandHead(table, '-R', rule.chain, rule.number), ...amended.words])],
    },
  ];
}

function deletion({ table, rule }: Place): Candidate[] {
  if (rule === undefined) return [];
  return [
    {
      rank: Rank.DELETE,
      words: `${table} ${rule.chain} without rule ${rule.number}`,
      also: 'for all other packets that it decides about, too',
      commands: [commandText(commandHead(table, '-D', rule.chain, rule.number))],
    },
  ];
}

function policy({ table, hook }: Place): Candidate {
  return {
    rank: Rank.POLICY,
    words: `policy ACCEPT for ${table} ${hook}`,
    also: 'for all other packets that no rule decides about, too',
    commands: [commandText([...commandHead(table, '-P', hook), 'ACCEPT'])],
  };
}
