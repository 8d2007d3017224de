import type { RulesSection } from '../../explain/report/format/model.js';
import type { Selection, ViewProps } from '../selection.js';
import { ruleText } from '../words/deciders.js';

/** A rule by its place, `filter FORWARD 3`, that chooses the packets which it matched. */
export function RuleLink(props: {
  readonly rules: RulesSection;
  readonly rule: number;
  readonly selection: Selection;
  readonly select: ViewProps['select'];
}) {
  const { rules, rule, selection, select } = props;
  const { text, file, line } = rules.rules[rule];
  const choose = () => select({ filter: { ...selection.filter, rule, isMatched: true } });
  return (
    <button type="button" class="link" title={`${text}\n${file}:${line}`} onClick={choose}>
      {ruleText(rule, rules)}
    </button>
  );
}
