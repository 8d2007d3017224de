import { useState } from 'preact/hooks';
import type { Verdict } from '../../../explain/story/story.js';
import type { Summary } from '../../../replay/summary.js';
import type { Result } from '../../data/result.js';
import { BytesView, type NamedFrame } from '../../parts/bytes-view.js';
import { VerdictMark } from '../../parts/verdict-mark.js';
import type { ViewProps } from '../../selection.js';
import { counted, grouped } from '../../words/numbers.js';
import { packetRow } from './packet-row.js';

const LINKTYPE_RAW = 101;

type Egress = NonNullable<Summary['egress']>;
type Difference = Egress['listed'][number];

const KINDS: readonly (readonly [Difference['kind'], string])[] = [
  ['missing', 'The host sent them, the emulated host does not'],
  ['extra', 'The emulated host sends them, the host did not'],
  ['different', 'Both send them, but with other bytes or elsewhere'],
];
const UNJUDGED: Readonly<Record<keyof Egress['unjudged'], string>> = {
  openBefore: 'of connections that were open before the capture began',
  leftOut: 'packets of their connections were left out by --filter, --from or --to',
  uncertain: 'it is uncertain what becomes of what they came from',
  noArrival: 'what they came from was not captured',
  notCaptured: 'sent by an interface that the capture does not have',
  atEnd: 'sent as the capture ended',
};

/** What the captured host sent, beside what the emulated host sends. */
export function EgressDifferences({ egress, ...props }: EgressProps & { readonly egress: Egress }) {
  const { matched, listed, unjudged } = egress;
  const differing = KINDS.reduce((sum, [kind]) => sum + egress[kind], 0);
  return (
    <>
      <p class="verdict-line">
        {differing === 0 ? (
          <b class="same">✓ The emulated host sends the same</b>
        ) : (
          <b>{counted(differing, 'packet')} differ;</b>
        )}{' '}
        {grouped(matched)} are the same as those the host sent.
      </p>
      <table class="kinds">
        <tbody>
          {KINDS.filter(([kind]) => egress[kind] > 0).map(([kind, what]) => (
            <tr key={kind}>
              <td>{counted(egress[kind], 'packet')}</td>
              <th scope="row">{kind}</th>
              <td>{what}</td>
            </tr>
          ))}
          {(Object.keys(UNJUDGED) as (keyof typeof UNJUDGED)[])
            .filter((reason) => unjudged[reason] > 0)
            .map((reason) => (
              <tr key={reason}>
                <td>{counted(unjudged[reason], 'packet')}</td>
                <th scope="row">not compared</th>
                <td>{UNJUDGED[reason]}</td>
              </tr>
            ))}
        </tbody>
      </table>
      {KINDS.flatMap(([kind]) => listed.filter((one) => one.kind === kind)).map((difference, i) => (
        <EgressDifference key={`${i}`} difference={difference} isOpen={i === 0} {...props} />
      ))}
    </>
  );
}

type EgressProps = Pick<ViewProps, 'result' | 'select'>;

function EgressDifference(props: EgressProps & { readonly difference: Difference; readonly isOpen: boolean }) {
  const { difference, isOpen, result, select } = props;
  const { kind, captured, emulated, cause, droppedBy, decidedBy = [] } = difference;
  const [isShown, setShown] = useState(isOpen);
  const frames = [frameOf('captured', captured), frameOf('emulated', emulated)].filter((frame) => frame !== undefined);
  const open = async () => {
    const packet = cause && (await packetRow(result, inputOf(result, cause.file), cause.number));
    select({ view: 'Packets', filter: {}, ...(packet !== undefined && { packet }) });
  };
  return (
    <article class="difference">
      <h2>
        {kind} <small>{captured ? frameWords(captured.frame) : `on ${emulated?.interface}`}</small>
      </h2>
      {cause && (
        <p>
          {cause.own ? 'The host itself sent it: ' : 'It came from '}
          <button type="button" class="link" onClick={open}>
            {frameWords(cause)}
          </button>
          ; in the emulated host <VerdictMark verdict={cause.outcome as Verdict} />
        </p>
      )}
      {droppedBy && !decidedBy[0] && <p>Dropped by {deciderWords(droppedBy)}</p>}
      {decidedBy.map((decision) => (
        <p key={decision.table}>
          By {deciderWords(decision)} <code>{decision.rule}</code>
        </p>
      ))}
      {captured && emulated && captured.interface !== emulated.interface && (
        <p>
          Captured on {captured.interface}, emulated on {emulated.interface}
        </p>
      )}
      <details open={isShown} onToggle={(event) => setShown(event.currentTarget.open)}>
        <summary>Fields and bytes</summary>
        {isShown && frames[0] && <BytesView before={frames[0]} after={frames[1]} />}
      </details>
    </article>
  );
}

function frameWords({ number, file, interface: dev }: { number: number; file: string; interface: string }): string {
  return `frame ${grouped(number)} of ${file} (${dev})`;
}

/** The input that FILE is of. */
function inputOf({ index: { inputs } }: Result, file: string): number {
  return inputs.findIndex(({ files }) => files.includes(file));
}

function deciderWords({ table, chain, number, reason }: Partial<NonNullable<Difference['droppedBy']>>): string {
  if (chain === undefined) return reason ?? '';
  return number === undefined ? `the policy of ${table} ${chain}` : `${table} ${chain} ${number}`;
}

function frameOf(name: string, packet: Difference['emulated']): NamedFrame | undefined {
  if (packet === undefined) return undefined;
  const bytes = Uint8Array.from(packet.bytes.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
  return { name, frame: { linktype: LINKTYPE_RAW, dev: -1, bytes, length: packet.length } };
}
