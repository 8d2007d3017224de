/* Rules */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { RulesetPicture, RulesSection, Traversal } from '../../../explain/report/format/model.js';
import { Loading } from '../../parts/loading.js';
import { useLoaded } from '../../parts/use-loaded.js';
import type { Filter, ViewProps } from '../../selection.js';
import { placeIn, rulesetAt } from '../../words/deciders.js';
import { counted, grouped } from '../../words/numbers.js';
import { duration } from '../../words/times.js';
import { Outline } from './outline.js';
import { countRules } from './rule-counts.js';
import { type Opened, RuleDetail } from './rule-detail.js';
import { RuleList } from './rule-list.js';
import { RuleMap } from './rule-map.js';
import { chainKey, chosenRules, type RuleRow, rowsOf, ruleKey, SHOWN, type Shown } from './rule-rows.js';
import { useRestOfWindow } from './use-window.js';
import './rules-view.css';

interface Loads {
  readonly section: RulesSection;
  readonly traversals: readonly Traversal[];
  /** How many packets took each traversal. */
  readonly all: Float64Array;
  readonly chosen: Float64Array | undefined;
  /** The rules of this time are shown first: those that the open packet met, or that were there in the chosen time. */
  readonly untilNs: number;
}

export function RulesView(props: ViewProps) {
  const { result, rows, selection } = props;
  const { packet, filter } = selection;
  const loaded = useLoaded(async (): Promise<Loads> => {
    const [section, traversals, all, chosen] = await Promise.all([
      result.rules(),
      result.traversals(),
      result.traversalTotals(),
      rows && result.traversalTotals(rows),
    ]);
    const openNs =
      packet === undefined || rows?.includes(packet) === false ? undefined : (await result.packets()).timeNs[packet];
    const untilNs = openNs ?? filter.time?.[1] ?? Number.POSITIVE_INFINITY;
    return { section, traversals, all: all.packets, chosen: chosen?.packets, untilNs };
  }, [result, rows]);
  return <Loading of={loaded}>{(loads) => <Rules {...props} loads={loads} />}</Loading>;
}

