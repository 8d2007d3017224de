import type { ComponentChildren } from 'preact';
import type { Traversal } from '../../../explain/report/format/model.js';
import type { Filter } from '../../selection.js';
import { bytesInWords, counted, grouped } from '../../words/numbers.js';
import { missesOf, type RuleCounts } from './rule-counts.js';
import { chainName, type RuleMap } from './rule-map.js';
import { RuleText } from './rule-text.js';

/** What is open: a rule or a chain. */
export type Opened = { readonly rule: number } | { readonly chain: number };

export interface DetailProps {
  readonly map: RuleMap;
  readonly traversals: readonly Traversal[];
  /** How many packets took each traversal: all, or those that the filter chooses. */
  readonly packets: Float64Array;
  readonly counts: RuleCounts;
  readonly chosen: RuleCounts | undefined;
  /** How one came to what is open, which is the last. */
  readonly trail: readonly Opened[];
  /** Opens something, or of the trail the one at a position. */
  readonly go: (opened: Opened) => void;
  readonly back: (at: number) => void;
  readonly close: () => void;
  /** Shows the packets that fit. */
  readonly show: (filter: Filter) => void;
  /** When rules changed, by the number of the change from 1. */
  readonly changeWords: (change: number) => string;
}

const MOST_MISSES = 12;
const MOST_CALLERS = 40;

/** What there is to say about the rule or chain that is open. */
export function RuleDetail(props: DetailProps) {
  const { map, trail, back, close } = props;
  const opened = trail[trail.length - 1];
  return (
    <aside class="rule-detail" aria-label="Details">
      <nav aria-label="How you came here" class="trail">
        {trail.map((one, i) => {
          const isLast = i === trail.length - 1;
          return (
            <span key={i}>
              {i > 0 && <i aria-hidden="true"> › </i>}
              {isLast ? (
                <b aria-current="true">{nameOf(map, one)}</b>
              ) : (
                <button type="button" class="link" onClick={() => back(i)}>
                  {nameOf(map, one)}
                </button>
              )}
            </span>
          );
        })}
        <button type="button" class="close" aria-label="Close details" onClick={close}>
          ✕
        </button>
      </nav>
      {'rule' in opened ? <OneRule {...props} rule={opened.rule} /> : <OneChain {...props} chain={opened.chain} />}
    </aside>
  );
}

function nameOf(map: RuleMap, opened: Opened): string {
  const { chains, rules } = map.section;
  if ('chain' in opened) return chainName(chains[opened.chain]);
  const { chain, number } = map.placeOf(opened.rule) ?? rules[opened.rule];
  return `${chainName(chains[chain])} ${number}`;
}

function OneRule(props: DetailProps & { readonly rule: number }) {
  const { map, rule, counts, chosen, traversals, packets, go, show, changeWords } = props;
  const { text, file, line, comment, never, neverBy = [], unsupported, until, ...all } = map.section.rules[rule];
  const { asked, matched } = chosen ?? counts;
  const jump = map.jumpOf(rule);
  const misses = missesOf(traversals, packets, rule);
  const missed = asked[rule] - matched[rule];
  const { name } = map.section.chains[(map.placeOf(rule) ?? map.section.rules[rule]).chain];
  return (
    <>
      <p class="whole-rule">
        <span class="w-option">-A {name}</span> <RuleText text={text} />
      </p>
      <p class="rule-note">
        {file}:{line}
        {comment && !text.includes(comment) ? ` · ${comment}` : ''}
      </p>
      {unsupported && <p class="rule-warning">{unsupported}: it never matches here.</p>}
      {never && (
        <p class="rule-warning">
          Can never match: {never}
          {neverBy.map((one) => (
            <Place key={one} map={map} opened={{ rule: one }} go={go} />
          ))}
        </p>
      )}
      {until !== undefined && <p class="rule-note">Until {changeWords(until)}.</p>}
      {jump !== undefined && (
        <p>
          Goes to <Place map={map} opened={{ chain: jump }} go={go} />
        </p>
      )}
      <dl class="rule-figures">
        <dt>Packets compared</dt>
        <dd>
          <Figure all={counts.asked[rule]} chosen={chosen?.asked[rule]} />
        </dd>
        <dt>matched</dt>
        <dd>
          <Figure all={counts.matched[rule]} chosen={chosen?.matched[rule]} />
        </dd>
        <dt>iptables shows</dt>
        <dd>
          {counted(all.packets, 'packet')}, {bytesInWords(all.bytes)}
        </dd>
      </dl>
      <p class="rule-actions">
        <Show count={matched[rule]} filter={{ rule, isMatched: true }} show={show}>
          it matched
        </Show>
        <Show count={asked[rule]} filter={{ rule }} show={show}>
          compared with it
        </Show>
      </p>
      {missed > 0 && (
        <>
          <h3>Why {counted(missed, 'packet')} did not match</h3>
          <Misses misses={misses} of={missed} />
        </>
      )}
      {asked[rule] === 0 && (
        <p class="rule-note">{chosen ? 'None of the chosen packets' : 'No packet'} came to this rule.</p>
      )}
    </>
  );
}

