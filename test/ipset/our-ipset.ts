/** What this project answers to steps. */

import { saveSets } from '../../core/ipset/index.js';
import { toolMessage } from '../../core/ipset/ipset-error.js';
import { IpsetStop } from '../../core/ipset/report.js';
import { IpsetEnd, IpsetSession } from '../../core/ipset/session.js';
import { SetStore } from '../../core/sets/store.js';
import { type Answer, RANDOM_INITVAL, type Step } from './steps.js';

export class OurIpset {
  readonly #store = newStore();

  answer(step: Step): Answer {
    if (step.kind === 'rule') {
      const set = this.#store.get(step.set);
      const isAsked = set !== undefined && (set.type.families.length === 0 || set.options.family === 'ipv4');
      if (isAsked) this.#store.take(step.set);
      const exitCode = isAsked ? 0 : 1;
      return { exitCode, stdout: '', stderr: '', saved: saveSets(this.#store) };
    }
    const session = new IpsetSession(this.#store);
    let exitCode = 0;
    let stderr = '';
    try {
      session.run(step.words, step.kind === 'restore' ? step.text : '');
    } catch (error) {
      if (error instanceof IpsetStop && !session.isQuiet) stderr = toolMessage(error.message, error.exitCode);
      else if (!(error instanceof IpsetEnd) && !(error instanceof IpsetStop)) throw error;
      exitCode = error.exitCode;
    }
    return { exitCode, stdout: session.stdout.join(''), stderr: session.stderr + stderr, saved: saveSets(this.#store) };
  }
}

/** Sets on a host whose time stands still. */
export function newStore(): SetStore {
  return new SetStore({ clock: { nowMs: 0 }, interfaceNames: ['lo', 'eth0'], randomWord: () => RANDOM_INITVAL });
}
