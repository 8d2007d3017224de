/** What `summary.json` says about the comparison with what the captured host sent. */

import type { Host } from '../../core/host/host.js';
import { OUTCOME_NAMES } from '../../core/outcome.js';
import type { Chain, Rule } from '../../core/rules/model.js';
import { saveRule } from '../../core/rules/save.js';
import { type CapturePaths, listPaths } from '../../io/capture-file.js';
import { type DroppedBy, droppedBy } from '../drops.js';
import { PACKET_AT } from './captured-frame.js';
import type { Cause, EgressCounts, EgressDifference, EgressUnjudged } from './egress-comparison.js';
import type { HostCapture } from './host-capture.js';

/** A frame of a capture, by its number in the file, from 1. */
export interface FrameReference {
  file: string;
  number: number;
  interface: string;
}

/** A packet, from its IP header on, in hexadecimal digits: at most its first 256 bytes. */
export interface PacketOnInterface {
  interface: string;
  length: number;
  bytes: string;
}

/** The rule or policy that decided about a packet. */
export interface Decision {
  table: 'nat' | 'mangle' | 'filter';
  chain: string;
  /** A rule has its number in the chain, from 1, and its text as iptables-save writes it, without `-A CHAIN`. */
  number?: number;
  rule?: string;
  file?: string;
  line?: number;
}

export interface ListedEgressDifference {
  kind: EgressDifference['kind'];
  /** What the captured host sent, and as which frame of the captures. Absent: it sent nothing. */
  captured?: PacketOnInterface & { frame: FrameReference };
  /** What the emulated host sent. Absent: it sent nothing. */
  emulated?: PacketOnInterface;
  /** The frame that caused it: what arrived, or what the host itself sent (`own`). */
  cause?: FrameReference & { own?: true; outcome: string };
  /** What dropped it in the emulated host. */
  droppedBy?: DroppedBy;
  /** The rules and policies of the emulated host that decided about it; only with `--expect-egress`. */
  decidedBy?: Decision[];
}

export interface EgressSummary extends EgressCounts {
  /** Packets that the host itself sent: they were found among the departures, and entered at OUTPUT. */
  own: number;
  /** Packets that were not judged, by reason. */
  unjudged: EgressUnjudged;
  /** The first differences of each kind, in the order of the captures. */
  listed: ListedEgressDifference[];
}

const MAX_BYTES = 256;

/** The comparison that CAPTURE has made on HOST. INPUTS are the captures. */
export function summarizeEgress(
  capture: HostCapture,
  host: Host,
  inputs: readonly { path: CapturePaths }[],
): EgressSummary {
  const { comparison, own } = capture;
  const names = host.interfaceNames;
  const reference = ({ input, number, dev }: Pick<Cause, 'input' | 'number' | 'dev'>): FrameReference => ({
    file: listPaths(inputs[input].path)[0],
    number,
    interface: names[dev],
  });
  const listed = comparison.differences.map(({ kind, captured, emitted, cause }): ListedEgressDifference => {
    const decisions = cause === undefined ? [] : decisionsOf(cause);
    return {
      kind,
      ...(captured === undefined
        ? {}
        : {
            captured: {
              interface: names[captured.dev],
              length: captured.onWire,
              bytes: hex(captured.bytes.subarray(PACKET_AT)),
              frame: reference(captured),
            },
          }),
      ...(emitted === undefined
        ? {}
        : {
            emulated: {
              interface: names[emitted.dev],
              length: emitted.length,
              bytes: hex(new Uint8Array(emitted.view.buffer, emitted.at, emitted.available)),
            },
          }),
      ...(cause === undefined
        ? {}
        : {
            cause: {
              ...reference(cause),
              ...(cause.isOwn ? { own: true } : {}),
              outcome: OUTCOME_NAMES[cause.outcome],
            },
          }),
      ...(cause?.dropCause ? { droppedBy: droppedBy(cause.dropCause) } : {}),
      ...(decisions.length === 0 ? {} : { decidedBy: decisions }),
    };
  });
  return { ...comparison.counts, own, unjudged: comparison.unjudged, listed };
}

function decisionsOf({ decidedBy }: Cause): Decision[] {
  return (['nat', 'mangle', 'filter'] as const).flatMap((table) => {
    const decided = decidedBy[table];
    return decided === undefined ? [] : [{ table, ...placeOf(decided) }];
  });
}

function placeOf(decided: Rule | Chain): Omit<Decision, 'table'> {
  const place = decided.line === 0 ? {} : { file: decided.file, line: decided.line };
  if (!('number' in decided)) return { chain: decided.name, ...place };
  return { chain: decided.chain, number: decided.number, rule: saveRule(decided).trim(), ...place };
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes.subarray(0, MAX_BYTES), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
