/** What of a scan is not as somebody expects it (`--expect`). */
import { formatLoaded, toLoaded } from '../../codecs/byte-order.js';
import { ExpectationError } from '../../codecs/expectation/expectation-error.js';
import type { ExpectedPorts, PortExpectation } from '../../codecs/expectation/port-expectation.js';
import { IPPROTO_TCP, IPPROTO_UDP, TCP_SYN } from '../../codecs/layouts.js';
import { withNearest } from '../../codecs/nearest.js';
import type { SentenceEnd } from '../../codecs/sentence/sentence.js';
import { shownPath } from '../../codecs/text.js';
import { commonRanges, normalRanges, otherRanges, type ValueRange } from '../../core/rules/ranges.js';
import type { Finding, FindingCode, RulePlace } from '../findings.js';
import { isOpen } from './fates.js';
import { type Fate, LAST_ADDRESS, LAST_PORT, type PortRange, type ScanTarget } from './model.js';
import { AS_CLIENTS, fieldText, type OtherPacket, otherText } from './other-packets.js';
import { ANY_ADDRESS, ANY_PORT } from './packet-class.js';
import { without } from './port-cover.js';
import { CLIENT_PORT, PROTOCOL_NUMBERS, type ScannedProtocol } from './probe-packet.js';
import type { Scan, ScannedSource, SenderGroup } from './scan.js';
import { networksText, place, rangeText, senderText, verdictText } from './scan-text.js';

/** Ports of an address and the senders for which something is so. */
interface Cell {
  readonly ports: readonly ValueRange[];
  readonly senders: readonly ValueRange[];
}

/** The ports of an address as one group of senders finds them. */
interface Place {
  readonly scanned: ScannedSource;
  readonly group: SenderGroup;
  readonly target: ScanTarget;
  readonly protocol: ScannedProtocol;
  readonly ports: readonly PortRange[];
  /** Only packets that are so find them like this. Undefined: those of clients. */
  readonly other?: OtherPacket;
}

/**
 * Refuses what a scan cannot tell.
 * @throws {ExpectationError}
 */
export function checkExpectation({ open, closed }: PortExpectation, interfaces: readonly string[]): void {
  for (const one of [...open, ...closed]) refuseUnscanned(one, interfaces);
}

function refuseUnscanned(one: ExpectedPorts, interfaces: readonly string[]): void {
  const { sentence, file, line, column } = one;
  const { isLocal, input, output, protocol, ends, flags, icmp, ttl, length, mark, state } = sentence;
  const refuse = (problem: string): never => {
    throw new ExpectationError(problem, file, line, column, true);
  };
  if (isLocal) refuse("local: these are the host's own packets; scan looks from outside");
  if (protocol !== undefined && protocol !== IPPROTO_TCP && protocol !== IPPROTO_UDP)
    refuse('only ports of tcp and udp are scanned');
  if (output !== undefined) refuse(`out ${output.name}: scan does not tell ports by where packets leave`);
  if ([icmp, ttl, length, mark].some((given) => given !== undefined) || (flags !== undefined && flags !== TCP_SYN))
    refuse('scan sends first packets of connections as clients do: it cannot tell others');
  if (state !== undefined && state !== 'NEW') refuse(`state ${state}: scan sends first packets of connections`);
  if (ends?.source.ports !== undefined) refuse(`scan sends from port ${CLIENT_PORT}: leave out the port of the source`);
  if (input !== undefined && !interfaces.includes(input.name))
    throw new ExpectationError(
      withNearest(`no interface ${input.name} (${interfaces.join(', ')})`, input.name, interfaces),
      ...([file, line, column] as const),
    );
}

/**
 * What of EXPECTATION is about interfaces that were not scanned as `--source` leaves them out, and the rest, which can
 * be checked. SCANNED: the interfaces.
 */
