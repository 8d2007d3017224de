import type { ComponentChildren } from 'preact';
import { bytesInWords, counted, grouped } from '../../words/numbers.js';
import type { RuleCounts } from './rule-counts.js';
import { Count, heat, type LineContext } from './rule-list.js';
import type { RuleRow } from './rule-rows.js';
import { RuleText } from './rule-text.js';

/** What the cells of a line have. */
interface Cells {
  readonly state: string;
  readonly heat: ComponentChildren;
  readonly asked: ComponentChildren;
  readonly packets?: ComponentChildren;
  /** Undefined: it counts none. */
  readonly bytes: number | undefined;
  readonly title?: string;
  readonly text: ComponentChildren;
  /** What is to be said beside it, and why. */
  readonly flags: readonly (readonly [flag: string, why: string | undefined])[];
}

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
  const isRule = kind === 'rule';
  const cells = isRule ? ofRule(row, context) : ofHead(row, context);
  const { bytes } = cells;
  return (
    <tr
      id={`line-${key}`}
      class={`rule-row ${kind} ${cells.state}${isActive ? ' active' : ''}`}
      aria-level={{ table: 1, chain: 2, rule: 3 }[kind]}
      aria-rowindex={index + 2}
      aria-selected={isActive}
      aria-expanded={isRule ? undefined : !context.closed.has(key)}
      style={{ top: `${top}px` }}
      onClick={() => context.open(row)}
    >
      <td class="rule-heat">{cells.heat}</td>
      <td class="n">{cells.asked}</td>
      <td class="n">{cells.packets}</td>
      <td class="n bytes" title={bytes === undefined ? '' : counted(bytes, 'byte')}>
        {bytes !== undefined && bytesInWords(bytes)}
      </td>
      <th scope="row" class="text" title={cells.title}>
        {cells.text}
        {cells.flags.map(([flag, why]) => why && <Flag title={why}>{flag}</Flag>)}
      </th>
    </tr>
  );
}

function Flag({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  return (
    <span class="flag" title={title}>
      {children}
    </span>
  );
}

function ofRule({ rule, number }: RuleRow & { kind: 'rule' }, context: LineContext): Cells {
  const { map, counts, chosen, most, isNew, follow } = context;
  const { text, asked, packets, bytes, never, unsupported } = map.section.rules[rule];
  const of = chosen ?? counts;
  const state = never || unsupported ? 'never' : of.asked[rule] === 0 ? 'unasked' : '';
  const bar = (count: number, kind: string) => <i class={kind} style={{ width: `${100 * heat(count, most)}%` }} />;
  return {
    state: `${state}${isNew(rule) ? ' new' : ''}`,
    heat: [bar(of.asked[rule], ''), bar(of.matched[rule], 'hot')],
    asked: <Count all={asked} chosen={chosen?.asked[rule]} />,
    packets: <Count all={packets} chosen={chosen?.matched[rule]} />,
    bytes,
    title: text,
    text: (
      <>
        <span class="number">{number}</span>
        <RuleText text={text} follow={map.jumpOf(rule) === undefined ? undefined : () => follow(rule)} />
      </>
    ),
    flags: [
      ['cannot match', never],
      ['not supported', unsupported],
    ],
  };
}

function ofHead(row: Exclude<RuleRow, { kind: 'rule' }>, { map, counts, chosen, closed, toggle }: LineContext): Cells {
  const { chains } = map.section;
  const numbers = row.kind === 'table' ? row.chains : [row.chain];
  const chain = row.kind === 'table' ? undefined : chains[row.chain];
  const entered = (of: RuleCounts) =>
    numbers.reduce((sum, one) => (chain || chains[one].hook ? sum + map.entered(one, of) : sum), 0);
  const rules = numbers.reduce((sum, one) => sum + chains[one].rules.length, 0);
  const isClosed = closed.has(row.key);
  return {
    state: '',
    heat: (
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
    ),
    asked: <Count all={entered(counts)} chosen={chosen && entered(chosen)} />,
    packets: chain?.policy && grouped(chain.packets),
    bytes: chain?.policy && chain.bytes,
    text: (
      <>
        <b>{chain ? `:${chain.name}` : `*${row.key}`}</b>
        {chain && <span class={`policy ${chain.policy}`}>{chain.policy ?? '-'}</span>}
        <span class="size">
          {'shown' in row && row.shown < rules ? `${grouped(row.shown)} of ` : ''}
          {counted(rules, 'rule')}
        </span>
      </>
    ),
    flags: [[chain?.hook ? 'policy never decides' : 'never entered', chain?.never]],
  };
}
