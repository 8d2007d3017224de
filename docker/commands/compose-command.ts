/** `docker compose …` and `docker-compose …`. */
import type { Word } from '../../codecs/iptables-save.js';
import { withNearest } from '../../codecs/nearest.js';
import type { ComposeProject, DockerAction } from './action.js';
import type { ParseContext } from './context.js';
import { CommandFault, notFollowed, partOf } from './fault.js';
import { type Flags, type FlagTable, flagTable, parseFlags } from './flags.js';
import type { Parsed } from './subcommands.js';

/** Before the name of the command: those of compose 1 and 2. */
const GLOBAL_FLAGS = flagTable(`
      --all-resources
      --ansi string
  -c, --context string
      --compatibility
      --dry-run
      --env-file list
  -f, --file list
      --help
  -H, --host string
      --insecure-registry list
      --log-level string
      --no-ansi
      --parallel int
      --profile list
      --progress string
      --project-directory string
  -p, --project-name string
      --skip-hostname-check
      --tls
      --tlscacert string
      --tlscert string
      --tlskey string
      --tlsverify
      --verbose
  -v, --version
      --workdir string
`);

const UP_FLAGS = flagTable(`
      --abort-on-container-exit
      --abort-on-container-failure
      --always-recreate-deps
      --attach list
      --attach-dependencies
      --build
  -d, --detach
      --exit-code-from string
      --force-recreate
      --menu
      --no-attach list
      --no-build
      --no-color
      --no-deps
      --no-log-prefix
      --no-recreate
      --no-start
      --pull string
      --quiet-build
      --quiet-pull
      --remove-orphans
  -V, --renew-anon-volumes
      --scale list
  -t, --timeout int
      --timestamps
      --wait
      --wait-timeout int
  -w, --watch
  -y, --yes
`);
const DOWN_FLAGS = flagTable(`
      --remove-orphans
      --rmi string
  -t, --timeout int
  -v, --volumes
`);
const TIMEOUT_FLAGS = flagTable('-t, --timeout int');
const START_FLAGS = flagTable(`
      --wait
      --wait-timeout int
`);
const RESTART_FLAGS = flagTable(`
      --no-deps
  -t, --timeout int
`);

type Project = (flags: Flags, withDependencies: boolean) => ComposeProject;

interface ComposeSubcommand {
  readonly flags: FlagTable;
  parse(flags: Flags, project: Project): Parsed;
}

const COMMANDS: Readonly<Record<string, ComposeSubcommand>> = {
  up: {
    flags: UP_FLAGS,
    parse: (flags, project) => {
      for (const name of ['no-start', 'force-recreate', 'always-recreate-deps']) {
        if (flags.isSet(name)) throw notFollowed(flags.last(name)!, `--${name}`, `docker compose up without it`);
      }
      const removesOrphans = flags.isSet('remove-orphans');
      return plain({ kind: 'compose up', project: project(flags, !flags.isSet('no-deps')), removesOrphans });
    },
  },
  down: {
    flags: DOWN_FLAGS,
    parse: (flags, project) => plain({ kind: 'compose down', project: project(flags, false) }),
  },
  stop: {
    flags: TIMEOUT_FLAGS,
    parse: (flags, project) => plain({ kind: 'compose stop', project: project(flags, false) }),
  },
  start: {
    flags: START_FLAGS,
    parse: (flags, project) => plain({ kind: 'compose start', project: project(flags, false) }),
  },
  restart: {
    flags: RESTART_FLAGS,
    parse: (flags, project) => plain({ kind: 'compose restart', project: project(flags, false) }),
  },
};

const plain = (action: ComposeAction): Parsed => ({ action, notes: action.project.notes });

type ComposeAction = Extract<DockerAction, { readonly project: ComposeProject }>;

const NAMES = Object.keys(COMMANDS);

/**
 * Parses WORDS, those behind COMMAND, of which NAME is the last word.
 * @throws {CommandFault} and what the context throws
 */
export function composeCommand(words: readonly Word[], command: string, name: Word, context: ParseContext): Parsed {
  const global = parseFlags(words, GLOBAL_FLAGS, { command, isInterspersed: false });
  for (const option of ['dry-run', 'help', 'version']) {
    if (global.isSet(option))
      throw new CommandFault(global.last(option)!, `--${option} changes nothing`, 'no such line');
  }
  const elsewhere = global.firstOf(['host', 'context']);
  if (elsewhere !== undefined) throw notFollowed(elsewhere.word, 'an engine on another host');
  const [subcommand, ...rest] = global.positionals;
  if (subcommand === undefined) throw new CommandFault(name, `${command} does not say what to do`, NAMES.join(', '));
  const found = Object.hasOwn(COMMANDS, subcommand.text) ? COMMANDS[subcommand.text] : undefined;
  const full = `${command} ${subcommand.text}`;
  if (found === undefined)
    throw new CommandFault(
      subcommand,
      withNearest(`${full} is not followed`, subcommand.text, NAMES),
      NAMES.join(', '),
    );
  const flags = parseFlags(rest, found.flags, { command: full, isInterspersed: true });
  const project: Project = (own, withDependencies) =>
    context.composeProject({
      isStandalone: command.startsWith('docker-compose'),
      files: global.all('file'),
      projectName: global.last('project-name'),
      projectDirectory: global.last('project-directory') ?? global.last('workdir'),
      envFiles: global.all('env-file'),
      profiles: global.split('profile').map(({ text }) => text),
      scale: scaleIn(own),
      services: own.positionals,
      withDependencies,
      command: subcommand,
    });
  return found.parse(flags, project);
}

/** `--scale web=3` */
function scaleIn(flags: Flags): Map<string, number> {
  return new Map(
    flags.all('scale').map((word): [string, number] => {
      const [, service, count] = /^([^=]+)=(\d{1,6})$/.exec(word.text) ?? [];
      const at = word.text.indexOf('=') + 1;
      if (service === undefined)
        throw new CommandFault(partOf(word, at), `--scale takes no "${word.text}"`, 'SERVICE=NUMBER');
      return [service, Number(count)];
    }),
  );
}
