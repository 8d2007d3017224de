/** hot: counts what was dropped and why, by flow. */
import { formatLoaded, portToHostOrder } from '../codecs/byte-order.js';
import {
  IPV4_DESTINATION_AT,
  IPV4_FRAGMENT_AT,
  IPV4_LENGTH,
  IPV4_OFFSET_MASK,
  IPV4_PROTOCOL_AT,
  IPV4_SOURCE_AT,
} from '../codecs/layouts.js';
import { type Drop, type DropCause, describeCause } from '../core/drop.js';
import { HOOK_NAMES, type HookName } from '../core/hooks.js';
import type { HashKey } from '../core/keyed-hash.js';
import { hasPorts } from '../core/packet.js';
import type { Reason } from '../core/reasons.js';
import { saveRule } from '../core/rules/save.js';
import type { Endpoint } from './summary.js';
import { COUNTER_WORDS, TupleMap } from './tuple-map.js';

/** The number of flows counted separately. Drops of further flows are counted by cause only. */
const MAX_FLOWS = 10_000;
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
}

/** Packets from one source to one service that were dropped for the same cause. */
export interface DroppedFlow extends DroppedBy {
  protocol: number;
  source: string;
  /** The destination of the packets as they arrived, before DNAT. */
  destination: string;
  /** The destination port; absent if the protocol has none. */
  port?: number;
  /** The destination after DNAT, if it was translated in the same way for all packets. */
  translatedDestination?: Endpoint;
  packets: number;
}

/** Counts dropped packets by cause, and by flow within each cause. Allocates nothing per packet. */
export class DropTally {
  readonly #indexes = new Map<DropCause, number>();
  readonly #causes: DropCause[] = [];
  readonly #counts: number[] = [];
  readonly #flows: TupleMap;

  constructor(hashKey?: HashKey) {
    this.#flows = new TupleMap(VALUE_WORDS, hashKey);
  }

  /** Counts the IPv4 packet at AT, of which LENGTH bytes are present. */
  count(drop: Drop, bytes: Uint8Array, at: number, length: number): void {
    const index = this.#indexOf(drop.cause);
    this.#counts[index]++;
    if (length < IPV4_LENGTH) return;
    const protocol = bytes[at + IPV4_PROTOCOL_AT];
    const source = word(bytes, at + IPV4_SOURCE_AT);
    const destination = word(bytes, at + IPV4_DESTINATION_AT);
    const portAt = (bytes[at] & 15) * 4 + 2;
    const isFirst = (((bytes[at + IPV4_FRAGMENT_AT] << 8) | bytes[at + IPV4_FRAGMENT_AT + 1]) & IPV4_OFFSET_MASK) === 0;
    const port =
      isFirst && hasPorts(protocol) && portAt + 2 <= length ? bytes[at + portAt] | (bytes[at + portAt + 1] << 8) : -1;
    const { isTranslated, untranslatedDestination, untranslatedDport } = drop;
    const ownDestination = isTranslated ? untranslatedDestination : destination;
    const ownPort = isTranslated && untranslatedDport >= 0 ? portToHostOrder(untranslatedDport) : port;
    const kind = ((index + 1) << 8) | protocol;
    let flow = this.#flows.find(source, ownDestination, ownPort, kind);
    if (flow < 0) {
      if (this.#flows.size >= MAX_FLOWS) return;
      flow = this.#flows.insert(source, ownDestination, ownPort, kind);
    }
    const { words } = this.#flows;
    this.#flows.count(flow + PACKETS, 1);
    const translation = isTranslated ? Translation.ONE : Translation.NONE;
    const address = isTranslated ? destination : 0;
    const addressPort = isTranslated ? port : 0;
    if (words[flow + TRANSLATION] === 0) {
      words[flow + TRANSLATION] = translation;
      words[flow + TRANSLATED_ADDRESS] = address;
      words[flow + TRANSLATED_PORT] = addressPort;
    } else if (
      words[flow + TRANSLATION] !== translation ||
      words[flow + TRANSLATED_ADDRESS] !== address ||
      words[flow + TRANSLATED_PORT] !== addressPort
    ) {
      words[flow + TRANSLATION] = Translation.SEVERAL;
    }
  }

  /** Packets by cause, the most frequent first. */
  causes(): DropCount[] {
    return this.#causes
      .map((cause, index) => ({ cause, packets: this.#counts[index] }))
      .sort((a, b) => b.packets - a.packets || compare(describeCause(a.cause), describeCause(b.cause)))
      .map(({ cause, packets }) => ({ ...droppedBy(cause), packets }));
  }

  /** Flows, the most frequent first. */
  flows(): DroppedFlow[] {
    const { words } = this.#flows;
    const flows: { kind: number; key: string; flow: DroppedFlow }[] = [];
    this.#flows.forEach((source, destination, port, kind, at) => {
      const cause = this.#causes[(kind >>> 8) - 1];
      const translatedPort = words[at + TRANSLATED_PORT];
      const translated: Endpoint = {
        address: formatLoaded(words[at + TRANSLATED_ADDRESS]),
        ...(translatedPort < 0 ? {} : { port: portToHostOrder(translatedPort) }),
      };
      const flow: DroppedFlow = {
        ...droppedBy(cause),
        protocol: kind & 0xff,
        source: formatLoaded(source),
        destination: formatLoaded(destination),
        ...(port < 0 ? {} : { port: portToHostOrder(port) }),
        ...(words[at + TRANSLATION] === Translation.ONE ? { translatedDestination: translated } : {}),
        packets: this.#flows.counted(at + PACKETS),
      };
      const key = `${describeCause(cause)} ${flow.source} ${flow.destination} ${flow.protocol} ${flow.port}`;
      flows.push({ kind, key, flow });
    });
    // A rule that several hooks reach is several causes with the same description.
    flows.sort((a, b) => b.flow.packets - a.flow.packets || compare(a.key, b.key) || a.kind - b.kind);
    return flows.map(({ flow }) => flow);
  }

  #indexOf(cause: DropCause): number {
    const index = this.#indexes.get(cause);
    if (index !== undefined) return index;
    this.#counts.push(0);
    this.#indexes.set(cause, this.#causes.length);
    return this.#causes.push(cause) - 1;
  }
}

function droppedBy({ reason, hook, table, rule, policy, entry }: DropCause): DroppedBy {
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

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function word(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
}
