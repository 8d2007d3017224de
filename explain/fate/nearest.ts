/** The rule that a packet missed by one condition only, and that somebody may have meant for it. */
import { parseAddress } from '../../codecs/address.js';
import type { FailedTest } from '../../core/events.js';
import { ABSENT } from '../../core/fields.js';
import { HOOK_NAMES, type TableName, Verdict } from '../../core/hooks.js';
import { CtInfo } from '../../core/packet.js';
import { type FieldCondition, holdsFor, valuesOf } from '../../core/rules/condition.js';
import { lowerRule } from '../../core/rules/lower.js';
import type { Rule, Ruleset } from '../../core/rules/model.js';
import { isAccepted, type RuleStep, rulesTried, type Story } from '../story/story.js';

/** A rule that missed. */
export interface Nearest {
  readonly step: RuleStep;
  /** The one test that fails. */
  readonly failure: FailedTest;
  /** The rule may be about another value by mistake: a port with one digit changed, or the one before translation. */
  readonly isSlip: boolean;
}

/** How much a rule speaks for itself if its target lets the packet go where it wants; more than any condition does. */
const TARGET_WEIGHT = 10;
const SLIP_WEIGHT = 100;
/** How much it speaks for a rule that it stands in the chain that decided: less than its target does. */
const BESIDE_WEIGHT = 5;
/** And for each other condition that the packet met there, of a few. */
const MET_WEIGHT = 0.3;
const MOST_MET = 2;
/** How much of a miss it is, by the field. Ports are weighed by their distance. */
const FIELD_WEIGHTS: Readonly<Record<string, number>> = {
  ...{ source: 0.7, destination: 0.7, inDev: 0.6, outDev: 0.6, icmpType: 0.6, protocol: 0.6 },
  ...{ tcpFlags: 0.4, destinationType: 0.5, sourceType: 0.4 },
};
const OTHER_WEIGHT = 0.3;
const BUILT_IN: ReadonlySet<string> = new Set(HOOK_NAMES);
/** Ports so close to each other may have been confused. */
const MOST_APART = 2;

/** The nearest rule to the packet of STORY: undefined if none missed by one condition, or none that would matter. */
export function nearestRule(story: Story, ruleset: Ruleset): Nearest | undefined {
  const chainsOf: RulesOf = (table, name) =>
    ruleset.tables.find((one) => one.name === table)?.chains.find((chain) => chain.name === name)?.rules ?? [];
  const isOpening = !isAccepted(story);
  let best: Nearest | undefined;
  let bestScore = 0;
  for (const step of rulesTried(story)) {
    const failure = onlyFailure(step);
    if (failure === undefined) continue;
    const target = isOpening ? openingWeight(step.table, step.rule, chainsOf) : closingWeight(step.rule);
    const condition = target === 0 ? undefined : failedCondition(step.rule, failure);
    const near = target === 0 ? 0 : nearness(step.rule, failure, condition);
    if (near === 0) continue;
    const isSlip = condition !== undefined && (isSlipOf(failure, condition) || isBeforeNat(failure, condition, story));
    // A packet that got through misses all that would have stopped others.
    if (!isOpening && !isSlip) continue;
    const beside = isBesideDecider(step, story) ? BESIDE_WEIGHT + met(step) : 0;
    const score = (isSlip ? SLIP_WEIGHT : 0) + target * TARGET_WEIGHT + beside + near;
    if (score <= bestScore) continue;
    best = { step, failure, isSlip };
    bestScore = score;
  }
  return best;
}

/** The test that alone made the rule of STEP miss, as far as is known. */
function onlyFailure({ isMatched, isHotdrop, failures, unknown }: RuleStep): FailedTest | undefined {
  return !isMatched && !isHotdrop && failures?.length === 1 && unknown === 0 ? failures[0] : undefined;
}

/** How much speaks for a rule that the packet met all other conditions of. */
function met({ rule: { base, matches } }: RuleStep): number {
  const conditions = Object.values(base).filter((part) => part !== undefined).length + matches.length;
  return Math.min(MOST_MET, conditions - 1) * MET_WEIGHT;
}

/** Whether the rule of STEP stands in the chain of the rule that decided, or whose policy did. */
function isBesideDecider({ table, rule }: RuleStep, { decider }: Story): boolean {
  if (decider.kind === 'rule') return decider.table === table && decider.rule.chain === rule.chain;
  return decider.kind === 'policy' && decider.table === table && decider.chain.name === rule.chain;
}

type RulesOf = (table: TableName, chain: string) => readonly Rule[];

