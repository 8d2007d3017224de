import { REPORT_FORMAT } from '../../explain/report/format/model.js';
import { embeddedIndex } from '../sources/embedded.js';

/** Why the page cannot show its report here, and what to do about it; undefined: it can. */
export function whyUnreadable(): string | undefined {
  if (typeof DecompressionStream === 'undefined') {
    return 'This browser cannot unpack the report (no DecompressionStream): use one from 2024 or later.';
  }
  try {
    const format = embeddedIndex()?.format ?? REPORT_FORMAT;
    return format === REPORT_FORMAT
      ? undefined
      : `The report has data format ${format}; this page reads format ${REPORT_FORMAT}.`;
  } catch (error) {
    return `The file is damaged: its index cannot be read (${error}). Make the report again.`;
  }
}

export function Unreadable({ problem }: { readonly problem: string }) {
  return (
    <main class="unreadable">
      <h1>This report cannot be shown</h1>
      <p role="alert">{problem}</p>
    </main>
  );
}
