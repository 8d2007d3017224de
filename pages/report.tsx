/** Where the page's script begins. */
import { render } from 'preact';
import { reportData } from './data/report-data.js';
import { App } from './shell/app.js';
import { LiveApp } from './shell/live-app.js';
import { Unreadable, whyUnreadable } from './shell/unreadable.js';
import { EMBEDDED, embeddedIndex } from './sources/embedded.js';
import './shell/base.css';

function Page() {
  const problem = whyUnreadable();
  if (problem !== undefined) return <Unreadable problem={problem} />;
  const index = embeddedIndex();
  return index ? <App report={reportData(index, EMBEDDED)} /> : <LiveApp />;
}

render(<Page />, document.getElementById('page')!);
