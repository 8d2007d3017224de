/**
 * Effects: what targets do besides returning a verdict. The fast path lets packets follow the one before them without
 * running the rules again. Whether that is right depends on the effects of the targets that were met
 * (core/flow/path.ts).
 */
import type { Verdict } from '../hooks.js';
import type { Manip, NatRange } from '../nat/range.js';
import type { Rule } from './model.js';

/**
 * From the least to the most that a target may do.
 *
 * What 'mark' and 'connection' set depends on nothing but the target's parameters, the packet's mark and its
 * connection. So once a packet has left its connection unchanged, the next packet that meets the same rules leaves it
 * unchanged too, and need not run them. A target that looks at more than that, such as the packet's length, has the
 * effect 'packet'.
 */
export type Effect =
  /** Nothing. */
  | 'none'
  /** Sets `packet.mark`. */
  | 'mark'
  /** Changes the packet's connection, through `ConntrackTable`, which forgets what was learned of its packets. */
  | 'connection'
  /** Changes the packet itself. */
  | 'packet'
  /** Anything else: sends, logs, counts, or draws at random. The default. */
  | 'outside';

/** What the target of RULE does to the packets that it matches. */
export function effectOf({ target }: Rule): Effect {
  if (target.kind !== 'extension') return 'none';
  return target.extension.effect?.(target.params) ?? 'outside';
}

/** Whether a packet may follow an earlier one past a target of EFFECT without running it. */
export function mayBeSkipped(effect: Effect): boolean {
  return effect === 'none' || effect === 'mark' || effect === 'connection';
}

/**
 * Records what a target does to every packet of a megaflow. A target asks for the same things here as of `RuleContext`
 * when it runs. The verdict is undefined if the result depends on more than the packets have in common.
 */
export interface EffectPlanner {
  setupNat(range: NatRange, manip: Manip): Verdict | undefined;
  masquerade(range: NatRange): Verdict | undefined;
  redirect(range: NatRange): Verdict | undefined;
}
