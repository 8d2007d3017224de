/** What the emulated host sent, compared with what the captured host sent: the part of a report. */
import { basename } from 'node:path';
import { shown, shownPath } from '../codecs/text.js';
import { columns, wrapAfter } from '../explain/text/columns.js';
import type {
  Decision,
  EgressSummary,
  FrameReference,
  ListedEgressDifference,
  PacketOnInterface,
} from '../replay/host-capture/egress-summary.js';
import type { Names } from '../replay/names.js';
import type { ResultFrame } from '../replay/result-folder.js';
import { count, formatNumber } from './number.js';
import { renderPackets } from './render-difference.js';
import { causeLine, type ReportOptions } from './report.js';

const KINDS: readonly (readonly [ListedEgressDifference['kind'], string])[] = [
  ['missing', 'missing: the host sent them, the emulated host does not'],
  ['extra', 'extra: the emulated host sends them, the host did not'],
  ['different', 'different: both send them, but not the same'],
];

/** The blocks of lines of a report about EGRESS: its counts and, if asked for, the first difference of each kind. */
export function egressBlocks(
  egress: EgressSummary,
  names: Names,
  { style, width, showsEgress }: ReportOptions,
): string[][] {
  const { matched, ownMatched, unjudged } = egress;
  const rows: [number, string][] = [
    [matched - ownMatched, 'the same'],
    [ownMatched, 'sent by the host itself, and left as captured'],
    ...KINDS.map(([kind, what]): [number, string] => [egress[kind], what]),
    [unjudged.openBefore, 'not judged: of connections that were open before the capture began'],
    [unjudged.leftOut, 'not judged: packets of their connections were left out by --filter, --from or --to'],
    [unjudged.uncertain, 'not judged: it is uncertain what becomes of what they came from'],
    [unjudged.noArrival, 'not judged: what they came from was not captured'],
    [unjudged.notCaptured, 'not judged: sent by an interface that the capture does not have'],
    [unjudged.atEnd, 'not judged: sent as the capture ended'],
  ];
  const met = rows.filter(([packets], i) => i === 0 || packets > 0);
  const table = columns(
    met.map(([packets, what]) => [formatNumber(packets), what]),
    ['right', 'left'],
    width,
  );
  const blocks = [[style.bold('compared with what the host sent'), ...table]];
  if (showsEgress !== true) return blocks;
  for (const [kind] of KINDS) {
    const first = egress.listed.find((listed) => listed.kind === kind);
    if (first !== undefined) blocks.push(differenceLines(first, egress[kind], names, { style, width }));
  }
  return blocks;
}

function differenceLines(
  difference: ListedEgressDifference,
  packets: number,
  names: Names,
  { style, width = Number.POSITIVE_INFINITY }: Pick<ReportOptions, 'style' | 'width'>,
): string[] {
  const { kind, captured, emulated, cause, droppedBy, decidedBy = [] } = difference;
  const where = captured === undefined ? '' : `, ${frameText(captured.frame)}`;
  const device = shown((captured ?? emulated)?.interface ?? '');
  const lines = [style.bold(`the first of ${count(packets, `${kind} packet`)}: ${device}${where}`)];
  if (cause !== undefined) {
    const what = cause.own ? 'the host itself sent it' : `it came from ${frameText(cause)}, ${shown(cause.interface)}`;
    lines.push(...wrapAfter('  ', `${what}; in the emulated host: ${cause.outcome}`, width));
  }
  if (droppedBy !== undefined) lines.push(...wrapAfter('  ', shown(`dropped by ${causeLine(droppedBy)}`), width));
  for (const decision of decidedBy) lines.push(...wrapAfter('  ', shown(decisionText(decision)), width));
  if (captured && emulated && captured.interface !== emulated.interface)
    lines.push(
      ...wrapAfter('  ', `captured on ${shown(captured.interface)}, emulated: ${shown(emulated.interface)}`, width),
    );
  const titles = { wanted: 'captured', got: 'emulated', names };
  return [...lines, ...renderPackets(frameOf(captured), frameOf(emulated), titles, style, width)];
}

function frameText({ file, number }: FrameReference): string {
  return `frame ${number} of ${shownPath(basename(file))}`;
}

function decisionText({ table, chain, number, rule, file, line }: Decision): string {
  const where = file === undefined ? '' : `${shownPath(basename(file))}:${line}  `;
  return number === undefined ? `${where}policy of ${table} ${chain}` : `${where}${table} ${chain} ${number}  ${rule}`;
}

function frameOf(packet: PacketOnInterface | undefined): ResultFrame | null {
  return packet === undefined ? null : { bytes: Buffer.from(packet.bytes, 'hex'), ipAt: 0 };
}
