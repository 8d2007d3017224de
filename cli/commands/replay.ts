/** The command line of `nfreplay replay`. */

import { EMULATOR_ENGINES } from '../../core/emulator.js';
import { COLOR, type CommandSpec } from '../args.js';
import { EXPECTED, REPLAYING } from './options.js';

export const REPLAY: CommandSpec = {
  name: 'replay',
  summary: 'replay captures through a host and its rules, and write what it would have sent',
  usages: [
    '[--rules RULES] --host HOST --in IFACE=FILE [--in IFACE=FILE …] [--out DIR]',
    '[--rules RULES] --host HOST --stitch FILE [--stitch FILE …] [--out DIR]',
    '[--rules RULES] --host HOST --capture FILE [--capture FILE …] [--expect-egress] [--out DIR]',
  ],
  options: [
    ...REPLAYING,
    {
      name: 'out',
      short: 'o',
      value: 'DIR',
      help:
        'the result folder, replaced as a whole at the end; with -, the packets that leave by any interface ' +
        'go to standard output as one pcap, and the report to standard error; left out, nothing is written',
    },
    {
      name: 'save-rules',
      value: 'FILE',
      help: 'at the end, write the rules as `service iptables save` does: what /etc/sysconfig/iptables would then hold',
    },
    {
      name: 'annotate',
      value: 'FILE',
      help:
        'write the packets of the result folder into one pcapng for Wireshark, each with its story as a comment: ' +
        'IFACE:N, its number in the input, the verdict, and why; with --show, comments on those packets only',
    },
    {
      name: 'trace',
      value: 'FILE',
      help:
        'write the story of each packet as a line of JSON, as a packet of trace --json; with --show, of those ' +
        'packets only',
    },
    ...EXPECTED,
    {
      name: 'log-time',
      help:
        'start each line of log.txt with the time of its packet, as the kernel does: [1795761583.400000], here in ' +
        'seconds since 1970',
    },
    {
      name: 'engine',
      value: 'ENGINE',
      choices: [...EMULATOR_ENGINES],
      help:
        `how to evaluate rules, for debugging: ${EMULATOR_ENGINES.join(', ')}; ` +
        `the results are the same (default: ${EMULATOR_ENGINES[0]}, the fastest)`,
    },
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
