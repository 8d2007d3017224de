import { useMemo } from 'preact/hooks';
import { type ChainDifference, type RuleLine, ruleDifferences } from '../../data/rule-difference.js';
import { counted, grouped } from '../../words/numbers.js';
import type { SidesProps } from './differences.js';

/** The rules that only one side has, in their chains, with what they counted. */
export function RuleDifferences(props: SidesProps) {
  const { rules } = props;
  const chains = useMemo(() => ruleDifferences(...rules), rules as unknown as unknown[]);
  if (chains.length === 0) return <p class="muted">Both have the same rules.</p>;
  return (
    <section class="rule-differences">
      <h2>Rules</h2>
      {chains.map((chain) => (
        <Chain key={`${chain.table} ${chain.name}`} chain={chain} {...props} />
      ))}
    </section>
  );
}

function Chain({ chain, ...props }: SidesProps & { readonly chain: ChainDifference }) {
  const { table, name, old, new: other, lines } = chain;
  const which = old === undefined ? ', only in new' : other === undefined ? ', only in old' : '';
  return (
    <table class="rule-lines">
      <caption>
        {table} {name}
        <small>
          {which}
          {old && other && old.policy !== other.policy && `, policy ${old.policy} → ${other.policy}`}
        </small>
      </caption>
      {lines.length > 0 && (
        <thead>
          <tr>
            <th scope="col">old</th>
            <th scope="col">new</th>
            <th scope="col">rule</th>
          </tr>
        </thead>
      )}
      <tbody>
        {lines.map((line, i) => (
          <Line key={`${i}`} line={line} {...props} />
        ))}
      </tbody>
    </table>
  );
}

function Line({ line, rules, select }: SidesProps & { readonly line: RuleLine }) {
  if ('skipped' in line) {
    return (
      <tr class="skipped">
        <td colSpan={3}>{counted(line.skipped, 'rule')} the same</td>
      </tr>
    );
  }
  const sides = [line.old, line.new].map((rule, at) => (rule === undefined ? undefined : rules[at].rules[rule]));
  const at = line.new === undefined ? 0 : 1;
  const rule = line.new ?? line.old;
  const sign = line.new === undefined ? '−' : line.old === undefined ? '+' : ' ';
  return (
    <tr class={sign === '−' ? 'gone' : sign === '+' ? 'added' : ''}>
      {sides.map((side, i) => (
        <td key={`${i}`}>{side && grouped(side.packets)}</td>
      ))}
      <td>
        <button
          type="button"
          class="link"
          title={`${sides[at]?.file}:${sides[at]?.line}; packets that it matched`}
          onClick={() =>
            select({ view: 'Packets', result: at, filter: { ...(rule !== undefined && { rule }), isMatched: true } })
          }
        >
          <b>{sign}</b> {sides[at]?.text}
        </button>
      </td>
    </tr>
  );
}
