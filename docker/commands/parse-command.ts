/** Commands that people type on a Docker host: the words of a line, to what it does. */
import type { Word } from '../../codecs/iptables-save.js';
import { withNearest } from '../../codecs/nearest.js';
import type { Command } from './action.js';
import { composeCommand } from './compose-command.js';
import { CONTAINER_COMMANDS } from './containers-command.js';
import type { ParseContext } from './context.js';
import { dockerdCommand } from './dockerd-command.js';
import { CommandFault, notFollowed } from './fault.js';
import { flagTable, parseFlags } from './flags.js';
import { HOST_COMMANDS } from './host-commands.js';
import { NETWORK_COMMANDS } from './network-command.js';
import type { Parsed, Subcommand } from './subcommands.js';

/** Before the name of the command of docker. */
const GLOBAL_FLAGS = flagTable(`
      --config string
  -c, --context string
  -D, --debug
  -H, --host list
      --help
  -l, --log-level string
      --tls
      --tlscacert string
      --tlscert string
      --tlskey string
      --tlsverify
  -v, --version
`);

/** Commands of docker that change nothing of networks and containers. */
const WITHOUT_EFFECT: readonly string[] = [
  ...['attach', 'build', 'builder', 'buildx', 'cp', 'diff', 'events', 'exec', 'export', 'history', 'image', 'images'],
  ...['import', 'info', 'inspect', 'load', 'login', 'logout', 'logs', 'ls', 'manifest', 'port', 'ps', 'pull', 'push'],
  ...['rmi', 'save', 'scout', 'search', 'stats', 'tag', 'top', 'version', 'volume', 'wait'],
];
const ALIASES: Readonly<Record<string, string>> = { remove: 'rm' };
const PROGRAMS: readonly string[] = ['dockerd', 'docker', 'docker-compose', ...Object.keys(HOST_COMMANDS)];
const WANTED = 'docker, docker compose, dockerd, iptables, ipset, sysctl -w, systemctl or service, …';

/**
 * What the line of ALL these words in FILE does.
 * @throws {CommandFault}, and what the context throws
 */
export function parseDockerCommand(all: readonly Word[], file: string, context: ParseContext): Command[] {
  const words = all[0]?.text === 'sudo' ? all.slice(1) : all;
  const [program, ...rest] = words;
  if (program === undefined) throw new CommandFault(all[0], 'sudo without a command', WANTED);
  const commandOf = ({ action, notes }: Parsed): Command => ({ action, words: all, file, notes });
  const initScript = /^\/etc\/init\.d\/([\w-]+)$/.exec(program.text);
  if (initScript !== null)
    return HOST_COMMANDS.service([{ ...program, text: initScript[1] }, ...rest], program).map((action) =>
      commandOf({ action, notes: [] }),
    );
  const name = baseName(program.text);
  if (name === 'docker') return [commandOf(dockerCommand(rest, program, context))];
  if (name === 'docker-compose') return [commandOf(composeCommand(rest, name, program, context))];
  if (name === 'dockerd') return [commandOf(dockerdCommand(rest, name, context))];
  if (Object.hasOwn(HOST_COMMANDS, name))
    return HOST_COMMANDS[name](rest, program).map((action) => commandOf({ action, notes: [] }));
  throw new CommandFault(program, withNearest(`"${program.text}" is not followed`, name, PROGRAMS), WANTED);
}

const baseName = (program: string): string => program.replace(/^.*\//, '');

function dockerCommand(words: readonly Word[], program: Word, context: ParseContext): Parsed {
  const global = parseFlags(words, GLOBAL_FLAGS, { command: 'docker', isInterspersed: false });
  const elsewhere = global.firstOf(['host', 'context']);
  if (elsewhere !== undefined) throw notFollowed(elsewhere.word, 'an engine on another host');
  const [name, ...rest] = global.positionals;
  if (name === undefined)
    throw new CommandFault(program, 'docker does not say what to do', 'docker run, docker network …');
  if (name.text === 'compose') return composeCommand(rest, 'docker compose', name, context);
  if (name.text === 'daemon') return dockerdCommand(rest, 'docker daemon', context);
  const group = GROUPS[name.text];
  if (group === undefined) return subcommand(CONTAINER_COMMANDS, 'docker', name, rest);
  if (rest.length === 0)
    throw new CommandFault(name, `docker ${name.text} does not say what to do`, Object.keys(group).join(', '));
  return subcommand(group, `docker ${name.text}`, rest[0], rest.slice(1));
}

const GROUPS: Readonly<Record<string, Readonly<Record<string, Subcommand>> | undefined>> = {
  __proto__: null as never,
  container: CONTAINER_COMMANDS,
  network: NETWORK_COMMANDS,
};

function subcommand(
  commands: Readonly<Record<string, Subcommand>>,
  before: string,
  name: Word,
  words: readonly Word[],
): Parsed {
  const known = ALIASES[name.text] ?? name.text;
  const full = `${before} ${name.text}`;
  if (Object.hasOwn(commands, known)) return commands[known](words, full, name);
  const names =
    before === 'docker' ? [...Object.keys(commands), 'network', 'container', 'compose'] : Object.keys(commands);
  if (WITHOUT_EFFECT.includes(name.text))
    throw new CommandFault(name, `${full} changes no network and starts or stops no container`, 'no such line');
  throw new CommandFault(name, withNearest(`${full} is not followed`, name.text, names), names.join(', '));
}
