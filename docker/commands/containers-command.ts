/** Commands of docker on containers that there are, and `docker run` and `docker create`. */
import type { Word } from '../../codecs/iptables-save.js';
import type { DockerAction } from './action.js';
import { containerRequest } from './container-command.js';
import { CommandFault, notFollowed } from './fault.js';
import { type Flags, type FlagTable, flagTable, parseFlags } from './flags.js';
import type { Parsed, Subcommand } from './subcommands.js';

const START_FLAGS = flagTable(`
  -a, --attach
      --checkpoint string
      --checkpoint-dir string
      --detach-keys string
  -i, --interactive
`);
const STOP_FLAGS = flagTable(`
  -s, --signal string
  -t, --time int
      --timeout int
`);
const KILL_FLAGS = flagTable('-s, --signal string');
const RM_FLAGS = flagTable(`
  -f, --force
  -l, --link
  -v, --volumes
`);

/** `docker NAME …` and `docker container NAME …`. */
export const CONTAINER_COMMANDS: Readonly<Record<string, Subcommand>> = {
  run: (words, command, name) => container('run', words, command, name),
  create: (words, command, name) => container('create', words, command, name),
  start: (words, command, name) => {
    const flags = parse(words, START_FLAGS, command);
    const checkpoint = flags.firstOf(['checkpoint', 'checkpoint-dir']);
    if (checkpoint !== undefined) throw notFollowed(checkpoint.word, `--${checkpoint.name}`);
    return plain({ kind: 'start', containers: namesIn(flags, command, name) });
  },
  stop: (words, command, name) =>
    plain({ kind: 'stop', containers: namesIn(parse(words, STOP_FLAGS, command), command, name) }),
  restart: (words, command, name) =>
    plain({ kind: 'restart', containers: namesIn(parse(words, STOP_FLAGS, command), command, name) }),
  kill: (words, command, name) => {
    const flags = parse(words, KILL_FLAGS, command);
    const signal = flags.last('signal');
    if (signal !== undefined && !/^(?:(?:SIG)?KILL|9)$/i.test(signal.text))
      throw notFollowed(signal, `what a program does at signal ${signal.text}`, 'no signal, or `docker stop`');
    return plain({ kind: 'kill', containers: namesIn(flags, command, name) });
  },
  rm: (words, command, name) => {
    const flags = parse(words, RM_FLAGS, command);
    if (flags.isSet('link')) throw notFollowed(flags.last('link')!, '--link, which removes a link,');
    return plain({ kind: 'rm', isForced: flags.isSet('force'), containers: namesIn(flags, command, name) });
  },
};

const plain = (action: DockerAction): Parsed => ({ action, notes: [] });

function container(kind: 'run' | 'create', words: readonly Word[], command: string, name: Word): Parsed {
  const { spec, notes } = containerRequest(words, command, name);
  return { action: { kind, spec }, notes };
}

function parse(words: readonly Word[], table: FlagTable, command: string): Flags {
  return parseFlags(words, table, { command, isInterspersed: true });
}

function namesIn({ positionals }: Flags, command: string, name: Word): string[] {
  if (positionals.length === 0) throw new CommandFault(name, `${command} names no container`, 'a CONTAINER');
  return positionals.map(({ text }) => text.replace(/^\//, ''));
}
