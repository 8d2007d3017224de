/** What the parsers of commands ask of whoever has the files that commands name. */
import type { Word } from '../../codecs/iptables-save.js';
import type { Release } from '../releases.js';
import type { ComposeProject } from './action.js';

/** Which compose project a command is about, and which part of it. */
export interface ComposeRequest {
  /** `docker-compose`, whose first releases name containers in another way. */
  readonly isStandalone: boolean;
  /** `-f`; empty: those that compose looks for. */
  readonly files: readonly Word[];
  readonly projectName: Word | undefined;
  readonly projectDirectory: Word | undefined;
  readonly envFiles: readonly Word[];
  readonly profiles: readonly string[];
  /** Services by name, with a number of containers. */
  readonly scale: ReadonlyMap<string, number>;
  /** Those that were named; empty: all. */
  readonly services: readonly Word[];
  /** Whether the services that these depend on count, too. */
  readonly withDependencies: boolean;
  /** The word that asks for it. */
  readonly command: Word;
}

export interface ParseContext {
  /** Of the engine; undefined: not known. */
  readonly release: Release | undefined;
  /** The path of the file that a WORD names, for messages. */
  pathOf(word: Word): string;
  /** The text of the file that WORD names. Throws if it cannot be read. */
  readText(word: Word): string;
  /** Throws if there is no such project, or a file of it is wrong. */
  composeProject(request: ComposeRequest): ComposeProject;
}
