/** What a change of rules opens and closes, as text for people. */
import { shown } from '../../codecs/text.js';
import { wrapAfter } from '../text/columns.js';
import type { PortRange } from './model.js';
import { formatPortRows, type PortRow } from './port-rows.js';
import type { Scan } from './scan.js';
import type { ChangeKind, PortChange, TargetChanges } from './scan-changes.js';
import { rangeText, reasonsOf, reasonText, senderText, type TextOptions, verdictText } from './scan-text.js';

const SIGNS: Readonly<Record<ChangeKind, string>> = { opens: '+ opens', closes: '- closes', else: '  differs' };
const KINDS: readonly ChangeKind[] = ['opens', 'closes', 'else'];
const COLOURS: Readonly<Record<ChangeKind, 'green' | 'red' | undefined>> = {
  opens: 'green',
  closes: 'red',
  else: undefined,
};

/** CHANGES in SCAN, by source and address. */
export function formatChanges(scan: Scan, changes: readonly TargetChanges[], { style, width }: TextOptions): string {
  if (changes.length === 0) return 'The new rules open and close nothing, and no port has another fate.\n\n';
  const blocks: Block[] = [];
  for (const place of placesOf(changes)) {
    const [{ scanned, group, target }] = place;
    const from = senderText(scanned, group);
    const name = target.name === undefined ? target.address : `${target.address} ${target.name}`;
    const rows = place.flatMap(({ protocol, ports }) => rowsOf(ports, protocol, scan.areSocketsKnown));
    const text = formatPortRows(rows, style, width).join('\n');
    const same = blocks.find((block) => block.from === from && block.text === text);
    if (same === undefined) blocks.push({ from, names: [name], text });
    else same.names.push(name);
  }
  const lines = blocks.flatMap(({ from, names, text }, i) => [
    ...(from === blocks[i - 1]?.from ? [] : [...(i === 0 ? [] : ['']), style.bold(`from ${shown(from)}`)]),
    ...wrapAfter('  ', shown(names.join(', ')), width),
    text,
  ]);
  return `${lines.join('\n')}\n\n`;
}

interface Block {
  readonly from: string;
  readonly names: string[];
  readonly text: string;
}

/** CHANGES, those of the same senders and address together. */
function placesOf(changes: readonly TargetChanges[]): TargetChanges[][] {
  const places: TargetChanges[][] = [];
  for (const change of changes) {
    const last = places.at(-1);
    if (last !== undefined && last[0].group === change.group && last[0].target === change.target) last.push(change);
    else places.push([change]);
  }
  return places;
}

function rowsOf(
  ports: readonly PortRange<PortChange>[],
  protocol: string,
  [isKnownBefore, isKnownAfter]: readonly boolean[],
): PortRow[] {
  const byChange = new Map<string, { readonly change: PortChange; readonly ranges: PortRange<PortChange>[] }>();
  for (const range of ports) {
    const { kind, before, after } = range.fate;
    const texts = [verdictText(before, isKnownBefore), verdictText(after, isKnownAfter)];
    const key = [kind, ...texts, reasonText(before), reasonText(after)].join('|');
    const same = byChange.get(key);
    if (same === undefined) byChange.set(key, { change: range.fate, ranges: [range] });
    else same.ranges.push(range);
  }
  const rows = [...byChange.values()].sort((a, b) => KINDS.indexOf(a.change.kind) - KINDS.indexOf(b.change.kind));
  return rows.map(({ change: { kind, before, after }, ranges }) => ({
    head: [SIGNS[kind], protocol],
    ports: ranges.map(rangeText).join(', '),
    verdict: `${verdictText(before, isKnownBefore)} ⇒ ${verdictText(after, isKnownAfter)}`,
    colour: COLOURS[kind],
    reasons: reasonsOf(after),
  }));
}