export function splitExpectation(
  { open, closed }: PortExpectation,
  scanned: readonly string[],
): { readonly checked: PortExpectation; readonly notes: readonly string[] } {
  const isScanned = ({ sentence: { input } }: ExpectedPorts): boolean =>
    input === undefined || scanned.some((name) => (name === input.name) !== input.isNegated);
  const left = [...open, ...closed].filter((one) => !isScanned(one));
  return {
    checked: { open: open.filter(isScanned), closed: closed.filter(isScanned) },
    notes: left.map((one) => {
      const name = one.sentence.input?.isNegated === true ? 'another interface' : one.sentence.input?.name;
      return `not checked: ${one.text} (${placeOf(one)}): ${name} was not scanned, as --source leaves it out`;
    }),
  };
}

/** What SIDE of SCAN shows that is not as EXPECTATION says. */
export function unexpectedIn(scan: Scan, side: number, { open, closed }: PortExpectation): Finding[] {
  const known = scan.areSocketsKnown[side];
  const places = scan.sources.flatMap((scanned) =>
    scanned.groups.flatMap((group) => group.sides[side].map((one): Place => ({ scanned, group, ...one }))),
  );
  const conditional = scan.sources.flatMap((scanned) =>
    scanned.conditional.filter((one) => one.side === side).map((one): Place => ({ scanned, ...one })),
  );
  const anyhow = [...places, ...conditional];
  return [
    ...open.flatMap((one) => notScanned(one, 'open', places)),
    ...closed.flatMap((one) => notScanned(one, 'closed', places)),
    ...closed.flatMap((one) => folded(openThough(one, anyhow, known))),
    ...folded(anyhow.flatMap((place) => unlisted(place, [...open, ...closed], known))),
    ...open.flatMap((one) => notOpen(one, places, known)),
    ...scan.sources.flatMap(untriedIn),
  ];
}

/** Packets to which ports may be open of which the others find them closed. */
function untriedIn({ source, untried }: ScannedSource): Finding[] {
  return untried.map(({ field, rules }) => ({
    code: 'not-scanned',
    message:
      `from ${source.from}: ${rules.map(place).join(', ')} may let packets pass that differ in the ` +
      `${fieldText(field)} from those that were sent: that ports are closed to them is not known`,
    rules: rules.map(({ file, line }) => ({ file: shownPath(file), line })),
    packets: [],
    change: null,
  }));
}

/** The senders and ports of PLACE that fit what ONE says; undefined: none do. */
function cellOf({ sentence }: ExpectedPorts, { scanned, group, target, protocol }: Place): Cell | undefined {
  const { input, ends } = sentence;
  const { devName } = scanned.source;
  if (input !== undefined && (input.name === devName) === input.isNegated) return undefined;
  if (sentence.protocol !== undefined && sentence.protocol !== PROTOCOL_NUMBERS[protocol]) return undefined;
  if (ends === undefined) return { ports: ANY_PORT, senders: group.addresses };
  const addresses = addressesOf(ends.destination);
  if (!addresses.some(({ min, max }) => target.number >= min && target.number <= max)) return undefined;
  const senders = commonRanges(group.addresses, addressesOf(ends.source));
  const { ports } = ends.destination;
  return senders.length === 0 ? undefined : { ports: ports === undefined ? ANY_PORT : [ports], senders };
}

function addressesOf({ host, isNegated }: SentenceEnd): readonly ValueRange[] {
  if (host === undefined) return ANY_ADDRESS;
  const { addresses, prefixLength = 32 } = host;
  const ranges = addresses
    .filter(({ family }) => family === 'ipv4')
    .map((address) => {
      const size = 2 ** (32 - prefixLength);
      const min = Math.floor(address.hostOrder / size) * size;
      return { min, max: min + size - 1 };
    });
  return isNegated ? otherRanges(normalRanges(ranges), LAST_ADDRESS) : normalRanges(ranges);
}

/** What ONE calls closed and is open. */
function openThough(one: ExpectedPorts, places: readonly Place[], known: boolean): FoundAt[] {
  return places.flatMap((place) => {
    const cell = cellOf(one, place);
    if (cell === undefined) return [];
    return byFate(place, cell.ports, (fate) => isOpen(fate, known)).map(({ fate, ranges }) =>
      found(
        'unexpected-open',
        place,
        { fate, ranges, senders: cell.senders, known },
        `listed as closed (${placeOf(one)})`,
      ),
    );
  });
}

