/** Random commands through the real iptables and through this project: exit codes, messages, and what they leave. */
import type { Family } from '../../../codecs/address.js';
import type { Backend } from '../../../core/rules/model.js';
import { answerDifference, noTables, ourAnswer, savedDifference } from '../../rules/command-sessions.js';
import type { Libc } from '../libc.js';
import { Namespace } from '../namespace.js';
import { Prng } from '../prng.js';
import { CommandMaker } from './generator.js';
import { RealIptables } from './real-iptables.js';

export interface CommandsTally {
  /** Commands that did the same, those that failed alike, and with how many of these no message was compared. */
  done: number;
  failed: number;
  silent: number;
  /** Sessions that ended because something is not supported here. */
  unsupported: number;
  different: number;
}

export interface CompareOptions {
  readonly seed: number;
  readonly count: number;
  readonly most: number;
  readonly backend: Backend;
  readonly family: Family;
  /** The seed of the only session that is played. */
  readonly session?: number | undefined;
}

/** Commands in a session, which starts without tables. */
export const SESSION = 30;

/** A session's commands so far, of which the last one makes the difference. */
export type Report = (sessionSeed: number, commands: readonly (readonly string[])[], difference: string) => void;

/** Compares COUNT commands, in sessions whose seeds come from SEED, up to MOST differences. */
export function compareCommands(libc: Libc, options: CompareOptions, report: Report): CommandsTally {
  const { seed, count, most, session } = options;
  const tally: CommandsTally = { done: 0, failed: 0, silent: 0, unsupported: 0, different: 0 };
  const seeds = new Prng(seed);
  for (let n = 0; n < count && tally.different < most; n += session === undefined ? 0 : count) {
    const sessionSeed = session ?? seeds.word();
    const namespace = Namespace.create(libc);
    n += namespace.run(() => playSession(sessionSeed, options, tally, report));
    namespace.close();
  }
  return tally;
}

const SEARCHES = /^(?:-[CD]|--ch|--del)/;

/** Plays a session; returns how many commands it had. */
function playSession(seed: number, { backend, family }: CompareOptions, tally: CommandsTally, report: Report): number {
  const maker = new CommandMaker(seed, family);
  const real = new RealIptables(backend, family);
  const commands: string[][] = [];
  let state = noTables(family);
  while (commands.length < SESSION) {
    const words = maker.next(state.ruleset);
    const ours = ourAnswer(words, state, backend);
    commands.push(words);
    const theirs = real.run(words);
    // ip6tables-legacy compares rules by a mask that is too short (delete_entry in 1.8.9).
    const comparesShort = family === 'ipv6' && backend === 'legacy' && words.some((word) => SEARCHES.test(word));
    if (ours.fault?.code === 'unsupported' || (comparesShort && ours.exitCode !== theirs.exitCode)) {
      tally.unsupported++;
      break;
    }
    const difference = answerDifference(ours, theirs, backend) ?? savedDifference(ours, real.save(), backend);
    if (difference !== undefined) {
      tally.different++;
      report(seed, commands, difference);
      break;
    }
    if (ours.exitCode === 0) tally.done++;
    else {
      tally.failed++;
      if (ours.stderr === '') tally.silent++;
    }
    state = ours;
  }
  return commands.length;
}

/** TALLY as a line of text. */
export function formatCommandsTally({ done, failed, silent, unsupported, different }: CommandsTally): string {
  const alike = `${done} commands done alike, ${failed} failed alike (${silent} without comparing the message)`;
  return `${alike}, ${unsupported} unsupported here, ${different} different`;
}
