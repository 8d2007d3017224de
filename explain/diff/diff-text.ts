/** What two hosts treat differently, as text. */

import { counted, shown, shownPath } from '../../codecs/text.js';
import { saveRule } from '../../core/rules/save.js';
import type { Names } from '../../replay/names.js';
import { formatDecider } from '../story/decider.js';
import { LEAD, layout } from '../story/layout.js';
import { packetWords } from '../story/packet-words.js';
import { type Row, rowsOf } from '../story/rows.js';
import { sentWords } from '../story/sent-words.js';
import type { Decider, Story } from '../story/story.js';
import { columns, NO_BREAK, wrapAfter } from '../text/columns.js';
import type { Style } from '../text/style.js';
import type { DifferenceSide, DifferenceSummary, DiffSummary, ServiceSummary } from './diff-summary.js';
import { DIFFERENCE_KINDS, type DifferenceKind, KIND_NAMES } from './kinds.js';
import { markedRows } from './merged-rows.js';
import { destinationsOf, serviceName, sourcesOf } from './service-words.js';

export interface DiffTextOptions {
  readonly width: number;
  readonly style: Style;
  /** How many differences are shown. */
  readonly top: number;
  /** The kinds that were asked for; undefined: all. */
  readonly only: readonly DifferenceKind[] | undefined;
}

/** Services of a difference that are shown. */
const SHOWN_SERVICES = 5;
const INDENT = 2;
/** Causes of uncertainty that are shown. */
const SHOWN_CAUSES = 5;

