/** A packet's fate: who shares it, which rule nearly decided otherwise, and what would change it. */

import type { RoutedEvent } from '../../core/events.js';
import type { ValueField } from '../../core/fields.js';
import type { Traversal } from '../../core/flow/traversal.js';
import { TraversalRecorder } from '../../core/flow/traversal-recorder.js';
import { type Story, stepsOf } from '../story/story.js';
import { Trial, type TrialResult, type TrialSetting } from '../trial.js';
import { aloneWords } from './alone.js';
import type { Change } from './change.js';
import { findChanges, obstacleOf, type Play } from './changes.js';
import { type FateClass, fateClass, isOfOneProtocol } from './fate-class.js';
import { type Nearest, nearestRule } from './nearest.js';

export interface Fate {
  /** Which of the results it is of: the first packet that did not get through, or the first of all. */
  readonly index: number;
  /** Undefined: nothing is known about others, for the reason that is given, or the packet reaches no hook. */
  readonly sameFate: FateClass | undefined;
  readonly alone: string | undefined;
  readonly nearest: Nearest | undefined;
  /** What would change the verdict, the smallest first. Each was tried. Empty: nothing small would. */
  readonly changes: readonly Change[];
}

/** The fate of what PLAY sends, of which RESULTS became. */
export function fateOf(setting: TrialSetting, play: Play, results: readonly TrialResult[]): Fate {
  const { host, ruleset } = setting.setting;
  const index = obstacleOf(results);
  const { story } = results[index];
  const traversal = followed(setting, play, index);
  const isKnown = traversal !== undefined && traversal.alone === undefined;
  const subject = { outDev: outDevOf(story), host };
  return {
    index,
    sameFate: isKnown ? fateClass(traversal, subject) : undefined,
    alone: traversal?.alone === undefined ? undefined : aloneWords(traversal.alone),
    nearest: nearestRule(story, ruleset),
    changes: findChanges(setting, play, results),
  };
}

/**
 * How packet INDEX of PLAY traverses the host, and which others do: all of them, or where parts of the packet decide that
 * only some protocols have, those of its protocol. Undefined: it reaches no hook.
 */
function followed(setting: TrialSetting, play: Play, index: number): Traversal | undefined {
  const all = traversalOf(setting, play, index, []);
  return all !== undefined && isOfOneProtocol(all) ? traversalOf(setting, play, index, ['protocol']) : all;
}

function traversalOf(
  setting: TrialSetting,
  play: Play,
  index: number,
  pinned: readonly ValueField[],
): Traversal | undefined {
  const { host, ruleset } = setting.setting;
  const recorder = new TraversalRecorder(ruleset, host, { pinned, isOnlyFate: true });
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
