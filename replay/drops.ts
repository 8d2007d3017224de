/** hot: counts what was dropped and why, by flow. Replies to dropped flows are no flows of their own. */
import { formatLoaded, portToHostOrder } from '../codecs/byte-order.js';
import {
  DESTINATION_PORT_AT,
  ICMP_TYPE_AT,
  IPPROTO_ICMP,
  IPPROTO_TCP,
  IPV4_DESTINATION_AT,
  IPV4_FRAGMENT_AT,
  IPV4_LENGTH,
  IPV4_OFFSET_MASK,
  IPV4_PROTOCOL_AT,
  IPV4_SOURCE_AT,
  PORTS_LENGTH,
  SOURCE_PORT_AT,
  TCP_ACK,
  TCP_FLAGS_AT,
  TCP_SYN,
} from '../codecs/layouts.js';
import { type Drop, type DropCause, describeCause } from '../core/drop.js';
import { HOOK_NAMES, type HookName } from '../core/hooks.js';
import { KeyedHash } from '../core/keyed-hash.js';
import { hasPorts } from '../core/packet.js';
import type { Reason } from '../core/reasons.js';
import { saveRule } from '../core/rules/save.js';
import { type DroppedService, type ServiceCount, servicesOf } from './dropped-services.js';
import type { Endpoint } from './summary.js';
import { COUNTER_WORDS, TupleMap } from './tuple-map.js';

/** The number of flows counted separately. Drops of further flows are counted by cause and service only. */
const MAX_FLOWS = 10_000;
/** The number of services listed for each cause. */
const MAX_SERVICES = 100;
/** The word of a key that tells causes and protocols apart. */
const REPLY_BIT = 1 << 8;
const CAUSE_SHIFT = 9;
/** ICMP_ECHOREPLY, ICMP_TIMESTAMPREPLY, ICMP_INFO_REPLY, ICMP_ADDRESSREPLY */
const ICMP_REPLIES: readonly number[] = [0, 14, 16, 18];
/** The words of a flow: its packets, and its destination after NAT; SEVERAL if that differs between packets. */
const PACKETS = 0;
const TRANSLATED_ADDRESS = PACKETS + COUNTER_WORDS;
const TRANSLATED_PORT = TRANSLATED_ADDRESS + 1;
const TRANSLATION = TRANSLATED_ADDRESS + 2;
const VALUE_WORDS = TRANSLATION + 1;
const Translation = { NONE: 1, ONE: 2, SEVERAL: 3 } as const;

/** The cause of a drop, as in the summary. */
export interface DroppedBy {
  reason: Reason;
  /** The hook, if a table or another hook entry dropped the packet. */
  hook?: HookName;
  /** The table and chain of the rule or policy. */
  table?: string;
  chain?: string;
  /** The rule's number in its chain, from 1, and its text as iptables-save writes it, without `-A CHAIN`. */
  number?: number;
  rule?: string;
  /** The rule's comment. */
  comment?: string;
  /** The position of the rule or policy in the ruleset. */
  file?: string;
  line?: number;
  /** The name of the hook entry. */
  entry?: string;
}

export interface DropCount extends DroppedBy {
  packets: number;
  /** How many services the packets were for, and the 100 most frequent. */
  services: { count: number; listed: DroppedService[] };
  /** How many of the packets answer a flow that had been dropped before. They belong to no service. */
  replies?: number;
}

/** Packets from one source to one service. */
export interface FlowCount {
  protocol: number;
  source: string;
  /** The destination of the packets as they arrived, before DNAT. */
  destination: string;
  /** The port of the service: the destination's, or for replies the source's. Absent if the protocol has no ports. */
  port?: number;
  /** The packets are replies in connections that conntrack knows. */
  reply?: true;
  /** The destination after DNAT, if it was translated in the same way for all packets. */
  translatedDestination?: Endpoint;
  packets: number;
}

/** Packets from one source to one service that were dropped for the same cause. */
export interface DroppedFlow extends DroppedBy, FlowCount {}

/** Counts dropped packets by cause, and by flow within each cause. Allocates nothing per packet. */
export class DropTally {
  readonly #indexes = new Map<DropCause, number>();
  readonly #causes: DropCause[] = [];
  readonly #counts: number[] = [];
  readonly #replies: number[] = [];
  readonly #flows: TupleMap;
  /** The same flows by their ends and port alone, before and after DNAT: their replies come the other way. */
  readonly #openers: TupleMap;
  /** Which ports these flows have, at port + 1: most packets that answer none are told from this alone. */
  readonly #openerPorts = new Uint8Array(2 ** 16 + 1);
  /** Packets of further flows, by cause and service. */
  readonly #others: TupleMap;

