/** Where the script of a page begins that shows what bench has measured. */
import { start } from './shell/start.js';
import { BenchView } from './views/bench/bench-view.js';

start({ Bench: BenchView });