/** How much RULE would have helped a packet that did not get through. */
function openingWeight(table: TableName, rule: Rule, rulesOf: RulesOf): number {
  const { target } = rule;
  if (target.kind === 'verdict') {
    // A chain of the administrator, such as DOCKER-USER, returns what it lets through.
    if (target.verdict === Verdict.RETURN) return BUILT_IN.has(rule.chain) || table === 'nat' ? 0 : 1;
    return target.verdict === Verdict.ACCEPT && table !== 'nat' ? 2 : 0;
  }
  if (target.kind === 'extension') return ['DNAT', 'REDIRECT'].includes(target.extension.name) ? 3 : 0;
  if (target.kind === 'none') return 0;
  return rulesOf(table, target.chain).some((one) => openingWeight(table, one, () => []) > 0) ? 1 : 0;
}

/** How much RULE would have done to a packet that got through. */
function closingWeight({ target }: Rule): number {
  if (target.kind === 'verdict') return target.verdict === Verdict.DROP ? 2 : 0;
  if (target.kind !== 'extension') return 0;
  return { REJECT: 2, DNAT: 3, REDIRECT: 3 }[target.extension.name] ?? 0;
}

/** The condition of RULE that FAILURE is about, if it is about one field. */
function failedCondition(rule: Rule, { field, value }: FailedTest): FieldCondition | undefined {
  if (field === undefined) return undefined;
  return lowerRule(rule, []).find(
    (step): step is FieldCondition =>
      step.kind === 'field' && step.field === field && (value === undefined || !holdsFor(step, value)),
  );
}

/** From 0 (not at all) to 1. */
function nearness(rule: Rule, { field, value }: FailedTest, condition: FieldCondition | undefined): number {
  switch (field) {
    case 'dport':
    case 'sport':
      return value === undefined || condition === undefined
        ? 0
        : portNearness(value, condition) * (field === 'dport' ? 1 : 0.5);
    case 'protocol':
      // A rule for another protocol and the same port; others are for another protocol, and that is all.
      return lowerRule(rule, []).some((step) => step.kind === 'field' && step.field.endsWith('port'))
        ? FIELD_WEIGHTS.protocol
        : 0;
    case 'inDev':
    case 'outDev':
      // What the host sends to itself is let through everywhere.
      return rule.base[field]?.name === 'lo' ? 0 : FIELD_WEIGHTS[field];
    case 'ctinfo':
    case 'ctstate': {
      // Rules for the packets of known connections miss all that open one.
      const opening = field === 'ctinfo' ? CtInfo.NEW : 1 << CtInfo.NEW;
      return condition !== undefined && holdsFor(condition, opening) ? OTHER_WEIGHT : 0;
    }
    default:
      return FIELD_WEIGHTS[field ?? ''] ?? OTHER_WEIGHT;
  }
}

function portNearness(port: number, condition: FieldCondition): number {
  if (condition.negated || port === ABSENT) return OTHER_WEIGHT / 2;
  const distances = wantedPorts(condition).map((wanted) => Math.abs(Math.log2((port + 1) / (wanted + 1))));
  return distances.length === 0 ? 0 : 1 / (1 + Math.min(...distances));
}

/** The ends of the ranges of ports that CONDITION wants. */
function wantedPorts(condition: FieldCondition): number[] {
  return (valuesOf(condition) ?? []).flatMap(({ min, max }) => (min === max ? [min] : [min, max]));
}

function isSlipOf({ field, value }: FailedTest, condition: FieldCondition): boolean {
  if (value === undefined || condition.negated || (field !== 'dport' && field !== 'sport')) return false;
  return wantedPorts(condition).some((wanted) => isSlipOfDigits(String(value), String(wanted)));
}

/** Whether the packet of STORY had what CONDITION wants before it was translated: rules in FORWARD see it afterwards. */
function isBeforeNat({ field }: FailedTest, condition: FieldCondition, { packet, translations }: Story): boolean {
  if (packet === undefined || condition.negated || !translations.some(({ end }) => end === 'destination')) return false;
  if (field === 'dport') return packet.dport !== undefined && holdsFor(condition, packet.dport);
  return field === 'destination' && holdsFor(condition, parseAddress(packet.destination)?.hostOrder ?? ABSENT);
}

/** Whether A and B are next to each other, or differ by one digit, one that is missing, or two that changed places. */
function isSlipOfDigits(a: string, b: string): boolean {
  if (a === b || Math.min(a.length, b.length) < 3) return false;
  if (Math.abs(Number(a) - Number(b)) <= MOST_APART) return true;
  if (a.length !== b.length) {
    const [short, long] = a.length < b.length ? [a, b] : [b, a];
    if (long.length - short.length !== 1 || short.length < 3) return false;
    return [...long].some((_, i) => long.slice(0, i) + long.slice(i + 1) === short);
  }
  const differing = [...a].flatMap((digit, i) => (digit === b[i] ? [] : [i]));
  if (differing.length === 1) return true;
  const [first, second] = differing;
  return differing.length === 2 && second === first + 1 && a[first] === b[second] && a[second] === b[first];
}
