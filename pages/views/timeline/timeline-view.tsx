/** Packets over time: charts of them and of the connection table, with what else happened, and a brush for a time. */
import { Loading } from '../../parts/loading.js';
import { useLoaded } from '../../parts/use-loaded.js';
import type { ViewProps } from '../../selection.js';
import { TimelineCharts } from './timeline-charts.js';
import './timeline-view.css';

export function TimelineView(props: ViewProps) {
  const { result } = props;
  const loaded = useLoaded(() => Promise.all([result.timeline(), result.events(), result.rules()]), [result]);
  return (
    <Loading of={loaded}>
      {([timeline, events, rules]) =>
        timeline.bin.length === 0 ? (
          <p class="loading">No packets so far.</p>
        ) : (
          <TimelineCharts {...props} timeline={timeline} events={events} rules={rules} />
        )
      }
    </Loading>
  );
}