/** What is open at PLACE and not among LISTED. */
function unlisted(place: Place, listed: readonly ExpectedPorts[], known: boolean): FoundAt[] {
  return byFate(place, ANY_PORT, (fate) => isOpen(fate, known)).flatMap(({ fate, ranges }) => {
    let left: Cell[] = [{ ports: ranges, senders: place.group.addresses }];
    for (const one of listed) {
      const cell = cellOf(one, place);
      if (cell !== undefined) left = left.flatMap((rest) => minus(rest, cell));
    }
    return left.map(({ ports, senders }) =>
      found('unexpected-open', place, { fate, ranges: ports, senders, known }, 'not listed as open'),
    );
  });
}

/** What is in A and not in B. */
function minus(a: Cell, b: Cell): Cell[] {
  const ports = commonRanges(a.ports, b.ports);
  const others = commonRanges(a.ports, otherRanges(b.ports, LAST_PORT));
  const senders = without(a.senders, b.senders);
  return [
    { ports: others, senders: a.senders },
    { ports, senders },
  ].filter((cell) => cell.ports.length > 0 && cell.senders.length > 0);
}

/** What ONE calls open and is not: of one address each port, of several each port that is open at none of them. */
function notOpen(one: ExpectedPorts, places: readonly Place[], known: boolean): Finding[] {
  const fitting = fittingOf(one, places);
  const where = placeOf(one);
  if (isAboutOneAddress(one)) {
    return fitting.flatMap(({ place, cell }) =>
      byFate(place, cell.ports, (fate) => !isOpen(fate, known)).map(({ fate, ranges }) =>
        findingOf(
          found(
            'unexpected-closed',
            place,
            { fate, ranges, senders: cell.senders, known },
            `listed as open (${where})`,
          ),
        ),
      ),
    );
  }
  const closed = [...new Set(fitting.map(({ place }) => place.protocol))].flatMap((protocol) => {
    const cells = fitting.filter(({ place }) => place.protocol === protocol);
    const open = cells.flatMap(({ place, cell }) =>
      byFate(place, cell.ports, (fate) => isOpen(fate, known)).flatMap(({ ranges }) => ranges),
    );
    const left = commonRanges(cells[0].cell.ports, otherRanges(normalRanges(open), LAST_PORT));
    return left.length === 0 ? [] : [`${protocol} ${portsText(left)}`];
  });
  if (closed.length === 0) return [];
  return [aboutSentence('unexpected-closed', one, 'open', `at none of the addresses open: ${closed.join('; ')}`)];
}

/** ONE of LIST, if it fits nothing that was scanned: that it is as expected would be said of nothing. */
function notScanned(one: ExpectedPorts, list: 'open' | 'closed', places: readonly Place[]): Finding[] {
  if (fittingOf(one, places).length > 0) return [];
  return [aboutSentence('not-scanned', one, list, 'no address that is scanned fits')];
}

function aboutSentence(code: FindingCode, one: ExpectedPorts, list: 'open' | 'closed', why: string): Finding {
  const message = `listed as ${list} (${placeOf(one)}): ${one.text}: ${why}`;
  return { code, message, rules: [], packets: [], change: null };
}

function fittingOf(one: ExpectedPorts, places: readonly Place[]): { readonly place: Place; readonly cell: Cell }[] {
  return places.flatMap((place) => {
    const cell = cellOf(one, place);
    return cell === undefined ? [] : [{ place, cell }];
  });
}

function isAboutOneAddress({ sentence: { ends } }: ExpectedPorts): boolean {
  const { host, isNegated } = ends?.destination ?? {};
  return host !== undefined && host.prefixLength === undefined && isNegated === false;
}

