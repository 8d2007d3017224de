/** A replay's summary as text. */
import { basename, relative } from 'node:path';
import { shown } from '../codecs/text.js';
import { listedName } from '../core/protocols/registry.js';
import { REASONS } from '../core/reasons.js';
import type { DroppedBy, DroppedFlow } from '../replay/drops.js';
import type { ConnectionSummary, Endpoint, RuleSummary, Summary } from '../replay/summary.js';
import { columns, cut } from './columns.js';
import { formatNumber } from './number.js';
import type { Style } from './style.js';

export interface ReportOptions {
  style: Style;
  /** How many connections, dropped flows and rules to show. */
  top: number;
  /** The result folder. */
  outDir: string;
  durationMs: number;
  /** Maximum line width; undefined: no limit. */
  width?: number | undefined;
}

/** The whole report; ends with a newline. */
export function formatReport(summary: Summary, options: ReportOptions): string {
  const { style, top, outDir, durationMs, width } = options;
  const { packets, connections, droppedFlows, rules } = summary;
  const busiest = [...rules].sort((a, b) => b.packets - a.packets);
  const blocks = [
    [style.bold(`${count(packets.read, 'packet')} in ${formatDuration(durationMs)}`), ...outcomes(summary)],
    section('connections', connectionRows(connections.listed.slice(0, top), width), connections.count - top, style),
    section('dropped', droppedRows(droppedFlows.listed.slice(0, top), width), droppedFlows.count - top, style),
    section('busiest rules', ruleRows(busiest.slice(0, top), width), busiest.length - top, style),
    [
      outDir === '-'
        ? `written: ${captures(summary)}`
        : `${style.bold(shown(shortPath(outDir)))} contains ${outputs(summary)}`,
    ],
  ];
  return blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.join('\n')}\n`)
    .join('\n');
}

function outcomes({ packets, skipped }: Summary): string[] {
  const rows: [number, string][] = [
    [packets.forwarded, 'forwarded'],
    [packets.sent, 'sent by the host itself'],
    [packets.delivered, 'delivered to the host'],
    [packets.rejected, 'rejected: dropped, and the sender was told'],
    [packets.dropped, 'dropped'],
    [packets.held, 'fragments held for reassembly'],
    [packets.skipped, `skipped: ${Object.keys(skipped).join(', ')}`],
  ];
  const met = rows.filter(([packets]) => packets > 0).map(([packets, what]) => [formatNumber(packets), what]);
  return columns(met, ['right', 'left']);
}

function section(title: string, lines: string[], more: number, style: Style): string[] {
  if (lines.length === 0) return [];
  return [style.bold(title), ...lines, ...(more > 0 ? [style.dim(`  and ${formatNumber(more)} more`)] : [])];
}

/**
 * `tcp  203.0.113.7:51515 → 192.0.2.10:36379  ⇒ 172.17.0.3:6379  ESTABLISHED  3/126 ↔ 2/87`: packets/bytes each way.
 */
function connectionRows(listed: readonly ConnectionSummary[], width: number | undefined): string[] {
  const rows = listed.map((connection) => [
    connection.protocol,
    `${formatEndpoint(connection.source)} → ${formatEndpoint(connection.destination)}`,
    translation(connection),
    connection.state ?? '',
    traffic(connection),
  ]);
  return columns(rows, ['left', 'left', 'left', 'left', 'left'], width);
}

function translation({ translatedSource, translatedDestination }: ConnectionSummary): string {
  return [
    ...(translatedDestination ? [`⇒ ${formatEndpoint(translatedDestination)}`] : []),
    ...(translatedSource ? [`as ${formatEndpoint(translatedSource)}`] : []),
  ].join('  ');
}

function traffic({ packets, bytes, replied }: ConnectionSummary): string {
  const original = `${packets[0]}/${bytes[0]}`;
  return replied ? `${original} ↔ ${packets[1]}/${bytes[1]}` : `${original} → no answer`;
}

/** Each cause, with its flows below it: `2  tcp  203.0.113.7 → 192.0.2.10:8081  ⇒ 172.17.0.3:80`. */
function droppedRows(flows: readonly DroppedFlow[], width: number | undefined): string[] {
  const rows = flows.map(({ packets, protocol, source, destination, port, translatedDestination }) => {
    const name = listedName(protocol);
    const service = formatEndpoint({ address: destination, ...(port === undefined ? {} : { port }) });
    const translated = translatedDestination ? `⇒ ${formatEndpoint(translatedDestination)}` : '';
    return [
      `  ${formatNumber(packets)}`,
      name === 'unknown' ? String(protocol) : name,
      `${source} → ${service}`,
      translated,
    ];
  });
  const groups = new Map<string, string[][]>();
  flows.forEach((flow, index) => {
    const cause = causeLine(flow);
    groups.set(cause, [...(groups.get(cause) ?? []), rows[index]]);
  });
  return [...groups].flatMap(([cause, rows]) => [
    cut(`  ${shown(cause)}`, width ?? Number.POSITIVE_INFINITY),
    ...columns(rows, ['right', 'left', 'left', 'left'], width),
  ]);
}

/**
 * `rules.v4:41  filter DOCKER-USER 2  "no telnet"`, `policy of filter FORWARD (rules.v4:15)`, or the reason in words.
 */
function causeLine({ reason, hook, table, chain, number, rule, comment, file, line, entry }: DroppedBy): string {
  const where = file === undefined ? '' : `${basename(file)}:${line}`;
  if (reason === 'policy') return `policy of ${table} ${chain}${where === '' ? '' : ` (${where})`}`;
  const words = reason === 'rule' || reason === 'hook-entry' ? '' : REASONS[reason];
  if (number !== undefined) {
    const text = comment === undefined ? rule : `"${comment}"`;
    return [where, `${table} ${chain} ${number}`, words, text].filter((part) => part).join('  ');
  }
  return [table ?? entry, hook, words].filter((part) => part).join(' ');
}

function ruleRows(rules: readonly RuleSummary[], width: number | undefined): string[] {
  const rows = rules.map(({ packets, bytes, table, chain, number, rule }) => [
    count(packets, 'packet'),
    count(bytes, 'byte'),
    `${table} ${chain} ${number}`,
    rule,
  ]);
  return columns(rows, ['right', 'right', 'left', 'left'], width);
}

function outputs(summary: Summary): string {
  return [captures(summary), 'rules.v4', 'conntrack.txt', 'summary.json'].join(', ');
}

function captures({ outputs }: Summary): string {
  return outputs.map(({ file, packets }) => `${shown(file)} (${formatNumber(packets)})`).join(', ');
}

function formatEndpoint({ address, port }: Endpoint): string {
  return port === undefined ? address : `${address}:${port}`;
}

function count(value: number, unit: string): string {
  return `${formatNumber(value)} ${unit}${value === 1 ? '' : 's'}`;
}

function formatDuration(durationMs: number): string {
  return durationMs < 1000 ? `${Math.ceil(durationMs)} ms` : `${(durationMs / 1000).toFixed(1)} s`;
}

/** PATH relative to the current directory if that is shorter. */
function shortPath(path: string): string {
  const fromHere = relative(process.cwd(), path) || '.';
  return fromHere.length < path.length ? fromHere : path;
}
