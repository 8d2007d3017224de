/** Which traversals a filter asks for. */
import type { RulesSection, Traversal, TraversalStage, TraversalStep } from '../../../explain/report/format/model.js';
import type { Filter } from '../../selection.js';

/** Whether FILTER asks for anything that is the same for all packets of a traversal. */
export function asksTraversals({ verdict, hook, table, chain, rule, end }: Filter): boolean {
  return [verdict, hook, table, chain, rule, end].some((one) => one !== undefined);
}

/**
 * Whether packets of TRAVERSAL have all of this that FILTER asks for. A table or chain together with a hook: it was met
 * there. Rules and chains are also met by what the host sent because of a packet: it is the packet that is chosen then.
 */
export function fitsTraversal(filter: Filter, traversal: Traversal, rules: RulesSection): boolean {
  const { verdict, hook, table, chain, rule, isMatched, end } = filter;
  if (verdict !== undefined && verdict !== traversal.verdict) return false;
  if (end !== undefined && traversal.course.at(-1)!.place !== end) return false;
  const own = traversal.stages.filter((stage) => hook === undefined || stage.hook === hook);
  if (hook !== undefined && own.length === 0) return false;
  const all = hook === undefined ? stagesOf(traversal) : own;
  const inTable = (step: TraversalStep) => (step.kind === 'rule' || step.kind === 'policy') && step.table === table;
  return (
    (rule === undefined ||
      hasStep(all, (step) => step.kind === 'rule' && step.rule === rule && (!isMatched || step.isMatched))) &&
    (table === undefined || hasStep(chain === undefined ? own : all, inTable)) &&
    (chain === undefined || hasStep(all, isInChain(chain, rules)))
  );
}

function hasStep(stages: readonly TraversalStage[], fits: (step: TraversalStep) => boolean): boolean {
  return stages.some(({ steps }) => steps.some(fits));
}

function stagesOf({ stages, related }: Traversal): readonly TraversalStage[] {
  return related.length === 0 ? stages : [...stages, ...related.flatMap(stagesOf)];
}

/** Whether a step is in CHAIN, whatever rules that had then. */
function isInChain(chain: number, { rules, chains }: RulesSection): (step: TraversalStep) => boolean {
  const wanted = chains[chain];
  return (step) => {
    if (step.kind !== 'rule' && step.kind !== 'policy') return false;
    const { table, name } = chains[step.kind === 'rule' ? rules[step.rule].chain : step.chain];
    return table === wanted?.table && name === wanted.name;
  };
}
