/** The lines of the list: connections, and heads of groups. */

import {
  CONNECTION_VERDICTS,
  type ConnectionFacts,
  type ConnectionVerdict,
} from '../../data/connections/connection-facts.js';
import type { ConnectionGroup } from '../../data/connections/connection-list.js';
import { EndWords } from '../../parts/end-words.js';
import { VerdictMark } from '../../parts/verdict-mark.js';
import type { TableColumn } from '../../parts/virtual-table.js';
import { type End, endText } from '../../words/ends.js';
import { bytesInWords, counted, grouped } from '../../words/numbers.js';
import { secondsSince } from '../../words/times.js';
import { connectionWords } from './connection-words.js';

const SORTABLE = ['start', 'count', 'amount', 'duration', 'verdict', 'refused'];

export const CONNECTION_TABLE_COLUMNS: readonly TableColumn[] = Object.entries({
  start: 'Start',
  protocol: 'Protocol',
  source: 'From',
  destination: 'To',
  count: 'Packets',
  amount: 'Bytes',
  duration: 'Lasted',
  state: 'State',
  verdict: 'Verdict',
  refused: 'Refused',
  decider: 'Decided by',
}).map(([name, label]) => ({ name, label, isSortable: SORTABLE.includes(name) }));

/** The cells of the connection in ROW. */
export function ConnectionCells({ row, facts }: { readonly row: number; readonly facts: ConnectionFacts }) {
  const { connections } = facts;
  const { packets, replyPackets, bytes, replyBytes, errorBytes } = connections;
  const { protocol, id, source, newSource, destination, newDestination, state, lasted, ...rest } = connectionWords(
    facts,
    row,
  );
  return (
    <>
      <td class="start">{secondsSince(connections.firstNs[row])}</td>
      <td class="protocol" title={protocol + id}>
        {protocol}
        {id}
      </td>
      <td class="source">
        <TranslatedEnd {...{ end: source, after: newSource }} />
      </td>
      <td class="destination">
        <TranslatedEnd {...{ end: destination, after: newDestination }} />
      </td>
      <td class="count">
        {grouped(packets[row])} → {grouped(replyPackets[row])} ←
      </td>
      <td class="amount">{bytesInWords(bytes[row] + replyBytes[row] + errorBytes[row])}</td>
      <td class="duration">{lasted}</td>
      <td class="state">{state}</td>
      <LastCells {...rest} refused={connections.refused[row]} />
    </>
  );
}

/** `192.0.2.10:8080 ⇒ web:80`: END, and AFTER: what NAT made of it. */
export function TranslatedEnd({ end, after }: { readonly end: End; readonly after: End | undefined }) {
  return (
    <span title={after && `${endText(end)} ⇒ ${endText(after)}`}>
      <EndWords end={end} />
      {after && (
        <span class="new">
          {' ⇒ '}
          <EndWords end={after} />
        </span>
      )}
    </span>
  );
}

/** The cells of the head of GROUP. */
export function GroupCells(props: {
  readonly group: ConnectionGroup;
  readonly facts: ConnectionFacts;
  readonly isOpen: boolean;
}) {
  const { group, facts, isOpen } = props;
  const { protocol, destination, newDestination, decided } = connectionWords(facts, group.rows[0]);
  return (
    <>
      <td class="service">
        <i aria-hidden="true">{isOpen ? '▾' : '▸'}</i> <b>{counted(group.rows.length, 'connection')}</b> {protocol} to{' '}
        <TranslatedEnd {...{ end: destination, after: newDestination }} />
        <span class="unseen">{isOpen ? ', open' : ', closed'}</span>
      </td>
      <td class="count">{grouped(group.count)}</td>
      <td class="amount">{bytesInWords(group.amount)}</td>
      <LastCells {...{ decided, refused: group.refused, counts: group.verdicts }} />
    </>
  );
}

/** Verdict, or how many have which, and what decided. */
function LastCells(props: {
  readonly verdict?: ConnectionVerdict;
  readonly counts?: readonly number[];
  readonly refused: number;
  readonly decided: string;
}) {
  const { verdict, counts, refused, decided } = props;
  return (
    <>
      <td class={counts ? 'verdicts' : 'verdict'}>
        {verdict && <VerdictMark verdict={verdict} />}
        {counts?.map(
          (count, i) =>
            count > 0 && (
              <span key={i}>
                {grouped(count)} <VerdictMark verdict={CONNECTION_VERDICTS[i]} />{' '}
              </span>
            ),
        )}
      </td>
      <td class="refused">{refused === 0 ? '' : grouped(refused)}</td>
      <td class="decider" title={decided}>
        {decided}
      </td>
    </>
  );
}
