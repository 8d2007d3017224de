import type { ComponentChildren } from 'preact';
import type { Traversal } from '../../../explain/report/format/model.js';
import type { Filter } from '../../selection.js';
import { bytesInWords, counted, grouped } from '../../words/numbers.js';
import { missesOf, type RuleCounts } from './rule-counts.js';
import { Count } from './rule-list.js';
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
      <nav aria-label="Breadcrumb" class="trail">
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
      <Told {...props} told={'rule' in opened ? ofRule(props, opened.rule) : ofChain(props, opened.chain)} />
    </aside>
  );
}

function nameOf(map: RuleMap, opened: Opened): string {
  const { chains, rules } = map.section;
  if (!('rule' in opened)) return chainName(chains[opened.chain]);
  const { chain, number } = map.placeOf(opened.rule) ?? rules[opened.rule];
  return `${chainName(chains[chain])} ${number}`;
}

/** What there is to say, in the order in which it is said. */
interface Said {
  readonly text?: ComponentChildren;
  readonly notes: readonly (string | undefined)[];
  readonly warnings: readonly (string | undefined)[];
  /** The rules that are the reason of a warning. */
  readonly by: readonly number[] | undefined;
  /** The chain that it jumps to. */
  readonly jump?: number | undefined;
  readonly figures: readonly (readonly [name: string, value: ComponentChildren])[];
  /** Packets that can be shown: how many, which, and what they did. */
  readonly shows: readonly (readonly [count: number, filter: Filter, words: string])[];
  readonly more: ComponentChildren;
}

function ofRule({ map, counts, chosen, traversals, packets, changeWords }: DetailProps, rule: number): Said {
  const { chains, rules } = map.section;
  const { text, file, line, comment = '', never, neverBy, unsupported, until, ...all } = rules[rule];
  const { asked, matched } = chosen ?? counts;
  const missed = asked[rule] - matched[rule];
  return {
    text: (
      <p class="whole-rule">
        <span class="w-option">-A {chains[(map.placeOf(rule) ?? rules[rule]).chain].name}</span>{' '}
        <RuleText text={text} />
      </p>
    ),
    notes: [
      `${file}:${line}`,
      text.includes(comment) ? undefined : comment,
      until === undefined ? undefined : `Until ${changeWords(until)}`,
    ],
    warnings: [unsupported && `${unsupported}: it never matches here`, never && `Can never match: ${never}`],
    by: neverBy,
    jump: map.jumpOf(rule),
    figures: [
      ['Packets compared', <Count all={counts.asked[rule]} chosen={chosen?.asked[rule]} />],
      ['matched', <Count all={counts.matched[rule]} chosen={chosen?.matched[rule]} />],
      ['iptables shows', `${counted(all.packets, 'packet')}, ${bytesInWords(all.bytes)}`],
    ],
    shows: [
      [matched[rule], { rule, isMatched: true }, 'it matched'],
      [asked[rule], { rule }, 'compared with it'],
    ],
    more:
      missed > 0 ? (
        <Misses misses={missesOf(traversals, packets, rule)} of={missed} />
      ) : (
        asked[rule] === 0 && <p class="rule-note">{chosen ? 'None of the chosen packets' : 'No packet'} came to it.</p>
      ),
  };
}

function ofChain({ map, counts, chosen, go }: DetailProps, chain: number): Said {
  const { hook, policy, packets, bytes, rules, file, line, never, neverBy } = map.section.chains[chain];
  const callers = map.callersOf(chain);
  const entered = (of: RuleCounts) => map.entered(chain, of);
  return {
    notes: [file && `${file}:${line}`],
    warnings: [never && `${hook ? 'Its policy never decides' : 'Never entered'}: ${never}`],
    by: neverBy,
    figures: [
      ['Packets entered', <Count all={entered(counts)} chosen={chosen && entered(chosen)} />],
      ['Rules', grouped(rules.length)],
      ...(policy ? [[`Policy ${policy}`, `${counted(packets, 'packet')}, ${bytesInWords(bytes)}`] as const] : []),
    ],
    shows: [[entered(chosen ?? counts), { chain }, 'through it']],
    more: !hook && (
      <>
        <h3>{callers.length === 0 ? 'No rule jumps here' : 'Called from'}</h3>
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
    ),
  };
}

function Told({ told, map, go, show }: DetailProps & { readonly told: Said }) {
  const { text, notes, warnings, by = [], jump, figures, shows, more } = told;
  return (
    <>
      {text}
      {notes.map((words) => words && <p class="rule-note">{words}</p>)}
      {warnings.map((words) => words && <p class="rule-warning">{words}</p>)}
      {[...by.map((rule) => ({ rule })), ...(jump === undefined ? [] : [{ chain: jump }])].map((opened) => (
        <p key={nameOf(map, opened)}>
          {'chain' in opened ? 'Goes to ' : 'See '}
          <Place map={map} opened={opened} go={go} />
        </p>
      ))}
      <dl class="rule-figures">
        {figures.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <p class="rule-actions">
        {shows.map(([count, filter, words]) => (
          <button type="button" key={words} disabled={count === 0} onClick={() => show(filter)}>
            {counted(count, 'packet')} {words}
          </button>
        ))}
      </p>
      {more}
    </>
  );
}

/** The conditions that failed. */
function Misses({ misses, of }: { readonly misses: ReturnType<typeof missesOf>; readonly of: number }) {
  const left = misses.slice(MOST_MISSES);
  return (
    <>
      <h3>Why {counted(of, 'packet')} did not match</h3>
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
