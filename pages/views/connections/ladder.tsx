/** An open connection: what it is, what became of it, and its packets as a ladder. */
import { useMemo, useRef, useState } from 'preact/hooks';
import { useLoaded } from '../../parts/use-loaded.js';
import type { Selection, ViewProps } from '../../selection.js';
import { ruleText } from '../../words/deciders.js';
import { endText } from '../../words/ends.js';
import { bytesInWords, counted, grouped } from '../../words/numbers.js';
import { duration } from '../../words/times.js';
import { deviceName } from '../packets/packet-cells.js';
import { CONNECTION_VERDICTS, type ConnectionFacts } from './connection-facts.js';
import { ConnectionVerdictMark } from './connection-verdict.js';
import { endSentence, originalEnds, protocolWords, translatedEnds, translations } from './connection-words.js';
import { type Fold, ladderItems, rowsOf } from './ladder-items.js';
import { type Lane, lanesOf } from './lanes.js';
import { Lanes, RungRow } from './rung.js';
import { sequenceWords } from './sequence.js';

interface LadderProps {
  readonly facts: ConnectionFacts;
  readonly connection: number;
  readonly selection: Selection;
  readonly select: ViewProps['select'];
  readonly close: () => void;
}

/** How many packets of a fold are shown at once, and how many rungs before somebody asks for more. */
const UNFOLDED = 100;
const MOST_ITEMS = 400;

export function Ladder(props: LadderProps) {
  const { facts, connection, select } = props;
  const rows = useMemo(() => rowsOf(facts, connection), [facts, connection]);
  const lanes = useMemo(() => lanesOf(facts, rows), [facts, rows]);
  const [opened, setOpened] = useState<ReadonlyMap<number, number>>(new Map());
  const [most, setMost] = useState(MOST_ITEMS);
  const items = useMemo(() => ladderItems(facts, rows, opened), [facts, rows, opened]);
  const shown = items.slice(0, most);
  const rungRows = shown.flatMap((item) => (item.kind === 'rung' ? [item.row] : []));
  const sequences = useLoaded(() => sequenceWords(facts, rungRows), [facts, connection, rungRows.join()]).value;
  const list = useRef<HTMLOListElement>(null);
  const unfold = ({ first }: Fold) => setOpened(new Map([...opened, [first, (opened.get(first) ?? 0) + UNFOLDED]]));
  const listed = rows.length;
  const { packets, replyPackets, errors } = facts.connections;
  const all = packets[connection] + replyPackets[connection] + errors[connection];
  return (
    <section class="ladder" aria-label="Ladder of the connection">
      <Head {...props} />
      <div class="heads">
        <span />
        <span class="lanes">
          <LaneHeads {...{ facts, connection, lanes }} />
        </span>
      </div>
      <ol ref={list} onKeyDown={(event) => moveFocus(event, list.current)}>
        {shown.map((item) =>
          item.kind === 'rung' ? (
            <RungRow
              key={item.row}
              rung={item}
              sequence={sequences?.get(item.row)}
              open={(row) => select({ view: 'Packets', packet: row, step: 0 })}
              {...{ facts, lanes }}
            />
          ) : (
            <FoldRow key={`fold ${item.first}`} fold={item} unfold={unfold} {...{ facts, lanes }} />
          ),
        )}
      </ol>
      {items.length > most && (
        <button type="button" class="link" onClick={() => setMost(most + MOST_ITEMS)}>
          {grouped(items.length - most)} more
        </button>
      )}
      {all > listed && <p class="muted">{counted(all - listed, 'more packet')} of it are left out of this report.</p>}
      <p class="muted">{endSentence(facts, connection)}</p>
    </section>
  );
}

function Head({ facts, connection, selection, select, close }: LadderProps) {
  const { connections } = facts;
  const { source, destination } = originalEnds(facts, connection);
  const { refused, invalid, errors } = connections;
  const counts = [
    `${grouped(connections.packets[connection])} → ${bytesInWords(connections.bytes[connection])}`,
    `${grouped(connections.replyPackets[connection])} ← ${bytesInWords(connections.replyBytes[connection])}`,
    duration(connections.lastNs[connection] - connections.firstNs[connection]),
    ...(refused[connection] > 0 ? [`${grouped(refused[connection])} refused`] : []),
    ...(invalid[connection] > 0 ? [`${grouped(invalid[connection])} INVALID`] : []),
    ...(errors[connection] > 0 ? [counted(errors[connection], 'ICMP error')] : []),
  ];
  const onlyThese = () => select({ filter: { ...selection.filter, connection } });
  return (
    <header>
      <h3>
        {protocolWords(facts, connection)} <span class="end">{endText(source)}</span> →{' '}
        <span class="end">{endText(destination)}</span>
      </h3>
      <button type="button" class="close" aria-label="Close the ladder" onClick={close}>
        ×
      </button>
      <p>
        <ConnectionVerdictMark verdict={CONNECTION_VERDICTS[connections.verdict[connection]]} />
        {counts.map((words) => (
          <span key={words}> · {words}</span>
        ))}{' '}
        ·{' '}
        <button type="button" class="link" onClick={onlyThese}>
          only these packets
        </button>
      </p>
      <Translations facts={facts} connection={connection} />
    </header>
  );
}

