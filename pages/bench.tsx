/** Where the script of a page begins that also has what bench has measured: other reports need no code for that. */
import { start } from './shell/start.js';
import { BenchView } from './views/bench/bench-view.js';

start(BenchView);
