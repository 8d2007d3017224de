/** Differences from golden captures, those of one kind and with one cause together. */
import { IPV4_LENGTH } from '../../codecs/layouts.js';
import { formatSentence } from '../../codecs/sentence/format.js';
import { readSentencePacket, sentenceOf } from '../../codecs/sentence/read-packet.js';
import { shown } from '../../codecs/text.js';
import { type DropCause, describeCause } from '../../core/drop.js';
import { saveRule } from '../../core/rules/save.js';
import type { RulePlace } from '../../explain/findings.js';
import type {
  ConnectionDifference,
  Difference,
  FrameDifference,
  LogDifference,
  RuleDifference,
} from '../../replay/compare.js';
import type { ResultFrame } from '../../replay/result-folder.js';
import { dissect } from '../dissect.js';
import { count } from '../number.js';

export interface DifferenceGroup {
  /** What all of them have in common, with how many they are: a line without a full stop. */
  readonly title: string;
  readonly differences: readonly Difference[];
  /** Where the rule or policy is that dropped what is missing. */
  readonly decidedBy?: RulePlace;
}

/** How a group is called, of N differences. */
interface Kind {
  readonly key: string;
  title(n: number): string;
  readonly decidedBy?: RulePlace;
}

/** What else came of the same input: the interfaces by which packets left that are not expected there. */
type Instead = ReadonlyMap<bigint, readonly string[]>;

/** DIFFERENCES in groups: those of packets by the time of the first, as others may follow from it; then the rest. */
export function groupsOf(differences: readonly Difference[]): DifferenceGroup[] {
  const instead = insteadOf(differences);
  const groups = new Map<string, { kind: Kind; differences: Difference[] }>();
  for (const difference of differences) {
    const kind = kindOf(difference, instead);
    const group = groups.get(kind.key);
    if (group === undefined) groups.set(kind.key, { kind, differences: [difference] });
    else group.differences.push(difference);
  }
  const inOrder = [...groups.values()].sort((a, b) => compareFirst(a.differences[0], b.differences[0]));
  return inOrder.map(({ kind, differences }) => ({
    title: kind.title(differences.length),
    differences,
    ...(kind.decidedBy === undefined ? {} : { decidedBy: kind.decidedBy }),
  }));
}

function compareFirst(a: Difference, b: Difference): number {
  if (a.kind !== 'frame' || b.kind !== 'frame') return Number(a.kind !== 'frame') - Number(b.kind !== 'frame');
  if (a.tsNs !== b.tsNs) return a.tsNs < b.tsNs ? -1 : 1;
  return Number(a.wanted === null) - Number(b.wanted === null);
}

function insteadOf(differences: readonly Difference[]): Instead {
  const devices = new Map<bigint, string[]>();
  for (const difference of differences) {
    if (difference.kind !== 'frame' || difference.wanted !== null) continue;
    devices.set(difference.tsNs, [...(devices.get(difference.tsNs) ?? []), difference.device]);
  }
  return devices;
}

function kindOf(difference: Difference, instead: Instead): Kind {
  switch (difference.kind) {
    case 'frame':
      return kindOfFrame(difference, instead);
    case 'rule':
      return kindOfRule(difference);
    case 'connection':
      return kindOfConnection(difference);
    default:
      return kindOfLog(difference);
  }
}

/** As many fields that differ are named. */
const MOST_FIELDS = 4;

