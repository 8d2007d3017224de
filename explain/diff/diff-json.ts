/** What two hosts treat differently as JSON (docs/schema/diff.schema.json). */
import { Verdict } from '../../core/hooks.js';
import { saveRule } from '../../core/rules/save.js';
import type { Decider } from '../story/story.js';
import type { DifferenceSide, DifferenceSummary, DiffSummary } from './diff-summary.js';

type Json = Readonly<Record<string, unknown>>;

/** SUMMARY as a value for JSON.stringify. */
export function diffJson(summary: DiffSummary): Json {
  const { names, differences, ...rest } = summary;
  return {
    ...rest,
    differences: differences.map(differenceJson),
    ...(names.size === 0 ? {} : { names: Object.fromEntries(names) }),
  };
}

function differenceJson(difference: DifferenceSummary): Json {
  const { isReply, old, new: other, example, ...rest } = difference;
  const { interface: dev, file, number } = example;
  return {
    ...rest,
    reply: isReply,
    old: sideJson(old),
    new: sideJson(other),
    example: { interface: dev, file, number },
  };
}

function sideJson({ verdict, decider }: DifferenceSide): Json {
  return { verdict, decidedBy: deciderJson(decider) };
}

/** The same as in the JSON of trace. */
function deciderJson(decider: Decider): Json {
  switch (decider.kind) {
    case 'rule': {
      const { kind, table, hook, rule, reason } = decider;
      const { chain, number, file, line, comment } = rule;
      const words = { kind, table, hook, chain, number, rule: { file, line }, text: saveRule(rule).trim() };
      return { ...words, ...(comment === undefined ? {} : { comment }), ...(reason === undefined ? {} : { reason }) };
    }
    case 'policy': {
      const { kind, table, hook, chain } = decider;
      const { name, policy, file, line } = chain;
      const verdict = policy === Verdict.DROP ? 'DROP' : 'ACCEPT';
      return { kind, table, hook, chain: name, policy: verdict, rule: line === 0 ? null : { file, line } };
    }
    default:
      return { ...decider };
  }
}
