/** What left the host because of a packet, in words. */
import type { Names } from '../../replay/names.js';
import { packetWords } from './packet-words.js';
import type { Story } from './story.js';

/** A line a packet: that of STORY, as it left, and answers and copies. Empty: nothing was sent. */
export function sentWords(story: Story, names: Names): string[] {
  const words: string[] = [];
  const tell = (one: Story): void => {
    const { left } = one;
    if (left !== undefined && (left.dev !== undefined || one === story)) {
      const place = left.dev === undefined ? {} : { outDev: left.dev };
      words.push(`${packetWords(left.packet, place, names)}${left.dev === undefined ? ', to the host itself' : ''}`);
    }
    for (const related of one.related) tell(related);
  };
  tell(story);
  return words;
}