  constructor(hash = new KeyedHash()) {
    this.#flows = new TupleMap(VALUE_WORDS, hash);
    this.#openers = new TupleMap(0, hash);
    this.#others = new TupleMap(COUNTER_WORDS, hash);
  }

  /** Counts the IPv4 packet at AT, of which LENGTH bytes are present. */
  count(drop: Drop, bytes: Uint8Array, at: number, length: number): void {
    const index = this.#indexOf(drop.cause);
    this.#counts[index]++;
    if (length < IPV4_LENGTH) return;
    const protocol = bytes[at + IPV4_PROTOCOL_AT];
    const source = word(bytes, at + IPV4_SOURCE_AT);
    const destination = word(bytes, at + IPV4_DESTINATION_AT);
    const l4 = (bytes[at] & 15) * 4;
    const isFirst = (((bytes[at + IPV4_FRAGMENT_AT] << 8) | bytes[at + IPV4_FRAGMENT_AT + 1]) & IPV4_OFFSET_MASK) === 0;
    const isPorts = isFirst && hasPorts(protocol) && l4 + PORTS_LENGTH <= length;
    const sport = isPorts ? halfWord(bytes, at + l4 + SOURCE_PORT_AT) : -1;
    const dport = isPorts ? halfWord(bytes, at + l4 + DESTINATION_PORT_AT) : -1;
    const { isTranslated, untranslatedDestination, untranslatedDport, isReply } = drop;
    const ownDestination = isTranslated ? untranslatedDestination : destination;
    const ownDport = isTranslated && untranslatedDport >= 0 ? portToHostOrder(untranslatedDport) : dport;
    const port = isReply ? sport : ownDport;
    const kind = ((index + 1) << CAUSE_SHIFT) | (isReply ? REPLY_BIT : 0) | protocol;
    let flow = this.#flows.find(source, ownDestination, port, kind);
    if (flow < 0) {
      const opener = protocol | REPLY_BIT;
      const isAnswer = !isReply && this.#openerPorts[sport + 1] !== 0 && mayAnswer(bytes, at, l4, isFirst ? length : 0);
      if (isAnswer && this.#openers.find(ownDestination, source, sport, opener) >= 0) {
        this.#replies[index]++;
        return;
      }
      if (this.#flows.size >= MAX_FLOWS) {
        this.#countOther(port, kind);
        return;
      }
      flow = this.#flows.insert(source, ownDestination, port, kind);
      if (!isReply) {
        this.#insertOpener(source, ownDestination, ownDport, opener);
        if (isTranslated) this.#insertOpener(source, destination, dport, opener);
      }
    }
    this.#flows.count(flow + PACKETS, 1);
    if (isTranslated) this.#translated(flow, Translation.ONE, destination, dport);
    else this.#translated(flow, Translation.NONE, 0, 0);
  }

