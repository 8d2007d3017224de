/** The families of extensions in random cases. */
import type { ExtensionFamily } from './maker.js';

export const FAMILIES: readonly ExtensionFamily[] = [];
