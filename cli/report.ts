/** A replay's summary as text. */
import { basename, relative } from 'node:path';
import { protocolName } from '../codecs/protocol-names.js';
import { shown, shownPath } from '../codecs/text.js';
import { REASONS } from '../core/reasons.js';
import { columns, NO_BREAK, wrapAfter } from '../explain/text/columns.js';
import type { Style } from '../explain/text/style.js';
import type { DroppedService } from '../replay/dropped-services.js';
import type { DropCount, DroppedBy } from '../replay/drops.js';
import type { Names } from '../replay/names.js';
import type {
  ConnectionSummary,
  RuleSummary,
  SetSummary,
  Summary,
  UnmatchedRuleSummary,
  UnmatchedSummary,
} from '../replay/summary.js';
import { changeRows } from './change-rows.js';
import { counterLines } from './counters-report.js';
import { egressBlocks } from './egress-report.js';
import { namedAddress, namedEndpoint } from './named-address.js';
import { count, formatNumber } from './number.js';
import { uncertainLines } from './uncertain-report.js';

const INDENT = 2;
const GAP = 2;

/** Digits of a number in the output of `nfacct list`. */
const ACCOUNTING_DIGITS = 20;

export interface ReportOptions {
  style: Style;
  /** How many connections, causes of drops, services that were dropped, and rules to show. */
  top: number;
  /** The result folder; '-': standard output; undefined: nothing was written. */
  outDir: string | undefined;
  durationMs: number;
  /** Maximum line width; undefined: no limit. */
  width?: number | undefined;
  /** Show the first packets that the captured and the emulated host do not both send. */
  showsEgress?: boolean;
}

/** The whole report; ends with a newline. */
export function formatReport(summary: Summary, options: ReportOptions): string {
  const { style, top, durationMs, width } = options;
  const { packets, connections, dropped, rules, assumed } = summary;
  const names: Names = new Map(Object.entries(summary.names ?? {}));
  const listedAssumptions = withFewNeighbours(assumed, top);
  const busiest = [...rules].sort((a, b) => b.packets - a.packets);
  const blocks = [
    [style.bold(`${count(packets.read, 'packet')} in ${formatDuration(durationMs)}`), ...outcomes(summary, width)],
    uncertainLines(summary.uncertain, options),
    section(
      connections.count > top ? 'busiest connections' : 'connections',
      connectionRows(connections.listed.slice(0, top), names, width),
      connections.count - top,
      style,
    ),
    section(droppedTitle(summary), droppedRows(dropped.slice(0, top), names, options), dropped.length - top, style),
    noneShown(summary, style),
    section('changes', changeRows(summary.changes, width), 0, style),
    section('busiest rules', ruleRows(busiest.slice(0, top), width), busiest.length - top, style),
    ...unmatchedBlocks(summary.unmatched, options),
    section('sets that changed', setRows(summary, width), 0, style),
    section('accounting objects', accountingLines(summary), 0, style),
    ...(summary.egress === undefined ? [] : egressBlocks(summary.egress, names, options)),
    summary.counters === undefined ? [] : counterLines(summary.counters, options),
    section('assumed', assumedLines(listedAssumptions, width), assumed.length - listedAssumptions.length, style),
    section('not used of the host', unreadLines(summary, width), 0, style),
    written(summary, options),
  ];
  return blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.join('\n')}\n`)
    .join('\n');
}

function outcomes(
  { packets, skipped, stitched, logged, ruleCount, run, applied }: Summary,
  width: number | undefined,
): string[] {
  const rows: [number, string][] = [
    [packets.forwarded, 'forwarded'],
    [packets.sent, 'sent by the host itself'],
    [packets.delivered, 'delivered to the host'],
    [packets.rejected, 'rejected: dropped, and the sender was told'],
    [packets.dropped, 'dropped'],
    [packets.held, 'fragments held for reassembly'],
    [packets.departed ?? 0, 'captured where they left: compared'],
    [packets.filteredOut ?? 0, 'filtered out: not replayed'],
    [packets.skipped, `skipped: ${Object.keys(skipped).join(', ')}`],
  ];
  const met = rows.filter(([packets]) => packets > 0).map(([packets, what]) => [formatNumber(packets), what]);
  const { backend, path } = run.rules;
  const notes = [
    ...(ruleCount === 0 ? ['there were no rules: only the policies of the chains decided'] : []),
    ...(backend === undefined || ruleCount === 0
      ? []
      : [`the rules are the host's own: iptables-${backend}, ${shownPath(path)}`]),
    ...(applied === undefined ? [] : [`--apply: ${count(applied.commands, 'command')} before the first packet`]),
    ...(logged === undefined ? [] : [`rules logged ${loggedText(logged)}`]),
  ];
  return [
    ...columns(met, ['right', 'left'], width),
    ...notSentLines(stitched, width),
    ...notes.flatMap((note) => wrapAfter(' '.repeat(INDENT), note, width ?? Number.POSITIVE_INFINITY)),
  ];
}

