/** A claim that is not met, for people. */
import type { Claim, ExpectedEnd } from '../../codecs/expectation/expectation.js';
import { shown, shownPath } from '../../codecs/text.js';
import type { Names } from '../../replay/names.js';
import { type Nearest, nearestRule } from '../fate/nearest.js';
import { ruleText } from '../story/rule-words.js';
import { isAccepted } from '../story/story.js';
import { type StoryNote, storyLines } from '../story/story-text.js';
import { wrapAfter } from '../text/columns.js';
import type { Style } from '../text/style.js';
import type { ClaimResult, Offender, Problem } from './claim-result.js';
import { finalOf } from './packet-views.js';
import { NOT_LEFT } from './words.js';

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
    ...bySameFinding(problems).flatMap((same) => [
      ...same.flatMap((problem) => lines('expected', expectedWords(problem), style.green)),
      ...lines('found', same[0].found, style.red),
    ]),
  ];
}

/** PROBLEMS in groups of which one and the same was found, the longest way of saying it first in each. */
function bySameFinding(problems: readonly Problem[]): readonly (readonly Problem[])[] {
  const groups: Problem[][] = [];
  for (const problem of problems) {
    const group = groups.find(([{ found }]) => isSame(found, problem.found));
    if (group === undefined) groups.push([problem]);
    else group.push(problem);
  }
  return groups;
}

/** Whether A says B, too: `it did not leave: dropped …` says also how it ended. */
function isSame(a: string, b: string): boolean {
  return a === b || a === `${NOT_LEFT}${b}`;
}

function expectedWords({ member, expected }: Problem): string {
  return `${MEMBER_WORDS[member] ?? ''}${expected}`;
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
  const nearest = nearestOf(claim, offender);
  const marked = new Map(nearest === undefined ? [] : [[nearest.step.rule, 'nearest']]);
  const lead = claim.kind === 'send' || met === 1 ? where : `${where}, ${whichOf(met, unmet, claim)}`;
  const storyNotes: StoryNote[] = chosen.length === 0 ? [] : [{ label: 'chosen', lines: [chosen.join(', ')] }];
  return [
    ...told,
    '',
    // Of what the claim itself has sent, its sentence is told already.
    ...(where === claim.text ? [] : wrapAfter('', shown(lead), width)),
    ...storyLines(story, { width, style, names, notes: storyNotes, assumed, marked }),
  ];
}

/** Which of the MET packets or connections it is, of which UNMET are not as CLAIM says. */
function whichOf(met: number, unmet: number, { kind }: Claim): string {
  const what = kind === 'connection' ? 'connections' : 'packets';
  if (unmet === 1) return `the only one of ${met} ${what}`;
  return unmet === met ? `the first of ${met} ${what}` : `the first of ${unmet}, out of ${met} ${what}`;
}

/**
 * On one line: the first thing that was expected, and what was found in its place; and the rule that the packet missed by
 * one condition only.
 */
export function failureMessage(result: ClaimResult): string {
  const { problems } = result;
  const [first, ...more] = problems;
  if (first === undefined) return '';
  const others = more.length === 0 ? '' : ` (and ${more.length} more)`;
  return shown(`expected ${expectedWords(first)}; found ${first.found}${others}${nearestWords(result)}`);
}

/** `; nearest: rules.v4:8, -p tcp -m tcp --dport 2222 -j ACCEPT`; '' if no rule is near. */
function nearestWords({ claim, offender }: ClaimResult): string {
  const nearest = nearestOf(claim, offender);
  const { decider } = offender?.story ?? {};
  const table = decider?.kind === 'rule' || decider?.kind === 'policy' ? decider.table : undefined;
  // One of another table is often about another service.
  if (nearest === undefined || !(nearest.isSlip || nearest.step.table === table)) return '';
  const { rule } = nearest.step;
  return `; nearest: ${shownPath(rule.file)}:${rule.line}, ${ruleText(rule)}`;
}

/** The rule that OFFENDER nearly met, unless it is one that would have done what CLAIM does not want either. */
function nearestOf(claim: Claim, offender: Offender | undefined): Nearest | undefined {
  if (offender === undefined || claim.kind === 'counters') return undefined;
  const { story, ruleset } = offender;
  const isWantedIn = claim.kind !== 'never' && !STOPPED.includes(claim.ends?.value);
  return isAccepted(finalOf(story)) !== isWantedIn ? nearestRule(story, ruleset) : undefined;
}

/** Ends of packets that no rule should have let through. */
const STOPPED: readonly (ExpectedEnd | undefined)[] = ['dropped', 'rejected', 'held', 'skipped', 'expired'];
