/** The command line of `nfreplay check`. */

import { COLOR, type CommandSpec } from '../args.js';
import { NAMES } from './options.js';

export const CHECK: CommandSpec = {
  name: 'check',
  summary: 'replay golden cases and compare the results with what they expect',
  usages: ['CASE…', '--update CASE…'],
  options: [
    { name: 'update', help: 'make the results the new expectation' },
    { name: 'allow-truncated', help: 'with --update: accept also an input that is truncated' },
    NAMES,
    COLOR,
  ],
  positionals: 'CASE',
  examples: [
    { about: 'every case in a folder', command: 'nfreplay check pcaps/*' },
    { about: 'accept the current results of one case', command: 'nfreplay check --update pcaps/docker' },
  ],
};