/** The conditions that failed. */
function Misses({ misses, of }: { readonly misses: ReturnType<typeof missesOf>; readonly of: number }) {
  const left = misses.slice(MOST_MISSES);
  return (
    <ul class="misses">
      {misses.slice(0, MOST_MISSES).map(({ words, packets }) => (
        <li key={words}>
          <i style={{ width: `${Math.min(100, (100 * packets) / of)}%` }} />
          <span>{words}</span>
          <b>{grouped(packets)}</b>
        </li>
      ))}
      {left.length > 0 && <li>and {grouped(left.length)} more conditions</li>}
      {misses.reduce((sum, { packets }) => sum + packets, 0) > of && (
        <li class="rule-note">One packet may fail several.</li>
      )}
    </ul>
  );
}

function OneChain({ map, chain, counts, chosen, go, show }: DetailProps & { readonly chain: number }) {
  const { hook, policy, packets, bytes, rules, file, line, never, neverBy = [] } = map.section.chains[chain];
  const callers = map.callersOf(chain);
  const entered = (of: RuleCounts) => map.entered(chain, of.asked, of.matched);
  return (
    <>
      {file !== undefined && (
        <p class="rule-note">
          {file}:{line}
        </p>
      )}
      {never && (
        <p class="rule-warning">
          {hook ? 'Its policy never decides: ' : 'Never entered: '}
          {never}
          {neverBy.map((one) => (
            <Place key={one} map={map} opened={{ rule: one }} go={go} />
          ))}
        </p>
      )}
      <dl class="rule-figures">
        <dt>Packets entered</dt>
        <dd>
          <Figure all={entered(counts)} chosen={chosen && entered(chosen)} />
        </dd>
        <dt>Rules</dt>
        <dd>{grouped(rules.length)}</dd>
        {policy && (
          <>
            <dt>Policy {policy}</dt>
            <dd>
              {counted(packets, 'packet')}, {bytesInWords(bytes)}
            </dd>
          </>
        )}
      </dl>
      <p class="rule-actions">
        <Show count={entered(chosen ?? counts)} filter={{ chain }} show={show}>
          through it
        </Show>
      </p>
      {!hook && <h3>{callers.length === 0 ? 'No rule goes here' : 'Who goes here'}</h3>}
      <ul class="callers">
        {callers.slice(0, MOST_CALLERS).map((rule) => (
          <li key={rule}>
            <Place map={map} opened={{ rule }} go={go} />
            <small>{grouped((chosen ?? counts).matched[rule])}</small>
          </li>
        ))}
        {callers.length > MOST_CALLERS && <li>and {grouped(callers.length - MOST_CALLERS)} more</li>}
      </ul>
    </>
  );
}

/** A rule or chain by its place, which opens it. */
function Place({ map, opened, go }: { readonly opened: Opened } & Pick<DetailProps, 'map' | 'go'>) {
  const title = 'rule' in opened ? map.section.rules[opened.rule].text : undefined;
  return (
    <button type="button" class="link place-link" title={title} onClick={() => go(opened)}>
      {nameOf(map, opened)}
    </button>
  );
}

function Figure({ all, chosen }: { readonly all: number; readonly chosen: number | undefined }) {
  if (chosen === undefined) return <>{grouped(all)}</>;
  return (
    <>
      <b>{grouped(chosen)}</b> of {grouped(all)}
    </>
  );
}

function Show(props: {
  readonly count: number;
  readonly filter: Filter;
  readonly show: (filter: Filter) => void;
  readonly children: ComponentChildren;
}) {
  const { count, filter, show, children } = props;
  return (
    <button type="button" disabled={count === 0} onClick={() => show(filter)}>
      {count === 1 ? 'The packet' : `${grouped(count)} packets`} {children}
    </button>
  );
}
