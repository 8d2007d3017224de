/** The command line of every command. */

import { EMULATOR_ENGINES } from '../core/emulator.js';
import { CHECKSUM_MODES } from '../core/offload/checksums.js';
import { GUESSES } from '../core/rules/guess/guess.js';
import { COLOR, type CommandSpec, type OptionSpec } from './args.js';

/** Which packets of captures are replayed. */
const SELECTION: readonly OptionSpec[] = [
  {
    name: 'filter',
    value: 'FILTER',
    help:
      "replay only packets that a filter in tcpdump's language chooses, such as 'tcp port 6379 and host 10.0.0.1'; " +
      'all others are left out before conntrack sees them',
  },
  {
    name: 'from',
    value: 'WHEN',
    help:
      'leave out packets before this: 1.5s after the first packet, 2026-11-27T20:59:45+01:00, @1795761583.4 ' +
      '(seconds since 1970), or n100, the 100th frame',
  },
  { name: 'to', value: 'WHEN', help: 'leave out packets after this' },
];

const IPSET: OptionSpec = {
  name: 'ipset',
  value: 'FILE',
  multiple: true,
  help:
    'sets of ipset: what `ipset save` prints, or any file for `ipset restore`, loaded before the rules, on top of ' +
    'the sets that the host brings',
};

const GUESS: OptionSpec = {
  name: 'guess',
  value: 'WHOSE',
  choices: [...GUESSES],
  help:
    'fill in what a listing without -v does not show of rules that are written in one way only; docker: the ' +
    "interfaces of Docker's rules, by the networks of the host's bridges, and what rhel is; rhel: -i lo in INPUT, as " +
    "Red Hat's iptables service starts; chains that are not listed are taken to be empty; each guess is listed",
};

const NAMES: OptionSpec = {
  name: 'names',
  value: 'FILE',
  help:
    "names for addresses, in the format of /etc/hosts: shown beside them, as those of the host's containers are, and " +
    'looked up where a listing of rules (iptables -L without -n) has the name of a host',
};

