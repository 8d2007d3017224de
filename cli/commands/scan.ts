/** The command line of `nfreplay scan`. */

import { COLOR, type CommandSpec } from '../args.js';
import { APPLY, BACKEND, GUESS, HOST, IPSET, LAX, NAMES, NFQUEUE, RULES, SEED, STRICT } from './options.js';

export const SCAN: CommandSpec = {
  name: 'scan',
  summary: 'tell which ports are reached from where, without any traffic, and what a change of rules opens and closes',
  usages: [
    '[--rules RULES] --host HOST [--source IFACE|NETWORK …]',
    '--rules OLD --rules NEW --host HOST',
    "[--rules RULES] --host HOST --apply 'iptables …'",
    '[--rules RULES] --host HOST --expect FILE',
  ],
  options: [
    { ...RULES, multiple: true, help: `${RULES.help}; twice: what the second opens and closes` },
    GUESS,
    {
      ...HOST,
      onceHint:
        '; scan compares two rulesets on one host: --rules OLD/rules.v4 --rules NEW/rules.v4 --host NEW, where OLD ' +
        'and NEW are their folders',
    },
    {
      name: 'source',
      value: 'IFACE|NETWORK',
      multiple: true,
      help:
        'where to look from: an interface, for all senders to which the host routes by it, or an address or network, ' +
        'such as 10.0.0.0/8; left out, every interface',
    },
    {
      name: 'expect',
      value: 'FILE',
      help:
        'which ports are to be open, as YAML: `open:` and `closed:`, each a list of sentences such as ' +
        '"- eth0 tcp * > 192.0.2.10:22"; prints what is open and not listed, what is listed and closed (without a ' +
        'port, all ports are listed), and what fits nothing that is scanned, and exits with 1 if there is anything; ' +
        'open are also translated ports, accepted ones where it is not known who listens, and those that are open ' +
        'only to packets with another source port, MAC address, TTL, TOS or length than those of clients; ' +
        'sentences about interfaces that --source leaves out are not checked, and said',
    },
    { ...APPLY, help: `${APPLY.help}; with one ruleset, what that opens and closes is told; with two, it is for both` },
    IPSET,
    BACKEND,
    SEED,
    NFQUEUE,
    LAX,
    {
      ...STRICT,
      help:
        'exit with 1 if the result may be wrong or incomplete: after a warning, or if anything was assumed or ' +
        'not told',
    },
    NAMES,
    { name: 'json', help: 'print all ports as JSON (docs/schema/scan.schema.json)' },
    COLOR,
  ],
  examples: [
    {
      about: 'what can be reached on a host, from each of its interfaces',
      command: 'nfreplay scan --host snapshot.txt',
    },
    {
      about: 'does Docker bypass ufw? what the Internet reaches',
      command: 'nfreplay scan --host snapshot.txt --source eth0',
    },
    {
      about: 'what a rule opens',
      command: "nfreplay scan --host snapshot.txt --apply 'iptables -I INPUT -p tcp --dport 8081 -j ACCEPT'",
    },
    {
      about: 'in CI: nothing is open but what is meant to be',
      command: 'nfreplay scan --host host.json --expect ports.yaml',
    },
    {
      about: 'open ports, for a script',
      command: 'nfreplay scan --host snapshot.txt --json | jq -r \'.ports[] | select(.verdict == "open")\'',
    },
  ],
};
