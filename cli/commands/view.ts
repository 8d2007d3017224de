/** The command line of `nfreplay view`. */

import type { CommandSpec } from '../args.js';
import { SHOWN } from './report.js';

export const VIEW: CommandSpec = {
  name: 'view',
  summary: 'serve the page of `report` to a browser on this machine, which fills while packets are replayed',
  usages: [
    '(DIR | CASE | BENCH.json) … [--port N]',
    '[--rules RULES] --host HOST (--in IFACE=FILE… | --capture FILE… | --stitch FILE…) [--port N]',
    '--rules OLD --rules NEW --host HOST (--in IFACE=FILE… | --capture FILE… | --stitch FILE…) [--port N]',
  ],
  terms: [['DIR, CASE', 'as for `nfreplay report`; several are shown side by side']],
  options: [
    { name: 'port', value: 'N', help: 'the port of 127.0.0.1 to listen on (default: one that is free)' },
    // What comes of it is not known when the command ends.
    ...SHOWN.filter(({ name }) => name !== 'strict'),
  ],
  positionals: 'DIR|CASE|FILE',
  examples: [
    { about: 'what was replayed', command: 'nfreplay view out/docker' },
    { about: 'two results side by side', command: 'nfreplay view out/yesterday out/today' },
    {
      about: 'what a host does with its packets now, through other rules',
      command: "ssh HOST 'sudo tcpdump -i any -U -w -' | nfreplay view --rules new.v4 --host web1.txt --capture -",
    },
  ],
};