/** `banned  hash:ip  3 → 5 entries  added or renewed 2`, for each set that changed. */
function setRows({ sets = [] }: Summary, width: number | undefined): string[] {
  const isChanged = ({ entries: [before, after], added, deleted }: SetSummary): boolean =>
    before !== after || added > 0 || deleted > 0;
  const rows = sets.filter(isChanged).map(({ name, type, entries: [before, after], added, deleted }) => {
    const changes = [
      ...(added > 0 ? [`added or renewed ${formatNumber(added)}`] : []),
      ...(deleted > 0 ? [`deleted ${formatNumber(deleted)}`] : []),
    ];
    const counts = before === after ? formatNumber(after) : `${formatNumber(before)} → ${formatNumber(after)}`;
    return [shown(name), type, `${counts} entries`, changes.join(', ')];
  });
  return columns(rows, ['left', 'left', 'right', 'left'], width);
}

/** As `nfacct list` prints them. */
function accountingLines({ accounting = [] }: Summary): string[] {
  const padded = (value: number): string => String(value).padStart(ACCOUNTING_DIGITS, '0');
  return accounting.map(({ name, packets, bytes }) => {
    return `  { pkts = ${padded(packets)}, bytes = ${padded(bytes)} } = ${shown(name)};`;
  });
}

/** `12 lines (log.txt), 3 packets (nflog.pcap)` */
function loggedText({ lines, packets }: NonNullable<Summary['logged']>): string {
  return [
    ...(lines > 0 ? [`${count(lines, 'line')} (log.txt)`] : []),
    ...(packets > 0 ? [`${count(packets, 'packet')} (nflog.pcap)`] : []),
  ].join(', ');
}

/** `3 connections, 21 packets, would not have happened: what they follow from was dropped or rejected` */
function notSentLines(stitched: Summary['stitched'], width = Number.POSITIVE_INFINITY): string[] {
  if (stitched === undefined || stitched.notSent.packets === 0) return [];
  const { connections, packets } = stitched.notSent;
  const counts = `${count(connections, 'connection')}, ${count(packets, 'packet')},`;
  const text = `${counts} would not have happened: what they follow from was dropped or rejected`;
  return wrapAfter(' '.repeat(INDENT), text, width);
}

/** What the list of drops is; with `--show`, only some are listed. */
function droppedTitle({ run }: Summary): string {
  const { show } = run.options;
  return show === undefined ? 'dropped and rejected' : `dropped and rejected, of ${shown(show)}`;
}

/** Says that there were drops, but none that `--show` chooses. */
function noneShown(summary: Summary, style: Style): string[] {
  const { packets, dropped, run } = summary;
  if (run.options.show === undefined || dropped.length > 0 || packets.dropped + packets.rejected === 0) return [];
  return [style.bold(droppedTitle(summary)), '  none'];
}

function section(title: string, lines: string[], more: number, style: Style): string[] {
  if (lines.length === 0) return [];
  return [style.bold(title), ...lines, ...(more > 0 ? [style.dim(`  and ${formatNumber(more)} more`)] : [])];
}

/**
 * `tcp  203.0.113.7:51515 → 192.0.2.10:36379  ⇒ 172.17.0.3:6379  ESTABLISHED  3/126 ↔ 2/87`: packets/bytes each way.
 */
function connectionRows(listed: readonly ConnectionSummary[], names: Names, width: number | undefined): string[] {
  const rows = listed.map((connection) => [
    connection.protocol,
    `${namedEndpoint(connection.source, names)} → ${namedEndpoint(connection.destination, names)}`,
    translation(connection, names),
    connection.state ?? '',
    traffic(connection),
  ]);
  return columns(rows, ['left', 'left', 'left', 'left', 'left'], width);
}

function translation({ translatedSource, translatedDestination }: ConnectionSummary, names: Names): string {
  return [
    ...(translatedDestination ? [`⇒ ${namedEndpoint(translatedDestination, names)}`] : []),
    ...(translatedSource ? [`as ${namedEndpoint(translatedSource, names)}`] : []),
  ].join('  ');
}

function traffic({ packets, bytes, replied }: ConnectionSummary): string {
  const original = `${packets[0]}/${bytes[0]}`;
  return replied ? `${original} ↔ ${packets[1]}/${bytes[1]}` : `${original} → no answer`;
}

