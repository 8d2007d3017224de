/** The command line of `nfreplay trace`. */

import { COLOR, type CommandSpec } from '../args.js';
import { REPLAYING } from './options.js';

export const TRACE: CommandSpec = {
  name: 'trace',
  summary: 'tell what becomes of a packet, and which rule decides about it',
  usages: [
    "[--rules RULES] --host HOST 'eth0 tcp 203.0.113.7:51515 > 192.0.2.10:8081 S' [--then SENTENCE …]",
    "[--rules RULES] --host HOST --log '[UFW BLOCK] IN=eth0 OUT= … DPT=8081 …'",
    '[--rules RULES] --host HOST (--capture FILE | --in IFACE=FILE … | --stitch FILE) --packet N',
    '[--rules RULES] --host HOST (--capture FILE | --in IFACE=FILE … | --stitch FILE) --connection SENTENCE',
  ],
  terms: [
    [
      'SENTENCE',
      '[IFACE|local] PROTOCOL END > END; an END is ADDRESS[/LENGTH][:PORT], with a name instead of the address, a ' +
        'service instead of the port, or * for any; then flags of TCP (S, SA, A, FA, R) or a type of ICMP ' +
        '(echo-request), `ttl N`, `len N`, `mark N`. What is left out is chosen, and told',
    ],
  ],
  options: [
    {
      name: 'then',
      value: 'SENTENCE',
      multiple: true,
      help:
        'what comes after it: a packet, described in the same way, or a word: handshake, reply, close, ping, dns; ' +
        'answers are those of who got the packet, to what it got',
    },
    {
      name: 'log',
      value: 'LINE',
      help:
        "a line that the host has written about a packet: of the kernel's log, of conntrack -L or -E, or all lines " +
        'about it of xtables-monitor --trace or nft monitor trace. Finds the rule that wrote it. -: standard input',
    },
    {
      name: 'packet',
      value: 'N',
      help:
        'the frame with this number in the capture, as Wireshark shows it, from 1; with several captures, IFACE:N ' +
        'or FILE:N; of several files in a row, the number goes on, unless one of them is named',
    },
    {
      name: 'connection',
      value: 'SENTENCE',
      help:
        'the connections of which a packet in the captures is of this kind, a line a packet: its direction, flags, ' +
        'state, verdict and rule, what it changes, and where the connection had timed out',
    },
    {
      name: 'all',
      help:
        'show each rule that the packet was tried against, and each policy; and what would stop one that gets ' +
        'through',
    },
    { name: 'minimal', help: 'only the verdict, what was changed, and what left the host' },
    // Which packets are told of is what it is asked.
    ...REPLAYING.filter(({ name }) => name !== 'show'),
    { name: 'json', help: 'print all that happened as JSON (docs/schema/trace.schema.json)' },
    COLOR,
  ],
  positionals: 'SENTENCE',
  examples: [
    {
      about: 'why a port is closed',
      command: "nfreplay trace --rules rules.v4 --host host.json 'eth0 tcp 203.0.113.7:51515 > 192.0.2.10:8081 S'",
    },
    {
      about: 'which rule wrote this line, and why did the packet come to it?',
      command: 'nfreplay trace --host web1.txt --log "$(dmesg | grep \'UFW BLOCK\' | tail -n 1)"',
    },
    {
      about: 'would this rule open it?',
      command:
        "nfreplay trace --host web1.txt --apply 'iptables -I INPUT -p tcp --dport 8081 -j ACCEPT' " +
        "'eth0 tcp 203.0.113.7 > 192.0.2.10:8081'",
    },
    {
      about: 'a whole connection',
      command: "nfreplay trace --host web1.txt 'eth0 tcp 203.0.113.7 > 192.0.2.10:22' --then handshake --then close",
    },
    {
      about: 'what the host itself sends',
      command: "nfreplay trace --host web1.txt 'local udp 192.0.2.10 > 192.0.2.53:53'",
    },
    {
      about: 'why the connections to a port die',
      command: "nfreplay trace --host web1.txt --capture any.pcap --connection 'tcp * > 192.0.2.10:8080'",
    },
    {
      about: 'the verdict, for a script',
      command: "nfreplay trace --host web1.txt --json 'eth0 tcp * > 192.0.2.10:22' | jq -r '.packets[0].verdict'",
    },
  ],
};
