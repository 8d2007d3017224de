/**
 * The summary of a replay: the content of `summary.json`. Its format is documented in docs/summary.md.
 */
import { formatLoaded, portToHostOrder } from '../codecs/byte-order.js';
import type { ListedConnection, ListedDirection, ListedTuple } from '../codecs/conntrack-list.js';
import type { TableName } from '../core/hooks.js';
import type { ChecksumMode } from '../core/offload/checksums.js';
import type { Guess } from '../core/rules/guess/guess.js';
import type { FileRecord } from '../io/file-record.js';
import type { CaptureRecord } from './captures.js';
import type { DropCount, DroppedFlow } from './drops.js';
import type { CountersSummary } from './expect-counters.js';
import type { EgressSummary } from './host-capture/egress-summary.js';
import type { SelectionOptions } from './selection.js';
import type { StitchSummary } from './stitch/stitch-summary.js';
import type { UncertainSummary } from './uncertain-summary.js';

/** Connections and dropped flows beyond this many are only counted. */
export const MAX_LISTED = 1000;

/** Every packet read counts as exactly one of the others. */
export interface PacketCounts {
  read: number;
  /** Not IPv4, or not for the host: see `skipped`. */
  skipped: number;
  /** Arrived on an interface and left by one. */
  forwarded: number;
  /** Sent by the host itself, and left by an interface. */
  sent: number;
  /** Delivered to the host itself. */
  delivered: number;
  /** Dropped silently: see `dropped`. */
  dropped: number;
  /** Dropped with an answer to the sender (REJECT, ICMP errors): see `dropped`. */
  rejected: number;
  /** Fragments held for reassembly. The one that completes a packet counts as what became of the whole packet. */
  held: number;
  /** Not replayed: left out by a filter, or before or after the part to be replayed. Only if some could be. */
  filteredOut?: number;
  /** With `--capture`: captured as the host sent them, and compared with what the emulated host sends (`egress`). */
  departed?: number;
}

/** One end of a connection: address, and port if the protocol has ports. */
export interface Endpoint {
  address: string;
  port?: number;
}

export interface ConnectionSummary {
  /** `tcp`, `udp`, `icmp` …, or the protocol's number. */
  protocol: string;
  /** The state, for protocols that have one, such as TCP and SCTP. */
  state?: string;
  source: Endpoint;
  destination: Endpoint;
  /** The destination after NAT, if it was translated. */
  translatedDestination?: Endpoint;
  /** The source after NAT, if it was translated. */
  translatedSource?: Endpoint;
  replied: boolean;
  assured: boolean;
  mark: number;
  packets: [original: number, reply: number];
  bytes: [original: number, reply: number];
  /** Present if something that could not be followed may have decided about it (`uncertain` of the summary). */
  uncertain?: true;
}

export interface RuleSummary {
  table: string;
  chain: string;
  /** The rule's number in its chain, from 1. */
  number: number;
  /** The rule as iptables-save writes it, without `-A CHAIN`. */
  rule: string;
  /** The position of the rule in the ruleset. */
  file: string;
  line: number;
  /** The rule's comment. */
  comment?: string;
  packets: number;
  bytes: number;
  /** The change that ended the rule, as a number in `changes`, from 1. Absent: it was there at the end. */
  until?: number;
}

/** A rule that matched no packet. */
export type UnmatchedRuleSummary = Omit<RuleSummary, 'packets' | 'bytes' | 'until'>;

/** The rules that matched nothing, by whether packets came to them. */
export interface UnmatchedSummary {
  /** The times of the first and the last packet, in ISO 8601: what is said holds for no other time. */
  first: string;
  last: string;
  /** No packet came to them. */
  neverAsked: { count: number; listed: UnmatchedRuleSummary[] };
  /** Packets came to them, how many is `asked`, and none matched. */
  neverMatched: { count: number; listed: (UnmatchedRuleSummary & { asked: number })[] };
  /** Whether packets came to them does not follow from the counters. */
  unknown: { count: number; listed: UnmatchedRuleSummary[] };
}