function Rules({ loads, selection, select }: ViewProps & { readonly loads: Loads }) {
  const { section, traversals, all } = loads;
  const { rulesets, rules } = section;
  const { openRule, filter } = selection;
  const [at, setAt] = useState(() => rulesetAt(section, loads.untilNs));
  const ruleset = rulesets[Math.min(at, rulesets.length - 1)];
  const map = useMemo(() => new RuleMap(section, ruleset), [section, ruleset]);
  const counts = useMemo(() => countRules(traversals, all, section), [traversals, all, section]);
  const chosen = useMemo(
    () => loads.chosen && countRules(traversals, loads.chosen, section),
    [traversals, loads.chosen, section],
  );
  const [shown, setShown] = useState<Shown>('all');
  const [text, setText] = useState('');
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const [active, setActive] = useState<string>();
  const [trail, setTrail] = useState<readonly Opened[]>([]);
  const found = useMemo(() => chosenRules(map, counts, { shown, text }), [map, counts, shown, text]);
  const lines = useMemo(() => rowsOf(map, found, { shown, text, closed }), [map, found, shown, text, closed]);
  const most = useMemo(() => (chosen ?? counts).asked.reduce((a, b) => Math.max(a, b), 1), [chosen, counts]);
  const before = rulesets.indexOf(ruleset) - 1;
  const isNew = (rule: number) => before >= 0 && !placeIn(rule, section, before);

  const room = useRef<HTMLDivElement>(null);
  const height = useRestOfWindow(room);
  const opened = trail.at(-1);
  /** Brings what is OPENED into sight, in a ruleset that has it. */
  const reveal = (next: Opened) => {
    const isRule = 'rule' in next;
    if (isRule && map.placeOf(next.rule) === undefined) {
      const has = rulesets.findLastIndex((_, i) => placeIn(next.rule, section, i));
      if (has >= 0) setAt(has);
    }
    const key = isRule ? ruleKey(next.rule) : chainKey(next.chain);
    if (!lines.some((line) => line.key === key)) {
      setShown('all');
      setText('');
      setClosed(new Set());
    }
    setActive(key);
  };
  const open = (next: Opened, way: readonly Opened[]) => {
    setTrail([...way, next]);
    reveal(next);
    if ('rule' in next) select({ openRule: next.rule });
  };
  const follow = (rule: number) => {
    const jump = map.jumpOf(rule);
    const way = opened && 'rule' in opened && opened.rule === rule ? trail : [{ rule }];
    if (jump !== undefined) open({ chain: jump }, way);
  };
  const close = () => {
    setTrail([]);
    select({ openRule: undefined });
  };
  // The one that is open, or whose packets are chosen: somebody who clicked it elsewhere looks for it here.
  for (const rule of [filter.rule, openRule]) {
    useEffect(() => {
      if (rule === undefined || rules[rule] === undefined) return;
      if (opened && (!('rule' in opened) || opened.rule === rule)) return;
      setTrail([{ rule }]);
      reveal({ rule });
    }, [rule]);
  }

  const toggle = (key: string) => {
    const next = new Set(closed);
    if (!next.delete(key)) next.add(key);
    setClosed(next);
  };
  const openRow = (row: RuleRow) => (row.kind === 'table' ? toggle(row.key) : open(row, []));
  const nameOf = ({ name, sinceNs, change }: RulesetPicture) =>
    change === undefined ? name : `${duration(sinceNs)}: ${name}`;
  const changeWords = (number: number): string => {
    const next = rulesets.find(({ change }) => change === number - 1);
    return next ? nameOf(next) : `change ${number}`;
  };
  const current = opened && ('chain' in opened ? opened.chain : map.placeOf(opened.rule)?.chain);
  return (
    <div ref={room} class={`rules-room${opened ? ' has-detail' : ''}`} style={{ height: `${Math.max(440, height)}px` }}>
      <Outline {...{ map, counts: chosen ?? counts, current }} go={(chain) => open({ chain }, [])} />
      <div class="rules-main">
        <div class="rules-bar">
          {rulesets.length > 1 && (
            <label>
              <span>Rules</span>
              <select value={rulesets.indexOf(ruleset)} onChange={(event) => setAt(Number(event.currentTarget.value))}>
                {rulesets.map((one, i) => (
                  <option key={i} value={i}>
                    {nameOf(one)}
                  </option>
                ))}
              </select>
            </label>
          )}
          <Choice map={map} counts={counts} shown={shown} choose={setShown} />
          <input
            type="search"
            placeholder="Find in rules"
            aria-label="Find in rules"
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
          <button
            type="button"
            onClick={() => setClosed(closed.size > 0 ? new Set() : new Set(allChains(map).map(chainKey)))}
          >
            {closed.size > 0 ? 'Open all' : 'Close all'}
          </button>
          <span class="found" role="status">
            {counted(
              found.reduce((sum, own) => sum + own.length, 0),
              'rule',
            )}
          </span>
        </div>
        {ruleset.givenUp.length > 0 && (
          <details class="rule-note">
            <summary>Not all rules were checked for whether they can match</summary>
            {ruleset.givenUp.join('; ')}
          </details>
        )}
        <RuleList
          rows={lines}
          active={active}
          setActive={setActive}
          context={{ map, counts, chosen, most, isNew, closed, toggle, open: openRow, follow }}
        />
      </div>
      {opened && (
        <RuleDetail
          {...{ map, traversals, counts, chosen, trail, close, changeWords }}
          packets={loads.chosen ?? all}
          go={(next) => open(next, trail)}
          back={(to) => open(trail[to], trail.slice(0, to))}
          show={(more: Filter) => select({ view: 'Packets', filter: { ...selection.filter, ...more } })}
        />
      )}
    </div>
  );
}

/** Which rules are shown, with how many there are. */
function Choice(props: {
  readonly map: RuleMap;
  readonly counts: ReturnType<typeof countRules>;
  readonly shown: Shown;
  readonly choose: (shown: Shown) => void;
}) {
  const { map, counts, shown, choose } = props;
  const numbers = useMemo(
    () =>
      (Object.keys(SHOWN) as Shown[]).map((one) =>
        chosenRules(map, counts, { shown: one, text: '' }).reduce((sum, own) => sum + own.length, 0),
      ),
    [map, counts],
  );
  return (
    <fieldset class="rule-choice" aria-label="Show rules">
      {(Object.keys(SHOWN) as Shown[]).map((one, i) => (
        <button type="button" key={one} aria-pressed={one === shown} onClick={() => choose(one)}>
          {SHOWN[one][0]} <small>{grouped(numbers[i])}</small>
        </button>
      ))}
    </fieldset>
  );
}

const allChains = ({ ruleset }: RuleMap): number[] => ruleset.tables.flatMap((one) => [...one.chains]);
