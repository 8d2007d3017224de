/** The story of a packet as JSON (docs/schema/trace.schema.json). */
import type { PacketFields, RoutedEvent, TrackedEvent } from '../../core/events.js';
import { VERDICT_NAMES } from '../../core/hooks.js';
import type { Chain, Rule } from '../../core/rules/model.js';
import type { UncertainCause } from '../../core/uncertainty.js';
import { NO_NAMES, packetWords } from './packet-words.js';
import { ruleText } from './rule-words.js';
import type { Decider, RuleEffect, RuleStep, Stage, Step, Story } from './story.js';

type Json = Readonly<Record<string, unknown>>;

/** STORY as a value for JSON.stringify. */
export function storyJson(story: Story): Json {
  const { origin, inDev, tsSec, tsNsec, packet, verdict, decider, left, tracked, translations } = story;
  return {
    verdict,
    decidedBy: deciderJson(decider),
    uncertain: story.uncertain.map(uncertainJson),
    origin,
    in: inDev ?? null,
    time: { sec: tsSec, nsec: tsNsec },
    packet: packet === undefined ? null : packetJson(packet),
    state: tracked?.ctstate ?? null,
    translations: translations.map(withoutDepth),
    left: left === undefined ? null : { interface: left.dev ?? null, packet: packetJson(left.packet) },
    stages: story.stages.map(stageJson),
    related: story.related.map(storyJson),
  };
}

function packetJson(packet: PacketFields): Json {
  return { words: packetWords(packet, {}, NO_NAMES), ...packet };
}

function ruleJson(rule: Rule): Json {
  const { chain, number, file, line, comment } = rule;
  const words = { chain, number, rule: { file, line }, text: ruleText(rule) };
  return comment === undefined ? words : { ...words, comment };
}

function policyJson({ name, policy, file, line }: Chain): Json {
  return { chain: name, policy: VERDICT_NAMES[policy], rule: line === 0 ? null : { file, line } };
}

export function deciderJson(decider: Decider): Json {
  switch (decider.kind) {
    case 'rule': {
      const { kind, table, hook, rule, reason } = decider;
      return { kind, table, hook, ...ruleJson(rule), ...(reason === undefined ? {} : { reason }) };
    }
    case 'policy':
      return { kind: decider.kind, table: decider.table, hook: decider.hook, ...policyJson(decider.chain) };
    default:
      return { ...decider };
  }
}

function uncertainJson({ reason, scope, table, rule }: UncertainCause): Json {
  return { reason, scope, ...(table === undefined ? {} : { table }), ...(rule === undefined ? {} : ruleJson(rule)) };
}

function stageJson({ hook, packet, steps }: Stage): Json {
  return {
    hook: hook ?? null,
    packet: packet === undefined ? null : packetJson(packet),
    steps: steps.flatMap((step) => (step.kind === 'related' || step.kind === 'left' ? [] : [stepJson(step)])),
  };
}

function stepJson(step: Exclude<Step, { kind: 'related' | 'left' }>): Json {
  switch (step.kind) {
    case 'rule':
      return ruleStepJson(step);
    case 'policy':
      return { kind: step.kind, table: step.table, ...policyJson(step.chain) };
    case 'changed':
    case 'translated':
    case 'logged':
      return effectJson(step);
    case 'tracked':
    case 'timed-out':
    case 'routed':
    case 'expired':
    case 'idle':
      return withoutDepth(step);
    case 'held':
    case 'reassembled':
      return { kind: step.kind, packet: packetJson(step.packet) };
    case 'uncertain':
      return { kind: step.kind, ...uncertainJson(step.cause) };
    case 'dropped':
      return { kind: step.kind, reason: step.cause.reason, isRejected: step.isRejected };
  }
}

function ruleStepJson({ table, rule, level, isMatched, isHotdrop, failures, effects }: RuleStep): Json {
  return {
    kind: 'rule',
    table,
    level,
    ...ruleJson(rule),
    isMatched,
    ...(isHotdrop ? { isHotdrop } : {}),
    ...(isMatched ? {} : { failures: failures.map(({ text, misses = [] }) => ({ text, misses })) }),
    ...(effects.length === 0 ? {} : { effects: effects.map(effectJson) }),
  };
}

function effectJson(effect: RuleEffect): Json {
  if (effect.kind !== 'changed') return withoutDepth(effect);
  const { kind, what, set, from, to } = effect;
  return {
    kind,
    what,
    ...(set === undefined ? {} : { set }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  };
}

/** Events of an emulator say how deep they are, which the place of a story tells. */
function withoutDepth(event: TrackedEvent | RoutedEvent | Exclude<RuleEffect, { kind: 'changed' }> | Step): Json {
  const { depth: _, ...rest } = event as Step & { depth?: number };
  return rest;
}
