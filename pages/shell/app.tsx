/** The page: what was run, the filter, and the views as tabs. */
import type { ComponentType } from 'preact';
import type { ReportData } from '../data/report-data.js';
import { selectRows } from '../data/select-rows.js';
import { useLoaded } from '../parts/use-loaded.js';
import type { ViewName, ViewProps } from '../selection.js';
import { BenchView } from '../views/bench/bench-view.js';
import { ComparisonView } from '../views/comparison/comparison-view.js';
import { ConnectionsView } from '../views/connections/connections-view.js';
import { HostView } from '../views/host/host-view.js';
import { PacketsView } from '../views/packets/packets-view.js';
import { RulesView } from '../views/rules/rules-view.js';
import { TimelineView } from '../views/timeline/timeline-view.js';
import { Header } from './header.js';
import { Tabs } from './tabs.js';
import { useSelection } from './use-selection.js';
import './app.css';

const VIEWS: Readonly<Record<Exclude<ViewName, 'Bench'>, ComponentType<ViewProps>>> = {
  Host: HostView,
  Connections: ConnectionsView,
  Rules: RulesView,
  Packets: PacketsView,
  Timeline: TimelineView,
  Comparison: ComparisonView,
};

function viewsOf({ index }: ReportData): ViewName[] {
  return [
    ...(index.isComparison ? (['Comparison'] as const) : []),
    ...(index.results.length > 0 ? (['Host', 'Connections', 'Rules', 'Packets', 'Timeline'] as const) : []),
    ...(index.hasBench ? (['Bench'] as const) : []),
  ];
}

export function App({ report }: { readonly report: ReportData }) {
  const views = viewsOf(report);
  const [selection, select] = useSelection(views[0]);
  const view = views.includes(selection.view) ? selection.view : views[0];
  const result = report.results[selection.result ?? 0] ?? report.results[0];
  const { filter } = selection;
  const rows = useLoaded(
    async (signal) => result && (await selectRows(result, filter, signal)),
    [result, JSON.stringify(filter)],
  );
  return (
    <>
      <Header report={report} result={result} />
      <Tabs views={views} chosen={view} choose={(next) => select({ view: next })}>
        {view === 'Bench' && <BenchView report={report} />}
        {view !== 'Bench' && result && (
          <ChosenView view={view} {...{ report, result, selection, rows: rows.value, select }} />
        )}
      </Tabs>
    </>
  );
}

function ChosenView({ view, ...props }: ViewProps & { readonly view: keyof typeof VIEWS }) {
  const View = VIEWS[view];
  return <View {...props} />;
}
