/** The command line of `nfreplay diff`. */
import { KIND_NAMES } from '../../explain/diff/kinds.js';
import { COLOR, type CommandSpec, type OptionSpec } from '../args.js';
import { REPLAYING } from './options.js';

/** What is said of options that diff takes otherwise than replay. */
const OTHERWISE: Readonly<Record<string, Partial<OptionSpec>>> = {
  rules: {
    multiple: true,
    help:
      'a ruleset, in any form that replay reads: given twice, the old one and the new one; given once, that of both ' +
      "sides; left out, the host's own",
  },
  host: { multiple: true, help: 'the host, as for `nfreplay replay`: given twice, the old one and the new one' },
  in: {
    help:
      'a capture of what arrives on an interface, or for `local`, of what the host itself sends, as for `nfreplay ' +
      'replay`; it must be a file, as it is read several times',
  },
  apply: {
    help:
      'commands of iptables and ipset, or a file of them, before the first packet, as for `nfreplay replay`: on the ' +
      'new side, or if two rulesets are given, on both',
  },
  at: {
    help:
      'change rules or sets while packets flow, as for `nfreplay replay`: on the new side, or if two rulesets are ' +
      'given, on both',
  },
  show: { help: 'compare only packets that this filter chooses; everything is replayed' },
};

export const DIFF: CommandSpec = {
  name: 'diff',
  summary: 'show which packets of captures two rulesets, or two hosts, treat differently, and why',
  usages: [
    '--rules OLD --rules NEW --host HOST (--in IFACE=FILE… | --capture FILE… | --stitch FILE…)',
    '[--rules RULES] --host OLD --host NEW (--in IFACE=FILE… | --capture FILE… | --stitch FILE…)',
    "[--rules RULES] --host HOST --apply 'iptables …' (--in IFACE=FILE… | --capture FILE… | --stitch FILE…)",
  ],
  options: [
    ...REPLAYING.filter(({ name }) => name !== 'keep-counters').map((option) => ({
      ...option,
      ...OTHERWISE[option.name],
    })),
    {
      name: 'only',
      value: 'KIND',
      multiple: true,
      choices: KIND_NAMES,
      help:
        `only differences of this kind: ${KIND_NAMES.join(', ')}; as often as wanted. The last one, where only the ` +
        'rule that decides is another, is told only if it is asked for',
    },
    { name: 'json', help: 'print everything as JSON (docs/schema/diff.schema.json)' },
    {
      name: 'top',
      value: 'N',
      help: 'how many differences to show, each with an example that is traced (default: 10)',
    },
    COLOR,
  ],
  examples: [
    {
      about: 'what a new ruleset changes for the traffic of yesterday',
      command: 'nfreplay diff --rules old.v4 --rules new.v4 --host host.json --in eth0=wan.pcap --in docker0=lan.pcap',
    },
    {
      about: 'what one rule would change',
      command:
        "nfreplay diff --host web1.txt --apply 'iptables -I FORWARD -s 203.0.113.0/24 -j DROP' --capture any.pcap",
    },
    {
      about: 'in CI: nothing that was let through may be dropped',
      command:
        'nfreplay diff --rules main.v4 --rules branch.v4 --host host.json --in eth0=wan.pcap --only newly-dropped',
    },
  ],
};
