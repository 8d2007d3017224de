/** Compose projects in files: which files they are, as compose looks for them. */
import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { foreignFile } from '../../codecs/foreign-files.js';
import type { Word } from '../../codecs/iptables-save.js';
import { encodeText } from '../../codecs/text.js';
import type { ComposeProject } from '../../docker/commands/action.js';
import type { ComposeRequest } from '../../docker/commands/context.js';
import { CommandFault } from '../../docker/commands/fault.js';
import type { ComposeFile } from '../../docker/compose/load-model.js';
import { generationFor, readComposeProject } from '../../docker/compose/read-project.js';
import type { Release } from '../../docker/releases.js';
import { nativePath } from '../../io/path.js';
import { readText } from '../../io/text-file.js';
import { ReplayOptionsError } from '../errors.js';

/** What compose calls its files, the first one first. */
const NAMES = ['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml'];

/**
 * The project that REQUEST is about. ON_READ: told the path of each file that was read.
 * @throws {ComposeError} {CommandFault} {FileError}
 */
export function loadComposeProject(
  request: ComposeRequest,
  release: Release,
  onRead: (path: string) => void = () => undefined,
): ComposeProject {
  const directory = request.projectDirectory?.text;
  const given = request.files.map(({ text }) => text);
  const paths = given.length > 0 ? given : foundIn(directory ?? '.', request.command);
  const folder = directory ?? folderOf(paths[0]);
  const { projectName, envFiles, profiles, services, withDependencies, scale } = request;
  const variables = new Set<string>();
  const readAt = (path: string): string => {
    onRead(path);
    return readYaml(path);
  };
  const fileAt = (path: string): ComposeFile => ({ path: path === '-' ? 'standard input' : path, text: readAt(path) });
  const project = readComposeProject(paths.map(fileAt), {
    release,
    generation: generationFor(release, request.isStandalone),
    folder: folder === '.' ? '' : folder,
    folderName: basename(resolve(folder)),
    projectName: projectName?.text,
    environment: new Map(Object.entries(process.env).flatMap(([name, value = '']) => [[name, value]])),
    onVariable: (name) => variables.add(name),
    envFiles: envFiles.map(({ text }) => fileAt(text)),
    profiles,
    services: services.map(({ text }) => text),
    withDependencies,
    scale,
    readFile: (path) => (isFile(path) ? readAt(path) : undefined),
  });
  if (variables.size === 0) return project;
  return { ...project, assumed: [`compose takes from the environment: ${[...variables].sort().join(', ')}`] };
}

/** The compose files in FOLDER, or in one that it is in. */
function foundIn(folder: string, command: Word): string[] {
  const found = composeFilesIn(folder);
  if (found.length > 0) return found;
  if (resolve(folder) !== resolve(folder, '..')) return foundIn(join(folder, '..'), command);
  throw new CommandFault(command, 'there is no compose file here, or above', `one of ${NAMES.join(', ')}, or -f FILE`);
}

/** The compose file in FOLDER, and its override; none if there is none. */
export function composeFilesIn(folder: string): string[] {
  const isThere = (name: string): boolean => isFile(join(folder, name));
  const name = NAMES.find(isThere);
  if (name === undefined) return [];
  const stem = name.replace(/\.ya?ml$/, '');
  const override = ['yaml', 'yml'].map((kind) => `${stem}.override.${kind}`).find(isThere);
  return [name, ...(override === undefined ? [] : [override])].map((one) => join(folder, one));
}

/** @throws {ReplayOptionsError} for what editors of Windows may save, or what is compressed */
function readYaml(path: string): string {
  const text = readText(path);
  const foreign = /^[^\t\n\r -~]|\0/.test(text) ? foreignFile(encodeText(text), path, 'rules') : undefined;
  if (foreign !== undefined) throw new ReplayOptionsError(`${path}: ${foreign}`);
  return text;
}

function folderOf(path: string): string {
  return path === '-' ? '.' : dirname(path);
}

function isFile(path: string): boolean {
  return existsSync(nativePath(path)) && statSync(nativePath(path)).isFile();
}
