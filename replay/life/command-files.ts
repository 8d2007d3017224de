/** The files that commands name which change a host: those of compose, and of the engine's options. */
import { isAbsolute, join } from 'node:path';
import type { Word } from '../../codecs/iptables-save.js';
import type { ParseContext } from '../../docker/commands/context.js';
import { notFollowed } from '../../docker/commands/fault.js';
import type { DockerState } from '../../docker/model.js';
import { parseRelease } from '../../docker/releases.js';
import { refuseIrregular } from '../../io/path.js';
import { readText } from '../../io/text-file.js';
import { fileInCase } from '../case-folder.js';
import type { CommandSource } from '../commands/host-command.js';
import { loadComposeProject } from '../docker/compose-files.js';

/** What the parser of a command reads besides it. */
export interface FoundFiles {
  /** The files that were read. */
  readonly paths: string[];
}

/** For the commands of SOURCE on a host whose engine is in the state DOCKER. What is read is noted in FOUND. */
export function filesOf(
  { file, argument, within }: CommandSource,
  docker: DockerState | undefined,
  found: FoundFiles,
): ParseContext {
  const pathOf = ({ text }: Word): string => {
    if (within === undefined) return text;
    const path = isAbsolute(text) ? fileInCase(within, text, argument ?? file) : join(within, text);
    refuseIrregular(path);
    return path;
  };
  const release = docker === undefined ? undefined : parseRelease(docker.release);
  return {
    release,
    pathOf,
    readText: (word) => {
      found.paths.push(pathOf(word));
      return readText(pathOf(word));
    },
    composeProject: (request) => {
      if (within !== undefined) throw notFollowed(request.command, 'a compose project in a case');
      if (release === undefined) throw notFollowed(request.command, 'a compose project without a known engine');
      const project = loadComposeProject(request, release, (path) => found.paths.push(path));
      return { ...project, notes: [...project.notes, ...(project.assumed ?? [])] };
    },
  };
}
