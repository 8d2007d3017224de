import type { Place } from '../../../explain/report/format/places.js';
import { STRANDS } from '../../data/diagram/host-flow.js';
import { counted, grouped } from '../../words/numbers.js';
import { VERDICT_SIGNS } from '../verdict-mark.js';
import type { PartProps } from './part.js';

/** What ended in PLACE: one button a verdict. Answers of the host end only by being dropped. */
export function Ends({ place, chosen, onEnd, isQuiet }: PartProps & { readonly place: Place }) {
  const { ended } = chosen.places.get(place) ?? {};
  if (!ended?.some((packets) => packets > 0)) return null;
  return (
    <span class="ends">
      {STRANDS.map((kind, i) => {
        if (ended[i] === 0) return null;
        const [verdict, one] = kind === 'answers' ? (['dropped', 'answer'] as const) : ([kind, 'packet'] as const);
        return (
          <button
            type="button"
            key={kind}
            class={`end-mark ${verdict}`}
            aria-label={`${counted(ended[i], one)} ${verdict} in ${place}`}
            onClick={() => onEnd?.(place, kind)}
          >
            <i aria-hidden="true">{VERDICT_SIGNS[verdict]}</i> {isQuiet ? verdict : grouped(ended[i])}
            {kind === 'answers' && ' own'}
          </button>
        );
      })}
    </span>
  );
}
