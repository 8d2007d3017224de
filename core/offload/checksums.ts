/**
 * hot: checksums that a sender left to its network card. A capture taken before the card, as on every host with
 * containers, holds them unfinished. They are finished where the packet arrives, so that everything after that handles
 * it like any other packet, and shown unfinished to whatever would see them so in the kernel.
 */
import type { Conntrack } from '../conntrack/conntrack.js';
import { nothingToLearn } from '../flow/flow-walk.js';
import { Hook, type HookEntry, Priority, Verdict } from '../hooks.js';
import type { Memory } from '../memory.js';
import { hasPorts, type Packet } from '../packet.js';
import { protocolOf } from '../protocols/registry.js';
import type { Coalescing } from './segments.js';

/**
 * What becomes of layer-4 checksums:
 * - auto: one that was left to the network card is good and is finished; all others are verified
 * - verify: all are verified, as for frames from a wire. Nothing is coalesced either (see segments.ts)
 * - trust: all but ICMP's are good, and are only updated as addresses and ports change
 */
export const CHECKSUM_MODES = ['auto', 'verify', 'trust'] as const;
export type ChecksumMode = (typeof CHECKSUM_MODES)[number];

/** Packets by their checksum. */
export interface ChecksumCounts {
  /** Left to the network card. */
  readonly offloaded: number;
  /** Of these, the packets cut by a snaplen: their checksums cannot be finished. */
  readonly cut: number;
  /** INVALID because of a bad checksum. ICMP's do not count. */
  readonly bad: number;
  /** Of the bad ones, those that look as if they were left to the network card (only with 'verify'). */
  readonly unfinished: number;
}

/** Recognizes what senders left to their network cards: checksums, and the cutting of packets into segments. */
export class Offloads {
  offloaded = 0;
  cut = 0;
  readonly #mode: ChecksumMode;
  readonly #coalescing: Coalescing;

  constructor(mode: ChecksumMode, coalescing: Coalescing) {
    this.#mode = mode;
    this.#coalescing = coalescing;
  }

  /** Entries after reassembly, and before anything looks at checksums. */
  get entries(): HookEntry[] {
    if (this.#mode === 'verify') return [];
    const take = this.#mode === 'auto' ? this.#takeOffloaded : trust;
    const run = (packet: Packet): Verdict => {
      if (!packet.isCoalesced) this.#coalescing.mark(packet);
      if (!packet.hasTrustedChecksum || packet.isCoalesced) take(packet);
      return Verdict.ACCEPT;
    };
    return [Hook.PREROUTING, Hook.OUTPUT].map((hook) => ({
      name: 'offload',
      hook,
      priority: Priority.DEFRAG,
      run,
      learn: nothingToLearn,
    }));
  }

  /** A host that fragments a packet has finished its checksum before. */
  readonly #takeOffloaded = (packet: Packet): void => {
    const { offload } = protocolOf(packet.protocol);
    if (offload === null || packet.hasUnfinishedChecksum || packet.fragmentMaxSize > 0) return;
    if (!offload.isUnfinished(packet)) return;
    if (packet.isCut) this.cut++;
    else if (!packet.isCoalesced && !offload.finish(packet)) return;
    this.offloaded++;
    packet.hasUnfinishedChecksum = true;
    packet.hasTrustedChecksum = true;
  };
}

/** Counts packets by their checksum on the slow path and in the data plane. */
export class ChecksumTally implements ChecksumCounts {
  readonly #offloads: Offloads;
  readonly #conntrack: Conntrack;
  readonly #memory: Memory;

  constructor(offloads: Offloads, conntrack: Conntrack, memory: Memory) {
    this.#offloads = offloads;
    this.#conntrack = conntrack;
    this.#memory = memory;
  }

  get offloaded(): number {
    return this.#offloads.offloaded + this.#memory.wasm.finishedChecksums();
  }

  get cut(): number {
    return this.#offloads.cut;
  }

  get bad(): number {
    return this.#conntrack.badChecksums;
  }

  get unfinished(): number {
    return this.#conntrack.unfinishedChecksums;
  }
}

function trust(packet: Packet): void {
  if (hasPorts(packet.protocol)) packet.hasTrustedChecksum = true;
}

/**
 * Puts the unfinished checksum into a copy of PACKET, if its sender left the checksum to the network card. The copy's
 * layer-4 header is at offset L4 of VIEW.
 */
export function unfinishChecksum(packet: Packet, view: DataView = packet.view, l4 = packet.l4): void {
  if (packet.hasUnfinishedChecksum) protocolOf(packet.protocol).offload?.unfinish(packet, view, l4);
}
