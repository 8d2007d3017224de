/** The command line of `nfreplay doctor`. */

import { COLOR, type CommandSpec } from '../args.js';
import { REPLAYING } from './options.js';

export const DOCTOR: CommandSpec = {
  name: 'doctor',
  summary: 'look for the well-known failures in rules, a host and captures, and say what to change',
  usages: [
    '[--rules RULES] --host HOST',
    '[--rules RULES] --host HOST --in IFACE=FILE [--in IFACE=FILE …]',
    '[--rules RULES] --host HOST (--stitch FILE | --capture FILE) …',
  ],
  options: [...REPLAYING, { name: 'json', help: 'print the findings as JSON' }, COLOR],
  examples: [
    {
      about: 'what is wrong with a Docker host, without any traffic',
      command: 'nfreplay doctor --host snapshot.txt',
    },
    {
      about: 'why a port does not answer, with what tcpdump saw on the host',
      command: 'nfreplay doctor --host snapshot.txt --capture any.pcap',
    },
    {
      about: 'connections that go on as old rules said, after a change',
      command: 'nfreplay doctor --rules old.v4 --host host.json --in eth0=wan.pcap --at 10s=new.v4',
    },
  ],
};
