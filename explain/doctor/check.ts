/** What a check of doctor is: one descriptor a file, listed in checks/index.ts. */
import type { HostText } from '../../codecs/host/texts.js';
import type { Host } from '../../core/host/host.js';
import type { Ruleset } from '../../core/rules/model.js';
import type { DoctorCode, RulePlace } from '../findings.js';
import type { Belonging, SeenConnections } from './connections.js';
import type { ShownPackets } from './evidence.js';
import type { Passage } from './passage.js';

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
  /** Sets on top of those that the host brings. */
  readonly moreSets: readonly HostText[];
  readonly connections: SeenConnections;
  /** The rules in force. */
  current(): Ruleset;
  /**
   * What happens to the packet of PASSAGE if COMMANDS of iptables or sysctl are carried out before the first packet: the
   * same captures are replayed again, up to it. Undefined: the commands fail, or the packet does not come.
   */
  tries(commands: readonly string[], passage: Passage): Passage | undefined;
  /** What happens to the packet of PASSAGE on a host with the rules in force that knows no connections. */
  afresh(passage: Passage): Passage | undefined;
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
  follow?(passage: Passage, belonging: Belonging | undefined): void;
  /** Called once, after all packets. */
  findings(): Failure[];
}
