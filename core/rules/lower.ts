/**
 * A rule as a list of steps, in order: its base match and what its matches lower themselves to. The interpreter
 * evaluates it, generated code is equivalent to it, and the index of long chains and the flow cache read it.
 */
import {
  AH_LENGTH,
  DCCP_LENGTH,
  ESP_LENGTH,
  ICMP_LENGTH,
  IPCOMP_LENGTH,
  SCTP_LENGTH,
  TCP_FLAGS_AT,
  TCP_LENGTH,
  UDP_LENGTH,
} from '../../codecs/layouts.js';
import type { Miss } from '../events.js';
import { type FieldName, type FixedBy, fieldRow, isFixed } from '../fields.js';
import type { Packet } from '../packet.js';
import { lowerBase } from './base-match.js';
import {
  type Condition,
  checkCondition,
  conditionFields,
  conditionMisses,
  constantAnswer,
  type ExpectedTexts,
  explainCondition,
} from './condition.js';
import type { RuleContext } from './context.js';
import type { Match, Rule } from './model.js';
import type { Lookup, MatchState } from './run/match-state.js';

/** The part of the layer-4 header that a match requires before it tests anything. */
export interface HeaderNeed {
  readonly kind: 'header';
  readonly label: string;
  readonly bytes: number;
  /** A fragment other than the first never matches. */
  readonly isStrict: boolean;
  /** A packet with a truncated header is dropped silently (hotdrop), not only missed. */
  readonly dropsShort: boolean;
  /** A fragment that starts within the header tries to overwrite the flags, so it is dropped. */
  readonly dropsOverlap: boolean;
}

const NEVER_DROPS = { dropsShort: false, dropsOverlap: false };

/** A header without which the extensions of x_tables drop packets. */
function strict(label: string, bytes: number, dropsOverlap = false): HeaderNeed {
  return { kind: 'header', label, bytes, isStrict: true, dropsShort: true, dropsOverlap };
}

export const HEADERS = {
  tcp: strict('TCP header', TCP_LENGTH, true),
  udp: strict('UDP header', UDP_LENGTH),
  icmp: strict('ICMP header', ICMP_LENGTH),
  dccp: strict('DCCP header', DCCP_LENGTH),
  sctp: strict('SCTP header', SCTP_LENGTH),
  ah: strict('AH header', AH_LENGTH),
  esp: strict('ESP header', ESP_LENGTH),
  ipcomp: strict('IPComp header', IPCOMP_LENGTH),
  ports: strict('ports', 4),
  /** `-m ecn` reads 20 bytes wherever they are. */
  tcpBytes: { kind: 'header', label: 'TCP header', bytes: TCP_LENGTH, isStrict: false, ...NEVER_DROPS },
  /**
   * What nft reads of a header; where that is missing, the rule does not match. (Of two or three bytes it reads the
   * source port all the same.)
   */
  bothPorts: { kind: 'header', label: 'ports', bytes: 4, isStrict: true, ...NEVER_DROPS },
  toTcpFlags: { kind: 'header', label: 'TCP flags', bytes: TCP_FLAGS_AT + 1, isStrict: true, ...NEVER_DROPS },
} as const satisfies Record<string, HeaderNeed>;

/** Offset of the first fragment that can overlap the TCP header, in bytes (tcp_mt: fragoff 1). */
const OVERLAP_AT = 8;

/** A test that cannot be expressed as conditions. */
export interface NativeTest {
  /** All the fields it reads. */
  readonly reads: readonly FieldName[];
  /**
   * May set `packet.hotdrop` if `mayDrop`. If it then returns true, as a negated test may, the rule counts and its
   * target acts before the packet is dropped. Undefined: the match's state decides (see `createState`).
   */
  check?(packet: Packet, context: RuleContext): boolean;
  readonly mayDrop?: boolean;
  /** Sets `packet.mark` if it matches, whatever the rest of the rule says. */
  readonly setsMark?: boolean;
  /** Why the test failed. */
  readonly explanation: string;
}

/** The meaning of a match: all of this must hold, in this order. */
export interface Lowered {
  readonly header?: keyof typeof HEADERS;
  readonly conditions?: readonly Condition[];
  readonly native?: NativeTest;
}

