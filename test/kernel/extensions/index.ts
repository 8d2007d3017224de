/** The families of extensions in random cases. */
import { CONTENT } from './content.js';
import { COUNTS } from './counts.js';
import { FACTS } from './facts.js';
import type { ExtensionFamily } from './maker.js';
import { MANGLING } from './mangle.js';
import { METERS } from './meters.js';
import { OUTPUTS } from './outputs.js';
import { PROXY } from './proxy.js';
import { SETS } from './sets.js';
import { TRACKING } from './tracking.js';

export const FAMILIES: readonly ExtensionFamily[] = [
  CONTENT,
  COUNTS,
  FACTS,
  MANGLING,
  METERS,
  OUTPUTS,
  PROXY,
  SETS,
  TRACKING,
];
