import { useEffect, useState } from 'preact/hooks';
import { type ReportData, reportData } from '../data/report-data.js';
import { type Connection, watchServed } from '../sources/live.js';
import { App, type PageParts } from './app.js';

const WORDS: Readonly<Record<Connection, string>> = {
  open: 'Waiting for the first packets …',
  lost: 'Connection to nfreplay view lost; retrying …',
  ended: 'nfreplay view has ended. This page keeps what it last showed.',
};

/** A report that is served while it grows. */
export function LiveApp({ parts }: { readonly parts: PageParts }) {
  const [report, setReport] = useState<ReportData>();
  const [connection, setConnection] = useState<Connection>('open');
  useEffect(
    () =>
      watchServed(
        ({ index, source }) => setReport((previous) => reportData(index, source, previous)),
        (next) => setConnection((before) => (before === 'ended' ? before : next)),
      ),
    [],
  );
  const title = report?.index.title;
  useEffect(() => {
    if (title !== undefined) document.title = title;
  }, [title]);
  return (
    <>
      <p class="status" role="status">
        {(!report || connection !== 'open') && WORDS[connection]}
      </p>
      {report && <App report={report} parts={parts} />}
    </>
  );
}
