import { VERDICTS } from '../../../explain/report/format/model.js';
import { type Bars, sumOf } from '../../data/timeline-bars.js';
import { VerdictMark } from '../../parts/verdict-mark.js';
import { bytesInWords, grouped } from '../../words/numbers.js';
import { countsOf, type Measure, stacked } from './charts.js';

/** What the colours are, and how much there is of each: in the bar under the pointer, or in all that is seen. */
export function Legend(props: {
  readonly whole: Bars;
  readonly chosen: Bars | undefined;
  readonly hovered: number | undefined;
  readonly measure: Measure;
}) {
  const { whole, chosen, hovered, measure } = props;
  const counts = countsIn(chosen ?? whole, measure, hovered);
  const all = sumOf(countsOf(whole, measure));
  const words = measure === 'bytes' ? bytesInWords : grouped;
  return (
    <div class="timeline-legend">
      {stacked(measure)
        .filter((verdict) => all[verdict] > 0)
        .map((verdict) => VERDICTS[verdict])
        .map((verdict) => (
          <span key={verdict}>
            <VerdictMark verdict={verdict} /> <b>{words(counts[VERDICTS.indexOf(verdict)])}</b>
          </span>
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
