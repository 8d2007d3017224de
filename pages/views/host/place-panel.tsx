/** What is known of a place of the picture: what it saw, what ended there and why, its rules that matched most. */

import type { HostPicture } from '../../../explain/report/format/host-picture.js';
import type { RulesSection } from '../../../explain/report/format/model.js';
import { VERDICTS } from '../../../explain/report/format/model.js';
import type { Place } from '../../../explain/report/format/places.js';
import { ANSWERS, type Cause, type HostFlow, type PlaceFlow } from '../../data/diagram/host-flow.js';
import { RuleLink } from '../../parts/rule-link.js';
import { VerdictMark } from '../../parts/verdict-mark.js';
import type { Selection, ViewProps } from '../../selection.js';
import { deciderText } from '../../words/deciders.js';
import { counted } from '../../words/numbers.js';
import { duration } from '../../words/times.js';
import { type CountRow, Counts } from './counts.js';
import { InterfaceFacts } from './interface-facts.js';
import { placeName } from './place-name.js';

export interface PanelProps {
  readonly picture: HostPicture;
  readonly rules: RulesSection;
  readonly flow: HostFlow;
  /** Undefined: the host as a whole. */
  readonly place: string | undefined;
  readonly selection: Selection;
  readonly select: ViewProps['select'];
  readonly onPlace: (place: string) => void;
}

const MOST_ROWS = 10;
const MOST_TEXT = 300;

export function PlacePanel(props: PanelProps) {
  const { place, flow, rules } = props;
  const card = /^(in|out) ([\d,]+)$/.exec(place ?? '');
  const here = flow.places.get(place as Place);
  const { causes, rules: matched } = (place === undefined ? wholeOf(flow) : here) ?? NOTHING;
  const seen = (counts: readonly (readonly [number, number])[], row: (one: number) => CountRow[0]): CountRow[] =>
    counts.slice(0, MOST_ROWS).map(([one, packets]) => [row(one), packets]);
  const devs = (card?.[2].split(',').map(Number) ?? []).filter((dev) => props.picture.interfaces[dev]);
  return (
    <aside class="place" aria-label="Details">
      <h2>{place === undefined ? 'Where packets ended' : placeName(place, props.picture)}</h2>
      {card && devs.length > 0 ? (
        <InterfaceFacts {...props} side={card[1] as 'in' | 'out'} devs={devs} />
      ) : (
        <>
          <p class="muted">{noteOf(props, here, causes)}</p>
          {here && <Counts caption="What became of them" rows={factsOf(here)} />}
          {here && here.chains.length > 1 && (
            <Counts caption="Chains" rows={seen(here.chains, (chain) => <ChainLink {...props} chain={chain} />)} />
          )}
          <Counts
            caption={place === undefined ? 'Dropped, rejected, held, skipped' : 'Ended here'}
            rows={causes.slice(0, MOST_ROWS).map((cause) => [<CauseWords cause={cause} {...props} />, cause.packets])}
          />
          <Counts
            caption="Rules that matched most"
            rows={seen(
              matched.filter(([rule]) => rules.rules[rule].jump === undefined && rules.rules[rule].target !== 'RETURN'),
              (rule) => <RuleWords rule={rule} {...props} />,
            )}
          />
        </>
      )}
    </aside>
  );
}

const NOTHING: Pick<PlaceFlow, 'causes' | 'rules'> = { causes: [], rules: [] };

/** All causes and rules of FLOW. */
function wholeOf({ places }: HostFlow): typeof NOTHING {
  const rules = new Map<number, number>();
  for (const seen of places.values())
    for (const [rule, packets] of seen.rules) rules.set(rule, (rules.get(rule) ?? 0) + packets);
  // Hooks have what their entries have, so entries would count twice.
  const causes = [...places].flatMap(([place, seen]) => (/^\w+ [A-Z]+$/.test(place) ? [] : seen.causes));
  return { causes: causes.sort((a, b) => b.packets - a.packets), rules: [...rules].sort((a, b) => b[1] - a[1]) };
}

function noteOf({ place, rules, flow }: PanelProps, here: PlaceFlow | undefined, causes: readonly Cause[]): string {
  if (place !== undefined) return here ? chainWords(place, rules) : 'No packet reached this point.';
  if (flow.places.size === 0) return 'There are no packets.';
  return causes.length === 0 ? 'No packet was dropped, rejected, held or skipped.' : '';
}

/** Of a table at a hook: its rules, its policy, and where that stands. */
function chainWords(place: string, { chains }: RulesSection): string {
  const chain = chains.findLast(({ table, hook }) => `${table} ${hook}` === place);
  if (chain === undefined) return '';
  const { rules, policy = 'ACCEPT', file, line = '' } = chain;
  return [counted(rules.length, 'rule'), `policy ${policy}`, ...(file ? [`${file}:${line}`] : [])].join(' · ');
}

function factsOf({ amounts, translated, states }: PlaceFlow): CountRow[] {
  return [
    ...VERDICTS.map((verdict, i): CountRow => [<VerdictMark verdict={verdict} />, amounts[i]]),
    ["the host's answers", amounts[ANSWERS]],
    ['translated here', translated],
    ...[...states].map(([state, packets]): CountRow => [<code>{state}</code>, packets]),
  ];
}

/** A chain, which chooses the packets that were in it. */
function ChainLink({ chain, rules, selection, select }: PanelProps & { readonly chain: number }) {
  const last = rules.rulesets.findLastIndex(({ tables }) => tables.some(({ chains }) => chains.includes(chain)));
  return (
    <>
      <button
        type="button"
        class="link"
        aria-pressed={selection.filter.chain === chain}
        onClick={() => select({ filter: { ...selection.filter, chain } })}
      >
        {rules.chains[chain].name}
      </button>
      <Until ruleset={last + 1} rules={rules} />
    </>
  );
}

/** When RULESET took the place of what there was before; nothing if there is none. */
function Until({ ruleset, rules }: { readonly ruleset: number | undefined; readonly rules: RulesSection }) {
  const next = ruleset === undefined ? undefined : rules.rulesets[ruleset];
  return next ? <span class="muted"> until {duration(next.sinceNs)}</span> : null;
}

function CauseWords({ cause, ...props }: PanelProps & { readonly cause: Cause }) {
  const { decider, verdict, isOfAnswers } = cause;
  return (
    <>
      <VerdictMark verdict={verdict} />
      {isOfAnswers && ' (answers)'}{' '}
      {decider.kind === 'rule' ? <RuleWords rule={decider.rule} {...props} /> : deciderText(decider, props.rules)}
    </>
  );
}

/** A rule with its text. One of an earlier ruleset says until when it was there. */
function RuleWords({ rule, ...props }: PanelProps & { readonly rule: number }) {
  const { text, until } = props.rules.rules[rule];
  return (
    <>
      <RuleLink {...props} rule={rule} />{' '}
      <code>{text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT)} …` : text}</code>
      <Until ruleset={until} rules={props.rules} />
    </>
  );
}
