/** The command line of `nfreplay report`. */

import type { CommandSpec, OptionSpec } from '../args.js';
import { EXPECTED, REPLAYING } from './options.js';

/** What is said of options that report and view take otherwise than replay. */
const OTHERWISE: Readonly<Record<string, Partial<OptionSpec>>> = {
  rules: {
    multiple: true,
    help:
      'a ruleset, in any form that replay reads: given twice, the old one and the new one, which are compared; ' +
      "beside DIR or CASE, the new one, which is compared with theirs; left out, the host's own",
  },
  host: {
    multiple: true,
    help: 'the host, as for `nfreplay replay`: given twice, the old one and the new one, which are compared',
  },
  show: { help: 'list only packets that this filter chooses; everything is replayed and counted' },
  strict: { help: 'exit with 1 after a warning, an assumption or skipped packets, as replay does' },
  'expect-egress': { help: 'with --capture: show which packets the captured and the emulated host do not both send' },
  'expect-counters': {
    help:
      'show which rules and policies have other counters than those of the host (iptables-save -c); twice, before ' +
      'and after: with what was counted in between',
  },
};

/** What is shown, as report and view take it. */
export const SHOWN: readonly OptionSpec[] = [
  { name: 'title', value: 'TEXT', help: 'the title of the page; left out, what is shown says it' },
  ...[...REPLAYING, ...EXPECTED].map((option) => ({ ...option, ...OTHERWISE[option.name] })),
];

/** Where a report is written, unless `--out` says it. */
export const DEFAULT_REPORT = 'report.html';

export const REPORT: CommandSpec = {
  name: 'report',
  summary: 'write one page that shows what became of the packets: the host as a picture, connections, rules, packets',
  usages: [
    'DIR [--out FILE]',
    'CASE [--out FILE]',
    '[--rules RULES] --host HOST (--in IFACE=FILE… | --capture FILE… | --stitch FILE…) [--out FILE]',
    '--rules OLD --rules NEW --host HOST (--in IFACE=FILE… | --capture FILE… | --stitch FILE…) [--out FILE]',
    'BENCH.json … [--out FILE]',
  ],
  terms: [
    [
      'DIR',
      'what `nfreplay replay --out DIR` wrote: the same is replayed again, and it is an error if one of its inputs ' +
        'has changed since',
    ],
    ['CASE', 'the folder of a case, as `nfreplay check` takes it; it needs no want/ here'],
    ['BENCH.json', 'what `nfreplay bench --json` printed'],
  ],
  options: [
    {
      name: 'out',
      short: 'o',
      value: 'FILE',
      help:
        `the page, one file that opens in a browser without a network (default: ${DEFAULT_REPORT}); a file that is ` +
        'no report is not replaced; -: standard output',
    },
    ...SHOWN,
  ],
  positionals: 'DIR|CASE|FILE',
  examples: [
    { about: 'what was replayed, to look at', command: 'nfreplay report out/docker -o out/docker/report.html' },
    {
      about: 'without a result folder',
      command: 'nfreplay report --host web1.txt --capture any.pcap -o web1.html',
    },
    {
      about: 'what a new ruleset changes for the traffic of yesterday',
      command:
        'nfreplay report --rules old.v4 --rules new.v4 --host host.json --in eth0=wan.pcap --in docker0=lan.pcap',
    },
    { about: 'in CI, beside a case that fails', command: 'nfreplay report cases/ssh -o ssh.html' },
    {
      about: 'what the rules cost',
      command: 'nfreplay bench --host web1.txt --in eth0=wan.pcap --json | nfreplay report - -o bench.html',
    },
  ],
};
