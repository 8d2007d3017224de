/** The command line of `nfreplay snapshot`. */

import type { CommandSpec } from '../args.js';

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
