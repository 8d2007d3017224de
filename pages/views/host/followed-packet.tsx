import type { RulesSection, Traversal, TraversalStep } from '../../../explain/report/format/model.js';
import { stepsOf } from '../../data/diagram/host-flow.js';
import { StepControls } from '../../parts/step-controls.js';
import { VerdictMark } from '../../parts/verdict-mark.js';
import type { Selection, ViewProps } from '../../selection.js';
import { ruleText } from '../../words/deciders.js';
import { grouped } from '../../words/numbers.js';

/** The open packet, which the picture follows step by step. */
export function FollowedPacket(props: {
  readonly rules: RulesSection;
  readonly traversal: Traversal;
  /** Where it is. */
  readonly place: string;
  readonly selection: Selection;
  readonly select: ViewProps['select'];
}) {
  const { rules, traversal, place, selection, select } = props;
  const { packet = 0, step = 0 } = selection;
  const steps = stepsOf(traversal);
  return (
    <div class="followed-packet">
      <button type="button" class="link" onClick={() => select({ view: 'Packets' })}>
        Packet {grouped(packet + 1)}
      </button>
      <VerdictMark verdict={traversal.verdict} />
      <StepControls steps={steps.length} step={step} onStep={(next) => select({ step: next })}>
        {steps[step] && stepWords(steps[step], place, rules)}
      </StepControls>
      <button type="button" class="link" onClick={() => select({ packet: undefined, step: undefined } as never)}>
        Stop following it
      </button>
    </div>
  );
}

/** What happens in STEP, at PLACE, in few words; the Packets view tells all of it. */
function stepWords(step: TraversalStep, place: string, rules: RulesSection): string {
  if (step.kind === 'tracked') return `${place}: ${step.ctstate}`;
  if (step.kind !== 'rule') return place;
  return `${ruleText(step.rule, rules)} ${step.isMatched ? 'matches' : 'does not match'}: ${rules.rules[step.rule].text}`;
}
