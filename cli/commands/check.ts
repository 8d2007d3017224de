/** The command line of `nfreplay check`. */

import { COLOR, type CommandSpec } from '../args.js';
import { LAX, NAMES } from './options.js';
import { REPORTER } from './reporter.js';

export const CHECK: CommandSpec = {
  name: 'check',
  summary: 'replay cases and compare the results with what they expect',
  usages: ['[--rules RULES] [--reporter NAME[=FILE] …] CASE…', '--watch CASE…', '--update CASE…'],
  options: [
    {
      name: 'rules',
      value: 'FILE',
      help:
        'check the cases with these rules in place of their own, in any form that replay reads; then the texts and ' +
        'counters of rules are not compared',
    },
    { name: 'compare-rules', help: 'with --rules: compare the texts and counters of rules all the same' },
    REPORTER,
    { name: 'top', value: 'N', help: 'how many differences of a kind to show; all are counted (default: 10)' },
    { name: 'keep', value: 'DIR', help: 'leave what came out in this folder: a result folder for each case' },
    {
      name: 'shard',
      value: 'I/N',
      help: 'check only the Ith of N parts of the cases, so that several machines share the work',
    },
    {
      name: 'result',
      help:
        'also take result folders (of replay --out): the run that their summary records is repeated, with the files ' +
        'that it names, wherever they are; not for folders of others',
    },
    { name: 'watch', help: 'go on: check again what depends on a file whenever it changes, until Ctrl-C' },
    {
      name: 'update',
      help:
        'make the results the golden captures (want/) of cases that have some, or have no expect.yaml; shows the ' +
        'differences first; what expect.yaml claims stays as it is',
    },
    { name: 'allow-truncated', help: 'with --update: accept also an input that is truncated' },
    LAX,
    NAMES,
    COLOR,
  ],
  positionals: 'CASE',
  examples: [
    { about: 'every case in a folder', command: 'nfreplay check pcaps' },
    { about: 'would these rules keep what the cases expect?', command: 'nfreplay check --rules new.v4 cases' },
    {
      about: 'in CI: for people, and a file for the CI server',
      command: 'nfreplay check --reporter pretty --reporter junit=report.xml cases',
    },
    { about: 'accept the current results of one case', command: 'nfreplay check --update pcaps/docker' },
    { about: 'is what replay wrote still what comes out?', command: 'nfreplay check --result out/docker' },
  ],
};
