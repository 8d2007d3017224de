import { NotFollowedError } from '../errors.js';

/** Chance decides about it: with other replacements it may go well. */
export class ChanceError extends NotFollowedError {}
