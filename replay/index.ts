/** The replay library: takes captures, a ruleset and a host; writes a result folder and returns its summary. */

export { createPcapFile, FileSink, FileSource, openCaptureFile } from '../io/capture-file.js';
export { FileError } from '../io/file-error.js';
export { type CaseComparison, checkCase, type UpdateOptions, updateCase } from './check-case.js';
export { type Comparison, compareResults, type Difference, NotAResultError } from './compare.js';
export { NotFollowedError, ReplayOptionsError } from './errors.js';
export { casesIn, type GoldenCase } from './golden-case.js';
export { type ReplayOptions, type ReplayProgress, replay, replaySteps } from './replay.js';
export type { Summary } from './summary.js';
