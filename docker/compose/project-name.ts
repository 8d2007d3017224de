/** The name of a project, which the names of its networks and containers begin with. */
import { ComposeError } from './compose-error.js';
import { asText, member } from './compose-node.js';
import { readComposeYaml } from './compose-yaml.js';
import { InterpolationError, interpolateText } from './interpolate.js';
import type { ComposeFile } from './load-model.js';
import type { ComposeGeneration } from './scalar-type.js';

export interface ProjectNaming {
  readonly generation: ComposeGeneration;
  /** `-p`; undefined: not given. */
  readonly given: string | undefined;
  /** The name of the folder in which the project is. */
  readonly folderName: string;
  readonly files: readonly ComposeFile[];
  readonly environment: ReadonlyMap<string, string>;
}

/**
 * By `-p`, the variable COMPOSE_PROJECT_NAME, `name:` of the last file that has it (compose 2), and the folder, in this order.
 * @throws {ComposeError} if the name is none that compose takes
 */
export function projectName(naming: ProjectNaming): string {
  const { generation, given, environment, folderName, files } = naming;
  const explicit = given || environment.get('COMPOSE_PROJECT_NAME');
  if (explicit) {
    const normal = normalized(explicit);
    if (generation === 1 || normal === explicit) return normal;
    throw new ComposeError(
      `"${explicit}" is no name for a project: lower-case letters, digits, - and _, a letter or digit first` +
        (normal === '' ? '' : `, as in "${normal}"`),
      { file: files[0].path, line: 1, column: 1 },
    );
  }
  const named = generation === 1 ? '' : nameInFiles(naming);
  const name = named || normalized(folderName);
  if (name !== '') return name;
  if (generation === 1) return 'default';
  throw new ComposeError(
    `neither name: nor the folder "${folderName}" gives the project a name; give it one with -p or COMPOSE_PROJECT_NAME`,
    { file: files[0].path, line: 1, column: 1 },
  );
}

function nameInFiles({ files, environment }: ProjectNaming): string {
  let found = '';
  for (const { text, path } of files)
    for (const document of readComposeYaml(text, path, 2)) {
      const node = document.kind === 'map' ? member(document, 'name') : undefined;
      if (node === undefined) continue;
      const name = asText(node, 'name', 'the name of the project');
      try {
        found = interpolateText(name, { generation: 2, lookUp: (variable) => environment.get(variable) }) || found;
      } catch (error) {
        throw error instanceof InterpolationError ? new ComposeError(error.message, node.place) : error;
      }
    }
  return normalized(found);
}

function normalized(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9_-]/g, '')
    .replace(/^[_-]+/, '');
}
