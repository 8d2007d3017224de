/**
 * The class of packets that share the fate of one, as people read it: `new tcp in eth0 to 192.0.2.10, dport not 22, 80`.
 *
 * What is said is a part of what is known: of one protocol where ports are named, and without what goes without saying
 * (a TTL that is left, a length below the MTU, a source that the host routes by the interface where the packet came in).
 */
import { toLoaded } from '../../codecs/byte-order.js';
import { protocolName } from '../../codecs/protocol-names.js';
import { counted } from '../../codecs/text.js';
import { fieldRow, formatField, highestValue, type ValueField } from '../../core/fields.js';
import { type FieldValues, onlyValue } from '../../core/flow/narrowing.js';
import type { GivenConnection, Narrower, Traversal } from '../../core/flow/traversal.js';
import type { Host } from '../../core/host/host.js';
import { CtInfo, REPLY } from '../../core/packet.js';
import type { FieldCondition } from '../../core/rules/condition.js';
import type { Match } from '../../core/rules/model.js';
import { otherRanges, type ValueRange } from '../../core/rules/ranges.js';
import { saveMatches } from '../../core/rules/save.js';

/** The values that packets of a class may have in a field. */
export interface ClassField {
  readonly field: ValueField;
  /** Ascending. Addresses are in host order. */
  readonly ranges: readonly ValueRange[];
  /** Packets that lack the field belong to the class as well. */
  readonly orAbsent: boolean;
}

/** Packets that meet the same fate. */
export interface FateClass {
  readonly text: string;
  /** Exactly, as far as fields say it. A field that is not listed may have any value. */
  readonly fields: readonly ClassField[];
  /** The ends that the text passes over: whichever a packet has, it is of the class unless the host itself refuses it. */
  readonly unsaid: readonly ValueField[];
}

/** What a class is described with. */
export interface ClassSubject {
  /** The interface by which the packet that was traced left, or was routed. */
  readonly outDev: string | undefined;
  /** The ends that rules asked for (`endsAsked`): they do not go without saying. */
  readonly asked: ReadonlySet<ValueField>;
  readonly host: Pick<Host, 'interfaceNames' | 'addressSpan'>;
}

const NOT = 'not ';
/** A field with more ranges, or gaps between them, is narrowed to the one that has the packet's own value. */
const MOST_RANGES = 8;
/** Of flags one would have to combine them in mind. */
const MOST_FLAGS = 2;
/** Fields that have a part of the sentence of their own. */
const IN_FRONT: ReadonlySet<ValueField> = new Set(['protocol', 'inDev', 'packetType', 'source', 'destination']);
const IN_TUPLE: ReadonlySet<ValueField> = new Set(['source', 'destination', 'sport', 'dport', 'protocol']);
/** What goes without saying unless it decided, and who says it then. */
const UNSAID: Partial<Record<ValueField, readonly Narrower[]>> = {
  ttl: ['ttl'],
  length: ['mtu'],
  source: ['route', 'source'],
  packetType: ['route'],
  ctstatus: ['connection'],
};
const DECIDED_BY: Partial<Record<ValueField, string>> = { ttl: 'ttl-exceeded', length: 'fragmentation-needed' };

/** The class of TRAVERSAL, about which something must be known (`alone`). */
export function fateClass(traversal: Traversal, subject: ClassSubject): FateClass {
  const { fields, narrowed } = toldFields(traversal);
  // The packets of one connection have the same ends.
  const isOfConnection = traversal.connection?.tuple !== undefined;
  const front = isOfConnection
    ? [...connectionWords(traversal.connection), ...frontWords(traversal, onlyIn(fields), subject, narrowed)]
    : [stateWord(traversal.connection), nounOf(fields), ...frontWords(traversal, fields, subject, narrowed)];
  const rest = [
    ...[...fields].flatMap(([name, values]) =>
      IN_FRONT.has(name) || (isOfConnection && IN_TUPLE.has(name)) || isUnsaid(traversal, name)
        ? []
        : [atLeast(narrowed.has(name), fieldWords(name, values, subject))],
    ),
    ...traversal.conditions.map((condition) => conditionWords(condition, subject)),
    ...sameTests(traversal),
    ...fragmentWords(traversal),
  ];
  const said = (words: readonly string[]): string[] => words.filter((word) => word !== '');
  return {
    text: [said(front).join(' '), ...said(rest)].join(', '),
    fields: [...fields].map(([field, { ranges, orAbsent }]) => ({ field, ranges, orAbsent })),
    unsaid: !isOfConnection && fields.has('source') && !isSourceSaid(traversal, fields, subject) ? ['source'] : [],
  };
}

