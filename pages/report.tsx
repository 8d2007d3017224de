/** Where the page's script begins. */
import { render } from 'preact';
import { reportData } from './data/report-data.js';
import { App } from './shell/app.js';
import { LiveApp } from './shell/live-app.js';
import { EMBEDDED, embeddedIndex } from './sources/embedded.js';
import './shell/base.css';

const index = embeddedIndex();
render(index ? <App report={reportData(index, EMBEDDED)} /> : <LiveApp />, document.getElementById('page')!);
