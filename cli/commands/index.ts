/** Every command. */

import type { CommandSpec } from '../args.js';
import { BENCH } from './bench.js';
import { CHECK } from './check.js';
import { COMPLETION } from './completion.js';
import { DIFF } from './diff.js';
import { DOCKER } from './docker.js';
import { DOCTOR } from './doctor.js';
import { INIT } from './init.js';
import { LINT } from './lint.js';
import { REPLAY } from './replay.js';
import { REPORT } from './report.js';
import { SAVE } from './save.js';
import { SCAN } from './scan.js';
import { SHARE } from './share.js';
import { SHRINK } from './shrink.js';
import { SNAPSHOT } from './snapshot.js';
import { TRACE } from './trace.js';
import { VIEW } from './view.js';

/** In the order of the help. */
export const COMMANDS: readonly CommandSpec[] = [
  ...[REPLAY, REPORT, VIEW, TRACE, DIFF, SCAN, DOCTOR, LINT],
  ...[CHECK, INIT, SHARE, SHRINK],
  ...[DOCKER, BENCH, SAVE, SNAPSHOT, COMPLETION],
];
