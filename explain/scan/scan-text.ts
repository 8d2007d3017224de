/** A scan as text for people. */
import { formatLoaded, toLoaded } from '../../codecs/byte-order.js';
import { counted, shown, shownPath } from '../../codecs/text.js';
import { type DropCause, describeCause } from '../../core/drop.js';
import type { FieldName } from '../../core/fields.js';
import type { Rule } from '../../core/rules/model.js';
import { normalRanges, type ValueRange } from '../../core/rules/ranges.js';
import { saveAppended } from '../../core/rules/save.js';
import { wrapAfter } from '../text/columns.js';
import type { Style } from '../text/style.js';
import { type Fate, LAST_PORT, type PortRange, type ScanVerdict, type TargetPorts } from './model.js';
import { fieldText, otherText } from './other-packets.js';
import { without } from './port-cover.js';
import { formatPortRows, type PortRow, THEN } from './port-rows.js';
import { CLIENT_PORT, CLIENT_TTL } from './probe-packet.js';
import { haveSamePorts, type Scan, type ScannedSource, type SenderGroup } from './scan.js';
import { networksOf } from './scan-sources.js';

export interface TextOptions {
  readonly style: Style;
  readonly width: number;
  /** Of addresses, and of the networks of bridges. */
  readonly labels: ScanLabels;
}

export interface ScanLabels {
  readonly names: ReadonlyMap<string, string>;
  readonly networks: ReadonlyMap<string, string>;
}

const NO_LABELS: ScanLabels = { names: new Map(), networks: new Map() };

/** The most interesting first. */
const VERDICTS: readonly ScanVerdict[] = ['open', 'translated', 'accepted', 'unknown', 'rejected', 'dropped'];
/** As many networks of senders are named. */
const MOST_NETWORKS = 4;

/** What SIDE of SCAN found, source by source. */
export function formatPorts(scan: Scan, side: number, options: TextOptions): string {
  const areSocketsKnown = scan.areSocketsKnown[side];
  const texts: { readonly text: string; readonly from: string }[] = [];
  const lines: string[] = [];
  for (const scanned of scan.sources) {
    const [general, ...others] = scanned.groups;
    const from = senderText(scanned, general);
    const text = blocks(general.sides[side], areSocketsKnown, options).join('\n');
    const same = texts.find((other) => other.text === text);
    lines.push(...heading(from, general, options), same === undefined ? text : `  the same as from ${same.from}`, '');
    texts.push({ text, from });
    for (const { groups, targets } of alike(others, general, side, areSocketsKnown)) {
      const addresses = normalRanges(groups.flatMap((group) => group.addresses));
      lines.push(...heading(senderText(scanned, { ...groups[0], addresses }), groups[0], options));
      lines.push(...blocks(targets, areSocketsKnown, options));
      const rules = groups.length > 1 ? `; of others, ${groups.length - 1} other rules decide the same` : '';
      lines.push(...wrapAfter('  ', `all else as from ${from}${rules}`, options.width), '');
    }
  }
  return lines.map((line) => `${line}\n`).join('');
}

interface AlikeGroups {
  readonly groups: SenderGroup[];
  /** What the first of them finds otherwise than GENERAL. */
  readonly targets: readonly TargetPorts[];
}

/** GROUPS, those together that find the same otherwise than GENERAL, whichever rules decide. */
function alike(
  groups: readonly SenderGroup[],
  general: SenderGroup,
  side: number,
  areSocketsKnown: boolean,
): Iterable<AlikeGroups> {
  const byText = new Map<string, AlikeGroups>();
  for (const group of groups) {
    const targets = differing(group.sides[side], general.sides[side]);
    const key = targets
      .map(({ target, protocol, ports }) => {
        const rows = rowsOf(ports).map(({ fate, text }) => `${text} ${verdictText(fate, areSocketsKnown)}`);
        return [target.address, protocol, ...rows].join('|');
      })
      .join('\n');
    const same = byText.get(key);
    if (same === undefined) byText.set(key, { groups: [group], targets });
    else same.groups.push(group);
  }
  return byText.values();
}

