import { useMemo } from 'preact/hooks';
import type { HostPicture } from '../../../explain/report/format/host-picture.js';
import type { RulesSection, Traversal } from '../../../explain/report/format/model.js';
import { hostFlow } from '../../data/diagram/host-flow.js';
import { stepInPlace, stopOfStep } from '../../data/diagram/steps.js';
import { HostDiagram } from './host-diagram.js';

/**
 * The picture of the host with the course of one traversal, and where on it step STEP is, counted through all of its
 * stages. ON_STEP: somebody chose a place, and so the first step there.
 */
export function TraversalDiagram(props: {
  readonly picture: HostPicture;
  readonly rules: RulesSection;
  readonly traversal: Traversal;
  readonly step: number;
  readonly onStep: (step: number) => void;
}) {
  const { picture, rules, traversal, step, onStep } = props;
  const { course } = traversal;
  const flow = useMemo(() => hostFlow([traversal], Float64Array.of(1), rules), [rules, traversal]);
  const choose = (place: string) => {
    const first = stepInPlace(course, place);
    if (first !== undefined) onStep(first);
  };
  return (
    <HostDiagram
      {...{ picture, rules, flow, course }}
      chosen={flow}
      reached={stopOfStep(course, step)}
      isSparse
      isQuiet
      onPlace={choose}
    />
  );
}