/** One test of a rule. */
export type Step = Condition | HeaderNeed | NativeStep;

export interface NativeStep {
  readonly kind: 'native';
  readonly native: NativeTest;
  readonly state: MatchState | undefined;
}

export function isCondition(step: Step): step is Condition {
  return step.kind === 'field' || step.kind === 'any';
}

function isNative(step: Step): step is NativeStep {
  return step.kind === 'native';
}

/**
 * All steps of RULE, in order, for a host with interfaces of these NAMES. A rule that cannot be followed ends at what
 * is not supported, which never holds (run/unasked.ts).
 */
export function lowerRule(rule: Rule, names: readonly string[]): Step[] {
  const steps: Step[] = lowerBase(rule.base, names);
  const { matches, unsupported, unasked } = rule;
  if (unsupported === undefined) for (const match of matches) addSteps(steps, match);
  else {
    for (const match of matches.slice(0, askedMatches(rule))) addSteps(steps, match);
    steps.push({ kind: 'native', native: UNASKED, state: unasked });
  }
  return steps;
}

/** Takes the place of what is not supported. */
const UNASKED: NativeTest = { reads: ['unknown'], explanation: 'not supported' };

/** How many matches of RULE come before the first that is not supported. */
export function askedMatches({ matches, unsupported = [] }: Rule): number {
  return unsupported.reduce(
    (first, { part }) => (typeof part === 'number' ? Math.min(first, part) : first),
    matches.length,
  );
}

export function stepsOfMatch(match: Match): Step[] {
  const steps: Step[] = [];
  addSteps(steps, match);
  return steps;
}

function addSteps(steps: Step[], { extension, params, state }: Match): void {
  const { header, conditions, native } = extension.lower(params);
  if (header !== undefined) steps.push(HEADERS[header]);
  if (conditions !== undefined) for (const condition of conditions) steps.push(condition);
  if (native !== undefined) steps.push({ kind: 'native', native, state });
}

/** For each of RULE's steps, the position in its matches of the one that it is from; undefined for the base match. */
export function matchesOfSteps(rule: Rule, names: readonly string[]): (number | undefined)[] {
  const steps: Step[] = lowerBase(rule.base, names);
  const matches: (number | undefined)[] = steps.map(() => undefined);
  const asked = askedMatches(rule);
  for (let i = 0; i < asked; i++) {
    addSteps(steps, rule.matches[i]);
    while (matches.length < steps.length) matches.push(i);
  }
  if (rule.unsupported !== undefined) matches.push(asked < rule.matches.length ? asked : undefined);
  return matches;
}

/** Whether PACKET passes STEP. */
export function checkStep(step: Step, packet: Packet, context: RuleContext): boolean {
  if (isCondition(step)) return checkCondition(step, packet, context);
  if (!isNative(step)) return checkHeader(step, packet);
  const { native } = step;
  return native.check === undefined ? runningState(step).matches(packet) : native.check(packet, context);
}

export function checkHeader({ bytes, isStrict, dropsShort, dropsOverlap }: HeaderNeed, packet: Packet): boolean {
  if (isStrict && packet.fragmentOffset !== 0) {
    if (dropsOverlap && packet.fragmentOffset === OVERLAP_AT) packet.hotdrop = true;
    return false;
  }
  if (packet.l4Available >= bytes) return true;
  if (dropsShort) packet.hotdrop = true;
  return false;
}

/** Same as `checkStep`, before the rules are run: stateful matches predict their result. */
export function predictStep(step: Step, packet: Packet, context: RuleContext): boolean {
  const isDecidedByState = isNative(step) && step.native.check === undefined;
  return isDecidedByState ? runningState(step).predict(packet) : checkStep(step, packet, context);
}

/** The state that decides STEP. */
export function runningState({ state }: NativeStep): MatchState {
  if (state === undefined) throw new Error('a stateful match was evaluated in a table without match states');
  return state;
}

/** How STEP looks packets up in a set; undefined if it does not. */
export function lookupOf(step: Step): Lookup | undefined {
  return isNative(step) ? step.state?.lookup : undefined;
}

