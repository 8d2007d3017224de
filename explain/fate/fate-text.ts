/** A packet's fate as notes below its story, and as JSON. */
import type { Rule } from '../../core/rules/model.js';
import { isAccepted, type Story } from '../story/story.js';
import type { StoryNote, StoryTextOptions } from '../story/story-text.js';
import { NO_BREAK } from '../text/columns.js';
import type { ClassCount, Fate } from './fate.js';

/** What is shown of FATE in and below the STORY. */
export function fateTexts(
  fate: Fate,
  story: Story,
  { isUnfolded = false }: Pick<StoryTextOptions, 'isUnfolded'> = {},
): Pick<StoryTextOptions, 'marked' | 'notes'> {
  const { sameFate, alone, nearest, count } = fate;
  const others = sameFate === undefined ? alone : `${sameFate.text}${count === undefined ? '' : countText(count)}`;
  const marked: [Rule, string][] = nearest === undefined ? [] : [[nearest.step.rule, 'nearest']];
  return {
    marked: new Map(marked),
    notes: [
      ...(others === undefined ? [] : [{ label: 'same fate', lines: [others] }]),
      ...changeNotes(fate, story, isUnfolded),
    ],
  };
}

function countText({ packets, ofFirst }: ClassCount): string {
  const all = ofFirst === undefined ? 'your packets' : `the first ${ofFirst.toLocaleString('en')} of your packets`;
  return `  (${packets.toLocaleString('en')} of ${all})`;
}

function changeNotes({ changes, untried }: Fate, story: Story, isUnfolded: boolean): StoryNote[] {
  // Nobody who asks why a packet gets through should be given a command that stops others.
  if (isAccepted(story) && !isUnfolded) return [];
  const { verdict } = story;
  if (changes === undefined)
    return untried === undefined ? [] : [{ label: 'changes it', lines: [`not tried: ${untried}`], isMinimal: true }];
  if (changes.length > 0) {
    const lines = changes.flatMap(({ words, commands }) => [
      words.replace(/rule (?=\d)/g, `rule${NO_BREAK}`),
      ...commands,
    ]);
    return [
      {
        label: 'changes it',
        lines,
        commands: new Set(changes.flatMap((one) => one.commands)),
        isMinimal: !isAccepted(story),
      },
    ];
  }
  if (isAccepted(story) || verdict === 'held' || verdict === 'skipped') return [];
  return [{ label: 'changes it', lines: ['nothing small: no rule or sysctl that was tried'], isMinimal: true }];
}

/** FATE as members of what JSON says of its packet. */
export function fateJson({ sameFate, count, alone, nearest, changes }: Fate): Readonly<Record<string, unknown>> {
  return {
    sameFate: sameFate === undefined ? null : { text: sameFate.text, fields: sameFate.fields, ...count },
    ...(alone === undefined ? {} : { alone }),
    nearest: nearest === undefined ? null : nearestJson(nearest),
    ...(changes === undefined ? {} : { changes }),
  };
}

function nearestJson({
  step: { table, rule },
  failure,
}: NonNullable<Fate['nearest']>): Readonly<Record<string, unknown>> {
  const { chain, number, file, line } = rule;
  return { table, chain, number, rule: { file, line }, failed: failure.text };
}
