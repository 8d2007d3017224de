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

/** No rules were given, and the host brings none. */
export class NoRulesError extends ReplayOptionsError {}

/** A command of iptables or ipset among the options is faulty, or fails: the message says where, and what they say. */
export class CommandError extends Error {
  /** IS_UNSUPPORTED: it is right, but cannot be followed. MESSAGE may have several lines, ready to print. */
  constructor(
    message: string,
    readonly isUnsupported = false,
  ) {
    super(message);
    this.name = 'CommandError';
  }
}

/** All of ERRORS, at least one, as one error. */
export function together(errors: readonly CommandError[]): CommandError {
  if (errors.length === 1) return errors[0];
  return new CommandError(
    errors.map(({ message }) => message).join('\n'),
    errors.every((one) => one.isUnsupported),
  );
}
