import type { ReportData } from '../../data/report-data.js';
import './bench-view.css';

export function BenchView({ report }: { readonly report: ReportData }) {
  return <p>{report.index.title}</p>;
}
