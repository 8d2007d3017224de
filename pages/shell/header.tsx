import type { ResultIndex } from '../../explain/report/format/model.js';
import type { ReportData } from '../data/report-data.js';
import type { Result } from '../data/result.js';
import type { Selection, ViewProps } from '../selection.js';
import { duration, wallTime } from '../words/times.js';
import { Notes } from './notes.js';
import { ResultSwitch } from './result-switch.js';
import { ThemeSwitch } from './theme-switch.js';
import { VerdictStrip } from './verdict-strip.js';
import './header.css';

/** What was run, and what became of its packets. SHOWN: the results that views show. */
export function Header(props: {
  readonly report: ReportData;
  readonly shown: readonly Result[];
  readonly selection: Selection;
  readonly select: ViewProps['select'];
}) {
  const { report, shown, selection, select } = props;
  const isOneOfMany = report.results.length > 1;
  return (
    <header class="header">
      <div class="masthead">
        <h1>{report.index.title}</h1>
        {isOneOfMany && <ResultSwitch results={report.results} selection={selection} select={select} />}
        <ThemeSwitch />
      </div>
      <div class="runs">
        {shown.map((result) => (
          <section
            key={report.results.indexOf(result)}
            class="run"
            aria-label={isOneOfMany ? result.index.name : 'Run'}
          >
            {shown.length > 1 && <h2>{result.index.name}</h2>}
            <details class="run-words">
              <summary>{runLine(result.index, report.index.generator)}</summary>
              <ul>
                {result.index.run.details.map((text) => (
                  <li key={text}>{text}</li>
                ))}
              </ul>
            </details>
            <VerdictStrip index={result.index} filter={selection.filter} select={select} />
            <Notes index={result.index} />
          </section>
        ))}
      </div>
      {shown.length === 0 && <p class="run-words">{report.index.generator}</p>}
    </header>
  );
}

function runLine({ run, packets, start, durationNs }: ResultIndex, generator: string): string {
  const when = packets.read > 0 ? [`${wallTime(start, 0).slice(0, 19)} UTC, ${duration(durationNs)}`] : [];
  return [...run.words, ...when, generator].join(' · ');
}
