import type { Traversal } from '../../../explain/report/format/model.js';
import { TraversalDiagram } from '../../parts/diagram/traversal-diagram.js';
import { StepControls } from '../../parts/step-controls.js';
import type { OpenPacketProps } from './open-packet.js';
import { StepList } from './step-list.js';

/** The way of the open packet through the host, of which one step is chosen. */
export function WalkedSteps(props: OpenPacketProps & { readonly traversal: Traversal }) {
  const { result, table, row, traversal, selection, select } = props;
  const steps = traversal.stages.reduce((sum, stage) => sum + stage.steps.length, 0);
  const step = Math.min(selection.step ?? 0, Math.max(0, steps - 1));
  const choose = (next: number) => select({ step: next });
  return (
    <div class="walk">
      <div class="walk-head">
        <h3>Through the host</h3>
        <StepControls steps={steps} step={step} onStep={choose} />
        <button type="button" class="link" onClick={() => select({ view: 'Host' })}>
          Show in the diagram
        </button>
      </div>
      <TraversalDiagram {...{ traversal, step }} picture={result.index.host} rules={table.rules} onStep={choose} />
      <StepList
        {...{ table, row, traversal, step }}
        interfaces={result.index.host.interfaces}
        onStep={choose}
        onRule={(openRule) => select({ view: 'Rules', openRule })}
      />
    </div>
  );
}