/** What was replayed, and how. */
export interface RunRecord {
  version: string;
  options: {
    seed: number;
    lax: boolean;
    keepCounters?: boolean;
    guess?: Guess;
    limit?: number;
    checksums?: ChecksumMode;
    logTime?: boolean;
    nfqueue?: 'accept' | 'drop';
    /** The commands, and the names of files of them. */
    apply?: readonly string[];
    backend?: 'legacy' | 'nft';
    /** As given to `--at`. */
    at?: readonly string[];
    /** The connections to begin with are those that the host's description brings. */
    conntrack?: 'host';
    /** What the host sent was compared with what the captures show, packet by packet, for its exit code. */
    expectEgress?: true;
  } & SelectionOptions;
  /** With the backend (iptables-legacy or iptables-nft) if they are the host's own rules. */
  rules: RulesRecord & { backend?: 'legacy' | 'nft' };
  /** With its files if it is a folder. */
  host: HostRecord;
  /** Files with sets, in the order in which they were loaded. */
  ipset?: FileRecord[];
  /** The connections to begin with. */
  conntrack?: FileRecord;
  /** What the iptables service loads when it starts (`--service-rules`). */
  serviceRules?: FileRecord;
  /** Names for addresses. */
  names?: FileRecord;
  /** The counters that were expected. */
  expectCounters?: FileRecord[];
  /** The files of commands (`--apply FILE`). */
  commands?: FileRecord[];
  /** The files and folders that `--at` names. */
  changes?: HostRecord[];
  /** In the order of `inputs`. */
  captures: CaptureRecord[];
}

/** With its files if it is a folder. */
export type HostRecord = FileRecord & { files?: FileRecord[] };

/** With its files if tables were given (`--rules nat=A,filter=B`); their value is the path then. */
export type RulesRecord = FileRecord & { files?: (FileRecord & { table?: TableName })[] };

/** A set of ipset. */
export interface SetSummary {
  name: string;
  type: string;
  /** How many entries it had before the first packet, and how many at the end. */
  entries: [before: number, after: number];
  /** How many entries packets have added or renewed, and deleted (`-j SET`). */
  added: number;
  deleted: number;
}

/** The commands that changed the rules before the first packet. */
export interface AppliedSummary {
  /** How many there were. */
  commands: number;
  /** What those that list something printed. */
  output?: string;
}

/** The version of the summary's format. Programs that read a summary check it first. */
export const SCHEMA = 2;

export interface Summary {
  schema: typeof SCHEMA;
  /** `nfreplay` and its version. */
  generator: string;
  /** What was replayed, and how: enough to repeat it, and to detect whether an input has changed. */
  run: RunRecord;
  inputs: { interface: string; file: string; packets: number }[];
  packets: PacketCounts;
  /** Skipped packets by reason. */
  skipped: Record<string, number>;
  /** Of captures of whole conversations (`--stitch`); absent without. */
  stitched?: StitchSummary;
  /** Dropped and rejected packets by cause, the most frequent first. */
  dropped: DropCount[];
  /** The same by flow: how many flows were counted separately, and the 1,000 most frequent of them. */
  droppedFlows: { count: number; listed: DroppedFlow[] };
  /** The captures written, in the order of the host's interfaces, then `local` and `dropped`. */
  outputs: { file: string; packets: number }[];
  /** Lines of log.txt and packets of nflog.pcap; absent if there are neither. */
  logged?: { lines: number; packets: number };
  /** The accounting objects of `-m nfacct`, with what was counted in them; absent if there are none. */
  accounting?: { name: string; packets: number; bytes: number }[];
  /** The host's sets at the end; absent if there are none. */
  sets?: SetSummary[];
  /** What the commands of `--apply` did; absent without. */
  applied?: AppliedSummary;
  /** Rules that matched, in the order of the ruleset. */
  rules: RuleSummary[];
  /** Rules that matched nothing; absent if rules changed during the replay, or no packet was read. */
  unmatched?: UnmatchedSummary;
  /** What `--at` has changed, in this order; absent if nothing. */
  changes?: ChangeSummary[];
  /** Rules in all tables, matched or not. */
  ruleCount: number;
  /** The number of connections in the table at the end, and the 1,000 of them with the most bytes. */
  connections: { count: number; listed: ConnectionSummary[] };
  /** With `--capture`: what the emulated host sends, compared with what the host sent. */
  egress?: EgressSummary;
  /** With `--expect-counters`: the counters of the rules, compared with those of a host. */
  counters?: CountersSummary;
  /** The packets of which it is not certain what becomes of them; left out if there are none. */
  uncertain?: UncertainSummary;
  /** Names of addresses above, from `--names` and the host's containers. */
  names?: Record<string, string>;
  /** The networks of the host's containers, by their bridge. */
  networks?: Record<string, string>;
  /** What of the host nothing reads: its members (docs/summary.md), and sysctls that could matter. */
  unread: { members: readonly string[]; sysctls: readonly string[] };
  /** What was assumed because neither the host file nor the captures say it. */
  assumed: string[];
  warnings: string[];
}

