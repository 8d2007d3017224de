/** What ended in a place, as it is shown there. */
import { VERDICTS } from '../../../explain/report/format/model.js';
import type { Verdict } from '../../../explain/story/story.js';
import { ANSWERS, type PlaceFlow } from './host-flow.js';

export interface EndCount {
  /** answers: of what the host sent because of packets, that ended there. */
  readonly kind: Verdict | 'answers';
  readonly packets: number;
}

/** What ended in the place of FLOW, by verdict. */
export function endCounts(flow: PlaceFlow | undefined): EndCount[] {
  if (flow === undefined) return [];
  const kinds = [...VERDICTS, 'answers'] as const;
  return kinds.flatMap((kind, i) => (flow.ended[i] > 0 ? [{ kind, packets: flow.ended[i] }] : []));
}

/** How many packets and answers FLOW saw. */
export function seenBy(flow: PlaceFlow | undefined): { packets: number; answers: number } {
  if (flow === undefined) return { packets: 0, answers: 0 };
  let packets = 0;
  for (let i = 0; i < ANSWERS; i++) packets += flow.amounts[i];
  return { packets, answers: flow.amounts[ANSWERS] };
}
