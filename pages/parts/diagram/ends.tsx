import type { Place } from '../../../explain/report/format/course.js';
import { endCounts } from '../../data/diagram/end-counts.js';
import { counted, grouped } from '../../words/numbers.js';
import { VERDICT_SIGNS } from '../verdict-mark.js';
import type { PartProps } from './part.js';

/** What ended in PLACE: one button a verdict. */
export function Ends({ place, chosen, onEnd, isQuiet }: PartProps & { readonly place: Place }) {
  const counts = endCounts(chosen.places.get(place));
  if (counts.length === 0) return null;
  return (
    <span class="ends">
      {counts.map(({ kind, packets }) => (
        <button
          type="button"
          key={kind}
          class={`end-mark ${kind === 'answers' ? 'dropped' : kind}`}
          aria-label={`${kind === 'answers' ? `${counted(packets, 'answer')} dropped` : `${counted(packets, 'packet')} ${kind}`} in ${place}`}
          onClick={() => onEnd?.(place, kind)}
        >
          <i aria-hidden="true">{kind === 'answers' ? '✕' : VERDICT_SIGNS[kind]}</i> {isQuiet ? kind : grouped(packets)}
          {kind === 'answers' && ' own'}
        </button>
      ))}
    </span>
  );
}