/** The whole report; ends with a newline. */
export function formatDiff(summary: DiffSummary, options: DiffTextOptions): string {
  const { differences } = summary;
  const shownHere = differences.slice(0, options.top);
  const blocks = [
    headline(summary, options),
    ...shownHere.map((difference) => differenceLines(difference, summary, options)),
    hiddenLines(differences.slice(options.top), options),
    uncertainLines(summary, options),
    assumedLines(summary, options),
  ];
  return `${blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function headline(
  { packets, connections, differences, old, new: other }: DiffSummary,
  { style, width, only }: DiffTextOptions,
): string[] {
  if (differences.length === 0) {
    const what = only === undefined ? 'nothing differs' : `nothing is ${only.map(words).join(' or ')}`;
    const isSure = old.uncertain === undefined && other.uncertain === undefined;
    const [said, color] = isSure ? [what, style.green] : [`${what}, as far as it can be followed`, style.yellow];
    if (packets.compared === 0)
      return [style.bold(style.yellow('nothing was compared: no packet of the captures arrives'))];
    return [`${style.bold(color(said))}: ${counted(packets.compared, 'packet')} compared`];
  }
  const counts = `${counted(packets.different, 'packet')} of ${packets.compared} in ${counted(connections.different, 'connection')}`;
  const kinds = KIND_NAMES.flatMap((kind) => {
    const found = differences.filter((difference) => difference.kind === kind);
    const inKind = found.reduce((total, difference) => total + difference.connections, 0);
    return inKind === 0 ? [] : [[counted(inKind, 'connection'), words(kind), DIFFERENCE_KINDS[kind]]];
  });
  return [style.bold(`different: ${counts}`), ...columns(kinds, ['right', 'left', 'left'], width)];
}

/** `newly dropped`. */
function words(kind: DifferenceKind): string {
  return kind.replace('-', ' ');
}

function differenceLines(
  difference: DifferenceSummary,
  summary: DiffSummary,
  { style, width }: DiffTextOptions,
): string[] {
  const { kind, isReply, connections, packets, following, services } = difference;
  const title = `${words(kind)}${isReply ? ', from replies on' : ''}`;
  const counts = `${counted(connections, 'connection')}, ${counted(packets, 'packet')}`;
  const more = following === 0 ? '' : `, ${following} of them in consequence`;
  const listed = services.listed.slice(0, SHOWN_SERVICES).map((service) => serviceRow(service, summary.names));
  const hidden = services.count - listed.length;
  return [
    `${style.bold(colorOf(kind, style)(title))}   ${counts}${more}`,
    ...columns(listed, ['left', 'right', 'right', 'left'], width),
    ...(hidden > 0 ? [`  and ${counted(hidden, 'other service')}`] : []),
    ...sideLines('old', difference.old, width, style),
    ...sideLines('new', difference.new, width, style),
    ...exampleLines(difference, summary.names, width, style),
  ];
}

function colorOf(kind: DifferenceKind, style: Style): (text: string) => string {
  if (kind === 'newly-dropped') return style.red;
  return kind === 'newly-accepted' ? style.green : style.yellow;
}

function serviceRow(service: ServiceSummary, names: Names): string[] {
  const { connections, packets } = service;
  const ends = `${shown(sourcesOf(service, names))} → ${shown(destinationsOf(service, names))}`;
  return [serviceName(service), counted(connections, 'connection'), counted(packets, 'packet'), ends];
}

/** `old  forwarded  rules.v4:31  -A DOCKER …`. */
function sideLines(label: string, { verdict, decider }: DifferenceSide, width: number, style: Style): string[] {
  const lead = `  ${label}  `;
  const by = verdict === 'skipped' ? 'the packet does not arrive' : byWords(decider);
  const [first, ...rest] = wrapAfter(lead, `${verdict}  ${by}`, width);
  return [`${first.slice(0, 2)}${style.bold(label)}${first.slice(2 + label.length)}`, ...rest];
}

function byWords(decider: Decider): string {
  const by = shown(formatDecider(decider));
  if (decider.kind !== 'rule') return by;
  return `${by}  -A ${shown(decider.rule.chain)}${shown(saveRule(decider.rule))}`;
}

/** The example: the packet, its way on both sides, and what came of it. */
function exampleLines({ example }: DifferenceSummary, names: Names, width: number, style: Style): string[] {
  const { interface: dev, file, number, old, new: other } = example;
  const place = `frame ${number} of ${shownPath(file)} (${shown(dev)})`;
  const packet = (old ?? other)?.packet;
  const words = packet === undefined ? '' : `${packetWords(packet, { inDev: (old ?? other)?.inDev }, names)}   `;
  const rows = markedRows(...([old, other].map((story) => (story ? rowsOf(story, { names }) : [])) as [Row[], Row[]]));
  return [
    ...wrapAfter('  e.g. ', `${words}${place}`, width),
    ...layout(rows, width - INDENT, style).map((line) => ' '.repeat(INDENT) + line),
    ...[old, other].flatMap((story, i) =>
      story === undefined ? [] : leftLines(i === 0 ? 'old' : 'new', story, names, width),
    ),
  ];
}

/** What left because of the packet of STORY, and what the host did not send after all. */
function leftLines(label: string, story: Story, names: Names, width: number): string[] {
  const left = sentWords(story, names);
  const words = left.length === 0 ? ['nothing is sent'] : left;
  return words.flatMap((line, i) => wrapAfter(`  ${(i === 0 ? `${label} sends` : '').padEnd(LEAD)}  `, line, width));
}

/** What is left out of DIFFERENCES that are not shown. */
function hiddenLines(differences: readonly DifferenceSummary[], { width }: DiffTextOptions): string[] {
  if (differences.length === 0) return [];
  const connections = differences.reduce((total, difference) => total + difference.connections, 0);
  const text = `and ${counted(differences.length, 'other difference')} in ${counted(connections, 'connection')}; --top shows more`;
  return wrapAfter('', text, width);
}

/** What of both sides could not be followed, so that there may be more differences, or fewer. */
function uncertainLines({ old, new: other }: DiffSummary, { width, style }: DiffTextOptions): string[] {
  const sides = [
    ['old', old],
    ['new', other],
  ] as const;
  return sides.flatMap(([label, { uncertain }]) => {
    if (uncertain === undefined) return [];
    const { packets, causes } = uncertain;
    const rows = causes
      .slice(0, SHOWN_CAUSES)
      .map(({ packets: some, reason, table, chain, number, file, line }) => [
        counted(some, 'packet'),
        file === undefined ? '' : `${shownPath(file)}:${line}`,
        number === undefined ? '' : `${table} ${chain} ${number}`,
        reason,
      ]);
    const text = `uncertain on the ${label} side: ${counted(packets, 'packet')} of which not all that decides about them can be followed`;
    return [
      ...wrapAfter('', text, width).map(style.bold),
      ...columns(rows, ['right', 'left', 'left', 'left'], width).map(style.yellow),
    ];
  });
}

/** What was assumed, where it is not the same on both sides with the side that it is about. */
function assumedLines({ old, new: other }: DiffSummary, { width, style }: DiffTextOptions): string[] {
  const both = old.assumed.filter((text) => other.assumed.includes(text));
  const rows = [
    ...both,
    ...old.assumed.filter((text) => !both.includes(text)).map((text) => `old: ${text}`),
    ...other.assumed.filter((text) => !both.includes(text)).map((text) => `new: ${text}`),
  ];
  if (rows.length === 0) return [];
  const [first, ...rest] = wrapAfter(
    'assumed  ',
    rows.map((row) => shown(row).replaceAll(' ', NO_BREAK)).join(', '),
    width,
  );
  return [style.bold(first.slice(0, 7)) + first.slice(7), ...rest];
}
