/** The command line of `nfreplay bench`. */

import { COLOR, type CommandSpec } from '../args.js';
import { IPSET, SELECTION } from './options.js';

export const BENCH: CommandSpec = {
  name: 'bench',
  summary: 'measure what rulesets cost on captures, without writing results',
  usages: ['[--rules RULES …] --host HOST --in IFACE=FILE [--in IFACE=FILE …]'],
  options: [
    {
      name: 'rules',
      value: 'FILE',
      multiple: true,
      help: "a ruleset; several are measured in turn and shown side by side; left out, the host's own",
    },
    { name: 'host', value: 'FILE', help: 'the host, as for `nfreplay replay`' },
    {
      name: 'in',
      value: 'IFACE=FILE',
      multiple: true,
      takesMore: true,
      help: 'a capture of what arrives on an interface, or for `local`, of what the host itself sends',
    },
    ...SELECTION,
    IPSET,
    { name: 'conntrack', value: 'FILE', help: 'the connections to begin with, as for `nfreplay replay`' },
    { name: 'limit', value: 'N', help: 'use only the first N packets, of those that are not filtered out' },
    { name: 'runs', value: 'N', help: 'how often to measure each ruleset (default: 5)' },
    {
      name: 'lax',
      help: 'accept unsupported rules; they never match, and packets that they might match are uncertain',
    },
    { name: 'json', help: 'print all numbers, for every rule, as JSON' },
    { name: 'top', value: 'N', help: 'how many chains and rules to report (default: 10)' },
    COLOR,
  ],
  examples: [
    {
      about: 'what your rules cost on your traffic, and which cost most',
      command: 'nfreplay bench --rules rules.v4 --host host.json --in eth0=wan.pcap --in docker0=lan.pcap',
    },
    {
      about: 'a new ruleset beside the old one',
      command: 'nfreplay bench --rules old.v4 --rules new.v4 --host host.json --in eth0=wan.pcap',
    },
    {
      about: 'rules that are evaluated but never match, for a script',
      command:
        'nfreplay bench --rules rules.v4 --host host.json --in eth0=wan.pcap --json' +
        " | jq '.rulesets[].rules[] | select(.asked > 0 and .matched == 0)'",
    },
  ],
};
