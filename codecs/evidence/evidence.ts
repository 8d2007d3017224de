/**
 * What hosts write about packets and connections, as people paste it: lines of the kernel's log, of `conntrack`, of
 * `xtables-monitor --trace` and of `nft monitor trace`. `readEvidence` recognizes which it is.
 */
import { parseAddress } from '../address.js';
import { shown } from '../text.js';

/** A packet as far as a line tells. What the line does not say is undefined. */
export interface EvidencePacket {
  /** Undefined: the line does not say. */
  readonly protocol: number | undefined;
  readonly source: string;
  readonly destination: string;
  readonly sport?: number | undefined;
  readonly dport?: number | undefined;
  readonly flags?: number | undefined;
  readonly sequence?: number | undefined;
  readonly acknowledgment?: number | undefined;
  readonly window?: number | undefined;
  readonly icmp?: { readonly type: number; readonly code: number } | undefined;
  readonly query?: { readonly id: number; readonly sequence: number } | undefined;
  /** The IP header's total length. */
  readonly lengthBytes?: number | undefined;
  readonly ttl?: number | undefined;
  readonly id?: number | undefined;
  /** Unsigned; 0 if lines of this kind would show one. */
  readonly mark?: number | undefined;
  /** The packet that an ICMP error is about. */
  readonly quoted?: EvidencePacket | undefined;
  /** It is a fragment other than the first. */
  readonly isLaterFragment?: boolean | undefined;
}

/** Where the packet was. An empty name: there is none. Undefined: the line does not say. */
export interface EvidencePlace {
  readonly input: string | undefined;
  readonly output: string | undefined;
  /** The MAC addresses of the frame, as the packet arrived. */
  readonly macs?: { readonly source: string; readonly destination: string } | undefined;
}

/** A line of `-j LOG`, or of a program that NFLOG passes packets to. */
export interface LogEvidence extends EvidencePlace {
  readonly kind: 'log';
  /** What stands before `IN=`: a header of the log, perhaps, and at its end the rule's prefix. */
  readonly before: string;
  /** What conntrack says of a packet that it does not follow (nf_conntrack_log_invalid). Undefined: a rule wrote it. */
  readonly remark: string | undefined;
  readonly packet: EvidencePacket;
}

/** What the kernel says of a packet that it takes for a martian (log_martians). */
export interface MartianEvidence {
  readonly kind: 'martian';
  readonly what: 'source' | 'destination';
  readonly source: string;
  readonly destination: string;
  readonly input: string;
}

/** One step of a traced packet. `rule`: it matched. */
export interface TracedStep {
  readonly what: 'rule' | 'return' | 'policy';
  readonly table: string;
  readonly chain: string;
  /** The rule's number in its chain, from 1; undefined if it is told otherwise. */
  readonly number?: number | undefined;
  /** The rule as iptables-save writes it, from `-A` on, or as nft does. */
  readonly text?: string | undefined;
  /** In small letters: `accept`, `drop`, `continue`, `jump DOCKER`. */
  readonly verdict?: string | undefined;
}

/** Lines about one packet that `-j TRACE` marked: by the kernel, by xtables-monitor, or by nft monitor trace. */
export interface TraceEvidence extends EvidencePlace {
  readonly kind: 'trace';
  readonly writer: 'kernel' | 'xtables-monitor' | 'nft';
  /** As it was at the first of the steps. */
  readonly packet: EvidencePacket;
  readonly steps: readonly TracedStep[];
}

/** One end of a direction of a connection. */
export interface EvidenceTuple {
  readonly source: string;
  readonly destination: string;
  readonly sport?: number | undefined;
  readonly dport?: number | undefined;
  readonly icmp?: { readonly type: number; readonly code: number; readonly id: number } | undefined;
}

/** A line of `conntrack -L` or `conntrack -E`. */
export interface ConntrackEvidence {
  readonly kind: 'conntrack';
  /** Undefined: it is from a list. */
  readonly event: 'NEW' | 'UPDATE' | 'DESTROY' | undefined;
  readonly protocol: number;
  readonly state: string | undefined;
  readonly timeoutSec: number | undefined;
  readonly original: EvidenceTuple;
  readonly reply: EvidenceTuple;
  readonly isSeenReply: boolean;
  readonly isAssured: boolean;
  readonly mark: number;
}

export type Evidence = LogEvidence | MartianEvidence | TraceEvidence | ConntrackEvidence;

/** A line that cannot be read. */
export class EvidenceError extends Error {
  /** It is understood, but about what nfreplay does not do. */
  readonly isUnsupported: boolean;

  constructor(message: string, isUnsupported = false) {
    super(shown(message));
    this.name = 'EvidenceError';
    this.isUnsupported = isUnsupported;
  }
}

const LARGEST = {
  ...{ protocol: 0xff, sport: 0xffff, dport: 0xffff, flags: 0xff, lengthBytes: 0xffff, ttl: 0xff, id: 0xffff },
  ...{ window: 0xffff, sequence: 0xffffffff, acknowledgment: 0xffffffff, mark: 0xffffffff },
} as const;

/** PACKET. Throws an EvidenceError if no packet of IPv4 can be like that. */
export function checkPacket(packet: EvidencePacket): EvidencePacket {
  for (const [name, largest] of Object.entries(LARGEST) as [keyof typeof LARGEST, number][]) {
    const value = packet[name];
    if (value !== undefined && !(value <= largest)) throw new EvidenceError(`${value} is too large for a ${name}`);
  }
  const bytes = [packet.icmp?.type, packet.icmp?.code];
  const words = [packet.query?.id, packet.query?.sequence];
  const isTooLarge = bytes.some((byte) => (byte ?? 0) > 0xff) || words.some((word) => (word ?? 0) > 0xffff);
  if (isTooLarge) throw new EvidenceError('a type, code, id or sequence number of ICMP is too large');
  checkAddress(packet.source);
  checkAddress(packet.destination);
  return packet;
}

/** Throws an EvidenceError if TEXT is not an IPv4 address. */
export function checkAddress(text: string): void {
  const family = parseAddress(text)?.family;
  if (family === 'ipv6') throw new EvidenceError('the line is about IPv6, which is not emulated', true);
  if (family === undefined) throw new EvidenceError(`"${text}" is not an IPv4 address`);
}
