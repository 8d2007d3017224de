/** An open connection: what it is, what became of it, and its packets as a ladder. */

import { useMemo, useRef, useState } from 'preact/hooks';
import type { RulesSection, Traversal } from '../../../explain/report/format/model.js';
import type { ConnectionFacts } from '../../data/connections/connection-facts.js';
import { type Fold, isRefusal, ladderItems, rowsOf } from '../../data/connections/ladder-items.js';
import { type Lane, lanesOf } from '../../data/connections/lanes.js';
import { rowOfKey } from '../../data/row-window.js';
import { EndWords } from '../../parts/end-words.js';
import { useLoaded } from '../../parts/use-loaded.js';
import { VerdictMark } from '../../parts/verdict-mark.js';
import type { Selection, ViewProps } from '../../selection.js';
import { ruleText } from '../../words/deciders.js';
import type { End } from '../../words/ends.js';
import { bytesInWords, counted, grouped } from '../../words/numbers.js';
import { duration } from '../../words/times.js';
import { deviceName } from '../packets/packet-cells.js';
import { TranslatedEnd } from './connection-cells.js';
import { type ConnectionWords, connectionWords, endSentence } from './connection-words.js';
import { Lanes, RungRow } from './rung.js';
import { sequenceWords } from './sequence.js';

interface LadderProps {
  readonly facts: ConnectionFacts;
  readonly connection: number;
  readonly selection: Selection;
  readonly select: ViewProps['select'];
  readonly close: () => void;
}

/** How many packets of a fold are shown at once. */
const UNFOLDED = 100;
/** How many the keys PageUp and PageDown pass. */
const PAGE = 10;

export function Ladder(props: LadderProps) {
  const { facts, connection, select } = props;
  const rows = useMemo(() => rowsOf(facts, connection), [facts, connection]);
  const words = connectionWords(facts, connection);
  const lanes = useMemo(() => lanesOf(facts, rows), [facts, rows]);
  const [opened, setOpened] = useState<ReadonlyMap<number, number>>(new Map());
  const items = useMemo(() => ladderItems(facts, rows, opened), [facts, rows, opened]);
  const rungRows = items.flatMap((item) => (item.kind === 'rung' ? [item.row] : []));
  const sequences = useLoaded(() => sequenceWords(facts, rungRows), [facts, connection, rungRows.join()]).value;
  const list = useRef<HTMLOListElement>(null);
  const unfold = ({ first }: Fold) => setOpened(new Map([...opened, [first, (opened.get(first) ?? 0) + UNFOLDED]]));
  const listed = rows.length;
  const { packets, replyPackets, errors } = facts.connections;
  const all = packets[connection] + replyPackets[connection] + errors[connection];
  return (
    <section class="ladder" aria-label="Ladder of the connection">
      <Head {...props} words={words} />
      <div class="heads">
        <span />
        <span class="lanes">
          {lanes.map((lane) => (
            <LaneHead key={lane} {...props} {...{ words, lane }} />
          ))}
        </span>
      </div>
      <ol ref={list} onKeyDown={(event) => moveFocus(event, list.current)}>
        {items.map((item) =>
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
      {all > listed && <p class="muted">{counted(all - listed, 'more packet')} of it are left out of this report.</p>}
      <p class="muted">{endSentence(facts, connection)}</p>
    </section>
  );
}

type HeadProps = LadderProps & { readonly words: ConnectionWords };

function Head({ facts, connection, selection, select, close, words }: HeadProps) {
  const { connections, traversals, rules } = facts;
  const { protocol, id, source, destination, newSource, newDestination, verdict, lasted } = words;
  const { refused, invalid, errors } = connections;
  const firstNs = connections.firstNs[connection];
  // The first packet may have been a fragment that waited.
  const { traversal, decided } = connections;
  const nat = { ...natRules(traversals[decided[connection]]), ...natRules(traversals[traversal[connection]]) };
  const counts = [
    trafficWords('→', connections.packets[connection], connections.bytes[connection]),
    trafficWords('←', connections.replyPackets[connection], connections.replyBytes[connection]),
    lasted,
    refused[connection] > 0 && `${grouped(refused[connection])} refused`,
    invalid[connection] > 0 && `${grouped(invalid[connection])} INVALID`,
    errors[connection] > 0 && counted(errors[connection], 'ICMP error'),
  ].filter(Boolean);
  return (
    <header>
      <h3>
        {protocol}
        {id} <EndWords end={source} /> → <EndWords end={destination} />
      </h3>
      <button type="button" class="close" aria-label="Close the ladder" onClick={close}>
        ×
      </button>
      <p>
        <VerdictMark verdict={verdict} /> · {counts.join(' · ')} ·{' '}
        <button type="button" class="link" onClick={() => select({ filter: { ...selection.filter, connection } })}>
          only these packets
        </button>
      </p>
      <Translated
        name="destination"
        end={destination}
        after={newDestination}
        by={nat.destination}
        {...{ rules, firstNs }}
      />
      <Translated name="source" end={source} after={newSource} by={nat.source} {...{ rules, firstNs }} />
    </header>
  );
}

function Translated(props: {
  readonly name: string;
  readonly end: End;
  readonly after: End | undefined;
  readonly by: number | undefined;
  readonly firstNs: number;
  readonly rules: RulesSection;
}) {
  const { name, end, after, by, rules, firstNs } = props;
  if (after === undefined) return null;
  return (
    <p>
      {name} <TranslatedEnd {...{ end, after }} />
      <span class="muted">{by === undefined ? '' : ` by ${ruleText(by, rules, firstNs)}`}</span>
    </p>
  );
}

/** The rules of table nat that translated packets with TRAVERSAL, by the ends that they translated. */
function natRules({ stages }: Traversal): Readonly<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const { hook, steps } of stages) {
    const rule = steps.findLast((step) => step.kind === 'rule' && step.table === 'nat' && step.effects.length > 0);
    const end = hook === 'PREROUTING' || hook === 'OUTPUT' ? 'destination' : 'source';
    if (rule?.kind === 'rule') found[end] = rule.rule;
  }
  return found;
}

