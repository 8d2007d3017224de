/** What a scan finds: which ports of which addresses are reached from where, and which rule decides about that. */
import type { DropCause } from '../../core/drop.js';
import type { Rule } from '../../core/rules/model.js';
import type { ValueRange } from '../../core/rules/ranges.js';
import type { ScannedProtocol } from './probe-packet.js';

export const LAST_PORT = 0xffff;
export const LAST_ADDRESS = 0xffff_ffff;

/**
 * What becomes of a connection to a port. open: it reaches the host, where somebody listens. accepted: no rule is in
 * its way, but nobody is known to listen. translated: it is let through to another address or port (`to`), and nothing
 * is known about who listens there. rejected: its sender is told. dropped: silently. unknown: not told, see `Scan`.
 */
export type ScanVerdict = 'open' | 'accepted' | 'translated' | 'rejected' | 'dropped' | 'unknown';

/** Where DNAT sends packets. */
export interface TranslatedTo {
  readonly address: string;
  /** Undefined: the port stays the same. */
  readonly port: number | undefined;
}

/** The same for packets to several addresses. No address: each stays the same. */
export interface OwnOrTranslated {
  readonly address: string | undefined;
  readonly port: number | undefined;
}

/** What becomes of packets. */
export interface Outcome<To = OwnOrTranslated> {
  readonly end: 'delivered' | 'forwarded' | 'rejected' | 'dropped' | 'unknown';
  /** Of forwarded packets: the interface by which they leave. */
  readonly dev: string | undefined;
  readonly to: To | undefined;
  /** What let them pass or stopped them: as causes of drops are said. Undefined: no rule was asked. */
  readonly decidedBy: DropCause | undefined;
  /** The rule that changed their destination. */
  readonly translatedBy: Rule | undefined;
  /** Why that is not certain: a rule that cannot be followed may decide otherwise. */
  readonly uncertain: string | undefined;
  /** Rules that look at earlier packets or at chance: what is told is told of the first packet after a restart. */
  readonly stateful: readonly Rule[];
}

export interface Fate extends Outcome<TranslatedTo> {
  readonly verdict: ScanVerdict;
}

/** Ports that share a fate. */
export interface PortRange<F = Fate> {
  readonly first: number;
  readonly last: number;
  readonly fate: F;
}

export type TargetKind = 'own' | 'published' | 'routed';

/** An address that is scanned. */
export interface ScanTarget {
  readonly address: string;
  /** In host order. */
  readonly number: number;
  /** own: the host's. published: a rule of table nat names it. routed: a neighbour's or container's behind the host. */
  readonly kind: TargetKind;
  readonly name: string | undefined;
}

/** All ports of an address. */
export interface TargetPorts {
  readonly target: ScanTarget;
  readonly protocol: ScannedProtocol;
  readonly ports: readonly PortRange[];
}

/** Where packets come from. */
export interface ScanSource {
  /** As it was asked for: an interface or a network; with the interface before it if it is behind several. */
  readonly from: string;
  /** The index of the interface. */
  readonly dev: number;
  readonly devName: string;
  /** All addresses that are looked at. */
  readonly addresses: readonly ValueRange[];
}
