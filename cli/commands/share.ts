/** The command line of `nfreplay share`. */

import { COLOR, type CommandSpec } from '../args.js';

export const SHARE: CommandSpec = {
  name: 'share',
  summary: 'make a case anonymous that shows the same, for a report in public',
  usages: ['CASE -o DIR'],
  options: [
    { name: 'out', short: 'o', value: 'DIR', help: 'where to write the shared case: a new folder, or an empty one' },
    {
      name: 'seed',
      value: 'TEXT',
      help:
        'for the same replacements again, such as in a second case of the same host: a secret, with which they can ' +
        'be undone (default: a new one that is not kept)',
    },
    COLOR,
  ],
  positionals: 'CASE',
  examples: [
    { about: 'a case to attach to a bug report', command: 'nfreplay share cases/web -o shared' },
    { about: 'look at it before', command: 'nfreplay check shared && nfreplay save shared/rules.v4' },
  ],
};
