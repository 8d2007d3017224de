/** Every command. */

import type { CommandSpec } from '../args.js';
import { BENCH } from './bench.js';
import { CHECK } from './check.js';
import { COMPLETION } from './completion.js';
import { REPLAY } from './replay.js';
import { SAVE } from './save.js';
import { SNAPSHOT } from './snapshot.js';

/** In the order of the help. */
export const COMMANDS: readonly CommandSpec[] = [REPLAY, CHECK, BENCH, SAVE, SNAPSHOT, COMPLETION];
