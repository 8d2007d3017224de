/** Which traversals a filter asks for. */
import { endOf } from '../../../explain/report/format/course.js';
import type { RulesSection, Traversal, TraversalStep } from '../../../explain/report/format/model.js';
import type { Filter } from '../../selection.js';

/** Whether FILTER asks for anything that is the same for all packets of a traversal. */
export function asksTraversals({ verdict, hook, table, chain, rule, end }: Filter): boolean {
  return [verdict, hook, table, chain, rule, end].some((one) => one !== undefined);
}

/**
 * Whether packets of TRAVERSAL have all of this that FILTER asks for. A table or chain together with a hook: it was met
 * there.
 */
export function fitsTraversal(filter: Filter, traversal: Traversal, rules: RulesSection): boolean {
  const { verdict, hook, table, chain, rule, isMatched, end } = filter;
  if (verdict !== undefined && verdict !== traversal.verdict) return false;
  if (end !== undefined && endOf(traversal, tablesOf(rules)) !== end) return false;
  const stages = traversal.stages.filter((stage) => hook === undefined || stage.hook === hook);
  if (hook !== undefined && stages.length === 0) return false;
  const someStep = (fits: (step: TraversalStep) => boolean) => stages.some(({ steps }) => steps.some(fits));
  return (
    (rule === undefined ||
      someStep((step) => step.kind === 'rule' && step.rule === rule && (!isMatched || step.isMatched))) &&
    ((table === undefined && chain === undefined) ||
      someStep(
        (step) =>
          (step.kind === 'rule' || step.kind === 'policy') &&
          (table ?? step.table) === step.table &&
          (chain === undefined || chain === (step.kind === 'rule' ? rules.rules[step.rule].chain : step.chain)),
      ))
  );
}

function tablesOf({ rules, chains }: RulesSection): Parameters<typeof endOf>[1] {
  return { ofRule: (rule) => chains[rules[rule].chain].table, ofChain: (chain) => chains[chain].table };
}
