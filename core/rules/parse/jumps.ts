/** Where the rules of a file may jump or go to: user chains of their table. */
import type { Word } from '../../../codecs/iptables-save.js';
import { withNearest } from '../../../codecs/nearest.js';
import type { RuleScope } from './command.js';
import { RuleFault } from './error.js';
import { KNOWN_TARGETS } from './known-extensions.js';
import { unknownTarget } from './names.js';

/** Throws if the rule cannot jump to the chain that WORD names. */
export function checkJump(word: Word, scope: RuleScope): void {
  const { text } = word;
  const kind = scope.chainKind(text);
  if (kind === 'user') return;
  if (kind === 'built-in') {
    throw new RuleFault(word, `${text} is a built-in chain: rules cannot jump there`, 'a target or a user chain');
  }
  if (KNOWN_TARGETS[scope.family].has(text)) {
    const what = `${text} is not a target here, as the file declares a chain of this name`;
    throw new RuleFault(word, what, 'another name for the chain');
  }
  throw unknownTarget(word, scope.family, scope.chainNames());
}

/** Throws if the rule cannot go to the chain that WORD names. */
export function checkGoto(word: Word, scope: RuleScope): void {
  const kind = scope.chainKind(word.text);
  if (kind !== 'user') {
    const why = kind === 'built-in' ? 'a built-in chain: rules cannot jump there' : 'not a chain of this table';
    throw new RuleFault(word, `${word.text} is ${why}`, withNearest('a user chain', word.text, scope.chainNames()));
  }
}