/** `eth0`; `eth0: 10.0.0.5`, of senders that find something else; `10.0.0.0/8`. */
export function senderText({ source, groups, unscanned }: ScannedSource, group: SenderGroup): string {
  const isFirst = group === groups[0] || countOf(without(source.addresses, group.addresses)) === 0;
  const isMost = isFirst && countOf(unscanned) < countOf(source.addresses) / 2;
  return isMost ? source.from : `${source.from}: ${networksText(group.addresses)}`;
}

function countOf(addresses: readonly ValueRange[]): number {
  return addresses.reduce((sum, { min, max }) => sum + max - min + 1, 0);
}

/** ADDRESSES as networks, the first few of them. */
export function networksText(addresses: readonly ValueRange[]): string {
  const networks = networksOf(addresses);
  const more = networks.length - MOST_NETWORKS;
  return networks.slice(0, MOST_NETWORKS).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

function heading(from: string, { example }: SenderGroup, { style, width, labels }: TextOptions): string[] {
  const network = labels.networks.get(from);
  const sender = `(${network === undefined ? '' : `${shown(network)}, `}packets from ${formatLoaded(toLoaded(example))})`;
  const isShort = from.length + sender.length + 8 <= width;
  const [first, ...rest] = wrapAfter('', `from ${shown(from)}`, width);
  return isShort
    ? [`${style.bold(first)}  ${style.dim(sender)}`]
    : [style.bold(first), ...rest, `  ${style.dim(sender)}`];
}

/** Those of TARGETS that differ from what others find at the same addresses. */
function differing(targets: readonly TargetPorts[], others: readonly TargetPorts[]): TargetPorts[] {
  return targets.filter(({ ports }, i) => !haveSamePorts(ports, others[i].ports));
}

interface Block {
  readonly names: string[];
  readonly protocols: readonly TargetPorts[];
}

/** TARGETS, those with the same ports together. */
function blocks(targets: readonly TargetPorts[], areSocketsKnown: boolean, options: TextOptions): string[] {
  const found: Block[] = [];
  for (const { target } of targets) {
    const protocols = targets.filter((other) => other.target === target);
    const name = target.name === undefined ? target.address : `${target.address} ${target.name}`;
    const same = found.find(
      (block) =>
        block.protocols.length === protocols.length &&
        block.protocols.every(
          ({ protocol, ports }, i) => protocol === protocols[i].protocol && haveSamePorts(ports, protocols[i].ports),
        ),
    );
    if (same === undefined) found.push({ names: [name], protocols });
    else if (!same.names.includes(name)) same.names.push(name);
  }
  return found.flatMap(({ names, protocols }) => [
    ...wrapAfter('  ', shown(names.join(', ')), options.width),
    ...blockRows(protocols, areSocketsKnown, options),
  ]);
}

function blockRows(
  protocols: readonly TargetPorts[],
  areSocketsKnown: boolean,
  { style, width, labels }: TextOptions,
): string[] {
  const areAlike = protocols.every(({ ports }) => haveSamePorts(ports, protocols[0].ports));
  const shownProtocols = areAlike ? protocols.slice(0, 1) : protocols;
  const rows = shownProtocols.flatMap(({ protocol, ports }) =>
    inRuns(rowsOf(ports)).map(({ fate, text, runLength, reasons }, i): PortRow => {
      const name = areAlike ? protocols.map((one) => one.protocol).join(', ') : protocol;
      return {
        head: [i > 0 ? '' : name],
        ports: text,
        verdict: verdictText(fate, areSocketsKnown, { labels, runLength }),
        colour: COLOURS[fate.verdict],
        reasons,
      };
    }),
  );
  return formatPortRows(rows, style, width);
}

const COLOURS: Readonly<Partial<Record<ScanVerdict, keyof Style>>> = {
  open: 'green',
  translated: 'green',
  accepted: 'yellow',
  unknown: 'yellow',
  rejected: 'dim',
  dropped: 'dim',
};

interface FateRow {
  readonly fate: Fate;
  readonly text: string;
  readonly isMost: boolean;
}

interface RunRow extends Pick<FateRow, 'fate' | 'text'> {
  readonly runLength: number;
  readonly reasons: readonly string[];
}

/** ROWS, ports in a row that are translated to ports in a row together: `fate` is that of the first of them. */
function inRuns(rows: readonly FateRow[]): RunRow[] {
  const runs: FateRow[][] = [];
  for (const row of rows) {
    const run = runs.at(-1);
    if (run !== undefined && goesOn(run, row)) run.push(row);
    else runs.push([row]);
  }
  return runs.map((run) => {
    const [{ fate, text }] = run;
    const last = run[run.length - 1];
    const lastReasons = reasonsOf(last.fate);
    return {
      fate,
      text: run.length === 1 ? text : `${text}-${last.text}`,
      runLength: run.length,
      // One rule may decide about all of them.
      reasons: reasonsOf(fate).map((one, i) =>
        one === lastReasons[i] ? one : `${one}, and ${run.length - 1} like it`,
      ),
    };
  });
}

/** Whether ROW is the next port of RUN, decided by rules that differ in the port alone. */
function goesOn(run: readonly FateRow[], row: FateRow): boolean {
  const [first] = run;
  const [from, to] = [first.fate.to?.port, row.fate.to?.port];
  if (from === undefined || to !== from + run.length || !/^\d+$/.test(row.text)) return false;
  if (Number(row.text) !== Number(first.text) + run.length) return false;
  const wordsOf = (fate: Fate, port: string, toPort: number): string => {
    const rules = [fate.translatedBy, fate.decidedBy?.rule].map((rule) =>
      rule === undefined ? '' : saveAppended(rule),
    );
    const numbers = new RegExp(`(?<=dport |:)(?:${port}|${toPort})\\b`, 'g');
    return [verdictText({ ...fate, to: undefined }, true), fate.to?.address, ...rules].join('\n').replace(numbers, '*');
  };
  return wordsOf(first.fate, first.text, from) === wordsOf(row.fate, row.text, to);
}

/** The ports of each fate in words, the most interesting fate first. */
function rowsOf(ports: readonly PortRange[]): FateRow[] {
  const byFate = new Map<Fate, PortRange[]>();
  for (const range of ports) {
    const ranges = byFate.get(range.fate);
    if (ranges === undefined) byFate.set(range.fate, [range]);
    else ranges.push(range);
  }
  const rows = [...byFate].map(([fate, ranges]) => {
    const size = ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
    const isMost = size > LAST_PORT / 2;
    const text = isMost ? (byFate.size === 1 ? 'all ports' : 'all other ports') : ranges.map(rangeText).join(', ');
    return { fate, text, isMost };
  });
  const rank = ({ fate: { verdict }, isMost }: (typeof rows)[number]): number =>
    VERDICTS.indexOf(verdict) + (isMost ? VERDICTS.length : 0);
  return rows.sort((a, b) => rank(a) - rank(b));
}

export function rangeText({ first, last }: { readonly first: number; readonly last: number }): string {
  return first === last ? String(first) : `${first}-${last}`;
}

interface VerdictOptions {
  readonly labels?: ScanLabels;
  /** So many ports in a row, to as many. */
  readonly runLength?: number;
}

/** What becomes of packets with FATE, in words. */
export function verdictText(
  { verdict, end, dev, to, uncertain, stateful }: Fate,
  areSocketsKnown: boolean,
  { labels: { names, networks } = NO_LABELS, runLength = 1 }: VerdictOptions = {},
): string {
  const network = dev === undefined ? undefined : networks.get(dev);
  const out = network === undefined ? `out ${dev}` : `out ${dev} (${network})`;
  const target = to === undefined ? '' : `→ ${targetText(to)}`;
  const doubts = `${stateful.length > 0 ? ', at first' : ''}${uncertain === undefined ? '' : ' (uncertain)'}`;
  return words() + doubts;

  function words(): string {
    if (verdict === 'translated') return `${target}${dev === undefined ? '' : ` ${out}`}`;
    if (verdict === 'accepted' && end === 'forwarded') return `forwarded ${out}`;
    if (verdict === 'accepted') return `accepted${areSocketsKnown ? ', nobody listens' : ''}${target && ` ${target}`}`;
    if (verdict === 'unknown') return 'not told';
    return target === '' ? verdict : `${verdict} ${target}`;
  }

  function targetText({ address, port }: NonNullable<Fate['to']>): string {
    const last = port === undefined || runLength === 1 ? '' : `-${port + runLength - 1}`;
    const name = names.get(address);
    return `${address}${port === undefined ? '' : `:${port}${last}`}${name === undefined ? '' : ` (${name})`}`;
  }
}

/** Which rules decided, in one line. */
export const reasonText = (fate: Fate): string => reasonsOf(fate).join(THEN);

/** Which rules decided, one after the other. */
export function reasonsOf({ decidedBy, translatedBy, verdict }: Fate): string[] {
  if (verdict === 'unknown') return ['nothing follows from one port for others'];
  const decided = decidedBy === undefined ? 'no rule' : causeText(decidedBy);
  return translatedBy === undefined ? [decided] : [ruleText(translatedBy), decided];
}

function causeText(cause: DropCause): string {
  const { rule, policy } = cause;
  if (rule !== undefined) return ruleText(rule);
  return describeCause(policy === undefined ? cause : { ...cause, policy: { ...policy, file: baseName(policy.file) } });
}

function ruleText(rule: Rule): string {
  return `${place(rule)} ${saveAppended(rule)}`;
}

/** What a reader has to know to trust SCAN, a line each. */
export function notesOn({ sources, areSocketsKnown }: Scan): string[] {
  const notes: string[] = [];
  const fates = new Set(
    sources.flatMap(({ groups }) =>
      groups.flatMap(({ sides }) => sides.flat().flatMap(({ ports }) => ports.map(({ fate }) => fate))),
    ),
  );
  if (areSocketsKnown.includes(false))
    notes.push('who listens on the host is not known (`sockets` in host.json): accepted ports may be open');
  for (const rule of new Set([...fates].flatMap(({ stateful }) => stateful)))
    notes.push(`${place(rule)} looks at earlier packets, the time or chance: told is what the first packet meets`);
  notes.push(...conditionNotes(sources));
  for (const rule of new Set(sources.flatMap(({ byContent }) => byContent)))
    notes.push(`${place(rule)} looks at the bytes of packets or at sockets: told is what packets without data meet`);
  for (const reason of new Set([...fates].flatMap(({ uncertain }) => uncertain ?? [])))
    notes.push(`uncertain: ${reason}`);
  for (const { source, unscanned } of sources) {
    if (unscanned.length === 0) continue;
    const networks = counted(networksOf(unscanned).length, 'network');
    notes.push(
      `not scanned from ${source.from}: ${networks} of senders whom rules may tell apart (${networksText(unscanned)}); ` +
        '--source scans one of them',
    );
  }
  return notes;
}

/** What is otherwise for packets that are not as clients send them. */
function conditionNotes(sources: readonly ScannedSource[]): string[] {
  const open = sources.flatMap((scanned) =>
    scanned.conditional.map(({ group, target, protocol, ports, other }) => {
      const where = `${protocol} ${target.address}:${ports.map(rangeText).join(', ')} from ${senderText(scanned, group)}`;
      return `open only to packets with ${otherText(other)}: ${where} (${reasonText(ports[0].fate)})`;
    }),
  );
  const looked = sources.flatMap(({ lookedAt }) =>
    // What looks at bytes has its own note.
    lookedAt.flatMap(({ field, rules }) =>
      (field === 'content' ? [] : rules).map((rule) => {
        const usual = CLIENT_VALUES[field] ?? 'as clients send them';
        return `${place(rule)} looks at the ${fieldText(field)}: the result is for packets ${usual}`;
      }),
    ),
  );
  const untried = sources.flatMap((scanned) =>
    scanned.untried.flatMap(({ field, rules }) =>
      rules.map(
        (rule) => `${place(rule)} may let packets pass that differ in the ${fieldText(field)}: these were not tried`,
      ),
    ),
  );
  return [...new Set([...open, ...looked, ...untried])];
}

const CLIENT_VALUES: Readonly<Partial<Record<FieldName, string>>> = {
  sport: `from port ${CLIENT_PORT}`,
  ttl: `with TTL ${CLIENT_TTL}`,
  tos: 'with TOS 0',
  sourceMac: 'with the address of the neighbour that they come by, or one made up for it',
  tcpFlags: 'with SYN alone',
  packetType: "to the interface's own address",
};

export function place({ file, line }: Rule): string {
  return `${baseName(file)}:${line}`;
}

/** The last part of PATH: rows have no room for more. */
function baseName(path: string): string {
  return shownPath(path.slice(path.lastIndexOf('/') + 1));
}
