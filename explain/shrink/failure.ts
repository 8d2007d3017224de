/** What a case shows that it should not, and whether a smaller case still shows the same. */
import type { GoldenCase } from '../../replay/golden-case.js';
import type { CaseFile } from '../../replay/write-case.js';
import type { CapturedFrame } from './captured-frames.js';
import type { CaseModel, ModelFile } from './case-model.js';

export interface Failure {
  /** What it is, for people: a line that says it, and perhaps more. */
  readonly words: readonly string[];
  /** Files of the case that say what is expected, with the units that they add to those of MODEL. */
  files(model: CaseModel): ModelFile[];
  /** Whether GOLDEN shows the same kind of failure. An error says no more than that it does not. */
  isShownBy(golden: GoldenCase): boolean;
  /** The frames that fail. */
  isOffender(frame: CapturedFrame): boolean;
  /** Frames that have to stay, as what is expected is about them. */
  isFixed(frame: CapturedFrame): boolean;
  /** Files beside those of GOLDEN, the smallest case, that show the failure. */
  finish(golden: GoldenCase): CaseFile[];
  readonly notes: readonly string[];
}

/** The case does not show what was asked for. */
export class NothingToShowError extends Error {
  override readonly name = 'NothingToShowError';
}
