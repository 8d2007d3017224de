/** Compose projects in files: which files they are, as compose looks for them. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ComposeProject } from '../../docker/commands/action.js';
import type { ComposeRequest } from '../../docker/commands/context.js';
import { notFollowed } from '../../docker/commands/fault.js';
import type { Release } from '../../docker/releases.js';
import { nativePath } from '../../io/path.js';

/** What compose calls its files, the first one first. */
const NAMES = ['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml'];

/**
 * The project that REQUEST is about.
 * @throws {CommandFault}
 */
export function loadComposeProject(request: ComposeRequest, _release: Release): ComposeProject {
  throw notFollowed(request.command, 'a compose project');
}

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
