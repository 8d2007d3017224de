import type { ComponentType } from 'preact';
import { render } from 'preact';
import { reportData } from '../data/report-data.js';
import { EMBEDDED, embeddedIndex } from '../sources/embedded.js';
import { App, type BenchProps } from './app.js';
import { LiveApp } from './live-app.js';
import { Unreadable, whyUnreadable } from './unreadable.js';
import './base.css';

/** Shows the page. BENCH: shows what bench has measured, in pages that can have that. */
export function start(Bench?: ComponentType<BenchProps>): void {
  render(<Page Bench={Bench} />, document.getElementById('page')!);
}

function Page({ Bench }: { readonly Bench: ComponentType<BenchProps> | undefined }) {
  const problem = whyUnreadable();
  if (problem !== undefined) return <Unreadable problem={problem} />;
  const index = embeddedIndex();
  return index ? <App report={reportData(index, EMBEDDED)} Bench={Bench} /> : <LiveApp Bench={Bench} />;
}
