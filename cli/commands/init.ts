/** The command line of `nfreplay init`. */

import { COLOR, type CommandSpec } from '../args.js';
import { REPLAYING } from './options.js';

export const INIT: CommandSpec = {
  name: 'init',
  summary: 'write a case for check: a host, rules and captures, and what becomes of their packets now',
  usages: [
    'DIR [--rules RULES] --host HOST --capture FILE [--capture FILE …]',
    'DIR [--rules RULES] --host HOST --in IFACE=FILE [--in IFACE=FILE …]',
    'DIR [--rules RULES] --host HOST --stitch FILE [--stitch FILE …]',
  ],
  options: [
    ...REPLAYING.filter(({ name }) => name !== 'strict'),
    {
      name: 'golden',
      help: 'also write golden captures, want/: check then compares every packet, rule and connection',
    },
    { name: 'top', value: 'N', help: 'how many claims of a kind to write, the busiest first (default: 12)' },
    COLOR,
  ],
  positionals: 'DIR',
  examples: [
    {
      about: 'what a Docker host does with the packets that it was captured with',
      command: 'nfreplay init cases/web --host host.txt --capture any.pcap && nfreplay check cases/web',
    },
    {
      about: 'from captures by interface, and with rules that replace those of the host later',
      command: 'nfreplay init cases/reload --host host.json --rules rules.v4 --in eth0=wan.pcap --at 10s=new.v4',
    },
  ],
};
