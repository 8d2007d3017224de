/** Where the script of a report's page begins. */
import { ResultPanel } from './shell/result-panel.js';
import { start } from './shell/start.js';

start({ ResultPanel });