/** Whether parts of a packet decide in TRAVERSAL that only some protocols have. */
export function isOfOneProtocol({ fields, header }: Traversal): boolean {
  const isPart = (['sport', 'dport', 'tcpFlags', 'icmpType'] as const).some((name) => fields.has(name));
  return isPart || header?.isWhole === false;
}

/** The fields of TRAVERSAL, and which of them had to be narrowed so that they can be told. */
function toldFields(traversal: Traversal): {
  fields: ReadonlyMap<ValueField, FieldValues>;
  narrowed: ReadonlySet<ValueField>;
} {
  const { fields, connectionFields, own } = traversal;
  const told = new Map([...fields, ...connectionFields]);
  const narrowed = new Set<ValueField>();
  const protocol = own.get('protocol');
  if (protocol !== undefined && isOfOneProtocol(traversal)) told.set('protocol', onlyValue(protocol));
  for (const [name, { ranges, orAbsent }] of told) {
    const most = name === 'tcpFlags' ? MOST_FLAGS : MOST_RANGES;
    const gaps = otherRanges(ranges, highestValue(name)).length;
    if (Math.min(ranges.length, gaps) <= most) continue;
    const value = own.get(name);
    const around = value === undefined ? undefined : ranges.find(({ min, max }) => value >= min && value <= max);
    if (value === undefined || around === undefined) continue;
    narrowed.add(name);
    told.set(name, name === 'tcpFlags' ? onlyValue(value) : { ranges: [around], orAbsent });
  }
  return { fields: told, narrowed };
}

/** TRAVERSAL of the packets in TOLD only. */
export function narrowedTo(traversal: Traversal, { fields }: FateClass): Traversal {
  const told = fields.filter(({ field }) => !traversal.connectionFields.has(field));
  return { ...traversal, fields: new Map(told.map(({ field, ...values }) => [field, values])) };
}

function fragmentWords({ dontFragment, header }: Traversal): string[] {
  const words = dontFragment === undefined ? [] : [dontFragment ? 'with DF' : 'without DF'];
  if (header === undefined || header.isWhole) return words;
  return [...words, `of whose layer-4 header ${counted(header.l4Available, 'byte')} were captured`];
}

function onlyIn(fields: ReadonlyMap<ValueField, FieldValues>): ReadonlyMap<ValueField, FieldValues> {
  return new Map([...fields].filter(([name]) => !IN_TUPLE.has(name)));
}

/** `replies of this connection`, for those of one connection. */
function connectionWords(connection: GivenConnection | undefined): string[] {
  const word = stateWord(connection);
  return [word === 'reply' ? 'replies' : word === 'related' ? 'related packets' : 'packets', 'of this connection'];
}

function stateWord(connection: GivenConnection | undefined): string {
  if (connection === undefined) return '';
  const { kind, ctinfo, direction } = connection;
  if (ctinfo === CtInfo.INVALID) return 'invalid';
  if (ctinfo === CtInfo.UNTRACKED) return 'untracked';
  if (ctinfo === CtInfo.RELATED) return 'related';
  if (ctinfo === CtInfo.NEW) return kind === 'opened' ? 'new' : 'unanswered';
  return direction === REPLY ? 'reply' : 'established';
}

