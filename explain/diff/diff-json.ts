/** What two hosts treat differently as JSON (docs/schema/diff.schema.json). */
import { deciderJson, storyJson } from '../story/story-json.js';
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
    example: {
      ...{ interface: dev, file, number },
      old: example.old === undefined ? null : storyJson(example.old),
      new: example.new === undefined ? null : storyJson(example.new),
    },
  };
}

function sideJson({ verdict, decider }: DifferenceSide): Json {
  return { verdict, decidedBy: deciderJson(decider) };
}
