import { useEffect, useRef, useState } from 'preact/hooks';
import { type ReportData, reportData } from '../data/report-data.js';
import { SERVED, servedIndex, watchServed } from '../sources/live.js';
import { App } from './app.js';

/** A report that is served while it grows. */
export function LiveApp() {
  const [report, setReport] = useState<ReportData>();
  const [error, setError] = useState<unknown>();
  const latest = useRef<ReportData | undefined>(undefined);
  useEffect(() => {
    const read = () =>
      servedIndex().then((index) => {
        latest.current = reportData(index, SERVED, latest.current);
        setReport(latest.current);
        setError(undefined);
      }, setError);
    read();
    return watchServed(read, (isLost) => isLost && setError(new Error('nfreplay view has ended')));
  }, []);
  return report ? <App report={report} /> : <p>{error === undefined ? 'Loading …' : `${error}`}</p>;
}
