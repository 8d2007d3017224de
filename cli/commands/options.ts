/** Options that several commands take, with the same meaning. */

import { CHECKSUM_MODES } from '../../core/offload/checksums.js';
import { GUESSES } from '../../core/rules/guess/guess.js';
import type { OptionSpec } from '../args.js';

/** Which packets of captures are replayed. */
export const SELECTION: readonly OptionSpec[] = [
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

export const IPSET: OptionSpec = {
  name: 'ipset',
  value: 'FILE',
  multiple: true,
  help:
    'sets of ipset: what `ipset save` prints, or any file for `ipset restore`, loaded before the rules, on top of ' +
    'the sets that the host brings',
};

export const GUESS: OptionSpec = {
  name: 'guess',
  value: 'WHOSE',
  choices: [...GUESSES],
  help:
    'fill in what a listing without -v does not show of rules that are written in one way only; docker: the ' +
    "interfaces of Docker's rules, by the networks of the host's bridges, and what rhel is; rhel: -i lo in INPUT, as " +
    "Red Hat's iptables service starts; chains that are not listed are taken to be empty; each guess is listed",
};

export const NAMES: OptionSpec = {
  name: 'names',
  value: 'FILE',
  help:
    "names for addresses, in the format of /etc/hosts: shown beside them, as those of the host's containers are, and " +
    'looked up where a listing of rules (iptables -L without -n) has the name of a host',
};

export const RULES: OptionSpec = {
  name: 'rules',
  value: 'FILE',
  help:
    'the ruleset: what iptables-save, `iptables -S` or `iptables -L -v -n` printed, what a terminal showed of ' +
    'several of them, or a script of iptables commands; nat=FILE,filter=FILE where a file is of one table; ' +
    "left out, the host's own rules, from its snapshot or folder",
};

export const HOST: OptionSpec = {
  name: 'host',
  value: 'FILE',
  help:
    'the host: what the script of `nfreplay snapshot` printed there; a folder with outputs such as addr.json ' +
    '(`ip -j addr`), route.json (`ip -j route show table all`), neigh.json, sysctl.txt (`sysctl -a`), ' +
    'iptables-save.txt; a host.json, which has these as members; or what `nfreplay docker -o DIR` wrote',
};

const IN: OptionSpec = {
  name: 'in',
  value: 'IFACE=FILE',
  multiple: true,
  takesMore: true,
  help:
    'a capture of what arrives on an interface, or for `local`, of what the host itself sends: pcap or pcapng, ' +
    'also compressed with gzip or zstd; - is standard input; several captures are merged by timestamp; ' +
    "a pattern, such as 'eth0=cap.pcap*', names a rotated set, whose files follow each other",
};

const STITCH: OptionSpec = {
  name: 'stitch',
  value: 'FILE',
  multiple: true,
  takesMore: true,
  help:
    'a capture of whole conversations, taken outside the host; each packet enters by the interface through ' +
    'which the host routes to its sender, replies to translated packets become what their sender sent, and ' +
    'what follows from a dropped packet is left out; several are merged by timestamp',
};

const CAPTURE: OptionSpec = {
  name: 'capture',
  value: 'FILE',
  multiple: true,
  takesMore: true,
  help:
    'a capture taken on the host itself: of all interfaces (tcpdump -i any), of several, or of one with both ' +
    'directions (IFACE=FILE where neither MAC addresses nor the capture tell which); what arrived goes in, what ' +
    'the host itself sent enters at OUTPUT, and what left is compared with what the emulated host sends',
};

export const APPLY: OptionSpec = {
  name: 'apply',
  value: 'COMMAND|FILE',
  multiple: true,
  help:
    "change the rules before the first packet: 'iptables -I INPUT 1 -p tcp --dport 80 -j ACCEPT', with the real " +
    "tool's meaning and messages, an ipset command, or sysctl -w NAME=NUMBER; or a file of such commands, with " +
    'comments and continued lines; words are split as by a shell, and nothing is expanded; as often as wanted, in ' +
    'this order',
};

const CONNTRACK: OptionSpec = {
  name: 'conntrack',
  value: 'FILE',
  help:
    'the connections that the host has before the first packet: the output of `conntrack -L -o extended` or of ' +
    '`conntrack -L`, or the word host for those in a snapshot of the host; their time-outs count from the first ' +
    'packet',
};

const AT: OptionSpec = {
  name: 'at',
  value: 'WHEN=WHAT',
  multiple: true,
  help:
    'change rules or sets before the first packet at or after WHEN: a rules file, which replaces the tables that ' +
    "it names, as iptables-restore does; a file for `ipset restore`; a command, 'iptables -A INPUT …', " +
    "'ipset add …', 'systemctl restart iptables', 'docker stop web', 'docker compose up -d', or a file of " +
    'commands; snapshot:DIR, a later snapshot of the host, for its rules and interfaces, or, with replay, a new ' +
    'folder that a snapshot of the emulated host is written to; connections live on, as in the kernel; WHEN as for ' +
    '--from',
};

const SERVICE_RULES: OptionSpec = {
  name: 'service-rules',
  value: 'FILE',
  help:
    "with --at WHEN='systemctl restart iptables': what the iptables service loads when it starts, the host's " +
    '/etc/sysconfig/iptables; left out, what docker.json says, or what was saved before',
};

export const BACKEND: OptionSpec = {
  name: 'backend',
  value: 'NAME',
  choices: ['legacy', 'nft'],
  help: 'the iptables of the host, where the two differ (default: the one that wrote the rules, else legacy)',
};

const LIMIT: OptionSpec = {
  name: 'limit',
  value: 'N',
  help: 'replay only the first N packets, of those that are not filtered out',
};

const SHOW: OptionSpec = {
  name: 'show',
  value: 'FILTER',
  help:
    'tell only of packets that this filter chooses: of their drops in a report, and their stories in files; ' +
    'everything is replayed',
};

export const SEED: OptionSpec = {
  name: 'seed',
  value: 'N',
  help: 'seed for random choices such as NAT ports (default: 0)',
};

const CHECKSUMS: OptionSpec = {
  name: 'checksums',
  value: 'MODE',
  choices: [...CHECKSUM_MODES],
  help:
    'auto: a TCP, UDP or SCTP checksum that was left to the network card is taken as good and finished, all ' +
    'others are verified; verify: all are verified, and frames longer than the MTU are one packet, as for frames ' +
    'from a wire; trust: all but those of ICMP are ' +
    'taken as good, and only updated as NAT changes addresses and ports (default: auto)',
};

export const NFQUEUE: OptionSpec = {
  name: 'nfqueue',
  value: 'ANSWER',
  choices: ['accept', 'drop'],
  help:
    'what the program answers that listens to the queues of NFQUEUE; left out, no program listens: packets are ' +
    'dropped, or accepted if the rule has --queue-bypass',
};

export const LAX: OptionSpec = {
  name: 'lax',
  help: 'accept unsupported rules; they never match, and packets that they might match are uncertain',
};

const KEEP_COUNTERS: OptionSpec = {
  name: 'keep-counters',
  help: 'start the counters in rules.v4 from those in the ruleset, instead of from 0',
};

export const STRICT: OptionSpec = {
  name: 'strict',
  help:
    'exit with 1 if the result may be wrong or incomplete: after a warning, if anything was assumed that the ' +
    'host file does not say, or if packets were skipped that a host would not ignore (IPv6, VLAN, …)',
};

/** What the host did in reality, and its emulation is compared with. */
export const EXPECTED: readonly OptionSpec[] = [
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
];

/** What arrives at the host. */
const CAPTURES: readonly OptionSpec[] = [IN, STITCH, CAPTURE];

/** The host before the first packet. */
const SETTING: readonly OptionSpec[] = [IPSET, APPLY, CONNTRACK, BACKEND];

/** All that decides what becomes of packets, which `replayOptionsOf` reads. */
export const REPLAYING: readonly OptionSpec[] = [
  ...[RULES, GUESS, HOST],
  ...CAPTURES,
  ...SETTING,
  ...[AT, SERVICE_RULES],
  ...SELECTION,
  ...[LIMIT, SHOW, SEED, CHECKSUMS, NFQUEUE, LAX, STRICT, KEEP_COUNTERS, NAMES],
];
