/** Stories: what they tell of recorded packets is what the kernel counted and sent. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isAccepted, rulesTried, type Story, stepsOf } from '../../explain/story/story.js';
import { StoryTeller } from '../../explain/story/story-teller.js';
import { casesIn, type GoldenCase, optionsOf } from '../../replay/golden-case.js';
import { replay } from '../../replay/replay.js';
import type { Summary } from '../../replay/summary.js';

const Stories = suite('stories');

interface Told {
  readonly stories: readonly Story[];
  readonly summary: Summary;
}

function tell(golden: GoldenCase): Told {
  const stories: Story[] = [];
  const teller = new StoryTeller((story) => stories.push(story));
  const summary = replay({ ...optionsOf(golden), observer: teller.hear });
  teller.finish();
  return { stories, summary };
}

/** STORY and those of all that the host did because of it. */
const withRelated = (story: Story): Story[] => [story, ...story.related.flatMap(withRelated)];

/** What iptables-save -c counted: packets by `table chain number`, and by `table chain policy`. */
function countersIn(text: string): Map<string, number> {
  const counters = new Map<string, number>();
  let table = '';
  const numbers = new Map<string, number>();
  for (const line of text.split('\n')) {
    const policy = /^:(\S+) (?:ACCEPT|DROP) \[(\d+):/.exec(line);
    const rule = /^\[(\d+):\d+\] -A (\S+)/.exec(line);
    if (line.startsWith('*')) table = line.slice(1);
    if (policy !== null) counters.set(`${table} ${policy[1]} policy`, Number(policy[2]));
    if (rule === null) continue;
    const chain = `${table} ${rule[2]}`;
    numbers.set(chain, (numbers.get(chain) ?? 0) + 1);
    counters.set(`${chain} ${numbers.get(chain)}`, Number(rule[1]));
  }
  return counters;
}

function countersOf(stories: readonly Story[]): Map<string, number> {
  const counters = new Map<string, number>();
  const count = (name: string): void => void counters.set(name, (counters.get(name) ?? 0) + 1);
  for (const story of stories.flatMap(withRelated)) {
    for (const { table, rule, isMatched } of rulesTried(story))
      if (isMatched) count(`${table} ${rule.chain} ${rule.number}`);
    for (const step of stepsOf(story)) if (step.kind === 'policy') count(`${step.table} ${step.chain.name} policy`);
  }
  return counters;
}

/** Rules that change while packets flow, or counters that go on from others. */
const HAS_OTHER_COUNTERS = /--at|--keep-counters/;

for (const golden of casesIn('pcaps')) {
  Stories(`tell what the kernel counted and did: ${golden.dir}`, () => {
    const { stories, summary } = tell(golden);
    const verdicts = (verdict: Story['verdict']): number => stories.filter((story) => story.verdict === verdict).length;
    const { forwarded, sent, delivered, dropped, rejected, held } = summary.packets;
    assert.equal((['forwarded', 'sent', 'delivered', 'dropped', 'rejected', 'held'] as const).map(verdicts), [
      forwarded,
      sent,
      delivered,
      dropped,
      rejected,
      held,
    ]);
    const counted = join(golden.wantDir, 'rules.v4');
    const file = join(golden.dir, 'case.json');
    if (!existsSync(counted) || (existsSync(file) && HAS_OTHER_COUNTERS.test(readFileSync(file, 'utf8')))) return;
    const wanted = [...countersIn(readFileSync(counted, 'utf8'))].filter(([, packets]) => packets > 0).sort();
    assert.equal([...countersOf(stories)].sort(), wanted);
  });
}

Stories('name what decided: the rule or policy that ended the last filter hook', () => {
  for (const golden of casesIn('pcaps')) {
    for (const story of tell(golden).stories.flatMap(withRelated)) {
      const { decider } = story;
      if (isAccepted(story)) assert.ok(['rule', 'policy', 'none'].includes(decider.kind));
      else if (story.drop !== undefined) assert.is.not(decider.kind, 'none');
      if (decider.kind !== 'rule') continue;
      const { table, rule } = decider;
      const matched = rulesTried(story).filter((step) => step.isMatched || step.isHotdrop);
      assert.ok(matched.some((step) => step.table === table && step.rule === rule));
    }
  }
});

Stories.run();
