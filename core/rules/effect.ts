/**
 * Effects: what targets do besides returning a verdict. The fast path lets packets follow an earlier packet without
 * traversing the rules. Whether that is correct depends on the effects of the targets on that path (core/flow/path.ts).
 */
import type { Verdict } from '../hooks.js';
import type { Manip, NatRange } from '../nat/range.js';
import type { Rule } from './model.js';

/**
 * From the least to the most a target may do.
 *
 * Changes with effect 'mark' and 'connection' depend only on the target's parameters, the packet's mark and its
 * connection. So once a packet has left its connection unchanged, the next packet on the same path also leaves it
 * unchanged and can skip the rules. A target that uses anything else, such as the packet's length, has the effect
 * 'packet'.
 */
export type Effect =
  /** Nothing. */
  | 'none'
  /** Sets `packet.mark`. */
  | 'mark'
  /** Changes the packet's connection through `ConntrackTable`, which invalidates what was learned about it. */
  | 'connection'
  /** Changes the packet itself. */
  | 'packet'
  /** Anything else: sending, logging, counting, or random choices. The default. */
  | 'outside';

/** The effect of RULE's target on packets that match. */
export function effectOf({ target }: Rule): Effect {
  if (target.kind !== 'extension') return 'none';
  return target.extension.effect?.(target.params) ?? 'outside';
}

/** Whether a packet that follows an earlier one may skip a target with EFFECT. */
export function mayBeSkipped(effect: Effect): boolean {
  return effect === 'none' || effect === 'mark' || effect === 'connection';
}

/**
 * Records what a target does to every packet of a megaflow. The methods correspond to those of `RuleContext`. They
 * return undefined if the result depends on more than what the packets have in common.
 */
export interface EffectPlanner {
  setupNat(range: NatRange, manip: Manip): Verdict | undefined;
  masquerade(range: NatRange): Verdict | undefined;
  redirect(range: NatRange): Verdict | undefined;
}
