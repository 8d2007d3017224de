/** The fate of a frame of a capture. What would change it is tried by replaying the captures again, up to the frame. */
import type { Traversal } from '../../core/flow/traversal.js';
import { isReadAgain } from '../../io/text-file.js';
import { captureFiles } from '../../replay/captures.js';
import type { ReplayOptions } from '../../replay/replay.js';
import { type Attempt, unlessRefused } from '../fate/attempt.js';
import { findChanges, MOST_TRIED } from '../fate/changes.js';
import { type Fate, othersLike } from '../fate/fate.js';
import { isOfOneProtocol } from '../fate/fate-class.js';
import { nearestRule } from '../fate/nearest.js';
import type { Story } from '../story/story.js';
import { countLike } from './class-count.js';
import { type FrameTrace, traceFrame } from './frame-trace.js';

/** How many packets all attempts together may replay: as many as nobody waits for. */
const MOST_PACKETS = 500_000;
const FEWEST_TRIED = 8;

/** The fate of the frame that TEXT names in a replay with OPTIONS, of which TRACE tells (with `isFollowed`). */
export function frameFate(options: ReplayOptions, text: string, trace: FrameTrace): Fate {
  const { story, setting, traversals } = trace;
  const { ruleset, host } = setting;
  const { all, ofProtocol } = traversals ?? {};
  const others = othersLike(all !== undefined && isOfOneProtocol(all) ? ofProtocol : all, story, host);
  return {
    index: 0,
    ...others,
    ...countedLike(options, others.traversal, story),
    nearest: nearestRule(story, ruleset),
    ...triedChanges(options, text, trace),
  };
}

/** How many packets of the captures in OPTIONS share the fate that STORY tells, if that can be found out. */
export function countedLike(
  options: ReplayOptions,
  traversal: Traversal | undefined,
  story: Story,
): Pick<Fate, 'count'> {
  const files = captureFiles(options);
  if (traversal === undefined || files.length === 0 || !files.every(isReadAgain)) return {};
  return { count: countLike(options, traversal, story) };
}

function triedChanges(
  options: ReplayOptions,
  text: string,
  { story, setting, summary }: FrameTrace,
): Pick<Fate, 'changes' | 'untried'> {
  const packets = summary.inputs.reduce((sum, input) => sum + input.packets, 1);
  const most = Math.min(MOST_TRIED, Math.floor(MOST_PACKETS / packets));
  const refused = (untried: string) => ({ changes: undefined, untried });
  if (!captureFiles(options).every(isReadAgain)) return refused('what a pipe has given cannot be replayed again');
  if (most < FEWEST_TRIED)
    return refused('too many packets come before it to replay them again; see --from and --filter');
  const { ruleset, host } = setting;
  return { changes: findChanges({ results: [{ story }], ruleset, host }, attemptsAt(options, text), most) };
}

function attemptsAt(options: ReplayOptions, text: string): Attempt {
  return (commands) => {
    const apply = [...(options.apply ?? []), ...commands];
    const trace = unlessRefused(() => traceFrame({ ...options, apply }, text, { isAnswered: true }));
    if (trace === undefined) return undefined;
    const { story, answer, setting } = trace;
    const { ruleset, host } = setting;
    return { ruleset, host, results: [{ story }, ...(answer === undefined ? [] : [{ story: answer }])] };
  };
}
