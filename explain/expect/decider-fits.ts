/** Whether what decided about a packet is what a claim says. */
import type { ExpectedDecider } from '../../codecs/expectation/expectation.js';
import { withNearest } from '../../codecs/nearest.js';
import { counted } from '../../codecs/text.js';
import type { Rule, Ruleset } from '../../core/rules/model.js';
import { isAccepted, type Story } from '../story/story.js';
import { hasWords, nearlyHasWords } from './rule-words.js';

/** Whether EXPECTED decided about the packet of STORY. A rule counts as one of its own chain, whatever jumps there. */
export function deciderFits(expected: ExpectedDecider, { decider, drop, verdict }: Story): boolean {
  switch (expected.kind) {
    case 'none':
      return decider.kind === 'none' && isAccepted({ verdict });
    case 'reason':
      return drop?.reason === expected.reason;
    case 'policy':
      return decider.kind === 'policy' && decider.table === expected.table && decider.chain.name === expected.chain;
    default:
      break;
  }
  if (decider.kind === 'policy')
    return expected.kind === 'chain' && decider.table === expected.table && decider.chain.name === expected.chain;
  if (decider.kind !== 'rule' || decider.table !== expected.table || decider.rule.chain !== expected.chain)
    return false;
  if (expected.kind === 'chain') return true;
  return expected.kind === 'number' ? decider.rule.number === expected.number : hasWords(decider.rule, expected.words);
}

/** Why no packet can be decided by EXPECTED under the rules of RULESET; undefined if one can. */
export function absence(expected: ExpectedDecider, { tables }: Ruleset): string | undefined {
  if (expected.kind === 'none' || expected.kind === 'reason') return undefined;
  const { table: name, chain: chainName } = expected;
  const table = tables.find((one) => one.name === name);
  if (table === undefined) return `there is no table ${name}`;
  const chains = table.chains.map((one) => one.name);
  const chain = table.chains.find((one) => one.name === chainName);
  if (chain === undefined) return withNearest(`there is no chain ${chainName} in table ${name}`, chainName, chains);
  const rules = counted(chain.rules.length, 'rule');
  if (expected.kind === 'number' && expected.number > chain.rules.length) return `${name} ${chainName} has ${rules}`;
  if (expected.kind === 'policy' && chain.hook === undefined) return `${name} ${chainName} has no policy`;
  if (expected.kind === 'words' && !chain.rules.some((rule) => hasWords(rule, expected.words)))
    return `no rule of ${name} ${chainName} has these words${nearness(chain.rules, expected.words)}`;
  return undefined;
}

/** Why none of RULES has WORDS, if one nearly has. */
function nearness(rules: readonly Rule[], words: string): string {
  for (const rule of rules) {
    const nearly = nearlyHasWords(rule, words);
    if (nearly === 'negated') return `; in rule ${rule.number} a ! stands before them`;
    if (nearly === 'comment') return `; they are in the comment of rule ${rule.number}, but begin with an option`;
  }
  return '';
}
