/** `-m comment`: a comment. Always matches (xt_comment). */
import { quoteWord } from '../../codecs/iptables-save.js';
import { cutToBytes } from '../../codecs/text.js';
import type { MatchExtension } from '../rules/extension.js';

/** XT_MAX_COMMENT_LEN without the terminating zero. */
const MAX_BYTES = 255;

interface CommentParams {
  readonly comment: string;
}

export const comment: MatchExtension<CommentParams> = {
  name: 'comment',
  options: [{ name: '--comment', words: 1, required: true, expected: 'a text' }],

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
