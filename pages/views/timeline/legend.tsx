import { VERDICTS } from '../../../explain/report/format/model.js';
import { type Bars, sumOf } from '../../data/timeline-bars.js';
import { VerdictMark } from '../../parts/verdict-mark.js';
import type { ViewProps } from '../../selection.js';
import { bytesInWords, grouped } from '../../words/numbers.js';
import { countsOf, type Measure, stacked } from './charts.js';

/** What the colours are, and how much there is of each: in the bar under the pointer, or in all that is seen. */
export function Legend(
  props: Pick<ViewProps, 'selection' | 'select'> & {
    readonly whole: Bars;
    readonly chosen: Bars | undefined;
    readonly hovered: number | undefined;
    readonly measure: Measure;
  },
) {
  const { whole, chosen, hovered, measure, selection, select } = props;
  const { filter } = selection;
  const counts = countsIn(chosen ?? whole, measure, hovered);
  const all = sumOf(countsOf(whole, measure));
  const words = measure === 'bytes' ? bytesInWords : grouped;
  const choose = (verdict: (typeof VERDICTS)[number]) => {
    const { verdict: before, ...rest } = filter;
    select({ filter: before === verdict ? rest : { ...rest, verdict } });
  };
  return (
    <div class="timeline-legend">
      {stacked(measure)
        .filter((verdict) => all[verdict] > 0)
        .map((verdict) => VERDICTS[verdict])
        .map((verdict) => (
          <button
            type="button"
            key={verdict}
            aria-pressed={filter.verdict === verdict}
            onClick={() => choose(verdict)}
            title="Choose these packets"
          >
            <VerdictMark verdict={verdict} /> <b>{words(counts[VERDICTS.indexOf(verdict)])}</b>
          </button>
        ))}
    </div>
  );
}

function countsIn(bars: Bars, measure: Measure, timeNs: number | undefined): number[] {
  const counts = countsOf(bars, measure);
  if (timeNs === undefined) return sumOf(counts);
  const bar = bars.starts.indexOf(Math.floor(timeNs / bars.widthNs) * bars.widthNs);
  return counts.map((column) => column[bar] ?? 0);
}
