/** `docker network …`. */
import type { Word } from '../../codecs/iptables-save.js';
import type { EndpointSpec } from '../model.js';
import type { DockerAction } from './action.js';
import { addressOf } from './container-networks.js';
import { CommandFault, notFollowed } from './fault.js';
import { type Flags, type FlagTable, flagTable, parseFlags } from './flags.js';
import { networkRequest } from './network-create.js';
import type { Parsed, Subcommand } from './subcommands.js';

const CONNECT_FLAGS = flagTable(`
      --alias list
      --driver-opt list
      --gw-priority int
      --ip string
      --ip6 string
      --link list
      --link-local-ip list
`);
const DISCONNECT_FLAGS = flagTable('-f, --force');
const RM_FLAGS = flagTable('-f, --force');
const PRUNE_FLAGS = flagTable(`
      --filter list
  -f, --force
`);

export const NETWORK_COMMANDS: Readonly<Record<string, Subcommand>> = {
  create: (words, command, name) => {
    const { spec, notes } = networkRequest(words, command, name);
    return { action: { kind: 'network create', spec }, notes };
  },
  connect: (words, command, name) => {
    const flags = parse(words, CONNECT_FLAGS, command);
    const [network, container] = exactly(flags, ['NETWORK', 'CONTAINER'], command, name);
    const ipv6 = flags.firstOf(['ip6', 'link-local-ip']);
    if (ipv6 !== undefined) throw notFollowed(ipv6.word, `--${ipv6.name}`);
    const ip = flags.last('ip');
    const endpoint: EndpointSpec = {
      network: network.text,
      address: ip && addressOf(ip),
      mac: undefined,
      aliases: flags.split('alias').map(({ text }) => text),
      gatewayPriority: Number(flags.last('gw-priority')?.text ?? 0),
    };
    return plain({ kind: 'network connect', container: container.text, endpoint });
  },
  disconnect: (words, command, name) => {
    const flags = parse(words, DISCONNECT_FLAGS, command);
    const [network, container] = exactly(flags, ['NETWORK', 'CONTAINER'], command, name);
    return plain({ kind: 'network disconnect', network: network.text, container: container.text });
  },
  rm: (words, command, name) => {
    const { positionals } = parse(words, RM_FLAGS, command);
    if (positionals.length === 0) throw new CommandFault(name, `${command} names no network`, 'a NETWORK');
    return plain({ kind: 'network rm', networks: positionals.map(({ text }) => text) });
  },
  prune: (words, command) => {
    const flags = parse(words, PRUNE_FLAGS, command);
    const filter = flags.last('filter');
    if (filter !== undefined) throw notFollowed(filter, '--filter');
    if (flags.positionals.length > 0)
      throw new CommandFault(flags.positionals[0], 'one word too many', `${command} [-f]`);
    return plain({ kind: 'network prune' });
  },
};

const plain = (action: DockerAction): Parsed => ({ action, notes: [] });

function parse(words: readonly Word[], table: FlagTable, command: string): Flags {
  return parseFlags(words, table, { command, isInterspersed: true });
}

/** The words that FLAGS leave, which are those that WANTED names. */
function exactly({ positionals }: Flags, wanted: readonly string[], command: string, name: Word): readonly Word[] {
  const expected = `${command} ${wanted.join(' ')}`;
  const missing = wanted[positionals.length];
  if (missing !== undefined) throw new CommandFault(positionals.at(-1) ?? name, `the ${missing} is missing`, expected);
  const more = positionals[wanted.length];
  if (more !== undefined) throw new CommandFault(more, `"${more.text}" is one word too many`, expected);
  return positionals;
}