/**
 * Each cause with its packets, and the services that they were for:
 *
 *       12  rules.v4:24  filter INPUT 5  -j DROP
 *           10  tcp 8081  203.0.113.7 → 192.0.2.10  ⇒ 172.17.0.3:80
 */
function droppedRows(
  causes: readonly DropCount[],
  names: Names,
  { top, style, width = Number.POSITIVE_INFINITY }: ReportOptions,
) {
  const counts = causes.map(({ packets }) => formatNumber(packets));
  const digits = Math.max(0, ...counts.map((text) => text.length));
  const indent = INDENT + digits + GAP;
  const listed = mostFrequent(causes, top);
  const rowsOf = causes.map((cause) => serviceRows(cause, listed, names));
  // The rows of all causes are aligned with each other.
  const widths = [0, 1].map((column) => Math.max(0, ...rowsOf.flat().map((row) => row[column].length)));
  return causes.flatMap((cause, i) => {
    const head = `${' '.repeat(INDENT)}${counts[i].padStart(digits)}${' '.repeat(GAP)}`;
    const rows = rowsOf[i].map(([packets, name, ends]) => [packets.padStart(widths[0]), name.padEnd(widths[1]), ends]);
    const more = cause.services.count - cause.services.listed.filter((service) => listed.has(service)).length;
    return [
      ...wrapAfter(head, shown(causeLine(cause)), width).map(style.yellow),
      ...columns(rows, ['left', 'left', 'left'], width, indent),
      ...(more > 0 ? [style.dim(`${' '.repeat(indent)}and ${count(more, 'more service')}`)] : []),
    ];
  });
}

/** The rows of those services of CAUSE that are LISTED. */
function serviceRows({ services, replies }: DropCount, listed: ReadonlySet<DroppedService>, names: Names): string[][] {
  const rows = services.listed.filter((service) => listed.has(service)).map((service) => serviceRow(service, names));
  if (replies !== undefined) rows.push([formatNumber(replies), 'replies', 'to packets that were dropped']);
  return rows;
}

/** The TOP services with the most packets, whatever their cause. */
function mostFrequent(causes: readonly DropCount[], top: number): ReadonlySet<DroppedService> {
  const services = causes.flatMap(({ services }) => services.listed);
  return new Set(services.sort((a, b) => b.packets - a.packets).slice(0, top));
}

/** `10  tcp 8081  203.0.113.7 and 2 more → 192.0.2.10  ⇒ 172.17.0.3:80` */
function serviceRow(service: DroppedService, names: Names): string[] {
  const { packets, protocol, port, reply, source, destination, translatedDestination } = service;
  const name = [protocolName(protocol), port, reply && 'replies'].filter((word) => word !== undefined).join(' ');
  const ends = [andMore(source, service.sources, names), andMore(destination, service.destinations, names)];
  const translated = translatedDestination ? `  ${unbroken(`⇒ ${namedEndpoint(translatedDestination, names)}`)}` : '';
  return [formatNumber(packets), name, source === undefined ? '' : `${ends.join(' → ')}${translated}`];
}

/** TEXT, which lines do not break. */
function unbroken(text: string): string {
  return text.replaceAll(' ', NO_BREAK);
}

function andMore(address: string | undefined, addresses: number, names: Names): string {
  const first = address === undefined ? '' : unbroken(namedAddress(address, names));
  return addresses > 1 ? `${first} and${NO_BREAK}${formatNumber(addresses - 1)}${NO_BREAK}more` : first;
}

/**
 * `rules.v4:41  filter DOCKER-USER 2  "no telnet"`, `policy of filter FORWARD (rules.v4:15)`, or the reason in words.
 */
export function causeLine({ reason, hook, table, chain, number, rule, comment, file, line, entry }: DroppedBy): string {
  const where = file === undefined ? '' : `${shownPath(basename(file))}:${line}`;
  if (reason === 'policy') return `policy of ${table} ${chain}${where === '' ? '' : ` (${where})`}`;
  const words = reason === 'rule' || reason === 'hook-entry' ? '' : REASONS[reason];
  if (number !== undefined) {
    const text = comment === undefined ? ruleText(rule ?? '') : `"${comment}"`;
    return [where, `${table} ${chain} ${number}`, words, text].filter((part) => part).join('  ');
  }
  return [table ?? entry, hook, words].filter((part) => part).join(' ');
}

/** RULE, in which an option and its value stay together. */
function ruleText(rule: string): string {
  return rule.replace(/(^| )(!|--?[\w-]+) (?=[^-!])/g, `$1$2${NO_BREAK}`).replaceAll('! -', `!${NO_BREAK}-`);
}

