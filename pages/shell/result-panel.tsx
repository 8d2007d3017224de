import type { ComponentType } from 'preact';
import { selectRows } from '../data/select-rows.js';
import { useLoaded } from '../parts/use-loaded.js';
import type { ViewName, ViewProps } from '../selection.js';
import { ComparisonView } from '../views/comparison/comparison-view.js';
import { ConnectionsView } from '../views/connections/connections-view.js';
import { HostView } from '../views/host/host-view.js';
import { PacketsView } from '../views/packets/packets-view.js';
import { RulesView } from '../views/rules/rules-view.js';
import { TimelineView } from '../views/timeline/timeline-view.js';
import { ErrorBoundary } from './error-boundary.js';
import { FilterBar } from './filter-bar.js';

const VIEWS: Readonly<Record<ResultPanelProps['view'], ComponentType<ViewProps>>> = {
  Host: HostView,
  Connections: ConnectionsView,
  Rules: RulesView,
  Packets: PacketsView,
  Timeline: TimelineView,
  Comparison: ComparisonView,
};

export interface ResultPanelProps extends Omit<ViewProps, 'rows'> {
  readonly view: Exclude<ViewName, 'Bench'>;
  readonly isOneOfMany: boolean;
}

/** A view of one result, below the filter that chooses its packets. */
export function ResultPanel(props: ResultPanelProps) {
  const { view, isOneOfMany, result, selection, select } = props;
  const { filter } = selection;
  const loaded = useLoaded(
    async (signal) => ({ result, rows: await selectRows(result, filter, signal) }),
    [result, JSON.stringify(filter)],
  );
  const View = VIEWS[view];
  return (
    <section class="panel" {...(isOneOfMany && { 'aria-label': result.index.name })}>
      {isOneOfMany && <h2>{result.index.name}</h2>}
      <FilterBar {...{ result, filter, select }} rows={loaded} />
      <ErrorBoundary key={view} of={result}>
        {/* Rows are those of one state of a result: while a newer one is looked through, the last one is shown with its own. */}
        <View {...props} rows={undefined} {...loaded.value} />
      </ErrorBoundary>
    </section>
  );
}
