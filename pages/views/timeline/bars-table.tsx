import { useState } from 'preact/hooks';
import { binWidthOf } from '../../../explain/report/format/bin-widths.js';
import { VERDICTS } from '../../../explain/report/format/model.js';
import type { TimelineColumns } from '../../data/result.js';
import { barsOfBins, type Range, sumOf } from '../../data/timeline-bars.js';
import { grouped } from '../../words/numbers.js';
import { type StartTime, timeWords } from '../../words/time-ticks.js';
import { duration } from '../../words/times.js';

const ROWS = 60;

/** What the charts show, as numbers: for who listens to the page, prints it, or wants to copy them. */
export function BarsTable(props: {
  readonly timeline: TimelineColumns;
  readonly binNs: number;
  readonly range: Range;
  readonly start: StartTime | undefined;
}) {
  const { timeline, binNs, range, start } = props;
  const [isShown, setShown] = useState(false);
  const widthNs = Math.max(binNs, binWidthOf((range[1] - range[0]) / ROWS));
  const { starts, packets, bytes } = barsOfBins(timeline, binNs, range, widthNs);
  const totals = sumOf(packets);
  const seen = VERDICTS.filter((_, verdict) => totals[verdict] > 0);
  const connections = connectionsAt(timeline, binNs, starts, widthNs);
  const total = (counts: readonly Float64Array[], bar: number) => counts.reduce((sum, column) => sum + column[bar], 0);
  return (
    <section class="bars-table">
      <button type="button" aria-expanded={isShown} onClick={() => setShown(!isShown)}>
        {isShown ? 'Hide the numbers' : 'Show the numbers'}
      </button>
      <div class={isShown ? '' : 'only-heard'}>
        <table>
          <caption>Packets by verdict, every {duration(widthNs)} in which there were any</caption>
          <thead>
            <tr>
              <th scope="col">From</th>
              {seen.map((verdict) => (
                <th scope="col" key={verdict}>
                  {verdict}
                </th>
              ))}
              <th scope="col">bytes</th>
              <th scope="col">connections at the end</th>
            </tr>
          </thead>
          <tbody>
            {starts.map((from, bar) => (
              <tr key={from}>
                <th scope="row">{timeWords(from, widthNs, start)}</th>
                {seen.map((verdict) => (
                  <td key={verdict}>{grouped(packets[VERDICTS.indexOf(verdict)][bar])}</td>
                ))}
                <td>{grouped(total(bytes, bar))}</td>
                <td>{connections[bar] < 0 ? '' : grouped(connections[bar])}</td>
              </tr>
            ))}
          </tbody>
          <tfoot>
            <tr>
              <th scope="row">All</th>
              {seen.map((verdict) => (
                <td key={verdict}>{grouped(totals[VERDICTS.indexOf(verdict)])}</td>
              ))}
              <td>{grouped(sumOf(bytes).reduce((sum, one) => sum + one, 0))}</td>
              <td />
            </tr>
          </tfoot>
        </table>
      </div>
    </section>
  );
}

/** How many entries the connection table had at the end of each bar; -1: not known. */
function connectionsAt(timeline: TimelineColumns, binNs: number, starts: readonly number[], widthNs: number): number[] {
  const { bin, connections } = timeline;
  let row = 0;
  let last = -1;
  return starts.map((start) => {
    for (; row < bin.length && bin[row] * binNs < start + widthNs; row++)
      if (connections[row] >= 0) last = connections[row];
    return last;
  });
}
