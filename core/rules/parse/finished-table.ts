/** Makes a table of the model from drafts of its chains. */
import type { Chain, Match, Rule, Table } from '../model.js';
import type { ChainDraft } from './check-table.js';

/**
 * The table of DRAFTS, which are in the order of `Table.chains`. What does not say another file is from FILE. Rules of
 * the model may stand among the drafts; those that keep their place stay the same objects.
 */
export function finishedTable(
  { name, family, isNft }: Pick<Table, 'name' | 'family' | 'isNft'>,
  drafts: readonly ChainDraft[],
  file: string,
): Table {
  const rules: Rule[] = [];
  const chains = drafts.map((draft, index): Chain => {
    const chainRules = draft.rules.map((rule, i): Rule => {
      const finished = isAt(rule, rules.length, draft.name, i + 1)
        ? rule
        : placed(rule, rules.length, draft.name, i + 1, file);
      rules.push(finished);
      return finished;
    });
    const { hook, policy, line, isAbsent, isUncounted } = draft;
    const chain = { name: draft.name, hook, policy, file: draft.file ?? file, line, index, rules: chainRules };
    if (isAbsent === true) return { ...chain, isAbsent };
    return isUncounted === true ? { ...chain, isUncounted } : chain;
  });
  const table = { name, family, chains, rules, ...(isNft === true ? { isNft } : {}) };
  const hooked = drafts.filter(({ hook, isAbsent }) => hook !== undefined && isAbsent !== true);
  return hooked.length === 0 ? { ...table, isUnhooked: true } : table;
}

type RuleDraft = ChainDraft['rules'][number];

/** Whether DRAFT is a rule of the model that already has this place. */
function isAt(draft: RuleDraft | Rule, index: number, chain: string, number: number): draft is Rule {
  return 'index' in draft && draft.index === index && draft.chain === chain && draft.number === number;
}

function placed(draft: RuleDraft, index: number, chain: string, number: number, file: string): Rule {
  const { base, matches, target, line, unsupported, verbatim } = draft;
  const comment = commentOf(matches);
  // No spread: it would make building large rulesets three times slower and double the memory.
  return {
    index,
    chain,
    number,
    file: draft.file ?? file,
    line,
    comment,
    base,
    matches,
    target,
    unsupported,
    verbatim,
  };
}

/** The text of the first comment in MATCHES. */
function commentOf(matches: readonly Match[]): string | undefined {
  for (const { extension, params } of matches) {
    const comment = extension.comment?.(params);
    if (comment !== undefined) return comment;
  }
  return undefined;
}