/** `12 → 3.4 kB`. */
function trafficWords(arrow: string, packets: number, bytes: number): string {
  return `${grouped(packets)} ${arrow} ${bytesInWords(bytes)}`;
}

function LaneHead({ facts, connection, words, lane }: HeadProps & { readonly lane: Lane }) {
  const { connections, result } = facts;
  const { source, destination, newDestination = destination } = words;
  const end = lane === 'client' ? source : newDestination;
  const dev = lane === 'host' ? -1 : (lane === 'client' ? connections.inDev : connections.outDev)[connection];
  return (
    <span>
      <b>{lane === 'host' ? 'the host' : (end.name ?? end.address)}</b>
      <small>{dev < 0 ? '' : deviceName(dev, result.index.host.interfaces)}</small>
    </span>
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
  const { rows } = fold;
  const traffic = [0, 1].map((direction) => {
    const some = rows.filter((row) => (packets.direction[row] === 1 ? 1 : 0) === direction);
    const bytes = some.reduce((sum, row) => sum + packets.length[row], 0);
    return some.length > 0 && trafficWords('→←'[direction], some.length, bytes);
  });
  const refused = rows.filter((row) => isRefusal(traversals[packets.traversal[row]].verdict)).length;
  const lasted = duration(packets.timeNs[rows[rows.length - 1]] - packets.timeNs[rows[0]]);
  return (
    <li class="fold row">
      <span class="time">⋮</span>
      <Lanes lanes={lanes} />
      <span class="words">
        <button type="button" class="link" onClick={() => unfold(fold)}>
          {grouped(rows.length)} more
        </button>{' '}
        <span class="muted">
          {[...traffic, lasted, refused > 0 && `${grouped(refused)} refused`].filter(Boolean).join(' · ')}
        </span>
      </span>
    </li>
  );
}

/** The arrow keys lead from rung to rung. */
function moveFocus(event: KeyboardEvent, list: HTMLElement | null): void {
  const buttons = Array.from(list?.querySelectorAll('button') ?? []);
  const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
  const next = rowOfKey(event.key, at, buttons.length, PAGE);
  if (at < 0 || next === undefined) return;
  buttons[next].focus();
  event.preventDefault();
}
