import type { RulesSection, Traversal, TraversalStep } from '../../../explain/report/format/model.js';
import { stepsOf } from '../../data/diagram/steps.js';
import { StepControls } from '../../parts/step-controls.js';
import { VerdictMark } from '../../parts/verdict-mark.js';
import type { Selection, ViewProps } from '../../selection.js';
import { grouped } from '../../words/numbers.js';

/** The open packet, which the picture follows step by step. */
export function FollowedPacket(props: {
  readonly rules: RulesSection;
  readonly traversal: Traversal;
  readonly selection: Selection;
  readonly select: ViewProps['select'];
}) {
  const { rules, traversal, selection, select } = props;
  const { packet = 0, step = 0 } = selection;
  const steps = stepsOf(traversal);
  return (
    <div class="followed-packet">
      <button type="button" class="link" onClick={() => select({ view: 'Packets' })}>
        Packet {grouped(packet + 1)}
      </button>
      <VerdictMark verdict={traversal.verdict} />
      <StepControls steps={steps.length} step={step} onStep={(next) => select({ step: next })}>
        {steps[step] && stepWords(steps[step], rules)}
      </StepControls>
      <button type="button" class="link" onClick={() => select({ packet: undefined, step: undefined } as never)}>
        Stop following it
      </button>
    </div>
  );
}

/** A step in few words; the Packets view tells all of it. */
function stepWords(step: TraversalStep, { rules, chains }: RulesSection): string {
  switch (step.kind) {
    case 'rule': {
      const { chain, number, text } = rules[step.rule];
      const { table, name } = chains[chain];
      return `${step.isMatched ? 'matches' : 'does not match'} ${table} ${name} ${number}: ${text}`;
    }
    case 'policy': {
      const { table, name, policy = 'ACCEPT' } = chains[step.chain];
      return `policy ${policy} of ${table} ${name}`;
    }
    case 'tracked':
      return `conntrack: ${step.ctstate}`;
    case 'translated':
      return `its ${step.end} is translated`;
    case 'routed':
      return { host: 'is for this host', interface: 'is to be sent on', nowhere: 'can go nowhere' }[step.to];
    case 'dropped':
      return 'is dropped';
    case 'left':
      return step.dev < 0 ? 'reaches the host' : 'leaves';
    case 'related':
      return 'the host sends an answer or copy';
    default:
      return 'something else happens';
  }
}
