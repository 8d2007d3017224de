/** What sets answer to commands of ipset, and what is saved in the end. */

import { saveSets } from '../../core/ipset/index.js';
import { toolMessage } from '../../core/ipset/ipset-error.js';
import { IpsetStop } from '../../core/ipset/report.js';
import { IpsetEnd, IpsetSession } from '../../core/ipset/session.js';
import { SetStore } from '../../core/sets/store.js';

export interface SetAnswers {
  /** By command: the exit code, and what was printed. */
  readonly answers: readonly string[];
  /** The lines of `ipset save`. */
  readonly saved: readonly string[];
}

/** Not a command of ipset: time goes by. */
export const SLEEP = 'sleep';
export const SLEEP_MS = 1500;

/** What nfreplay answers to COMMANDS, without `ipset`. */
export function answersHere(commands: readonly string[]): SetAnswers {
  const clock = { nowMs: 0 };
  const store = new SetStore({ clock, interfaceNames: [], randomWord: () => 0 });
  const answers = commands.map((command) => {
    if (command !== SLEEP) return answerOf(store, command);
    clock.nowMs += SLEEP_MS;
    return '0 ';
  });
  return { answers, saved: saveSets(store).trimEnd().split('\n') };
}

function answerOf(store: SetStore, command: string): string {
  const session = new IpsetSession(store);
  let exitCode = 0;
  let message = '';
  try {
    session.run(wordsOf(command));
  } catch (error) {
    if (error instanceof IpsetStop) message = toolMessage(error.message, error.exitCode);
    else if (!(error instanceof IpsetEnd)) throw error;
    exitCode = error.exitCode;
  }
  return `${exitCode} ${(session.stdout.join('') + session.stderr + message).trim()}`.split('\n')[0];
}

/** The words of COMMAND, some of which are in double quotes. */
function wordsOf(command: string): string[] {
  return (command.match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replace(/^"(.*)"$/, '$1'));
}

/** The first difference between ANSWERS and OURS to COMMANDS; undefined: none. */
export function differenceOf(commands: readonly string[], kernel: SetAnswers, ours: SetAnswers): string | undefined {
  const at = kernel.answers.findIndex((answer, i) => answer !== ours.answers[i]);
  if (at >= 0) return `${at}: ${commands[at]}: kernel "${kernel.answers[at]}", nfreplay "${ours.answers[at]}"`;
  const length = Math.max(kernel.saved.length, ours.saved.length);
  for (let i = 0; i < length; i++) {
    const [theirs = '', left = '0'] = splitTimeout(kernel.saved[i] ?? '');
    const [mine = '', wanted = '0'] = splitTimeout(ours.saved[i] ?? '');
    // Time runs while the kernel is asked.
    const late = Number(wanted) - Number(left);
    if (theirs !== mine || late < 0 || late > MOST_LATE_SECONDS) {
      return `saved ${i}: kernel "${kernel.saved[i]}", nfreplay "${ours.saved[i]}"`;
    }
  }
  return undefined;
}

const MOST_LATE_SECONDS = 2;

function splitTimeout(line: string): string[] {
  const [, before, timeout, after] = /^(.*) timeout (\d+)(.*)$/.exec(line) ?? [];
  return before === undefined ? [line] : [before + after, timeout];
}