function kindOfFrame({ device, tsNs, wanted, got, cause, droppedBy = [] }: FrameDifference, instead: Instead): Kind {
  const where = device === 'local' ? 'the host itself' : shown(device);
  if (wanted !== null && got !== null) {
    const fields = differingFields(wanted, got);
    const named = fields.slice(0, MOST_FIELDS).join(', ') + (fields.length > MOST_FIELDS ? ', …' : '');
    const what = fields.length === 0 ? 'other bytes' : `other ${named}`;
    return { key: `different ${device} ${what}`, title: (n) => `${where}: ${count(n, 'packet')} with ${what}` };
  }
  if (got !== null) {
    return { key: `unexpected ${device}`, title: (n) => `${where}: ${count(n, 'packet')} not expected` };
  }
  const others = (instead.get(tsNs) ?? []).filter((other) => other !== device);
  const why = cause === undefined ? insteadText(others, droppedBy) : `, dropped by ${causeText(cause)}`;
  const place = cause?.rule ?? cause?.policy;
  return {
    key: `missing ${device} ${why}`,
    title: (n) => `${where}: ${count(n, 'packet')} missing${why}`,
    ...(place?.file === undefined || place.line === 0 ? {} : { decidedBy: { file: place.file, line: place.line } }),
  };
}

function insteadText(devices: readonly string[], droppedBy: readonly DropCause[]): string {
  if (devices.length === 0) {
    const causes = [...new Set(droppedBy.map(causeText))];
    return causes.length === 0 ? '' : `; what came in was dropped by ${causes.join(', or by ')}`;
  }
  const ways = devices.map((device) => (device === 'local' ? 'to the host itself' : `out ${shown(device)}`));
  return `, but something went ${[...new Set(ways)].join(' and ')}`;
}

/** CAUSE with the text of its rule: `new.v4:41 filter FORWARD 3 -p tcp -j DROP`. */
export function causeText(cause: DropCause): string {
  const { rule } = cause;
  return shown(`${describeCause(cause)}${rule === undefined ? '' : `: ${saveRule(rule).trim()}`}`);
}

/** The names of the fields that differ; of those that follow from others, none. */
function differingFields(wanted: ResultFrame, got: ResultFrame): string[] {
  const [before, after] = [wanted, got].map(
    ({ bytes, ipAt }) => new Map(dissect(bytes, ipAt).map(({ name, value }) => [name, value])),
  );
  const names = [...new Set([...before.keys(), ...after.keys()])];
  const differing = names.filter((name) => before.get(name) !== after.get(name));
  const essential = differing.filter((name) => !name.endsWith('.checksum'));
  return essential.length > 0 ? essential : differing;
}

function kindOfRule({ file, table, wanted, got }: RuleDifference): Kind {
  const where = `${file}, table ${table}`;
  const isCounters = wanted !== null && got !== null && wordsOf(wanted) === wordsOf(got);
  if (isCounters)
    return { key: `counters ${where}`, title: (n) => `${where}: other counters of ${count(n, 'rule')} or policies` };
  return { key: `rules ${where}`, title: (n) => `${where}: ${count(n, 'other rule')}` };
}

/** LINE of a table without its counters. */
function wordsOf(line: string): string {
  return line.replace(/^\[\d+:\d+\] /, '').replace(/^(:\S+ \S+) \[\d+:\d+\]$/, '$1');
}

function kindOfConnection({ wanted }: ConnectionDifference): Kind {
  const what = wanted === null ? 'not expected' : 'missing';
  return { key: `connection ${what}`, title: (n) => `conntrack: ${count(n, 'connection')} ${what}` };
}

function kindOfLog({ file, wanted, kind }: LogDifference): Kind {
  const what = wanted === null ? 'not expected' : 'missing';
  const noun = kind === 'set' ? 'line' : file.endsWith('.pcap') ? 'packet' : 'message';
  return { key: `${file} ${what}`, title: (n) => `${file}: ${count(n, noun)} ${what}` };
}

/** The packet of a DIFFERENCE as a sentence. */
export function packetText({ device, wanted, got }: FrameDifference): string {
  const { bytes, ipAt } = (wanted ?? got)!;
  const packet = bytes.length >= ipAt + IPV4_LENGTH ? readSentencePacket(bytes.subarray(ipAt)) : undefined;
  if (packet === undefined) return `${count(bytes.length, 'byte')} that are no IPv4 packet`;
  return formatSentence(sentenceOf(device === 'local' ? packet : { ...packet, outDev: device }));
}
