/** What a family of extensions adds to random cases: matches, targets, and the traffic that reaches them. */
import type { Prng } from '../prng.js';
import type { TableName } from '../random-rules.js';
import type { Scene, Stage } from '../scene.js';
import type { Flow, World } from '../world.js';

/** Where a random rule stands, and the planned flow that it is about. */
export interface Circumstances {
  prng: Prng;
  world: World;
  flow: Flow;
  table: TableName;
  /** The hooks from which its chain can be reached. */
  hooks: ReadonlySet<string>;
}

/** Makes the text of a match or target: `-m ttl --ttl-eq 64`. */
export interface ExtensionMaker {
  /** The extension, as written behind -m or -j. */
  name: string;
  /** How often, compared with the others of its kind. */
  weight: number;
  /** The tables and hooks that allow it; left out: all. */
  tables?: readonly TableName[];
  hooks?: readonly string[];
  /** The protocol of the rule that the extension requires (`-p tcp`); left out: any. */
  protocol?: 'tcp' | 'udp' | 'sctp' | 'dccp' | 'ah' | 'esp' | 'ipcomp' | 'icmp';
  /** What it does depends on the kernel's clock ticks: only for cases in which each packet has a tick of its own. */
  isByTick?: boolean;
  make(circumstances: Circumstances): string;
}

export interface ExtensionFamily {
  name: string;
  /** Its extensions are only used in cases that ask for them by name. */
  isAlone?: boolean;
  matches: readonly ExtensionMaker[];
  targets: readonly ExtensionMaker[];
  /** Conversations whose packets these extensions are about, with their weights. */
  scenes?: readonly (readonly [weight: number, play: (stage: Stage) => Scene])[];
  /** Adds to the host's description what the extensions ask it about. */
  describe?(prng: Prng, world: World): void;
  /** The same, once the flows are planned. */
  describeFlows?(prng: Prng, world: World): void;
  /** Extensions for which a run need not show a packet that matched or one that missed, and why not. */
  unreached?: Readonly<Record<string, string>>;
}

/** Whether MAKER may stand in a rule at CIRCUMSTANCES. */
export function isAllowed({ tables, hooks }: ExtensionMaker, at: Pick<Circumstances, 'table' | 'hooks'>): boolean {
  if (tables !== undefined && !tables.includes(at.table)) return false;
  return hooks === undefined || [...at.hooks].every((hook) => hooks.includes(hook));
}

/** `! ` sometimes. */
export const not = (prng: Prng): string => (prng.chance(0.18) ? '! ' : '');