/** What the class consists of: `tcp`, `packets`, `packets but icmp`. */
function nounOf(fields: ReadonlyMap<ValueField, FieldValues>): string {
  const values = fields.get('protocol');
  if (values === undefined) return 'packets';
  const others = otherRanges(values.ranges, highestValue('protocol'));
  const [kept, excluded] = [countOf(values.ranges), countOf(others)];
  const names = (ranges: readonly ValueRange[]): string => valuesIn(ranges).map(protocolName).join(', ');
  return kept <= excluded ? names(values.ranges) : `packets that are not ${names(others)}`;
}

const isOne = (ranges: readonly ValueRange[]): boolean => ranges.length === 1 && ranges[0].min === ranges[0].max;
const countOf = (ranges: readonly ValueRange[]): number => ranges.reduce((sum, { min, max }) => sum + max - min + 1, 0);

function valuesIn(ranges: readonly ValueRange[]): number[] {
  return ranges.flatMap(({ min, max }) => Array.from({ length: max - min + 1 }, (_, i) => min + i));
}

/** Where they come from and go to. */
function frontWords(
  traversal: Traversal,
  fields: ReadonlyMap<ValueField, FieldValues>,
  subject: ClassSubject,
  narrowed: ReadonlySet<ValueField>,
): string[] {
  const { outDev, host } = subject;
  const { interfaceNames } = host;
  const { isLocal, end } = traversal;
  const words: string[] = [];
  const inDev = fields.get('inDev');
  if (isLocal) words.push('sent by the host');
  else if (inDev !== undefined) {
    const list = listOf('inDev', inDev.ranges, interfaceNames);
    words.push(list.startsWith(NOT) ? `${NOT}in ${list.slice(NOT.length)}` : `in ${list}`);
  }
  const source = fields.get('source');
  const packetType = fields.get('packetType');
  if (packetType !== undefined && isOne(packetType.ranges) && packetType.ranges[0].min !== 0)
    words.push(formatField('packetType', packetType.ranges[0].min, interfaceNames));
  const addresses = (name: End, { ranges }: FieldValues): string =>
    atLeast(narrowed.has(name) || isCutByRoutes(ranges, host), listOf(name, ranges, interfaceNames));
  if (source !== undefined && isSourceSaid(traversal, fields, subject))
    words.push(`from ${addresses('source', source)}`);
  const destination = fields.get('destination');
  if (destination === undefined) return words;
  // All that the host routes there alike: to its network, or to anywhere.
  const isRouted = isRoutedAlike('destination', traversal, fields, subject);
  if (isRouted && !isOne(destination.ranges)) words.push(whereTo(end, outDev));
  else words.push(`to ${addresses('destination', destination)}`);
  return words;
}

type End = 'source' | 'destination';

const atLeast = (isSo: boolean, words: string): string => (isSo && words !== '' ? `at least ${words}` : words);

function isSourceSaid(
  traversal: Traversal,
  fields: ReadonlyMap<ValueField, FieldValues>,
  subject: ClassSubject,
): boolean {
  const { end } = traversal;
  const isItsFault = end.kind === 'dropped' && isAboutSource(end.cause.reason);
  return isItsFault || !isRoutedAlike('source', traversal, fields, subject);
}

/** Whether no rule asks for END: only how it is routed has narrowed it. */
function isRoutedAlike(
  end: End,
  { narrowedBy }: Traversal,
  fields: ReadonlyMap<ValueField, FieldValues>,
  { asked, host }: ClassSubject,
): boolean {
  if (asked.has(end)) return false;
  const isRoutes = (narrowedBy.get(end) ?? []).every((by) => by === 'route' || by === 'source');
  return isRoutes || isSpan(fields.get(end)?.ranges ?? [], host);
}

/** Whether RANGES end where only the routes of HOST do: addresses beyond that may well meet the same. */
function isCutByRoutes(ranges: readonly ValueRange[], host: ClassSubject['host']): boolean {
  if (ranges.length === 0 || isOne(ranges)) return false;
  const { min, max } = host.addressSpan(toLoaded(ranges[0].min));
  const last = ranges[ranges.length - 1].max;
  return (min === ranges[0].min && min > 0) || (max === last && last < highestValue('source'));
}