/** The fates of PORTS at PLACE for which HOLDS, with their ports. */
function byFate(
  { ports: all }: Place,
  ports: readonly ValueRange[],
  holds: (fate: Fate) => boolean,
): { readonly fate: Fate; readonly ranges: readonly ValueRange[] }[] {
  const fates = new Map<Fate, ValueRange[]>();
  for (const { first, last, fate } of all) {
    if (!holds(fate)) continue;
    const common = commonRanges([{ min: first, max: last }], ports);
    if (common.length > 0) fates.set(fate, [...(fates.get(fate) ?? []), ...common]);
  }
  return [...fates].map(([fate, ranges]) => ({ fate, ranges }));
}

interface Unexpected {
  readonly fate: Fate;
  readonly ranges: readonly ValueRange[];
  readonly senders: readonly ValueRange[];
  readonly known: boolean;
}

/** A finding about one address, whose words are still apart. */
interface FoundAt extends Omit<Finding, 'message'> {
  readonly scanned: ScannedSource;
  readonly target: ScanTarget;
  readonly words: readonly [before: string, after: string];
}

function found(
  code: 'unexpected-open' | 'unexpected-closed',
  { scanned, group, target, protocol, other = AS_CLIENTS }: Place,
  { fate, ranges, senders, known }: Unexpected,
  why: string,
): FoundAt {
  const isWhole = without(group.addresses, senders).length === 0;
  const from = isWhole ? senderText(scanned, group) : `${scanned.source.devName}: ${networksText(senders)}`;
  const port = ranges[0].min;
  const sender = isWhole ? group.example : senders[0].min;
  const condition = other.size === 0 ? '' : ` to packets with ${otherText(other)}`;
  const sport = other.get('sport') ?? CLIENT_PORT;
  // Not all that may differ can be said in a sentence.
  const isSaid = [...other.keys()].every((field) => field === 'sport');
  const ends = `${formatLoaded(toLoaded(sender))}:${sport} > ${target.address}:${port}`;
  return {
    ...{ code, scanned, target },
    words: [
      `${protocol} ${target.address}:${portsText(ranges)}`,
      ` from ${from}: ${verdictText(fate, known)}${condition}; ${why}`,
    ],
    rules: rulesOf(fate),
    packets: !isSaid
      ? []
      : [{ packet: `${scanned.source.devName} ${protocol} ${ends}${protocol === 'tcp' ? ' S' : ''}` }],
    change: null,
  };
}

/** FOUND, what is the same at several of the host's own addresses once: bridges have addresses, too. */
function folded(found: readonly FoundAt[]): Finding[] {
  const alike = new Map<string, FoundAt[]>();
  for (const [i, one] of found.entries()) {
    const { code, scanned, target, words, rules, packets } = one;
    const ports = words[0].slice(words[0].indexOf(`${target.address}:`) + target.address.length);
    const packet = packets.map((each) => each.packet.replace(`> ${target.address}:`, '> '));
    const same = { code, from: scanned.source.from, protocol: words[0].split(' ')[0], ports, words: words[1], rules };
    const key = target.kind === 'own' ? JSON.stringify({ ...same, packet }) : String(i);
    alike.set(key, [...(alike.get(key) ?? []), one]);
  }
  return [...alike.values()].map(([first, ...others]) => findingOf(first, others));
}

/** FIRST, and the addresses of OTHERS. */
function findingOf(
  { words: [before, after], scanned: _, target: __, ...finding }: FoundAt,
  others: FoundAt[] = [],
): Finding {
  const also = others.length === 0 ? '' : ` (and at ${others.map(({ target }) => target.address).join(', ')})`;
  return { ...finding, message: before + also + after };
}

function portsText(ranges: readonly ValueRange[]): string {
  return ranges.map(({ min, max }) => rangeText({ first: min, last: max })).join(', ');
}

function rulesOf({ decidedBy, translatedBy }: Fate): RulePlace[] {
  const { rule, policy } = decidedBy ?? {};
  const decider = rule ?? (policy?.line === 0 ? undefined : policy);
  return [decider, translatedBy].flatMap((one) => (one === undefined ? [] : [{ file: one.file, line: one.line }]));
}

function placeOf({ file, line }: ExpectedPorts): string {
  return `${shownPath(file)}:${line}`;
}