  #insertOpener(source: number, destination: number, port: number, opener: number): void {
    this.#openers.insert(source, destination, port, opener);
    this.#openerPorts[port + 1] = 1;
  }

  #countOther(port: number, kind: number): void {
    const others = this.#others;
    const at = others.size < MAX_FLOWS ? others.insert(0, 0, port, kind) : others.find(0, 0, port, kind);
    if (at >= 0) others.count(at, 1);
  }

  #translated(flow: number, translation: number, address: number, port: number): void {
    const { words } = this.#flows;
    if (words[flow + TRANSLATION] === 0) {
      words[flow + TRANSLATION] = translation;
      words[flow + TRANSLATED_ADDRESS] = address;
      words[flow + TRANSLATED_PORT] = port;
    } else if (
      words[flow + TRANSLATION] !== translation ||
      words[flow + TRANSLATED_ADDRESS] !== address ||
      words[flow + TRANSLATED_PORT] !== port
    ) {
      words[flow + TRANSLATION] = Translation.SEVERAL;
    }
  }

  /** Packets by cause, the number of flows, and the MOST flows with the most packets; the most frequent first. */
  result(most: number): { causes: DropCount[]; flowCount: number; flows: DroppedFlow[] } {
    const named = this.#causes.map((cause, index) => ({
      cause,
      by: droppedBy(cause),
      description: describeCause(cause),
      packets: this.#counts[index],
      replies: this.#replies[index],
      flows: [] as FlowCount[],
      others: [] as ServiceCount[],
    }));
    const keyed: { kind: number; key: string; flow: FlowCount }[] = [];
    this.#flows.forEach((source, destination, port, kind, at) => {
      const { description } = named[(kind >>> CAUSE_SHIFT) - 1];
      const flow = this.#flowOf(source, destination, port, kind, at);
      keyed.push({
        kind,
        key: `${description} ${flow.source} ${flow.destination} ${flow.protocol} ${flow.port}`,
        flow,
      });
    });
    // A rule that several hooks reach is several causes with the same description.
    keyed.sort((a, b) => b.flow.packets - a.flow.packets || compare(a.key, b.key) || a.kind - b.kind);
    for (const { kind, flow } of keyed) named[(kind >>> CAUSE_SHIFT) - 1].flows.push(flow);
    const flows = keyed.slice(0, most).map(({ kind, flow }) => ({ ...named[(kind >>> CAUSE_SHIFT) - 1].by, ...flow }));
    this.#others.forEach((_source, _destination, port, kind, at) => {
      const count = { ...serviceOf(port, kind), packets: this.#others.counted(at) };
      named[(kind >>> CAUSE_SHIFT) - 1].others.push(count);
    });
    named.sort((a, b) => b.packets - a.packets || compare(a.description, b.description));
    const causes = named.map(({ by, packets, flows, others, replies }) => {
      const services = servicesOf(flows, others);
      const listed = services.slice(0, MAX_SERVICES);
      return { ...by, packets, services: { count: services.length, listed }, ...(replies > 0 ? { replies } : {}) };
    });
    return { causes, flowCount: keyed.length, flows };
  }

  #flowOf(source: number, destination: number, port: number, kind: number, at: number): FlowCount {
    const { words } = this.#flows;
    const translatedPort = words[at + TRANSLATED_PORT];
    const translated: Endpoint = {
      address: formatLoaded(words[at + TRANSLATED_ADDRESS]),
      ...(translatedPort < 0 ? {} : { port: portToHostOrder(translatedPort) }),
    };
    return {
      ...serviceOf(port, kind),
      source: formatLoaded(source),
      destination: formatLoaded(destination),
      ...(words[at + TRANSLATION] === Translation.ONE ? { translatedDestination: translated } : {}),
      packets: this.#flows.counted(at + PACKETS),
    };
  }

  #indexOf(cause: DropCause): number {
    const index = this.#indexes.get(cause);
    if (index !== undefined) return index;
    this.#counts.push(0);
    this.#replies.push(0);
    this.#indexes.set(cause, this.#causes.length);
    return this.#causes.push(cause) - 1;
  }
}

/** CAUSE as in the summary. */
export function droppedBy({ reason, hook, table, rule, policy, entry }: DropCause): DroppedBy {
  const chain = rule?.chain ?? policy?.name;
  const { file, line } = rule ?? policy ?? {};
  return {
    reason,
    ...(hook === undefined ? {} : { hook: HOOK_NAMES[hook] }),
    ...(table === undefined ? {} : { table }),
    ...(chain === undefined ? {} : { chain }),
    ...(rule === undefined ? {} : { number: rule.number, rule: saveRule(rule).trim() }),
    ...(rule?.comment === undefined ? {} : { comment: rule.comment }),
    // A built-in chain that the file does not declare has the kernel's default policy, and no line.
    ...(file === undefined || line === undefined || line === 0 ? {} : { file, line }),
    ...(entry === undefined ? {} : { entry }),
  };
}

/** The service that a key has as PORT and KIND. */
function serviceOf(port: number, kind: number): Pick<DroppedFlow, 'protocol' | 'port' | 'reply'> {
  return {
    protocol: kind & 0xff,
    ...(port < 0 ? {} : { port: portToHostOrder(port) }),
    ...((kind & REPLY_BIT) === 0 ? {} : { reply: true }),
  };
}

/**
 * Whether a packet may answer another one: not one that opens a TCP connection, nor an ICMP request or error. L4 is the
 * offset of its layer-4 header from AT; the first LENGTH bytes are present.
 */
function mayAnswer(bytes: Uint8Array, at: number, l4: number, length: number): boolean {
  const protocol = bytes[at + IPV4_PROTOCOL_AT];
  if (protocol === IPPROTO_ICMP) {
    return l4 + ICMP_TYPE_AT < length && ICMP_REPLIES.includes(bytes[at + l4 + ICMP_TYPE_AT]);
  }
  if (protocol !== IPPROTO_TCP) return true;
  return l4 + TCP_FLAGS_AT < length && (bytes[at + l4 + TCP_FLAGS_AT] & (TCP_SYN | TCP_ACK)) !== TCP_SYN;
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function halfWord(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8);
}

function word(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
}
