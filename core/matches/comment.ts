/** `-m comment`: a comment. Always matches (xt_comment). */
import { quoteWord } from '../../codecs/iptables-save.js';
import { cutToBytes } from '../../codecs/text.js';
import type { MatchExtension } from '../rules/extension.js';
import type { ListedForm, ListedReading } from '../rules/listing/listed-form.js';

/** XT_MAX_COMMENT_LEN without the terminating zero. */
const MAX_BYTES = 255;

interface CommentParams {
  readonly comment: string;
}

/** A comment may have what ends comments in it, so that it may end at each of them. */
const LISTED_COMMENT: ListedForm = {
  read(line, at) {
    const readings: ListedReading[] = [];
    if (!line.startsWith('/* ', at)) return readings;
    for (let end = line.indexOf(' */', at + 3); end >= 0; end = line.indexOf(' */', end + 1)) {
      const words = [
        { text: '--comment', at },
        { text: line.slice(at + 3, end), at: at + 3 },
      ];
      readings.push({ end: end + 3, words, hidden: [] });
    }
    return readings;
  },
};

export const comment: MatchExtension<CommentParams> = {
  name: 'comment',
  options: [{ name: '--comment', words: 1, required: true, expected: 'a text' }],

  listed: LISTED_COMMENT,

  parse(options) {
    return { comment: cutToBytes(options.get('--comment')!.values[0].text, MAX_BYTES) };
  },

  save({ comment: text }) {
    return ` --comment ${quoteWord(text)}`;
  },

  comment({ comment: text }) {
    return text;
  },

  lower() {
    return {};
  },
};