function Translations({ facts, connection }: Pick<LadderProps, 'facts' | 'connection'>) {
  const { source, destination } = translations(facts, connection);
  const before = originalEnds(facts, connection);
  const rules = natRules(facts, connection);
  return (
    <>
      {(['destination', 'source'] as const).map((end) => {
        const after = end === 'source' ? source : destination;
        if (after === undefined) return null;
        return (
          <p key={end} class="translation">
            {end} <span class="end">{endText(before[end])}</span> <span class="end new">⇒ {after}</span>
            {rules[end] && <span class="muted"> by {rules[end]}</span>}
          </p>
        );
      })}
    </>
  );
}

function LaneHeads(props: Pick<LadderProps, 'facts' | 'connection'> & { readonly lanes: readonly Lane[] }) {
  const { facts, connection, lanes } = props;
  const { inDev, outDev } = facts.connections;
  const { interfaces } = facts.result.index.host;
  const { source } = originalEnds(facts, connection);
  const { destination } = translatedEnds(facts, connection) ?? originalEnds(facts, connection);
  const of = (lane: Lane): { name: string; dev: string } => {
    if (lane === 'host') return { name: 'the host', dev: '' };
    const [end, dev] = lane === 'client' ? [source, inDev[connection]] : [destination, outDev[connection]];
    return { name: end.name ?? end.address, dev: dev < 0 ? '' : deviceName(dev, interfaces) };
  };
  return (
    <>
      {lanes.map((lane) => (
        <span key={lane} class={lane}>
          <b>{of(lane).name}</b> <small>{of(lane).dev}</small>
        </span>
      ))}
    </>
  );
}

function FoldRow(props: {
  readonly fold: Fold;
  readonly unfold: (fold: Fold) => void;
  readonly facts: ConnectionFacts;
  readonly lanes: readonly Lane[];
}) {
  const { fold, unfold, facts, lanes } = props;
  const { packets, traversals } = facts;
  const sums = [0, 0, 0, 0];
  let refused = 0;
  for (const row of fold.rows) {
    const at = packets.direction[row] === 1 ? 2 : 0;
    sums[at]++;
    sums[at + 1] += packets.length[row];
    const { verdict } = traversals[packets.traversal[row]];
    if (verdict === 'dropped' || verdict === 'rejected') refused++;
  }
  const [there, thereBytes, back, backBytes] = sums;
  const last = fold.rows[fold.rows.length - 1];
  const words = [
    ...(there > 0 ? [`${grouped(there)} → ${bytesInWords(thereBytes)}`] : []),
    ...(back > 0 ? [`${grouped(back)} ← ${bytesInWords(backBytes)}`] : []),
    duration(packets.timeNs[last] - packets.timeNs[fold.rows[0]]),
  ];
  return (
    <li class="fold row">
      <span class="time">⋮</span>
      <Lanes lanes={lanes} />
      <span class="words">
        <button type="button" class="link" onClick={() => unfold(fold)}>
          {grouped(fold.rows.length)} more
        </button>
        <span class="muted"> {words.join(' · ')}</span>
        {refused > 0 && <span class="verdict dropped"> · {grouped(refused)} refused</span>}
      </span>
    </li>
  );
}

/** The rules of table nat that translated the first packet, by the end that they translated. */
function natRules(
  { connections, traversals, rules }: ConnectionFacts,
  connection: number,
): Partial<Record<string, string>> {
  const found: Partial<Record<string, string>> = {};
  for (const { steps } of traversals[connections.traversal[connection]].stages) {
    for (const step of steps) {
      if (step.kind !== 'rule' || step.table !== 'nat' || step.effects.length === 0) continue;
      for (const effect of step.effects) {
        const text = typeof effect === 'string' ? effect : String(effect[0]);
        for (const end of ['source', 'destination'])
          if (text.startsWith(`${end} `)) found[end] = ruleText(step.rule, rules);
      }
    }
  }
  return found;
}

const MOVES: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1 };

/** The arrow keys lead from rung to rung. */
function moveFocus(event: KeyboardEvent, list: HTMLElement | null): void {
  const buttons = Array.from(list?.querySelectorAll('button') ?? []);
  const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
  const next =
    event.key === 'Home' ? 0 : event.key === 'End' ? buttons.length - 1 : at + (MOVES[event.key] ?? Number.NaN);
  const button = buttons[next];
  if (at < 0 || button === undefined) return;
  button.focus();
  event.preventDefault();
}
