import { shown } from '../codecs/text.js';

/** A capture holds packets whose path through the host is not supported. */
export class NotFollowedError extends Error {
  constructor(message: string) {
    super(shown(message));
    this.name = 'NotFollowedError';
  }
}

/** A replay cannot run with the given options: an unknown interface, no input, a folder that is not a golden case. */
export class ReplayOptionsError extends Error {
  constructor(message: string) {
    super(shown(message));
    this.name = 'ReplayOptionsError';
  }
}
