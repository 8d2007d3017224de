import type { ReportData } from '../data/report-data.js';
import type { Result } from '../data/result.js';
import { counted } from '../words/numbers.js';

/** What was run, and what became of its packets. */
export function Header({ report, result }: { readonly report: ReportData; readonly result: Result | undefined }) {
  return (
    <header class="header">
      <h1>{report.index.title}</h1>
      {result && <p>{counted(result.index.packets.read, 'packet')}</p>}
    </header>
  );
}
