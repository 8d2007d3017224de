/** What became of packets, in the few words that stand behind `found`. */
import type { Sentence } from '../../codecs/sentence/sentence.js';
import type { PacketFields } from '../../core/events.js';
import type { Names } from '../../replay/names.js';
import type { RulePlace } from '../findings.js';
import { packetWords } from '../story/packet-words.js';
import type { Story } from '../story/story.js';
import { deciderText, deciderWords } from '../story/story-text.js';
import { finalOf } from './packet-views.js';

/** Before what happened instead. */
export const NOT_LEFT = 'it did not leave: ';

/** `rejected in filter INPUT by rule 5 (rules.v4:24): -j REJECT --reject-with icmp-host-prohibited`. */
export function verdictWords(story: Story): string {
  const final = finalOf(story);
  return `${final === story ? '' : 'over lo, '}${final.verdict} ${decidedWords(final)}`;
}

/** `in filter INPUT by rule 5 (rules.v4:24): -j REJECT --reject-with icmp-host-prohibited`. */
export function decidedWords(story: Story): string {
  const { decider } = story;
  const text = deciderText(decider);
  return `${deciderWords(decider, story)}${text === '' ? '' : `: ${text}`}`;
}

/** How the packet of STORY left, with what ASKED asks for; that it did not. */
export function leftWords(story: Story, asked: Sentence, names: Names): string {
  const { left } = finalOf(story);
  if (left === undefined) return `${NOT_LEFT}${verdictWords(story)}`;
  const words = packetWords(left.packet, left.dev === undefined ? {} : { outDev: left.dev }, names);
  const where = left.dev === undefined ? ', to the host itself' : '';
  return `${words}${attributeWords(left.packet, asked)}${where}`;
}

function attributeWords({ ttl, lengthBytes, mark }: PacketFields, asked: Sentence): string {
  return [
    ...(asked.ttl === undefined ? [] : [`, ttl ${ttl}`]),
    ...(asked.length === undefined ? [] : [`, len ${lengthBytes}`]),
    ...(asked.mark === undefined ? [] : [`, mark 0x${(mark >>> 0).toString(16)}`]),
  ].join('');
}

/** Where the rule or policy is that decided about the packet of STORY. */
export function placeOfDecider(story: Story): RulePlace | undefined {
  const { decider } = finalOf(story);
  const place = decider.kind === 'rule' ? decider.rule : decider.kind === 'policy' ? decider.chain : undefined;
  return place === undefined || place.line === 0 ? undefined : { file: place.file, line: place.line };
}
