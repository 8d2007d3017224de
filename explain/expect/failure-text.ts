/** A claim that is not met, for people. */
import type { Claim } from '../../codecs/expectation/expectation.js';
import { shown, shownPath } from '../../codecs/text.js';
import type { Names } from '../../replay/names.js';
import { type StoryNote, storyLines } from '../story/story-text.js';
import { wrapAfter } from '../text/columns.js';
import type { Style } from '../text/style.js';
import type { ClaimResult } from './claim-result.js';

export interface FailureLayout {
  readonly width: number;
  readonly style: Style;
  readonly names: Names;
}

const LABEL_WIDTH = 'expected  '.length;

/** The claim and its place, what it says and what is so, and the trace of the first packet that is not as it says. */
export function failureLines(result: ClaimResult, layout: FailureLayout): string[] {
  const { claim } = result;
  const { width, style } = layout;
  const place = `${shownPath(claim.file)}:${claim.line}`;
  return [
    ...wrapAfter('', shown(claim.name), width).map((line) => style.bold(line)),
    ...wrapAfter('', place, width).map((line) => style.dim(line)),
    ...problemLines(result, layout),
    ...offenderLines(result, layout),
  ];
}

/** The same without the claim and its place: what is expected and found. */
export function problemLines({ claim, problems }: ClaimResult, { width, style }: FailureLayout): string[] {
  const subject = claim.isNamed && claim.kind !== 'counters' ? [`${claim.kind}: ${claim.text}`] : [];
  const lines = (label: string, text: string, paint: (text: string) => string): string[] =>
    wrapAfter(label.padEnd(LABEL_WIDTH), shown(text), width).map((line, i) =>
      i === 0 ? paint(line.slice(0, label.length)) + line.slice(label.length) : line,
    );
  return [
    ...subject.flatMap((text) => wrapAfter('', shown(text), width)),
    ...problems.flatMap(({ member, expected, found }) => [
      ...lines('expected', `${MEMBER_WORDS[member] ?? ''}${expected}`, style.green),
      ...lines('found', found, style.red),
    ]),
  ];
}

/** What stands before what is expected. */
const MEMBER_WORDS: Partial<Record<ClaimResult['problems'][number]['member'], string>> = {
  ends: 'ends: ',
  becomes: 'becomes: ',
  by: 'by: ',
  answer: 'answer: ',
};

/** The first packet that is not as the claim says: which it is, and its trace. */
export function offenderLines({ offender, met, unmet, claim, notes }: ClaimResult, layout: FailureLayout): string[] {
  const { width, style, names } = layout;
  const told = notes.flatMap((note) => wrapAfter('', shown(note), width));
  if (offender === undefined) return told;
  const { story, where, assumed, chosen } = offender;
  const lead = claim.kind === 'send' || met === 1 ? where : `${where}, ${whichOf(met, unmet, claim)}`;
  const storyNotes: StoryNote[] = chosen.length === 0 ? [] : [{ label: 'chosen', lines: [chosen.join(', ')] }];
  return [
    ...told,
    '',
    // Of what the claim itself has sent, its sentence is told already.
    ...(where === claim.text ? [] : wrapAfter('', shown(lead), width)),
    ...storyLines(story, { width, style, names, notes: storyNotes, assumed }),
  ];
}

/** Which of the MET packets or connections it is, of which UNMET are not as CLAIM says. */
function whichOf(met: number, unmet: number, { kind }: Claim): string {
  const what = kind === 'connection' ? 'connections' : 'packets';
  if (unmet === 1) return `the only one of ${met} ${what}`;
  return unmet === met ? `the first of ${met} ${what}` : `the first of ${unmet}, out of ${met} ${what}`;
}

/** On one line: the first thing that was expected, and what was found in its place. */
export function failureMessage({ problems }: ClaimResult): string {
  const [first, ...more] = problems;
  if (first === undefined) return '';
  const others = more.length === 0 ? '' : ` (and ${more.length} more)`;
  return shown(`expected ${MEMBER_WORDS[first.member] ?? ''}${first.expected}; found ${first.found}${others}`);
}