/** Whether paths may remember the answer of LOOKUP. */
export function isAskable({ isPure, isPredictable }: Lookup): boolean {
  return isPure && isPredictable;
}

/** Explains why PACKET does not pass STEP. */
export function explainStep(step: Step, packet: Packet, context: RuleContext): string {
  if (isCondition(step)) return explainCondition(step, packet, context);
  if (isNative(step)) return step.native.explanation;
  if (packet.fragmentOffset !== 0 && step.isStrict) return `a later fragment has no ${step.label}`;
  return `the ${step.label} is cut short`;
}

/** Why PACKET does not pass STEP, if that is a condition. TEXTS: as `conditionMisses`. */
export function missesOf(step: Step, packet: Packet, context: RuleContext, texts?: ExpectedTexts): readonly Miss[] {
  return isCondition(step) ? conditionMisses(step, packet, context, texts) : [];
}

/** The fields that STEP reads. */
function stepFields(step: Step): readonly FieldName[] {
  if (isCondition(step)) return conditionFields(step);
  return isNative(step) ? step.native.reads : [];
}

/** Whether STEP may drop packets with complete headers (`packet.hotdrop`). */
export function mayDrop(step: Step): boolean {
  return isNative(step) && step.native.mayDrop === true;
}

/** Whether all fields that STEP reads are as IS_SUCH says. */
export function readsOnly(step: Step, isSuch: (name: FieldName) => boolean): boolean {
  return stepFields(step).every(isSuch);
}

/** Whether evaluating STEP has side effects: it has state, or may drop the packet. */
function isOrdered(step: Step): boolean {
  return (
    isNative(step) &&
    (mayDrop(step) ||
      step.native.setsMark === true ||
      step.native.reads.some((name) => ORDERED.includes(fieldRow(name).fixedBy)))
  );
}

const ORDERED: readonly FixedBy[] = ['history', 'nothing'];
const UNPREDICTABLE: readonly FixedBy[] = ['rules', 'time', 'nothing'];

/** The steps of a rule, for packets with a complete layer-4 header. */
export interface SplitSteps {
  /**
   * Steps that have the same result for all packets of a connection. Undefined: no packet matches, and nothing needs to
   * be tested.
   */
  readonly fixed: readonly Step[] | undefined;
  /**
   * Per-packet steps, in order, to be evaluated after the fixed ones. Everything after a step with side effects is
   * here.
   */
  readonly perPacket: readonly Step[];
}

export function splitSteps(steps: readonly Step[]): SplitSteps {
  const fixed: Step[] = [];
  const perPacket: Step[] = [];
  let isAfterOrdered = false;
  for (const step of steps) {
    if (step.kind === 'header') continue;
    const constant = isCondition(step) ? constantAnswer(step, true) : undefined;
    if (constant === true) continue;
    if (constant === false && !isAfterOrdered) return { fixed: undefined, perPacket: [] };
    if (!isAfterOrdered && isFixedStep(step)) fixed.push(step);
    else perPacket.push(step);
    if (isOrdered(step)) isAfterOrdered = true;
  }
  return { fixed, perPacket };
}

function isFixedStep(step: Step): boolean {
  return step.kind === 'field' ? step.row.isFixed : stepFields(step).every(isFixed);
}

/** Whether the result of STEP is known before the rules are run: marks change during the run, and time passes. */
export function isPredictable(step: Step): boolean {
  if (lookupOf(step)?.isPredictable === false) return false;
  return stepFields(step).every((name) => {
    const { fixedBy, isRewritten } = fieldRow(name);
    return !UNPREDICTABLE.includes(fixedBy) && isRewritten !== true;
  });
}

/** All fields that determine whether RULE matches. */
export function ruleReads(rule: Rule): ReadonlySet<FieldName> {
  return new Set(lowerRule(rule, []).flatMap((step) => [...stepFields(step)]));
}

/** Whether RULE may treat packets of one connection in the same direction and state differently. */
export function readsPacket(rule: Rule): boolean {
  return [...ruleReads(rule)].some((name) => !isFixed(name));
}
