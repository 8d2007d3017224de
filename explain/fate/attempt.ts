/** What becomes of packets after commands that somebody might type. */
import { HostError } from '../../codecs/host/error.js';
import { SentenceError } from '../../codecs/sentence/sentence-error.js';
import type { Host } from '../../core/host/host.js';
import type { Ruleset } from '../../core/rules/model.js';
import { RulesetError } from '../../core/rules/parse/error.js';
import { CommandError, NotFollowedError } from '../../replay/errors.js';
import { isAccepted } from '../story/story.js';
import { Trial, type TrialResult, type TrialSetting } from '../trial.js';
import { altered } from './altered.js';
import { answerTo } from './answer.js';

const REFUSALS = [CommandError, NotFollowedError, SentenceError, HostError, RulesetError];

/** The packets in question, from the one that was traced on. */
export interface Attempted {
  readonly results: readonly Pick<TrialResult, 'story'>[];
  readonly ruleset: Ruleset;
  readonly host: Host;
}

/** Carries out COMMANDS, as `--apply` does, and sends the packets again; undefined if a command fails. */
export type Attempt = (commands: readonly string[]) => Attempted | undefined;

/** Sends through HOST what comes before the packet, the packet, and what follows it. Returns the results from it on. */
export type Play = (host: Trial) => readonly TrialResult[];

/** What RUN returns; undefined if it cannot be carried out, which is no fault of whoever asked for something else. */
export function unlessRefused<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (REFUSALS.some((refusal) => error instanceof refusal)) return undefined;
    throw error;
  }
}

/** Attempts on a fresh host. If PLAY sends nothing after a packet that gets through, its answer follows. */
export function attemptsIn(setting: TrialSetting, play: Play): Attempt {
  return (commands) => {
    const changed = unlessRefused(() => altered(setting, commands));
    if (changed === undefined) return undefined;
    const trial = new Trial(setting, changed);
    const results = unlessRefused(() => play(trial));
    if (results === undefined) return undefined;
    const [only, ...others] = results;
    const answer = others.length === 0 && isAccepted(only.story) ? answerTo(only, changed.host) : undefined;
    return { ...changed, results: answer === undefined ? results : [only, trial.send(answer)] };
  };
}
