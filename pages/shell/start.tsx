import { render } from 'preact';
import { reportData } from '../data/report-data.js';
import { EMBEDDED, embeddedIndex } from '../sources/embedded.js';
import { App, type PageParts } from './app.js';
import { LiveApp } from './live-app.js';
import { Unreadable, whyUnreadable } from './unreadable.js';
import './base.css';

/** Shows the page, which has PARTS. */
export function start(parts: PageParts): void {
  render(<Page parts={parts} />, document.getElementById('page')!);
}

function Page({ parts }: { readonly parts: PageParts }) {
  const problem = whyUnreadable();
  if (problem !== undefined) return <Unreadable problem={problem} />;
  const index = embeddedIndex();
  return index ? <App report={reportData(index, EMBEDDED)} parts={parts} /> : <LiveApp parts={parts} />;
}
