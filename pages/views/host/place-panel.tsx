/** What is known of a place of the picture: what it saw, what ended there and why, its rules that matched most. */
import type { Place } from '../../../explain/report/format/course.js';
import type { HostPicture, RulePicture, RulesSection } from '../../../explain/report/format/model.js';
import { VERDICTS } from '../../../explain/report/format/model.js';
import type { Cause, HostFlow, PlaceFlow } from '../../data/diagram/host-flow.js';
import { RuleLink } from '../../parts/rule-link.js';
import { VerdictMark } from '../../parts/verdict-mark.js';
import type { Selection, ViewProps } from '../../selection.js';
import { counted, grouped } from '../../words/numbers.js';
import { duration } from '../../words/times.js';
import { InterfaceFacts } from './interface-facts.js';

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

function clipped(text: string): string {
  return text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT)} …` : text;
}

export function PlacePanel(props: PanelProps) {
  const { place, flow } = props;
  const [side, devs = ''] = (place ?? '').split(' ');
  const isCard = (side === 'in' || side === 'out') && /^[\d,]+$/.test(devs);
  const here = place === undefined || isCard ? undefined : flow.places.get(place as Place);
  const seen = place === undefined ? wholeOf(flow) : here;
  return (
    <aside class="place" aria-label="Details">
      <h2>{titleOf(props)}</h2>
      {isCard && <InterfaceFacts {...props} side={side} devs={devs.split(',').map(Number)} />}
      {place !== undefined && !isCard && <Facts {...props} seen={here} />}
      {!isCard && (
        <>
          <Chains {...props} counts={here?.chains ?? []} />
          <Causes {...props} causes={seen?.causes ?? []} />
          <Rules {...props} matched={seen?.rules ?? []} />
        </>
      )}
    </aside>
  );
}

function titleOf({ place, picture }: PanelProps): string {
  if (place === undefined) return 'Where packets ended';
  const found = /^(in|out) ([\d,]+)$/.exec(place);
  if (found === null) return PLACE_NAMES[place] ?? place;
  const names = found[2].split(',').map((dev) => picture.interfaces[Number(dev)].name);
  return `${found[1] === 'in' ? 'Arrived by' : 'Left by'} ${names.length > 1 ? `${names.length} interfaces` : names[0]}`;
}

const PLACE_NAMES: Readonly<Record<string, string>> = {
  link: 'Before the first hook',
  routing: 'Routing decision',
  'own routing': "Routing of the host's own packets",
  host: 'This host',
  egress: 'On the way out',
};

/** All causes and rules of FLOW. */
function wholeOf({ places }: HostFlow): Pick<PlaceFlow, 'causes' | 'rules'> {
  // Stations have what their rooms have, so rooms would count twice.
  const stations = [...places].filter(([place]) => !/^\w+ [A-Z]+$/.test(place)).map(([, seen]) => seen);
  const rules = new Map<number, number>();
  for (const seen of places.values())
    for (const [rule, packets] of seen.rules) rules.set(rule, (rules.get(rule) ?? 0) + packets);
  return {
    causes: stations.flatMap(({ causes }) => causes).sort((a, b) => b.packets - a.packets),
    rules: [...rules].sort((a, b) => b[1] - a[1]),
  };
}

function Facts({ seen, place, rules }: PanelProps & { readonly seen: PlaceFlow | undefined }) {
  if (seen === undefined) return <p class="muted">No packet came here.</p>;
  const answers = seen.amounts[VERDICTS.length];
  const chains = rules.chains.filter(({ table, hook }) => `${table} ${hook}` === place);
  const chain = chains.at(-1);
  return (
    <>
      {chain && (
        <p class="muted">
          {counted(chain.rules.length, 'rule')} · policy {chain.policy ?? 'ACCEPT'}
          {chain.file && ` · ${chain.file}${chain.line === undefined ? '' : `:${chain.line}`}`}
        </p>
      )}
      <table class="facts">
        <caption>What became of them</caption>
        <tbody>
          {VERDICTS.map((verdict, i) =>
            seen.amounts[i] === 0 ? null : (
              <tr key={verdict}>
                <th scope="row">
                  <VerdictMark verdict={verdict} />
                </th>
                <td>{grouped(seen.amounts[i])}</td>
              </tr>
            ),
          )}
          {answers > 0 && (
            <tr>
              <th scope="row">answers of the host</th>
              <td>{grouped(answers)}</td>
            </tr>
          )}
          {seen.translated > 0 && (
            <tr>
              <th scope="row">translated here</th>
              <td>{grouped(seen.translated)}</td>
            </tr>
          )}
          {[...seen.states].map(([state, packets]) => (
            <tr key={state}>
              <th scope="row">
                <code>{state}</code>
              </th>
              <td>{grouped(packets)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

/** The time until which something was there; it still is if it has none. */
function Until({ at }: { readonly at: number | undefined }) {
  return at === undefined ? null : <span class="muted"> until {duration(at)}</span>;
}

function endOfChain(chain: number, { rulesets }: RulesSection): number | undefined {
  const last = rulesets.findLastIndex(({ tables }) => tables.some(({ chains }) => chains.includes(chain)));
  return rulesets[last + 1]?.sinceNs;
}

/** The chains of a table that packets were in, each of which chooses them. */
function Chains({ counts, rules, selection, select }: PanelProps & { readonly counts: PlaceFlow['chains'] }) {
  if (counts.length < 2) return null;
  return (
    <table class="facts">
      <caption>Chains</caption>
      <tbody>
        {counts.slice(0, MOST_ROWS).map(([chain, packets]) => (
          <tr key={chain}>
            <th scope="row">
              <button
                type="button"
                class="link"
                aria-pressed={selection.filter.chain === chain}
                onClick={() => select({ filter: { ...selection.filter, chain } })}
              >
                {rules.chains[chain].name}
              </button>
              <Until at={endOfChain(chain, rules)} />
            </th>
            <td>{grouped(packets)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Causes({ causes, ...props }: PanelProps & { readonly causes: readonly Cause[] }) {
  if (causes.length === 0) return props.place === undefined ? <p class="muted">Nothing was dropped.</p> : null;
  return (
    <table class="causes">
      <caption>{props.place === undefined ? 'Dropped, rejected, held, skipped' : 'Ended here'}</caption>
      <tbody>
        {causes.slice(0, MOST_ROWS).map((cause, i) => (
          <tr key={`${i}`}>
            <td>{grouped(cause.packets)}</td>
            <td>
              <VerdictMark verdict={cause.verdict} />
              {cause.isOfAnswers && ' (answers)'}
            </td>
            <td>
              <CauseWords cause={cause} {...props} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function CauseWords({ cause: { decider }, rules, selection, select }: PanelProps & { readonly cause: Cause }) {
  switch (decider.kind) {
    case 'rule': {
      return <RuleWords rule={decider.rule} {...{ rules, selection, select }} />;
    }
    case 'policy': {
      const { table, name } = rules.chains[decider.chain];
      return (
        <button
          type="button"
          class="link"
          onClick={() => select({ filter: { ...selection.filter, end: `${table} ${decider.hook}` } })}
        >
          policy of {table} {name}
        </button>
      );
    }
    case 'host':
      return <>{decider.words}</>;
    default:
      return <span class="muted">waits for the rest of its fragments</span>;
  }
}

/** A rule with its text. One of rulesets before the last says until when it was there. */
function RuleWords({
  rule,
  rules,
  selection,
  select,
}: Omit<PanelProps, 'picture' | 'flow' | 'place' | 'onPlace'> & { readonly rule: number }) {
  const { text, comment, until } = rules.rules[rule];
  const end = until === undefined ? undefined : rules.rulesets[until]?.sinceNs;
  return (
    <>
      <RuleLink {...{ rules, rule, selection, select }} /> <code>{clipped(text)}</code>
      {comment && !text.includes(comment) && <span class="muted"> {clipped(comment)}</span>}
      <Until at={end} />
    </>
  );
}

/** It does nothing to packets but send them through the rules of a chain, or back. */
function isJump({ jump, target }: RulePicture): boolean {
  return jump !== undefined || target === 'RETURN';
}

function Rules({ matched, ...props }: PanelProps & { readonly matched: PlaceFlow['rules'] }) {
  const { rules, selection, select } = props;
  const own = matched.filter(([rule]) => !isJump(rules.rules[rule]));
  if (own.length === 0) return null;
  return (
    <table class="matched">
      <caption>Rules that matched most</caption>
      <tbody>
        {own.slice(0, MOST_ROWS).map(([rule, packets]) => (
          <tr key={rule}>
            <td>{grouped(packets)}</td>
            <td>
              <RuleWords {...{ rules, rule, selection, select }} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
