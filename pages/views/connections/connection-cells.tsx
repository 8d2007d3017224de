/** The lines of the list: connections, and heads of groups. */
import type { TableColumn } from '../../parts/virtual-table.js';
import { deciderText } from '../../words/deciders.js';
import { endText, protocolName } from '../../words/ends.js';
import { bytesInWords, counted, grouped } from '../../words/numbers.js';
import { duration, secondsSince } from '../../words/times.js';
import { CONNECTION_VERDICTS, type ConnectionFacts } from './connection-facts.js';
import type { ConnectionGroup } from './connection-list.js';
import { ConnectionVerdictMark } from './connection-verdict.js';
import { originalEnds, protocolWords, stateWords, translations } from './connection-words.js';

export const CONNECTION_TABLE_COLUMNS: readonly TableColumn[] = [
  { name: 'start', label: 'Start', title: 'Of the first packet, in seconds', isSortable: true },
  { name: 'protocol', label: 'Protocol' },
  { name: 'source', label: 'From', title: 'Who sent the first packet, and as whom NAT sends it on' },
  { name: 'destination', label: 'To', title: 'Where it was sent to, and where NAT sends it' },
  { name: 'count', label: 'Packets', title: 'There and back', isSortable: true },
  { name: 'bytes', label: 'Bytes', title: 'Of all IP packets, there and back', isSortable: true },
  { name: 'duration', label: 'Lasted', title: 'From its first packet to its last one', isSortable: true },
  { name: 'state', label: 'State', title: "Conntrack's, at the end" },
  { name: 'verdict', label: 'Verdict', isSortable: true },
  { name: 'refused', label: 'Refused', title: 'Packets that were dropped or rejected', isSortable: true },
  { name: 'decider', label: 'Decided by' },
];

/** The cells of the connection in ROW. */
export function ConnectionCells({ row, facts }: { readonly row: number; readonly facts: ConnectionFacts }) {
  const { connections, traversals, rules } = facts;
  const { source, destination } = originalEnds(facts, row);
  const { source: newSource, destination: newDestination } = translations(facts, row);
  const decided = deciderText(traversals[connections.decided[row]].decider, rules);
  const bytes = connections.bytes[row] + connections.replyBytes[row] + connections.errorBytes[row];
  const lastedNs = connections.lastNs[row] - connections.firstNs[row];
  const refused = connections.refused[row];
  return (
    <>
      <td class="start">{secondsSince(connections.firstNs[row])}</td>
      <td class="protocol" title={protocolWords(facts, row)}>
        {protocolWords(facts, row)}
      </td>
      <EndCell class="source" text={endText(source)} after={newSource} />
      <EndCell class="destination" text={endText(destination)} after={newDestination} />
      <td class="count">
        <PacketCount there={connections.packets[row]} back={connections.replyPackets[row]} />
      </td>
      <td class="bytes">{bytesInWords(bytes)}</td>
      <td class="duration">{lastedNs === 0 ? '' : duration(lastedNs)}</td>
      <td class="state">{stateWords(facts, row)}</td>
      <td class="verdict">
        <ConnectionVerdictMark verdict={CONNECTION_VERDICTS[connections.verdict[row]]} />
      </td>
      <td class="refused">{refused === 0 ? '' : grouped(refused)}</td>
      <td class="decider" title={decided}>
        {decided}
      </td>
    </>
  );
}

function PacketCount({ there, back }: { readonly there: number; readonly back: number }) {
  return (
    <>
      {grouped(there)} <i aria-hidden="true">→</i> <span class="unseen">there, </span> {grouped(back)}{' '}
      <i aria-hidden="true">←</i> <span class="unseen">back</span>
    </>
  );
}

function EndCell(props: { readonly class: string; readonly text: string; readonly after: string | undefined }) {
  const { text, after } = props;
  return (
    <td class={props.class} title={after === undefined ? text : `${text} ⇒ ${after}`}>
      <span class="end">{text}</span>
      {after !== undefined && <span class="end new"> ⇒ {after}</span>}
    </td>
  );
}

/** The cells of the head of GROUP. */
export function GroupCells(props: {
  readonly group: ConnectionGroup;
  readonly facts: ConnectionFacts;
  readonly isOpen: boolean;
}) {
  const { group, facts, isOpen } = props;
  const [row] = group.rows;
  const { protocol, destination } = originalEnds(facts, row);
  const { destination: after } = translations(facts, row);
  const decided = deciderText(facts.traversals[facts.connections.decided[row]].decider, facts.rules);
  return (
    <>
      <td class="service">
        <i aria-hidden="true">{isOpen ? '▾' : '▸'}</i> <b>{counted(group.rows.length, 'connection')}</b>{' '}
        {protocolName(protocol)} to <span class="end">{endText(destination)}</span>
        {after !== undefined && <span class="end new"> ⇒ {after}</span>}
        <span class="unseen">{isOpen ? ', open' : ', closed'}</span>
      </td>
      <td class="count">{grouped(group.count)}</td>
      <td class="bytes">{bytesInWords(group.bytes)}</td>
      <td class="verdicts">
        {group.verdicts.map(
          (count, i) =>
            count > 0 && (
              <span key={i}>
                {grouped(count)} <ConnectionVerdictMark verdict={CONNECTION_VERDICTS[i]} />{' '}
              </span>
            ),
        )}
      </td>
      <td class="refused">{group.refused === 0 ? '' : grouped(group.refused)}</td>
      <td class="decider" title={decided}>
        {decided}
      </td>
    </>
  );
}
