import { readFileSync } from 'node:fs';
import type { ComposeProject } from '../../../docker/commands/action.js';
import { type ComposeOptions, readComposeProject } from '../../../docker/compose/read-project.js';
import type { Reduced } from './reduced.js';

export const CASES_FILE = 'test/docker/compose/cases.jsonl';
/** In which compose ran. */
export const FOLDER_NAME = 'shop';

export interface ComposeCase {
  name: string;
  files: Record<string, string>;
  /** `-f` */
  use: string[];
  profiles?: string[];
  environment?: Record<string, string>;
  /** What compose makes of it, or why it refuses it. */
  compose1: Reduced | string;
  compose2: Reduced | string;
  /** Where nfreplay is stricter: compose leaves it to the engine, or does what cannot have been meant. */
  refused?: boolean;
  /** Where compose refuses what can mean but one thing. */
  allowed?: boolean;
}

export function readCases(): ComposeCase[] {
  return readFileSync(CASES_FILE, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as ComposeCase);
}

/** The project of FILES, of which those in USE are given. */
export function projectOf(
  files: Readonly<Record<string, string>>,
  use: readonly string[] = ['compose.yaml'],
  options: Partial<ComposeOptions> = {},
): ComposeProject {
  return readComposeProject(
    use.map((path) => ({ path, text: files[path] })),
    {
      release: [29, 0, 0],
      folder: '',
      folderName: FOLDER_NAME,
      readFile: (path) => (Object.hasOwn(files, path) ? files[path] : undefined),
      ...options,
    },
  );
}