/** Where packets go that are routed alike. */
function whereTo(end: Traversal['end'], outDev: string | undefined): string {
  if (outDev !== undefined) return `out ${outDev}`;
  return end.kind === 'dropped' && end.cause.reason === 'forwarding-off' ? 'to other hosts' : '';
}

/** Whether RANGES are all addresses that HOST routes like one of them: they are of one type as well. */
function isSpan(ranges: readonly ValueRange[], host: ClassSubject['host']): boolean {
  if (ranges.length !== 1) return false;
  const [{ min, max }] = ranges;
  const span = host.addressSpan(toLoaded(min));
  return span.min === min && span.max === max;
}

const isAboutSource = (reason: string): boolean => reason === 'rp-filter' || reason === 'martian-source';

function isUnsaid({ narrowedBy, end }: Traversal, name: ValueField): boolean {
  const unsaid = UNSAID[name];
  if (unsaid === undefined) return false;
  if (end.kind === 'dropped' && end.cause.reason === DECIDED_BY[name]) return false;
  return (narrowedBy.get(name) ?? []).every((by) => unsaid.includes(by));
}

function fieldWords(
  name: ValueField,
  { ranges, orAbsent }: FieldValues,
  { host: { interfaceNames } }: ClassSubject,
): string {
  const { label } = fieldRow(name);
  if (ranges.length === 0) return `without ${label}`;
  const isAll = isOne([{ min: ranges[0].min, max: ranges[0].max - highestValue(name) }]) && ranges[0].min === 0;
  if (isAll) return orAbsent ? '' : `with ${label}`;
  return `${label} ${listOf(name, ranges, interfaceNames)}`;
}

/** RANGES as a list of values, or of the values that are left out if those are fewer. */
function listOf(name: ValueField, ranges: readonly ValueRange[], interfaceNames: readonly string[]): string {
  const others = otherRanges(ranges, highestValue(name));
  const isNegated = others.length > 0 && others.length < ranges.length;
  const listed = isNegated ? others : ranges;
  const format = (value: number): string => formatField(name, value, interfaceNames);
  const isAddress = name === 'source' || name === 'destination';
  const texts = listed.map(({ min, max }) => {
    if (min === max) return format(min);
    const length = isAddress ? prefixLength(min, max) : undefined;
    return length === undefined ? `${format(min)}-${format(max)}` : `${format(min)}/${length}`;
  });
  return `${isNegated ? NOT : ''}${texts.join(', ')}`;
}

/** The length of the prefix that has exactly the addresses from MIN to MAX. */
function prefixLength(min: number, max: number): number | undefined {
  const free = (min ^ max) >>> 0;
  return (free & (free + 1)) === 0 && (min & free) === 0 ? Math.clz32(free) : undefined;
}

function conditionWords(
  { field, mask, ranges, negated }: FieldCondition,
  { host: { interfaceNames } }: ClassSubject,
): string {
  const format = (value: number): string => formatField(field, value, interfaceNames);
  const values = ranges.map(({ min, max }) => (min === max ? format(min) : `${format(min)}-${format(max)}`)).join(', ');
  const under = mask === undefined ? '' : ` under the mask ${format(mask >>> 0)}`;
  return `${fieldRow(field).label}${under} ${negated ? 'not ' : ''}${values}`;
}

/** The tests that are no conditions on fields: other packets are in the class if their results are the same. */
function sameTests({ nativeResults }: Traversal): string[] {
  const texts = nativeResults.map(({ rule, native, result }) => {
    const match = rule.matches.find(
      (one) => one.extension.lower(one.params).native?.explanation === native.explanation,
    );
    return `${result ? 'with' : 'without'} ${match === undefined ? native.explanation : nameOf(match)}`;
  });
  return [...new Set(texts)];
}

/** `-m string --string …` as it is written in the rule, but shortened. */
function nameOf(match: Match): string {
  return saveMatches([match]).trim();
}
