/** Which rules are left nothing by others. */
import { type FieldCondition, valuesOf } from '../../core/rules/condition.js';
import { lowerRule, type Step } from '../../core/rules/lower.js';
import type { Rule } from '../../core/rules/model.js';

/**
 * Whether each packet that passes all of STEPS matches RULE. False where that cannot be told from conditions one by
 * one.
 */
export function coversSteps(rule: Rule, steps: readonly Step[], names: readonly string[]): boolean {
  const given = steps.filter((step) => step.kind === 'field');
  if (rule.unsupported !== undefined) return false;
  return lowerRule(rule, names).every((step) => {
    if (step.kind === 'header') return true;
    return step.kind === 'field' && given.some((other) => implies(other, step));
  });
}

/** Whether ONE holds for no other values than OTHER does. */
function implies(one: FieldCondition, other: FieldCondition): boolean {
  if (one.field !== other.field || (one.orAbsent && !other.orAbsent)) return false;
  const [inner, outer] = [valuesOf(one), valuesOf(other)];
  if (inner === undefined || outer === undefined) return false;
  return inner.every(({ min, max }) => outer.some((range) => range.min <= min && max <= range.max));
}
