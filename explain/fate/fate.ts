/** A packet's fate: who shares it, which rule nearly decided otherwise, and what would change it. */

import type { RoutedEvent } from '../../core/events.js';
import type { OutcomeInterest } from '../../core/flow/same-outcome.js';
import type { Traversal } from '../../core/flow/traversal.js';
import { TraversalRecorder } from '../../core/flow/traversal-recorder.js';
import type { Host } from '../../core/host/host.js';
import { type Story, stepsOf } from '../story/story.js';
import { Trial, type TrialResult, type TrialSetting } from '../trial.js';
import { aloneWords } from './alone.js';
import { attemptsIn, type Play } from './attempt.js';
import type { Change } from './change.js';
import { findChanges, obstacleOf } from './changes.js';
import { endsAsked } from './ends-asked.js';
import { type FateClass, fateClass, isOfOneProtocol, narrowedTo } from './fate-class.js';
import { type Nearest, nearestRule } from './nearest.js';

/** How many packets of captures meet the same fate. */
export interface ClassCount {
  readonly packets: number;
  /** Of how many packets, from the first on; left out: of all. */
  readonly ofFirst?: number;
}

export interface Fate {
  /** Which of the results it is of: the first packet that did not get through, or the first of all. */
  readonly index: number;
  /** Undefined: nothing is known about others, for the reason that is given, or the packet reaches no hook. */
  readonly sameFate: FateClass | undefined;
  /** The same, as what others are asked by: narrowed to what is told. */
  readonly traversal: Traversal | undefined;
  readonly count?: ClassCount;
  readonly alone: string | undefined;
  readonly nearest: Nearest | undefined;
  /**
   * What would change the verdict, the smallest first. Each was tried. Empty: nothing small would. Undefined: nothing
   * was tried.
   */
  readonly changes: readonly Change[] | undefined;
  /** Why nothing was tried. */
  readonly untried?: string;
}

/** Others count that meet the same fate: whether they are logged or counted alike is all the same. */
export const FATE_OF_ALL: OutcomeInterest = { isOnlyFate: true };
export const FATE_OF_PROTOCOL: OutcomeInterest = { pinned: ['protocol'], isOnlyFate: true };

/** The fate of what PLAY sends, of which RESULTS became. */
export function fateOf(setting: TrialSetting, play: Play, results: readonly TrialResult[]): Fate {
  const { host, ruleset } = setting.setting;
  const index = obstacleOf(results);
  const { story } = results[index];
  const traversal = followed(setting, play, index);
  return {
    index,
    ...othersLike(traversal, story, host),
    nearest: nearestRule(story, ruleset),
    changes: findChanges({ results, ruleset, host }, attemptsIn(setting, play)),
  };
}

/** Who shares the fate of the packet of STORY, according to its TRAVERSAL of HOST. */
export function othersLike(
  traversal: Traversal | undefined,
  story: Story,
  host: Host,
): Pick<Fate, 'sameFate' | 'traversal' | 'alone'> {
  const { alone } = traversal ?? {};
  if (traversal === undefined || alone !== undefined) {
    return { sameFate: undefined, traversal: undefined, alone: alone && aloneWords(alone) };
  }
  const sameFate = fateClass(traversal, { outDev: outDevOf(story), asked: endsAsked(story), host });
  return { sameFate, traversal: narrowedTo(traversal, sameFate), alone: undefined };
}

/**
 * How packet INDEX of PLAY traverses the host, and which others do: all of them, or where parts of the packet decide that
 * only some protocols have, those of its protocol. Undefined: it reaches no hook.
 */
function followed(setting: TrialSetting, play: Play, index: number): Traversal | undefined {
  const all = traversalOf(setting, play, index, FATE_OF_ALL);
  return all !== undefined && isOfOneProtocol(all) ? traversalOf(setting, play, index, FATE_OF_PROTOCOL) : all;
}

function traversalOf(
  setting: TrialSetting,
  play: Play,
  index: number,
  interest: OutcomeInterest,
): Traversal | undefined {
  const { host, ruleset } = setting.setting;
  const recorder = new TraversalRecorder(ruleset, host, interest);
  const all: (Traversal | undefined)[] = [];
  const trial = new Trial(setting, {
    hookEntries: recorder.entries,
    observer(event) {
      if (event.kind === 'frame') all.push(recorder.last);
      recorder.hear(event);
    },
  });
  recorder.follow(trial.emulator);
  const { length } = play(trial);
  all.push(recorder.last);
  return all.at(index - length);
}

/** The interface that the packet of STORY was routed to. */
function outDevOf(story: Story): string | undefined {
  return stepsOf(story).findLast((step): step is RoutedEvent => step.kind === 'routed')?.dev;
}
