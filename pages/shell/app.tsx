/** The page: what was run, the filter, and the views as tabs. */
import type { ComponentType } from 'preact';
import type { ReportData } from '../data/report-data.js';
import type { Selection, ViewName } from '../selection.js';
import { Header } from './header.js';
import type { ResultPanelProps } from './result-panel.js';
import { Tabs } from './tabs.js';
import { useSelection } from './use-selection.js';
import './app.css';

function viewsOf({ index: { results, isComparison, hasBench } }: ReportData): ViewName[] {
  const views: ViewName[] = results.length > 0 ? ['Host', 'Connections', 'Rules', 'Packets', 'Timeline'] : [];
  if (isComparison) views.unshift('Comparison');
  // What a captured host sent is not the first thing to ask about.
  else if (results.some(({ summary }) => summary?.egress ?? summary?.counters)) views.push('Comparison');
  if (hasBench) views.push('Bench');
  return views;
}

export interface BenchProps {
  readonly report: ReportData;
}

/** What a page has code for: results of replays, or of bench. */
export interface PageParts {
  readonly ResultPanel?: ComponentType<ResultPanelProps>;
  readonly Bench?: ComponentType<BenchProps>;
}

export function App({ report, parts }: BenchProps & { readonly parts: PageParts }) {
  const { ResultPanel, Bench } = parts;
  const views = viewsOf(report);
  const [selection, select] = useSelection(views[0]);
  const view = views.includes(selection.view) ? selection.view : views[0];
  const chosen = report.results[selection.result ?? 0] ?? report.results[0];
  // A comparison shows its results beside each other by itself.
  const isBeside = selection.isBeside === true && view !== 'Comparison';
  const shown = chosen === undefined ? [] : isBeside ? report.results : [chosen];
  return (
    <>
      <Header {...{ report, shown, selection, select }} />
      <Tabs views={views} chosen={view} choose={(next) => select({ view: next })}>
        {view === 'Bench' && Bench && <Bench report={report} />}
        {view !== 'Bench' && ResultPanel && (
          <div class="panels">
            {shown.map((result) => {
              const number = report.results.indexOf(result);
              return (
                <ResultPanel
                  key={number}
                  {...{ report, result, view, isOneOfMany: shown.length > 1 }}
                  selection={result === chosen ? selection : ofOther(selection)}
                  // Whoever chooses something in a result, chooses that result.
                  select={(change) => select(report.results.length > 1 ? { result: number, ...change } : change)}
                />
              );
            })}
          </div>
        )}
      </Tabs>
    </>
  );
}

/** What SELECTION means for another result: packets, rules, chains and connections have other numbers there. */
function ofOther({ packet, step, ladder, filter, ...rest }: Selection): Selection {
  const { chain, rule, isMatched, connection, ...general } = filter;
  return { ...rest, filter: general };
}
