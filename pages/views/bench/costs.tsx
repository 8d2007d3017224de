import type { ComponentChildren } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import type { RuleCost } from '../../../replay/bench-rules.js';
import { counted, grouped } from '../../words/numbers.js';
import { type Measurement, nanoseconds } from './measurements.js';

const SHOWN = 25;

/** Which chains and rules of a ruleset are evaluated most, if rules are tried one by one. */
export function Costs({ measurement }: { readonly measurement: Measurement }) {
  const { ruleset, result } = measurement;
  const [text, setText] = useState('');
  const chains = useMemo(() => [...ruleset.chains].sort((a, b) => b.asked - a.asked), [ruleset]);
  const rules = useMemo(() => {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (rule: RuleCost) => {
      const whole = `${rule.table} ${rule.chain} ${rule.rule}`.toLowerCase();
      return words.every((word) => whole.includes(word));
    };
    return ruleset.rules.filter(fits).sort((a, b) => b.asked - a.asked || a.matched - b.matched);
  }, [ruleset, text]);
  const most = Math.max(1, ...chains.map(({ asked }) => asked));
  const mostOfRule = rules.reduce((max, { asked }) => Math.max(max, asked), 1);
  return (
    <>
      <p class="bench-note">
        How often rules are compared with packets if they are tried one by one, by chain and by rule.
      </p>
      <List
        head={['Chain', 'Packets', 'Evaluations', 'Per packet']}
        count={chains.length}
        line={(i) => {
          const { table, chain, packets, asked } = chains[i];
          return (
            <>
              <th scope="row">
                {table} {chain}
              </th>
              <td>{grouped(packets)}</td>
              <Amount of={asked} most={most} />
              <td>{nanoseconds(asked / Math.max(1, result.entered))}</td>
            </>
          );
        }}
      />
      <label class="bench-choice">
        Rules{' '}
        <input
          type="search"
          placeholder="Find in rules"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />{' '}
        <span role="status">{counted(rules.length, 'rule')}</span>
      </label>
      <List
        head={['Rule', 'Evaluated', 'Matched', 'Reads of each packet']}
        count={rules.length}
        line={(i) => {
          const { table, chain, number, rule, asked, matched, readsOfPacket } = rules[i];
          return (
            <>
              <th scope="row">
                {table} {chain} {number} <code>{rule}</code>
              </th>
              <Amount of={asked} most={mostOfRule} part={matched} />
              <td>{grouped(matched)}</td>
              <td class="words">{readsOfPacket.join(', ')}</td>
            </>
          );
        }}
      />
    </>
  );
}

/** A number with a bar as long as it is large; PART of it is darker. */
function Amount({ of, most, part = 0 }: { readonly of: number; readonly most: number; readonly part?: number }) {
  const wide = (count: number) => ({ width: `${(100 * count) / most}%` });
  return (
    <td class="amount">
      <i style={wide(of)} />
      <i class="part" style={wide(part)} />
      <span>{grouped(of)}</span>
    </td>
  );
}

/** The first lines of a table, and more of them if somebody asks. */
function List(props: {
  readonly head: readonly string[];
  readonly count: number;
  readonly line: (number: number) => ComponentChildren;
}) {
  const { head, count, line } = props;
  const [shown, setShown] = useState(SHOWN);
  const lines = Math.min(count, shown);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls where it is narrow
    <section class="bench-scroll" tabIndex={0} aria-label={`${head[0]}s by evaluations`}>
      <table class="bench-table">
        <thead>
          <tr>
            {head.map((name) => (
              <th scope="col" key={name}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {Array.from({ length: lines }, (_, i) => (
            <tr key={i}>{line(i)}</tr>
          ))}
        </tbody>
      </table>
      {lines < count && (
        <button type="button" class="link" onClick={() => setShown(shown + 200)}>
          {grouped(Math.min(200, count - lines))} more of {grouped(count)}
        </button>
      )}
    </section>
  );
}