/** A change of rules or sets during the replay (`--at`). */
export interface ChangeSummary {
  /** When and what, as given. */
  when: string;
  what: string;
  kind: 'rules' | 'sets' | 'commands' | 'snapshot';
  /** How many frames came before it. */
  framesBefore: number;
  /** It was to come after the last packet, and was made at the end. */
  atEnd?: true;
  /** How the first command ended that failed, as it does on a real host. Absent: none did. */
  exitCode?: number;
  /** What its commands print, each after its command. */
  output?: string;
  /** How many rules it brought and took, with these words in their chains. Absent: no other rules were loaded. */
  rules?: { added: number; removed: number };
  /** The sets that are new, gone, or have another number of entries. */
  sets?: SetChange[];
  /** Interfaces of the host that came and went. */
  interfaces?: NamesChange;
  /** Networks of its Docker engine. */
  networks?: NamesChange;
  /** Containers that run now, and that do no longer, by name. */
  containers?: { started?: string[]; stopped?: string[] };
  /** How many entries of the connection table a program has deleted, or the kernel with an interface or address. */
  connectionsDeleted?: number;
  /** The rules that the iptables service loads when it starts are others. */
  savedRules?: true;
  /** The folder that a snapshot of the host was written to. */
  written?: string;
  /** When the snapshot is of that was in this folder before, as it was given. */
  replaced?: string;
  /** What was assumed, or may differ on a real host; lines for people. */
  notes?: readonly string[];
}

/** Names that are new, and that are gone. */
export interface NamesChange {
  added?: string[];
  removed?: string[];
}

export interface SetChange {
  name: string;
  /** Entries before and after. Absent: there was, or is, no such set. */
  before?: number;
  after?: number;
}

/** LISTED in the form of the summary. */
export function summarizeConnection(listed: ListedConnection): ConnectionSummary {
  const { protocol, protocolName, tuple, original, reply, state } = listed;
  const source = endpointOf(tuple, original, 'source', true);
  const destination = endpointOf(tuple, original, 'destination', false);
  const answeredBy = endpointOf(tuple, reply, 'source', false);
  const answeredTo = endpointOf(tuple, reply, 'destination', true);
  return {
    protocol: protocolName === 'unknown' ? String(protocol) : protocolName,
    ...(state === undefined ? {} : { state }),
    source,
    destination,
    ...(isSame(answeredBy, destination) ? {} : { translatedDestination: answeredBy }),
    ...(isSame(answeredTo, source) ? {} : { translatedSource: answeredTo }),
    replied: listed.isSeenReply,
    assured: listed.isAssured,
    mark: listed.mark,
    packets: [original.packets, reply.packets],
    bytes: [original.bytes, reply.bytes],
  };
}

/**
 * One end of a direction. ICMP has an id instead of ports; it is shown as the port of the end that opened the
 * connection, because NAT changes it as it changes a source port.
 */
function endpointOf(
  tuple: ListedTuple,
  direction: ListedDirection,
  end: 'source' | 'destination',
  isOpener: boolean,
): Endpoint {
  const address = formatLoaded(direction[end]);
  const { ports } = direction;
  if (tuple === 'query') return isOpener ? { address, port: portToHostOrder(ports) } : { address };
  if (tuple !== 'ports') return { address };
  return { address, port: portToHostOrder(end === 'source' ? ports : ports >>> 16) };
}

const isSame = (a: Endpoint, b: Endpoint) => a.address === b.address && a.port === b.port;
