import { VERDICTS } from '../../../explain/report/format/model.js';
import type { TimelineColumns } from '../../data/result.js';
import { type Bars, sumOf } from '../../data/timeline-bars.js';
import { grouped } from '../../words/numbers.js';
import { duration } from '../../words/times.js';

/** What the charts show, as numbers: for who listens to the page, prints it, or wants to copy them. */
export function BarsTable(props: {
  readonly timeline: TimelineColumns;
  readonly binNs: number;
  readonly bars: Bars;
  /** What a bar that begins then is called. */
  readonly name: (timeNs: number) => string;
}) {
  const { timeline, binNs, bars, name } = props;
  const { starts, widthNs, packets, bytes } = bars;
  const totals = sumOf(packets);
  const seen = [...VERDICTS.keys()].filter((verdict) => totals[verdict] > 0);
  const { bin, connections } = timeline;
  let row = 0;
  let entries = '';
  return (
    <details class="bars-table">
      <summary>As a table</summary>
      <table>
        <caption>Packets by verdict, per {duration(widthNs)}; empty intervals are left out</caption>
        <thead>
          <tr>
            {['From', ...seen.map((verdict) => VERDICTS[verdict]), 'bytes', 'connections at the end'].map((title) => (
              <th scope="col" key={title}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {starts.map((from, bar) => {
            for (; row < bin.length && bin[row] * binNs < from + widthNs; row++)
              if (connections[row] >= 0) entries = grouped(connections[row]);
            const counts = seen.map((verdict) => grouped(packets[verdict][bar]));
            const size = bytes.reduce((sum, column) => sum + column[bar], 0);
            return (
              <tr key={from}>
                <th scope="row">{name(from)}</th>
                {[...counts, grouped(size), entries].map((text, i) => (
                  <td key={`${i}`}>{text}</td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
    </details>
  );
}
