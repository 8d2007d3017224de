/**
 * A rule as the list of what it asks of a packet, in its order: made from its base match and from what its matches
 * lower themselves to. The interpreter checks it, generated code says the same, the index of long chains and the flow
 * cache read it.
 */
import { ICMP_LENGTH, TCP_LENGTH, UDP_LENGTH } from '../../codecs/layouts.js';
import { type FieldName, fieldRow, isFixed } from '../fields.js';
import type { Packet } from '../packet.js';
import { lowerBase } from './base-match.js';
import { type Condition, checkCondition, conditionFields, constantAnswer, explainCondition } from './condition.js';
import type { RuleContext } from './context.js';
import type { Rule } from './model.js';
import type { MatchState } from './run/match-state.js';

/** What a match needs of the layer-4 header before it looks at it. */
export interface HeaderNeed {
  readonly kind: 'header';
  readonly label: string;
  readonly bytes: number;
  /** A later fragment never matches, and a packet whose header is cut short is dropped without a word (hotdrop). */
  readonly isStrict: boolean;
  /** A fragment that begins within the header is an attempt to overwrite the flags: it is dropped. */
  readonly dropsOverlap: boolean;
}

export const HEADERS = {
  tcp: { kind: 'header', label: 'TCP header', bytes: TCP_LENGTH, isStrict: true, dropsOverlap: true },
  udp: { kind: 'header', label: 'UDP header', bytes: UDP_LENGTH, isStrict: true, dropsOverlap: false },
  icmp: { kind: 'header', label: 'ICMP header', bytes: ICMP_LENGTH, isStrict: true, dropsOverlap: false },
  ports: { kind: 'header', label: 'ports', bytes: 4, isStrict: true, dropsOverlap: false },
  /** What `-m ecn` makes of a packet: it reads 20 bytes wherever they are. */
  tcpBytes: { kind: 'header', label: 'TCP header', bytes: TCP_LENGTH, isStrict: false, dropsOverlap: false },
} as const satisfies Record<string, HeaderNeed>;

/** Where the first fragment to overlap the TCP header begins, in bytes (tcp_mt: fragoff 1). */
const OVERLAP_AT = 8;

/** A test that conditions cannot say. */
export interface NativeTest {
  /** All that it reads of the packet. */
  readonly reads: readonly FieldName[];
  /**
   * May set `packet.hotdrop`, if `mayDrop`, and is then false. Undefined: the match's state answers (see
   * `createState`).
   */
  check?(packet: Packet, context: RuleContext): boolean;
  readonly mayDrop?: boolean;
  /** In words, why the answer was no. */
  readonly explanation: string;
}

/** What a match means: all of this must hold, in this order. */
export interface Lowered {
  readonly header?: keyof typeof HEADERS;
  readonly conditions?: readonly Condition[];
  readonly native?: NativeTest;
}

/** One thing that a rule asks. */
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

/** All that RULE asks, in order, on a host with interfaces of these NAMES. */
export function lowerRule(rule: Rule, names: readonly string[]): Step[] {
  const steps: Step[] = lowerBase(rule.base, names);
  for (const { extension, params, state } of rule.matches) {
    const { header, conditions, native } = extension.lower(params);
    if (header !== undefined) steps.push(HEADERS[header]);
    if (conditions !== undefined) steps.push(...conditions);
    if (native !== undefined) steps.push({ kind: 'native', native, state });
  }
  return steps;
}

/** Does PACKET pass STEP? */
export function checkStep(step: Step, packet: Packet, context: RuleContext): boolean {
  if (isCondition(step)) return checkCondition(step, packet, context);
  if (!isNative(step)) return checkHeader(step, packet);
  const { native } = step;
  return native.check === undefined ? runningState(step).ask(packet) : native.check(packet, context);
}

export function checkHeader({ bytes, isStrict, dropsOverlap }: HeaderNeed, packet: Packet): boolean {
  if (isStrict && packet.fragmentOffset !== 0) {
    if (dropsOverlap && packet.fragmentOffset === OVERLAP_AT) packet.hotdrop = true;
    return false;
  }
  if (packet.l4Available >= bytes) return true;
  if (isStrict) packet.hotdrop = true;
  return false;
}

/** As `checkStep`, before the rules are run: a state predicts its answer. */
export function predictStep(step: Step, packet: Packet, context: RuleContext): boolean {
  const isAnsweredByState = isNative(step) && step.native.check === undefined;
  return isAnsweredByState ? runningState(step).predict(packet) : checkStep(step, packet, context);
}

/** The state that answers STEP. */
export function runningState({ state }: NativeStep): MatchState {
  if (state === undefined) throw new Error('a match with state was asked in a table without states');
  return state;
}

/** In words, why PACKET does not pass STEP. */
export function explainStep(step: Step, packet: Packet, context: RuleContext): string {
  if (isCondition(step)) return explainCondition(step, packet, context);
  if (isNative(step)) return step.native.explanation;
  if (packet.fragmentOffset !== 0 && step.isStrict) return `a later fragment has no ${step.label}`;
  return `the ${step.label} is cut short`;
}

/** The fields that STEP reads. */
function stepFields(step: Step): readonly FieldName[] {
  if (isCondition(step)) return conditionFields(step);
  return isNative(step) ? step.native.reads : [];
}

/** Whether STEP may drop the packet itself (`packet.hotdrop`), of packets whose header is whole. */
export function mayDrop(step: Step): boolean {
  return isNative(step) && step.native.mayDrop === true;
}

/** Whether asking STEP changes something: it has a memory of its own, or may drop the packet. */
function isOrdered(step: Step): boolean {
  return isNative(step) && (mayDrop(step) || step.native.reads.some((name) => fieldRow(name).fixedBy === 'history'));
}

/** What a rule asks of packets whose layer-4 header is whole. */
export interface SplitSteps {
  /** What the connection answers. Undefined: no packet matches, and nothing needs to be asked. */
  readonly fixed: readonly Step[] | undefined;
  /**
   * What each packet has to be asked, in order and behind all that is fixed. Behind an ordered step everything is here.
   */
  readonly asked: readonly Step[];
}

export function splitSteps(steps: readonly Step[]): SplitSteps {
  const fixed: Step[] = [];
  const asked: Step[] = [];
  let isAfterOrdered = false;
  for (const step of steps) {
    if (!isCondition(step) && !isNative(step)) continue;
    const constant = isCondition(step) ? constantAnswer(step, true) : undefined;
    if (constant === true) continue;
    if (constant === false && !isAfterOrdered) return { fixed: undefined, asked: [] };
    if (!isAfterOrdered && isFixedStep(step)) fixed.push(step);
    else asked.push(step);
    if (isOrdered(step)) isAfterOrdered = true;
  }
  return { fixed, asked };
}

function isFixedStep(step: Step): boolean {
  return step.kind === 'field' ? isFixed(step.field) : stepFields(step).every(isFixed);
}

/** Whether the answer of STEP is known before the rules are run: marks change while they run, and time passes. */
export function isPredictable(step: Step): boolean {
  return stepFields(step).every((name) => fieldRow(name).fixedBy !== 'rules' && fieldRow(name).fixedBy !== 'time');
}

/** All fields that decide whether RULE matches. */
export function ruleReads(rule: Rule): ReadonlySet<FieldName> {
  return new Set(lowerRule(rule, []).flatMap((step) => [...stepFields(step)]));
}

/** Whether RULE can tell apart two packets of one connection that go the same way in the same state. */
export function readsPacket(rule: Rule): boolean {
  return [...ruleReads(rule)].some((name) => !isFixed(name));
}
