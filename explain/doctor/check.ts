/** What a check of doctor is: one descriptor a file, listed in checks/index.ts. */
import type { HostText } from '../../codecs/host/texts.js';
import type { Host } from '../../core/host/host.js';
import type { Ruleset } from '../../core/rules/model.js';
import type { ReplayOptions, ReplayProgress } from '../../replay/replay.js';
import type { DoctorCode, RulePlace } from '../findings.js';
import type { Belonging, SeenConnections } from './connections.js';
import type { ShownPackets } from './evidence.js';
import type { PacketRecord } from './packet-record.js';

/** Work in short steps, between which signals are noticed. */
export type Steps<T> = Generator<ReplayProgress, T, void>;

export const NOT_TRIED = 'not tried';

/** What a check cannot do without, in words. */
export const NEEDS = {
  captures: 'captures',
  changes: 'rules that change (--at), or connections to begin with (--conntrack)',
} as const;
export type Need = keyof typeof NEEDS;

/** What doctor looks at. */
export interface Examined {
  readonly host: Host;
  /** The rules before the first packet. */
  readonly ruleset: Ruleset;
  /** What its replay was asked for. */
  readonly options: Pick<ReplayOptions, 'seed' | 'nfqueue'>;
  readonly connections: SeenConnections;
  /** The rules in force. */
  current(): Ruleset;
  /** The sets as they are now, in addition to those that the host brings. */
  currentSets(): readonly HostText[];
  /**
   * What happens to the packet of RECORD if COMMANDS of iptables or sysctl are carried out before the first packet: the
   * same captures are replayed again, up to it. Undefined: the commands fail, the packet does not come, or it is
   * uncertain what becomes of it. `NOT_TRIED`: that would take too long after all that was tried before.
   */
  tries(commands: readonly string[], record: PacketRecord): Steps<PacketRecord | undefined | typeof NOT_TRIED>;
  /**
   * What happens to the packet of RECORD on a host with the rules and sets in force that knows no connections;
   * undefined: that is uncertain.
   */
  afresh(record: PacketRecord): PacketRecord | undefined;
  /** WHAT was not looked at, because it would take too long: for a warning. */
  leaveOut(what: string): void;
}

/** A failure that a check has found. */
export interface Failure {
  /** See `Finding`. */
  readonly message: string;
  readonly rules: readonly RulePlace[];
  /** Undefined: no packet of captures shows it. */
  readonly packets?: ShownPackets;
  readonly change: string;
}

export interface Check {
  /** Says what it looks for (FINDINGS). */
  readonly code: DoctorCode;
  readonly needs: readonly Need[];
  /** Starts to look. Called only if there is all that the check needs. */
  begin(examined: Examined): Examination;
}

/** One check at work. */
export interface Examination {
  /** Called for each packet, after all that happened to it. BELONGING: its connection, if it is known. */
  follow?(record: PacketRecord, belonging: Belonging | undefined): void;
  /** Called once, after all packets. */
  findings(): Failure[] | Steps<Failure[]>;
}
