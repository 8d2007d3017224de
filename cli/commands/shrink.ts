/** The command line of `nfreplay shrink`. */

import { COLOR, type CommandSpec } from '../args.js';
import { NAMES, RULES } from './options.js';

export const SHRINK: CommandSpec = {
  name: 'shrink',
  summary: 'the smallest case that still shows a failure',
  usages: ["CASE [--claim 'NAME' | --exit-code N] [-o DIR]"],
  options: [
    {
      name: 'claim',
      value: 'NAME',
      help: 'show that this claim of expect.yaml is not met, for the same reason: its `it`, or else its sentence',
    },
    {
      name: 'exit-code',
      value: 'N',
      help:
        'show what ends `nfreplay check` with this exit code: 1, a difference; 2, 3, 4 or 70, the error that it ' +
        'reports. Left out: the first difference from want/, else the first claim that is not met',
    },
    {
      name: 'out',
      short: 'o',
      value: 'DIR',
      help: 'write the smallest case to this folder, which is new or empty; left out, it is only said what is in it',
    },
    { ...RULES, help: 'these rules in place of those of the case' },
    NAMES,
    COLOR,
  ],
  positionals: 'CASE',
  examples: [
    {
      about: 'why a claim is not met, in as few packets and rules as show it',
      command: "nfreplay shrink cases/shop --claim 'the published Redis answers' -o shop-small",
    },
    {
      about: 'the fewest packets and rules that still differ from want/',
      command: 'nfreplay shrink cases/shop -o shop-small',
    },
    {
      about: 'the smallest case that is still refused as not supported',
      command: 'nfreplay shrink cases/shop --exit-code 3 -o shop-small',
    },
  ],
};