function ruleRows(rules: readonly RuleSummary[], width: number | undefined): string[] {
  const rows = rules.map(({ packets, bytes, table, chain, number, rule, until }) => [
    count(packets, 'packet'),
    count(bytes, 'byte'),
    `${table} ${chain} ${number}`,
    `${ruleText(rule)}${until === undefined ? '' : `  (until change ${until})`}`,
  ]);
  return columns(rows, ['right', 'right', 'left', 'left'], width);
}

/** The rules that matched nothing: those that packets came to, and those that none came to. */
function unmatchedBlocks(unmatched: UnmatchedSummary | undefined, { style, top, width }: ReportOptions): string[][] {
  if (unmatched === undefined) return [];
  const { neverMatched, neverAsked, first, last } = unmatched;
  const period = wrapAfter(
    '  ',
    first === last ? `at ${first}` : `from ${first} to ${last}`,
    width ?? Number.POSITIVE_INFINITY,
  );
  const place = ({ table, chain, number }: UnmatchedRuleSummary): string => `${table} ${chain} ${number}`;
  const missed = [...neverMatched.listed].sort((a, b) => b.asked - a.asked).slice(0, top);
  const missedRows = missed.map((rule) => [count(rule.asked, 'packet'), place(rule), ruleText(rule.rule)]);
  const askedRows = neverAsked.listed.slice(0, top).map((rule) => [place(rule), ruleText(rule.rule)]);
  return [
    section(
      'asked, but never matched',
      missedRows.length === 0 ? [] : [...period, ...columns(missedRows, ['right', 'left', 'left'], width)],
      neverMatched.count - missed.length,
      style,
    ),
    section('never asked', columns(askedRows, ['left', 'left'], width), neverAsked.count - askedRows.length, style),
  ];
}

/** ASSUMED with at most TOP neighbours, of which a host may have thousands. */
function withFewNeighbours(assumed: readonly string[], top: number): string[] {
  let neighbours = 0;
  return assumed.filter((line) => !line.startsWith('neighbour ') || neighbours++ < top);
}

function assumedLines(assumed: readonly string[], width = Number.POSITIVE_INFINITY): string[] {
  if (assumed.length === 0) return [];
  const indent = ' '.repeat(INDENT);
  const isSetting = (line: string) => line.includes(' = ');
  const settings = assumed.filter(isSetting).map((line) => shown(line).replaceAll(' ', NO_BREAK));
  const sentences = assumed.filter((line) => !isSetting(line)).map(shown);
  return [...sentences, ...(settings.length > 0 ? [settings.join(', ')] : [])].flatMap((text) =>
    wrapAfter(indent, text, width),
  );
}

function unreadLines({ unread }: Summary, width = Number.POSITIVE_INFINITY): string[] {
  return unread.members.length === 0 ? [] : wrapAfter(' '.repeat(INDENT), unread.members.join(', '), width);
}

function written(
  { outputs, networks = {}, logged, sets, changes = [] }: Summary,
  { outDir, style, width = Number.POSITIVE_INFINITY }: ReportOptions,
): string[] {
  const networkOf = new Map(Object.entries(networks).map(([bridge, name]) => [`${bridge}.pcap`, name]));
  const captures = outputs.map(({ file, packets }) => {
    const network = networkOf.get(file);
    const about = network === undefined ? '' : `, network ${shown(network)}`;
    return `${shown(file)} (${formatNumber(packets)}${about})`.replaceAll(' ', NO_BREAK);
  });
  if (outDir === undefined) return wrapAfter('', nothingElse(changes), width);
  const [title, prefix, files] =
    outDir === '-'
      ? [[], 'written: ', captures]
      : [
          [style.bold(`${shown(shortPath(outDir))} contains`)],
          ' '.repeat(INDENT),
          [
            ...captures,
            ...(logged?.lines ? ['log.txt'] : []),
            'rules.v4',
            'conntrack.txt',
            ...(sets === undefined ? [] : ['ipset.txt']),
            'summary.json',
          ],
        ];
  const lines = wrapAfter(prefix, files.join(', '), width);
  return [...title, ...lines];
}

function nothingElse(changes: NonNullable<Summary['changes']>): string {
  const snapshots = changes.filter(({ kind, written }) => kind === 'snapshot' && written !== undefined).length;
  if (snapshots === 0) return 'nothing was written; --out DIR writes the results';
  return `only the ${snapshots === 1 ? 'snapshot was' : 'snapshots were'} written; --out DIR writes the results`;
}

function formatDuration(durationMs: number): string {
  return durationMs < 1000 ? `${Math.ceil(durationMs)} ms` : `${(durationMs / 1000).toFixed(1)} s`;
}

/** PATH relative to the current directory if that is shorter. */
function shortPath(path: string): string {
  const fromHere = relative(process.cwd(), path) || '.';
  return fromHere.length < path.length ? fromHere : path;
}
