/** What became of a packet, in words that stay the same while other rules and packets are left out. */
import { saveAppended } from '../../core/rules/save.js';
import { type Decider, isAccepted, type Story, stepsOf } from '../story/story.js';

/** Equal for stories that end in the same way: with which verdict, where it left or was to leave, and what stopped it. */
export function storyKind(story: Story): string {
  const { verdict, decider } = story;
  const why = isAccepted(story) ? '' : ` ${deciderKind(decider)}`;
  return `${verdict} ${outDevOf(story) ?? 'nowhere'}${why}`;
}

/** DECIDER by its words, not by its place. */
function deciderKind(decider: Decider): string {
  switch (decider.kind) {
    case 'rule':
      return `${decider.table} ${saveAppended(decider.rule)}${decider.reason === undefined ? '' : ` (${decider.reason})`}`;
    case 'policy':
      return `${decider.table} policy of ${decider.chain.name}`;
    case 'host':
      return decider.reason;
    case 'entry':
      return decider.entry;
    case 'link':
      return decider.skip;
    default:
      return 'no rule';
  }
}

/** Where the packet left, or was to leave when it was stopped. */
function outDevOf(story: Story): string | undefined {
  if (story.left !== undefined) return story.left.dev;
  const step = stepsOf(story).findLast(({ kind }) => kind === 'routed');
  return step?.kind === 'routed' && step.to === 'interface' ? step.dev : undefined;
}
