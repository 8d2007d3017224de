/** The families of extensions in random cases. */
import type { ExtensionFamily } from './maker.js';
import { TRACKING } from './tracking.js';

export const FAMILIES: readonly ExtensionFamily[] = [TRACKING];
