/** Defines what rules mean: traverses tables rule by rule (ipt_do_table). The compiled engines must behave the same. */
import { type Emit, type Observation, type RuleEvent, UNOBSERVED } from '../../events.js';
import { HOOK_NAMES, type Hook, Verdict } from '../../hooks.js';
import type { Packet } from '../../packet.js';
import type { ExpectedTexts } from '../condition.js';
import type { RuleContext } from '../context.js';
import { checkStep, lowerRule, matchesOfSteps, type Step } from '../lower.js';
import type { Chain, Rule, Table, TableCounters, Target } from '../model.js';
import { failuresOf, type RuleFailures, type TestOrigins } from './failures.js';
import { applyObserved } from './observed-target.js';
import { DECISIVE, TraceKind, traceEvent } from './trace.js';
import { logTracedEnd, logTracedRule } from './traced.js';

/** The part of a rule that must be tested for every packet of a connection. */
export interface PerPacketTest {
  /** All of these must hold, in this order. */
  readonly steps: readonly Step[];
  /** Whether they hold. Stateful matches only predict their result. */
  readonly predict: (packet: Packet) => boolean;
}

/** A runnable table. */
export interface TableProgram {
  /**
   * The per-packet tests of rules, by the rule's ID in the trace. Undefined: the program does not record their results,
   * so nothing can be learned from its trace.
   */
  readonly perPacketTests?: ReadonlyMap<number, PerPacketTest>;
  /** Returns ACCEPT or DROP. The caller must set `packet.hook`. HOOK must be one of the table's. */
  run(packet: Packet, hook: Hook): Verdict;
}

/**
 * Interprets TABLE. COUNTERS are the table's own. Events are emitted through OBSERVATION for each rule that is
 * evaluated, and policies, as they are in DECLARED, the ruleset's own table.
 */
export function interpretTable(
  table: Table,
  context: RuleContext,
  counters: TableCounters,
  observation: Observation = UNOBSERVED,
  declared: Table = table,
): TableProgram {
  const { trace } = counters;
  const lowered: (readonly Step[])[] = [];
  /** Of those that packets missed. */
  const origins: TestOrigins[] = [];
  const texts: ExpectedTexts = new Map();
  const chains = new Map(table.chains.map((chain) => [chain.name, chain]));

  /**
   * Returns ACCEPT, DROP, or CONTINUE if the chain ended or returned. No recursion, as chains may be nested deeper than
   * the call stack.
   */
  function runChain(chain: Chain, packet: Packet): Verdict {
    /** Where the chains that called the current one continue. */
    const callers: { readonly current: Chain; readonly at: number }[] = [];
    let current = chain;
    let { rules } = chain;
    let at = 0;
    /** A rule has ended the chain. */
    let hasReturned = false;
    for (;;) {
      if (at === rules.length) {
        if (packet.isTraced && !hasReturned && current.hook === undefined)
          logTracedEnd(context, packet, table, current);
        hasReturned = false;
        const caller = callers.pop();
        if (caller === undefined) return Verdict.CONTINUE;
        ({ current, at } = caller);
        ({ rules } = current);
        continue;
      }
      const rule = rules[at++];
      const id = counters.firstId + rule.index;
      if (!matches(rule, packet)) {
        if (!packet.hotdrop) continue;
        trace[++trace[0]] = traceEvent(id, TraceKind.FAILED);
        trace[DECISIVE] = traceEvent(id, TraceKind.FAILED);
        return Verdict.DROP;
      }
      trace[++trace[0]] = traceEvent(id, TraceKind.MATCHED);
      counters.rules[rule.index * 2] += 1;
      counters.rules[rule.index * 2 + 1] += packet.length;
      if (observation.emit !== undefined) emitRule(observation.emit, declared, rule, packet);
      if (packet.isTraced) logTracedRule(context, packet, table, current, rule);
      const { target } = rule;
      if (packet.hotdrop) {
        if (target.kind === 'extension') apply(target, rule, packet);
        trace[DECISIVE] = traceEvent(id, TraceKind.MATCHED);
        return Verdict.DROP;
      }
      if (target.kind === 'verdict') {
        if (target.verdict === Verdict.DROP) trace[DECISIVE] = traceEvent(id, TraceKind.MATCHED);
        if (target.verdict !== Verdict.RETURN) return target.verdict;
        hasReturned = true;
        at = rules.length;
      } else if (target.kind === 'extension') {
        const verdict = apply(target, rule, packet);
        // Only now: an answer that it sent may have been dropped.
        if (verdict === Verdict.DROP) trace[DECISIVE] = traceEvent(id, TraceKind.MATCHED);
        if (verdict !== Verdict.CONTINUE) return verdict;
      } else if (target.kind !== 'none') {
        // After goto, the packet returns to where its chain was called from.
        if (target.kind === 'jump') callers.push({ current, at });
        current = chains.get(target.chain)!;
        ({ rules } = current);
        at = 0;
      }
    }
  }

  function apply(target: Extract<Target, { kind: 'extension' }>, rule: Rule, packet: Packet): Verdict {
    const { emit } = observation;
    if (emit !== undefined) return applyObserved(target, rule, packet, context, declared, emit);
    return target.extension.apply(target.params, packet, context);
  }

  /** The steps of RULE, created on first use. */
  function stepsOf(rule: Rule): readonly Step[] {
    lowered[rule.index] ??= lowerRule(rule, context.interfaceNames);
    return lowered[rule.index];
  }

  function matches(rule: Rule, packet: Packet): boolean {
    const steps = stepsOf(rule);
    for (const step of steps) {
      if (checkStep(step, packet, context)) continue;
      const { emit } = observation;
      if (emit !== undefined) {
        origins[rule.index] ??= { matches: matchesOfSteps(rule, context.interfaceNames), texts };
        const missed = failuresOf(steps, origins[rule.index], steps.indexOf(step), packet, context);
        emitRule(emit, declared, rule, packet, missed);
      }
      return false;
    }
    return true;
  }

  return {
    run(packet, hook) {
      packet.hotdrop = false;
      const chain = chains.get(HOOK_NAMES[hook])!;
      const verdict = runChain(chain, packet);
      if (verdict !== Verdict.CONTINUE) return verdict;
      counters.policies[hook * 2] += 1;
      counters.policies[hook * 2 + 1] += packet.length;
      const event = traceEvent(counters.firstId + table.rules.length + hook, TraceKind.POLICY);
      trace[++trace[0]] = event;
      trace[DECISIVE] = event;
      if (packet.isTraced) logTracedEnd(context, packet, table, chain);
      observation.emit?.({ kind: 'policy', table: table.name, chain: declared.chains[chain.index] });
      return chain.policy;
    },
  };
}

type Writable<T> = { -readonly [Name in keyof T]: T[Name] };

function emitRule(emit: NonNullable<Emit>, table: Table, rule: Rule, packet: Packet, missed?: RuleFailures): void {
  const event: Writable<RuleEvent> = {
    kind: 'rule',
    table: table.name,
    rule: table.rules[rule.index],
    isMatched: missed === undefined,
    isHotdrop: packet.hotdrop,
  };
  if (missed !== undefined) {
    const first = missed.failures[0];
    if (first !== undefined) event.failed = first.text;
    if (first?.match !== undefined) event.failedMatch = first.match;
    event.failures = missed.failures;
    event.unknown = missed.unknown;
  }
  emit(event);
}
