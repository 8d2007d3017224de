// Commands that name no file, of an engine of any release.
import type { ParseContext } from '../../../docker/commands/context.js';

const noFile = (): never => {
  throw new Error('no file expected');
};

export const NO_FILES: ParseContext = { release: undefined, pathOf: noFile, readText: noFile, composeProject: noFile };
