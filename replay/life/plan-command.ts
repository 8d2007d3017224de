/** Commands of programs that change a host: parsed before the first packet, with all that they name. */
import { isOperator } from '../../codecs/shell-words.js';
import { shown } from '../../codecs/text.js';
import type { Command } from '../../docker/commands/action.js';
import { CommandFault } from '../../docker/commands/fault.js';
import { isServiceFile, SAVES_RULES } from '../../docker/commands/host-commands.js';
import { parseDockerCommand } from '../../docker/commands/parse-command.js';
import { ComposeError } from '../../docker/compose/compose-error.js';
import { commandError, type HostCommand, placeOf } from '../commands/host-command.js';
import { CommandError } from '../errors.js';
import { type FoundFiles, filesOf } from './command-files.js';
import type { HostLifeSetting } from './host-life.js';

const SAVE = '> /etc/sysconfig/iptables';

/** What a command asks for, one thing after the other, and the files that were read for it. */
export interface PlannedOnHost {
  readonly commands: readonly Command[];
  readonly paths: readonly string[];
}

/**
 * What COMMAND, whose tool is `host` or `iptables-save`, asks for on a host in SETTING.
 * @throws {CommandError} if it is faulty, or the host is not known well enough for it
 * @throws {FileError} if a file that it names cannot be read
 */
export function planHostCommand(command: HostCommand, setting: HostLifeSetting): PlannedOnHost {
  const { all, source, tool } = command;
  const file = source.argument ?? source.file;
  if (tool === 'iptables-save') {
    return { commands: [{ action: savingAction(command), words: all, file, notes: [] }], paths: [] };
  }
  const isKnown = setting.docker !== undefined;
  if (!isKnown && all.some(({ text }) => /^(?:.*\/)?(?:docker|docker-compose|dockerd)$/.test(text)))
    throw unknownEngine(command);
  const found: FoundFiles = { paths: [] };
  const commands = parsed(command, file, setting, found);
  if (!isKnown && commands.some(({ action }) => isOfDocker(action))) throw unknownEngine(command);
  return { commands, paths: found.paths };
}

function unknownEngine({ all, source }: HostCommand): CommandError {
  const what = 'what the engine of this host runs is not known: there is no docker.json beside its description';
  return commandError(
    source,
    all,
    all[0],
    what,
    '--host DIR, which `nfreplay docker HOST -o DIR` makes of this description',
  );
}

function parsed({ all, source }: HostCommand, file: string, { docker }: HostLifeSetting, found: FoundFiles): Command[] {
  try {
    return parseDockerCommand(all, file, filesOf(source, docker, found));
  } catch (error) {
    if (error instanceof ComposeError) throw new CommandError(error.message, error.isUnsupported);
    if (!(error instanceof CommandFault)) throw error;
    const { word, message, isUnsupported } = error;
    throw new CommandError(`${placeOf(source, all, word)}: ${shown(message)}`, isUnsupported);
  }
}

function isOfDocker(action: Command['action']): boolean {
  return action.kind === 'service' ? action.service === 'docker' : action.kind !== 'reload';
}

/** `iptables-save > /etc/sysconfig/iptables` */
function savingAction({ words, all, source }: HostCommand): Command['action'] {
  const at = words.findIndex(isOperator);
  const option = words.slice(0, at).find(({ text }) => !/^(?:-c|--counters)$/.test(text));
  if (option !== undefined) throw commandError(source, all, option, `${option.text} is not followed here`, SAVE);
  const [file, more] = words.slice(at + 1);
  if (file === undefined || !isServiceFile(file.text)) {
    const what = `${file?.text ?? 'nothing'} is not what the iptables service loads`;
    throw commandError(source, all, file ?? words[at], what, '/etc/sysconfig/iptables or /etc/iptables/rules.v4');
  }
  if (more !== undefined) throw commandError(source, all, more, `one word too many: ${more.text}`, 'one file');
  return SAVES_RULES;
}

/** What is wrong with COMMAND as a whole. */
export function failureOf({ source, all }: HostCommand, message: string, isUnsupported: boolean): CommandError {
  return new CommandError(`${placeOf(source, all, all[0])}: ${shown(message)}`, isUnsupported);
}
