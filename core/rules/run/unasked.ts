/**
 * Rules that the emulation cannot follow: they never match, and packets that meet all else of them are uncertain.
 */

import type { Packet } from '../../packet.js';
import type { UncertainCause } from '../../uncertainty.js';
import { checkCondition } from '../condition.js';
import type { RuleContext } from '../context.js';
import { effectOf } from '../effect.js';
import { askedMatches, checkHeader, isCondition, type NativeStep, type Step, stepsOfMatch } from '../lower.js';
import type { Rule, Table } from '../model.js';
import type { UnsupportedPart } from '../unsupported.js';
import type { MatchState } from './match-state.js';

/** The tables that only decide about packets. */
const FILTERS: readonly string[] = ['filter', 'security', 'mangle'];

/** What takes the place of the parts of RULE, of TABLE, that are not supported. Undefined if all are. */
export function unaskedState(rule: Rule, table: Table, context: RuleContext): MatchState | undefined {
  const { unsupported } = rule;
  if (unsupported === undefined) return undefined;
  const later = rule.matches
    .slice(askedMatches(rule) + 1)
    .filter(({ extension, params }) => extension.unsupported?.(params) === undefined)
    .filter(({ extension }) => extension.createState === undefined)
    .flatMap(stepsOfMatch);
  const cause: UncertainCause = {
    reason: reasonOf(unsupported),
    scope: scopeOf(rule, table, unsupported),
    table: table.name,
    rule: table.rules[rule.index],
  };
  const matches = (packet: Packet): boolean => {
    if (later.every((step) => mayHold(step, packet, context))) context.uncertain(packet, cause);
    return false;
  };
  return { matches, predict: matches };
}

/** Whether STEP of a match behind one that was not asked may hold, as far as can be told without doing anything. */
function mayHold(step: Step, packet: Packet, context: RuleContext): boolean {
  if (isCondition(step)) return checkCondition(step, packet, context);
  if (step.kind === 'header') {
    const holds = checkHeader(step, packet);
    const mayDrop = packet.hotdrop;
    packet.hotdrop = false;
    return holds || mayDrop;
  }
  const { native } = step as NativeStep;
  return native.mayDrop === true || native.check === undefined || native.check(packet, context);
}

/** `` `-m socket` was not asked ``, `` `-j TPROXY` was not done ``, `the listing of the rules does not show …`. */
function reasonOf(parts: readonly UnsupportedPart[]): string {
  if (parts.some(({ part }) => part === 'rule')) return 'the rule was not understood';
  const hidden = parts.filter(({ part }) => part === 'hidden').map(({ name }) => name);
  if (hidden.length > 0) return `the listing of the rules does not show ${hidden.join(' and ')}`;
  const names = parts.map(({ name }) => `\`${name}\``).join(', ');
  const what = parts.every(({ part }) => part === 'target') ? 'done' : 'asked';
  return `${names} ${parts.length === 1 ? 'was' : 'were'} not ${what}`;
}

/**
 * Whether RULE, with these PARTS that are not supported, may decide about more than the packet: what happens to its
 * connection, directly or because later rules are or are not reached.
 */
function scopeOf({ target }: Rule, { name, rules }: Table, parts: readonly UnsupportedPart[]): UncertainCause['scope'] {
  const isTarget = parts.some(({ part }) => part === 'target');
  // CT may give the connection a helper.
  if (isTarget && name === 'raw') return 'related';
  if (isTarget || parts.some(({ part }) => part === 'rule')) return 'connection';
  if (target.kind === 'none') return 'packet';
  if (!FILTERS.includes(name)) return 'connection';
  return rules.some(changesConnection) ? 'connection' : 'packet';
}

function changesConnection(rule: Rule): boolean {
  const { target } = rule;
  if (rule.unsupported !== undefined && target.kind === 'extension') return true;
  const effect = effectOf(rule);
  return (
    effect === 'connection' || (effect === 'outside' && target.kind === 'extension' && target.extension.terminates)
  );
}
