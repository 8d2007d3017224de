import type { ComponentChildren } from 'preact';
import { bytesInWords, counted, grouped } from '../../words/numbers.js';
import type { RuleCounts } from './rule-counts.js';
import { Count, heat, type LineContext } from './rule-list.js';
import type { RuleRow } from './rule-rows.js';
import { RuleText } from './rule-text.js';

/** One line: a table, a chain or a rule. */
export function RuleLine(props: {
  readonly row: RuleRow;
  readonly index: number;
  readonly top: number;
  readonly isActive: boolean;
  readonly context: LineContext;
}) {
  const { row, index, top, isActive, context } = props;
  const { kind, key } = row;
  const level = { table: 1, chain: 2, rule: 3 }[kind];
  return (
    <tr
      id={`line-${key}`}
      class={`rule-row ${kind}${isActive ? ' active' : ''} ${kind === 'rule' ? stateOf(row.rule, context) : ''}`}
      aria-level={level}
      aria-rowindex={index + 2}
      aria-selected={isActive}
      aria-expanded={kind === 'rule' ? undefined : !context.closed.has(key)}
      style={{ top: `${top}px` }}
      onClick={() => context.open(row)}
    >
      {kind === 'rule' ? <RuleCells row={row} context={context} /> : <HeadCells row={row} context={context} />}
    </tr>
  );
}

function stateOf(rule: number, { map, counts, chosen, isNew }: LineContext): string {
  const { never, unsupported } = map.section.rules[rule];
  const asked = (chosen ?? counts).asked[rule];
  const state = never || unsupported ? 'never' : asked === 0 ? 'unasked' : '';
  return `${state}${isNew(rule) ? ' new' : ''}`;
}

function RuleCells({ row, context }: { readonly row: RuleRow & { kind: 'rule' }; readonly context: LineContext }) {
  const { map, counts, chosen, most, follow } = context;
  const { rule, number } = row;
  const { text, asked, packets, bytes, never, unsupported } = map.section.rules[rule];
  const of = chosen ?? counts;
  return (
    <>
      <Heat asked={of.asked[rule]} matched={of.matched[rule]} most={most} />
      <td class="n">
        <Count all={asked} chosen={chosen?.asked[rule]} />
      </td>
      <td class="n">
        <Count all={packets} chosen={chosen?.matched[rule]} />
      </td>
      <td class="n bytes" title={counted(bytes, 'byte')}>
        {bytesInWords(bytes)}
      </td>
      <th scope="row" class="text" title={text}>
        <span class="number">{number}</span>
        <RuleText text={text} follow={map.jumpOf(rule) === undefined ? undefined : () => follow(rule)} />
        {never && <Mark title={never}>cannot match</Mark>}
        {unsupported && <Mark title={unsupported}>not supported</Mark>}
      </th>
    </>
  );
}

function Mark({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  return (
    <span class="flag" title={title}>
      {children}
    </span>
  );
}

function Heat({ asked, matched, most }: { readonly asked: number; readonly matched: number; readonly most: number }) {
  const width = (count: number) => ({ width: `${Math.round(100 * heat(count, most))}%` });
  return (
    <td class="rule-heat" aria-label={`matched ${grouped(matched)} of ${grouped(asked)}`}>
      <i style={width(asked)} />
      <i class="hot" style={width(matched)} />
    </td>
  );
}

function HeadCells({
  row,
  context,
}: {
  readonly row: Exclude<RuleRow, { kind: 'rule' }>;
  readonly context: LineContext;
}) {
  const { map, counts, chosen, closed, toggle } = context;
  const { chains } = map.section;
  const numbers = row.kind === 'table' ? row.chains : [row.chain];
  const entered = (of: RuleCounts) =>
    numbers.reduce(
      (sum, chain) =>
        row.kind === 'chain' || chains[chain].hook ? sum + map.entered(chain, of.asked, of.matched) : sum,
      0,
    );
  const rules = numbers.reduce((sum, chain) => sum + chains[chain].rules.length, 0);
  const isClosed = closed.has(row.key);
  const chain = row.kind === 'chain' ? chains[row.chain] : undefined;
  return (
    <>
      <td class="rule-heat">
        <button
          type="button"
          class="fold"
          tabIndex={-1}
          aria-label={isClosed ? 'Open' : 'Close'}
          onClick={(event) => {
            event.stopPropagation();
            toggle(row.key);
          }}
        >
          {isClosed ? '▸' : '▾'}
        </button>
      </td>
      <td class="n">
        <Count all={entered(counts)} chosen={chosen && entered(chosen)} />
      </td>
      <td class="n">
        {chain?.policy && (
          <span title={`counted by the policy: ${counted(chain.bytes, 'byte')}`}>{grouped(chain.packets)}</span>
        )}
      </td>
      <td class="n bytes">{chain?.policy && bytesInWords(chain.bytes)}</td>
      <th scope="row" class="text">
        <b>{row.kind === 'table' ? `*${row.table}` : `:${chain!.name}`}</b>
        {chain && (
          <span class={`policy ${chain.policy === 'DROP' ? 'verdict dropped' : ''}`}>{chain.policy ?? '-'}</span>
        )}
        <span class="size">
          {row.kind === 'chain' && row.shown < rules ? `${grouped(row.shown)} of ` : ''}
          {counted(rules, 'rule')}
        </span>
        {chain?.never && <Mark title={chain.never}>{chain.hook ? 'policy never decides' : 'never entered'}</Mark>}
      </th>
    </>
  );
}
