/** A change of rules, or of the host, that somebody could make. */

export interface Change {
  /** `an ACCEPT for tcp dport 8081 in filter INPUT before rule 6`. */
  readonly words: string;
  /** In order; `--apply` takes each. */
  readonly commands: readonly string[];
}

/** A change that may do, and how much there is to say for it: those with lower ranks are better. */
export interface Candidate extends Change {
  /** What it changes besides, if that is more than the packets in question. */
  readonly also?: string;
  readonly rank: number;
}

export const Rank = {
  /** The host refuses what the rules never saw. */
  SYSCTL: 0,
  /** The order of rules, or a value in one, is not what somebody meant. */
  MOVE: 1,
  SLIP: 2,
  /** A new rule: in a chain that is there for such rules, else where it decides. */
  OWN_CHAIN: 3,
  INSERT: 4,
  /** Changes what other packets meet: only told where nothing else helps. */
  AMEND: 6,
  DELETE: 7,
  POLICY: 8,
} as const;