export const REPLAY: CommandSpec = {
  name: 'replay',
  summary: 'replay captures through a host and its rules, and write what it would have sent',
  usages: [
    '[--rules RULES] --host HOST --in IFACE=FILE [--in IFACE=FILE …] [--out DIR]',
    '[--rules RULES] --host HOST --stitch FILE [--stitch FILE …] [--out DIR]',
    '[--rules RULES] --host HOST --capture FILE [--capture FILE …] [--expect-egress] [--out DIR]',
  ],
  options: [
    {
      name: 'rules',
      value: 'FILE',
      help:
        'the ruleset: what iptables-save, `iptables -S` or `iptables -L -v -n` printed, what a terminal showed of ' +
        'several of them, or a script of iptables commands; nat=FILE,filter=FILE where a file is of one table; ' +
        "left out, the host's own rules, from its snapshot or folder",
    },
    GUESS,
    {
      name: 'host',
      value: 'FILE',
      help:
        'the host: what the script of `nfreplay snapshot` printed there; a folder with outputs such as addr.json ' +
        '(`ip -j addr`), route.json (`ip -j route show table all`), neigh.json, sysctl.txt (`sysctl -a`), ' +
        'iptables-save.txt; or a host.json, which has these as members',
    },
    {
      name: 'in',
      value: 'IFACE=FILE',
      multiple: true,
      takesMore: true,
      help:
        'a capture of what arrives on an interface, or for `local`, of what the host itself sends: pcap or pcapng, ' +
        'also compressed with gzip or zstd; - is standard input; several captures are merged by timestamp; ' +
        "a pattern, such as 'eth0=cap.pcap*', names a rotated set, whose files follow each other",
    },
    {
      name: 'stitch',
      value: 'FILE',
      multiple: true,
      takesMore: true,
      help:
        'a capture of whole conversations, taken outside the host; each packet enters by the interface through ' +
        'which the host routes to its sender, replies to translated packets become what their sender sent, and ' +
        'what follows from a dropped packet is left out; several are merged by timestamp',
    },
    {
      name: 'capture',
      value: 'FILE',
      multiple: true,
      takesMore: true,
      help:
        'a capture taken on the host itself: of all interfaces (tcpdump -i any), of several, or of one with both ' +
        'directions (IFACE=FILE where neither MAC addresses nor the capture tell which); what arrived goes in, what ' +
        'the host itself sent enters at OUTPUT, and what left is compared with what the emulated host sends',
    },
    {
      name: 'expect-egress',
      help:
        'with --capture: print packets that the captured and the emulated host do not both send, and exit with 1 if ' +
        'there are any, or if nothing was compared',
    },
    {
      name: 'expect-counters',
      value: 'FILE',
      multiple: true,
      help:
        'compare the counters of rules and policies with those of the host (iptables-save -c), name the first that ' +
        'differs, and exit with 1; twice, before and after: with what was counted in between',
    },
    IPSET,
    {
      name: 'apply',
      value: 'COMMAND|FILE',
      multiple: true,
      help:
        "change the rules before the first packet: 'iptables -I INPUT 1 -p tcp --dport 80 -j ACCEPT', with the real " +
        "tool's meaning and messages, or an ipset command; or a file of such commands, with comments and continued " +
        'lines; words are split as by a shell, and nothing is expanded; as often as wanted, in this order',
    },
    {
      name: 'conntrack',
      value: 'FILE',
      help:
        'the connections that the host has before the first packet: the output of `conntrack -L -o extended` or of ' +
        '`conntrack -L`, or the word host for those in a snapshot of the host; their time-outs count from the first ' +
        'packet',
    },
    {
      name: 'out',
      short: 'o',
      value: 'DIR',
      help:
        'the result folder, replaced as a whole at the end; with -, the packets that leave by any interface ' +
        'go to standard output as one pcap, and the report to standard error; left out, nothing is written',
    },
    {
      name: 'at',
      value: 'WHEN=WHAT',
      multiple: true,
      help:
        'change rules or sets before the first packet at or after WHEN: a rules file, which replaces the tables that ' +
        "it names, as iptables-restore does; a file for `ipset restore`; a command, 'iptables -A INPUT …' or " +
        "'ipset add …', or a file of commands; snapshot:DIR, a later snapshot of the host, for its rules; " +
        'connections live on, as in the kernel; WHEN as for --from',
    },
    {
      name: 'backend',
      value: 'NAME',
      choices: ['legacy', 'nft'],
      help: 'the iptables of the host, where the two differ (default: the one that wrote the rules, else legacy)',
    },
    ...SELECTION,
    { name: 'limit', value: 'N', help: 'replay only the first N packets, of those that are not filtered out' },
    {
      name: 'show',
      value: 'FILTER',
      help: 'report only drops of packets that this filter chooses; everything is replayed',
    },
    { name: 'seed', value: 'N', help: 'seed for random choices such as NAT ports (default: 0)' },
    {
      name: 'checksums',
      value: 'MODE',
      choices: [...CHECKSUM_MODES],
      help:
        'auto: a TCP, UDP or SCTP checksum that was left to the network card is taken as good and finished, all ' +
        'others are verified; verify: all are verified, and frames longer than the MTU are one packet, as for frames ' +
        'from a wire; trust: all but those of ICMP are ' +
        'taken as good, and only updated as NAT changes addresses and ports (default: auto)',
    },
    {
      name: 'log-time',
      help:
        'start each line of log.txt with the time of its packet, as the kernel does: [1795761583.400000], here in ' +
        'seconds since 1970',
    },
    {
      name: 'nfqueue',
      value: 'ANSWER',
      choices: ['accept', 'drop'],
      help:
        'what the program answers that listens to the queues of NFQUEUE; left out, no program listens: packets are ' +
        'dropped, or accepted if the rule has --queue-bypass',
    },
    {
      name: 'lax',
      help: 'accept unsupported rules; they never match, and packets that they might match are uncertain',
    },
    {
      name: 'strict',
      help:
        'exit with 1 if the result may be wrong or incomplete: after a warning, if anything was assumed that the ' +
        'host file does not say, or if packets were skipped that a host would not ignore (IPv6, VLAN, …)',
    },
    { name: 'keep-counters', help: 'start the counters in rules.v4 from those in the ruleset, instead of from 0' },
    {
      name: 'engine',
      value: 'ENGINE',
      choices: [...EMULATOR_ENGINES],
      help:
        `how to evaluate rules, for debugging: ${EMULATOR_ENGINES.join(', ')}; ` +
        `the results are the same (default: ${EMULATOR_ENGINES[0]}, the fastest)`,
    },
    NAMES,
    { name: 'json', help: 'print summary.json instead of the report' },
    { name: 'top', value: 'N', help: 'how many rules, connections, and dropped services to report (default: 10)' },
    COLOR,
  ],
  examples: [
    {
      about: 'two captures of a Docker host, one per interface',
      command:
        'nfreplay replay --rules rules.v4 --host host.json --in eth0=wan.pcap --in docker0=lan.pcap --out out/docker',
    },
    {
      about: 'one capture from a client; nfreplay works out the other side',
      command: 'nfreplay replay --rules rules.v4 --host host.json --stitch client.pcapng --out out/client',
    },
    {
      about: 'one conversation, ten seconds of it',
      command:
        "nfreplay replay --rules rules.v4 --host host.json --in eth0=wan.pcap --filter 'host 10.0.0.1 and port 6379' " +
        '--from 60s --to 70s',
    },
    {
      about: 'what would be dropped, for a script',
      command: "nfreplay replay --rules new.v4 --host host.json --in eth0=wan.pcap --json | jq '.dropped'",
    },
  ],
};

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

export const SNAPSHOT: CommandSpec = {
  name: 'snapshot',
  summary: 'print a script that describes a host: run it there as root, and give what it prints as --host',
  usages: [''],
  options: [],
  examples: [
    { about: 'describe a host', command: "nfreplay snapshot | ssh web1 'sudo sh' > web1.txt" },
    { about: 'replay with its own rules', command: 'nfreplay replay --host web1.txt --in eth0=wan.pcap' },
    { about: 'read the script before it runs', command: 'nfreplay snapshot | less' },
  ],
};

/** The shells that there are completion scripts for. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

export const COMPLETION: CommandSpec = {
  name: 'completion',
  summary: 'print a script with which a shell completes commands, options and interfaces',
  usages: ['SHELL'],
  options: [],
  positionals: 'SHELL',
  positionalChoices: SHELLS,
  examples: [
    {
      about: 'bash, for good; the script says how it is done in zsh and fish',
      command: 'nfreplay completion bash > ~/.local/share/bash-completion/completions/nfreplay',
    },
  ],
};

/** Every command, in the order of the help. */
export const COMMANDS: readonly CommandSpec[] = [REPLAY, CHECK, BENCH, SAVE, SNAPSHOT, COMPLETION];
