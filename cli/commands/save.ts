/** The command line of `nfreplay save`. */

import type { CommandSpec } from '../args.js';
import { GUESS } from './options.js';

export const SAVE: CommandSpec = {
  name: 'save',
  summary: 'print rules in their canonical form: as iptables-save prints them after they were loaded',
  usages: ['RULES', 'nat=FILE,filter=FILE', '--check RULES…'],
  options: [
    {
      name: 'check',
      help:
        'print only the lines that are not in their canonical form, and exit with 1 if there are any; of several ' +
        'files, one that cannot be read does not keep the others from being checked',
    },
    {
      name: 'ipv6',
      short: '6',
      help: 'the rules are for ip6tables; the output of ip6tables-save is recognized without this',
    },
    { name: 'keep-counters', help: 'print the counters that the file has, as iptables-save -c does' },
    {
      name: 'names',
      value: 'FILE',
      help: 'names for addresses, in the format of /etc/hosts, for a listing of rules that has the names of hosts',
    },
    GUESS,
    { name: 'host', value: 'FILE', help: 'with --guess docker: the host, as for `nfreplay replay`' },
    { name: 'lax', help: 'accept rules that cannot be parsed yet; they are printed as they are written' },
  ],
  positionals: 'RULES',
  examples: [
    { about: 'tidy up rules that were written by hand', command: 'nfreplay save rules.draft > rules.v4' },
    { about: 'rules that somebody pasted', command: 'nfreplay save listing.txt > rules.v4' },
    { about: 'compare two rulesets, however they are written', command: 'diff <(nfreplay save a) <(nfreplay save b)' },
    { about: 'in CI: every file is as iptables-save would write it', command: 'nfreplay save --check rules/*' },
  ],
};
