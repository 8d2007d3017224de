/** Recorded cases: steps, and what the real ipset answered to each, a case a line in commands.jsonl. */
import type { Answer, Step } from './steps.js';

/** What is left of an answer: `saved` only at the end of a case, and no text that is empty. */
type ShortAnswer = Partial<Answer> & { readonly exitCode: number };

export interface RecordedCase {
  readonly steps: readonly Step[];
  readonly answers: readonly ShortAnswer[];
}

export function parseCases(text: string): RecordedCase[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line): RecordedCase => JSON.parse(line));
}

export function formatCases(cases: readonly RecordedCase[]): string {
  return cases.map(({ steps, answers }) => `${JSON.stringify({ steps, answers: answers.map(shorten) })}\n`).join('');
}

function shorten(
  { exitCode, stdout, stderr, saved }: ShortAnswer,
  i: number,
  all: readonly ShortAnswer[],
): ShortAnswer {
  return {
    exitCode,
    ...(stdout ? { stdout } : {}),
    ...(stderr ? { stderr } : {}),
    ...(i === all.length - 1 ? { saved } : {}),
  };
}

/** THEIRS with what was left out; what is not known of it is OURS. */
export function completed(theirs: ShortAnswer, ours: Answer): Answer {
  return { stdout: '', stderr: '', saved: ours.saved, ...theirs };
}
