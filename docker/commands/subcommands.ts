/** What the parsers of commands of docker have in common. */
import type { Word } from '../../codecs/iptables-save.js';
import type { DockerAction, HostAction } from './action.js';

/** What a command does; notes are for people. */
export interface Parsed {
  readonly action: DockerAction | HostAction;
  readonly notes: readonly string[];
}

/** Parses the WORDS behind COMMAND, `docker network create`, of which NAME is the last word. */
export type Subcommand = (words: readonly Word[], command: string, name: Word) => Parsed;
