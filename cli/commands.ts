/** Every command, and how to call it. */

import { EMULATOR_ENGINES } from '../core/emulator.js';
import type { CommandSpec } from './args.js';

export const REPLAY: CommandSpec = {
  name: 'replay',
  summary: 'send captures through a host and its rules; write what it would have sent',
  usages: [
    '--rules RULES --host HOST --in IFACE=FILE [--in IFACE=FILE …] --out DIR',
    '--rules RULES --host HOST --stitch FILE --out DIR',
  ],
  options: [
    { name: 'rules', value: 'FILE', help: 'the ruleset, as iptables-save prints it' },
    {
      name: 'host',
      value: 'FILE',
      help: 'the host: JSON with the outputs of `ip -j addr`, `ip -j route` and `ip -j neigh`',
    },
    {
      name: 'in',
      value: 'IFACE=FILE',
      multiple: true,
      help: 'a capture of what arrives on an interface; `local`: of what the host itself sends\nseveral are merged by their timestamps',
    },
    {
      name: 'stitch',
      value: 'FILE',
      help: 'one capture of whole conversations, taken anywhere: each packet enters where the host\nroutes to its sender, and replies to translated packets are rewritten to what their sender saw',
    },
    {
      name: 'out',
      value: 'DIR',
      help: 'where the results go; it is replaced as a whole, at the end; -: instead, what leaves by any\ninterface goes to standard output as one pcap, and the report to standard error',
    },
    { name: 'limit', value: 'N', help: 'only the first N packets' },
    { name: 'seed', value: 'N', help: 'for what the kernel draws at random, such as a port; 0 if not given' },
    { name: 'lax', help: 'go on where the ruleset asks for what is not supported: such a rule never matches' },
    {
      name: 'engine',
      value: 'ENGINE',
      choices: [...EMULATOR_ENGINES],
      help: `how rules are run, for debugging: ${EMULATOR_ENGINES.join(', ')};\nthe results are the same, the first is the fastest and used if not given`,
    },
    { name: 'json', help: 'print summary.json instead of the report for people' },
    { name: 'top', value: 'N', help: 'how many rules and connections the report shows; 10 if not given' },
  ],
  examples: [
    {
      about: 'two captures of a Docker host, one an interface',
      command:
        'nfreplay replay --rules rules.v4 --host host.json --in eth0=wan.pcap --in docker0=lan.pcap --out out/docker',
    },
    {
      about: 'one capture from a client; the other side is worked out',
      command: 'nfreplay replay --rules rules.v4 --host host.json --stitch client.pcapng --out out/client',
    },
    {
      about: 'what would be dropped, for a script',
      command:
        "nfreplay replay --rules new.v4 --host host.json --in eth0=wan.pcap --out out/new --json | jq '.dropped'",
    },
  ],
};

export const CHECK: CommandSpec = {
  name: 'check',
  summary: 'replay golden cases and compare what comes out with what they expect',
  usages: ['CASE…', '--update CASE…'],
  options: [{ name: 'update', help: 'make what came out the expectation' }],
  positionals: 'CASE',
  examples: [
    { about: 'every case of the project', command: 'nfreplay check pcaps/*' },
    { about: 'accept what one case gives now', command: 'nfreplay check --update pcaps/docker' },
  ],
};

export const BENCH: CommandSpec = {
  name: 'bench',
  summary: 'measure what rulesets cost on captures; write nothing',
  usages: ['--rules RULES [--rules RULES …] --host HOST --in IFACE=FILE [--in IFACE=FILE …]'],
  options: [
    {
      name: 'rules',
      value: 'FILE',
      multiple: true,
      help: 'a ruleset; several are measured in turn and shown side by side',
    },
    { name: 'host', value: 'FILE', help: 'the host, as `nfreplay replay` takes it' },
    {
      name: 'in',
      value: 'IFACE=FILE',
      multiple: true,
      help: 'a capture of what arrives on an interface; `local`: of what the host itself sends',
    },
    { name: 'limit', value: 'N', help: 'only the first N packets' },
    { name: 'runs', value: 'N', help: 'how often each ruleset is measured; 5 if not given' },
    { name: 'lax', help: 'go on where a ruleset asks for what is not supported: such a rule never matches' },
    { name: 'json', help: 'print all numbers, of every rule, as JSON' },
    { name: 'top', value: 'N', help: 'how many chains and rules the report shows; 10 if not given' },
  ],
  examples: [
    {
      about: 'what your rules cost on your traffic, and which of them',
      command: 'nfreplay bench --rules rules.v4 --host host.json --in eth0=wan.pcap --in docker0=lan.pcap',
    },
    {
      about: 'a new ruleset beside the old one',
      command: 'nfreplay bench --rules old.v4 --rules new.v4 --host host.json --in eth0=wan.pcap',
    },
    {
      about: 'rules that are asked and never match, for a script',
      command:
        "nfreplay bench --rules rules.v4 --host host.json --in eth0=wan.pcap --json | jq '.rulesets[].rules[] | select(.asked > 0 and .matched == 0)'",
    },
  ],
};
