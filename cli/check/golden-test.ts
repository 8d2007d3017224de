/** The comparison of a case with its golden captures as a test for reporters. */
import { shown } from '../../codecs/text.js';
import { wrapAfter } from '../../explain/text/columns.js';
import type { Comparison, Difference } from '../../replay/compare.js';
import type { Names } from '../../replay/names.js';
import { count } from '../number.js';
import { renderDifference, secondsText } from '../render-difference.js';
import type { CheckedTest, DetailLayout } from '../reporters/model.js';
import { type DifferenceGroup, groupsOf, packetText } from './difference-groups.js';

const COMPARED = 'what left the host, its rules and connections';
const COMPARED_WITHOUT_RULES = 'what left the host and its connections';
const INDENT = '  ';

export interface GoldenTestOptions {
  /** What the name of the test calls it: `want/`. */
  readonly wanted: string;
  /** Names of addresses that the case itself has. */
  readonly names: Names;
  /** How many groups, and how many differences of a group, are shown. */
  readonly top: number;
  readonly comparesRules: boolean;
}

/** What became of COMPARISON with the golden captures. */
export function goldenTest({ differences }: Comparison, options: GoldenTestOptions): CheckedTest {
  const compared = options.comparesRules ? COMPARED : COMPARED_WITHOUT_RULES;
  const name = `${compared} are as in ${options.wanted}`;
  if (differences.length === 0) return { name, status: 'passed' };
  const groups = groupsOf(differences);
  const decided = groups.find(({ decidedBy }) => decidedBy !== undefined);
  const [first, ...others] = groups;
  const more = others.length === 0 ? '' : `; and ${count(others.length, 'other kind')} of difference`;
  return {
    name,
    status: 'failed',
    ...(decided?.decidedBy === undefined ? {} : { decidedBy: decided.decidedBy }),
    message: `${count(differences.length, 'difference')}: ${first.title}${more}`,
    details: (layout) => differenceLines(groups, options, layout),
  };
}

/** GROUPS as lines: of each the title, the first difference in full, and the others in short. */
export function differenceLines(
  groups: readonly DifferenceGroup[],
  { top, names }: Pick<GoldenTestOptions, 'top' | 'names'>,
  layout: DetailLayout,
): string[] {
  const all = { ...layout, names: new Map([...names, ...layout.names]) };
  const lines = groups.slice(0, top).flatMap((group, i) => [...(i === 0 ? [] : ['']), ...groupLines(group, top, all)]);
  const left = groups.slice(top);
  if (left.length === 0) return lines;
  const differences = left.reduce((sum, group) => sum + group.differences.length, 0);
  return [...lines, '', `and ${count(differences, 'difference')} of ${count(left.length, 'other kind')}`];
}

function groupLines({ title, differences }: DifferenceGroup, top: number, layout: DetailLayout): string[] {
  const { style, width } = layout;
  const listed = differences.slice(0, top);
  const left = differences.length - listed.length;
  const lines = listed.flatMap((one, i) => linesOf(one, i === 0, { ...layout, width: width - INDENT.length }));
  if (left > 0) lines.push(`and ${left} more`);
  if (lines.at(-1) === '') lines.pop();
  return [...wrapAfter('', title, width).map(style.bold), ...lines.map(indented)];
}

/** ONE difference of a group. Packets that differ are compared field by field only if it IS_FIRST. */
function linesOf(one: Difference, isFirst: boolean, { style, width, names }: DetailLayout): string[] {
  if (one.kind !== 'frame') return renderDifference(one, style, width, names).flatMap((line) => wrapped(line, width));
  if (isFirst && one.wanted !== null && one.got !== null) return [...renderDifference(one, style, width, names), ''];
  return wrapAfter('', shown(`${packetText(one)}, at ${secondsText(one.tsNs)}`), width);
}

/** LINE, which may be indented, as lines of at most WIDTH characters. */
function wrapped(line: string, width: number): string[] {
  const indent = /^ */.exec(line)![0];
  return wrapAfter(indent, line.slice(indent.length), width);
}

const indented = (line: string): string => (line === '' ? '' : `${INDENT}${line}`);
