/** Compose projects in files: which files they are, as compose looks for them. */
import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { ComposeProject } from '../../docker/commands/action.js';
import type { ComposeRequest } from '../../docker/commands/context.js';
import { CommandFault } from '../../docker/commands/fault.js';
import type { ComposeFile } from '../../docker/compose/load-model.js';
import { generationFor, readComposeProject } from '../../docker/compose/read-project.js';
import type { Release } from '../../docker/releases.js';
import { nativePath } from '../../io/path.js';
import { readText } from '../../io/text-file.js';

/** What compose calls its files, the first one first. */
const NAMES = ['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml'];

/**
 * The project that REQUEST is about.
 * @throws {CommandFault} {ComposeError} {FileError}
 */
export function loadComposeProject(request: ComposeRequest, release: Release): ComposeProject {
  const { files, projectDirectory, command } = request;
  const paths = files.length > 0 ? files.map(({ text }) => text) : composeFilesIn(projectDirectory?.text ?? '');
  if (paths.length === 0)
    throw new CommandFault(command, 'there is no compose file here', `one of ${NAMES.join(', ')}, or -f FILE`);
  const folder = projectDirectory?.text ?? dirname(paths[0]);
  return readComposeProject(paths.map(textAt), {
    release,
    generation: generationFor(release, request.isStandalone),
    folder: folder === '.' ? '' : folder,
    folderName: basename(resolve(folder)),
    projectName: request.projectName?.text,
    envFiles: request.envFiles.map(({ text }) => textAt(text)),
    profiles: request.profiles,
    services: request.services.map(({ text }) => text),
    withDependencies: request.withDependencies,
    scale: request.scale,
    readFile: (path) => (isFile(path) ? readText(path) : undefined),
  });
}

const textAt = (path: string): ComposeFile => ({ path, text: readText(path) });

/** The compose file in FOLDER, and its override; none if there is none. */
export function composeFilesIn(folder: string): string[] {
  const name = NAMES.find((one) => isFile(join(folder, one)));
  if (name === undefined) return [];
  const stem = name.replace(/\.ya?ml$/, '');
  const override = ['yaml', 'yml'].map((kind) => `${stem}.override.${kind}`).find((one) => isFile(join(folder, one)));
  return [name, ...(override === undefined ? [] : [override])].map((one) => join(folder, one));
}

function isFile(path: string): boolean {
  return existsSync(nativePath(path)) && statSync(nativePath(path)).isFile();
}
