import type { Summary } from '../../../replay/summary.js';
import { VerdictMark } from '../../parts/verdict-mark.js';
import { counted, grouped } from '../../words/numbers.js';

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
export function EgressDifferences({ egress }: { readonly egress: Egress }) {
  const { matched, listed, unjudged } = egress;
  const differing = KINDS.reduce((sum, [kind]) => sum + egress[kind], 0);
  return (
    <>
      <p class="verdict-line">
        {differing === 0 ? (
          <b class="same">✓ The emulated host sends the same</b>
        ) : (
          <b>{counted(differing, 'packet')} differ</b>
        )}{' '}
        {grouped(matched)} are the same as the host sent.
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
                <th scope="row">not judged</th>
                <td>{UNJUDGED[reason]}</td>
              </tr>
            ))}
        </tbody>
      </table>
      {KINDS.flatMap(([kind]) => listed.filter((one) => one.kind === kind)).map((difference, i) => (
        <EgressDifference key={`${i}`} difference={difference} />
      ))}
    </>
  );
}

function EgressDifference({ difference }: { readonly difference: Difference }) {
  const { kind, captured, emulated, cause, droppedBy, decidedBy = [] } = difference;
  return (
    <article class="difference">
      <h2>
        {kind} <small>{captured ? frameWords(captured.frame) : `on ${emulated?.interface}`}</small>
      </h2>
      {cause && (
        <p>
          {cause.own ? 'The host itself sent it' : `It came from ${frameWords(cause)}`}; in the emulated host{' '}
          <VerdictMark verdict={cause.outcome as Parameters<typeof VerdictMark>[0]['verdict']} />
        </p>
      )}
      {droppedBy && <p>Dropped by {deciderWords(droppedBy)}</p>}
      {decidedBy.map((decision) => (
        <p key={`${decision.table} ${decision.chain} ${decision.number}`}>
          {decision.number === undefined ? 'Policy of ' : ''}
          {decision.table} {decision.chain} {decision.number} <code>{decision.rule}</code>
        </p>
      ))}
      <div class="sides">
        <Bytes title="captured" packet={captured} other={emulated} />
        <Bytes title="emulated" packet={emulated} other={captured} />
      </div>
    </article>
  );
}

function frameWords({ number, file, interface: dev }: { number: number; file: string; interface: string }): string {
  return `frame ${grouped(number)} of ${file} (${dev})`;
}

function deciderWords({ reason, table, chain, number, rule }: NonNullable<Difference['droppedBy']>): string {
  if (chain === undefined) return reason;
  return `${table} ${chain} ${number ?? 'policy'} ${rule ?? ''}`;
}

type Packet = NonNullable<Difference['emulated']>;

/** The bytes of PACKET in hexadecimal digits; those that OTHER has not are marked. */
function Bytes(props: {
  readonly title: string;
  readonly packet: Packet | undefined;
  readonly other: Packet | undefined;
}) {
  const { title, packet, other } = props;
  const bytes = packet?.bytes.match(/../g) ?? [];
  return (
    <section class="side">
      <h3>
        {title} {packet && <small>{`${packet.interface}, ${counted(packet.length, 'byte')}`}</small>}
      </h3>
      {packet === undefined ? (
        <p class="muted">nothing</p>
      ) : (
        <code class="bytes">
          {bytes.map((byte, i) => {
            const isSame = other === undefined || other.bytes.slice(2 * i, 2 * i + 2) === byte;
            const text = `${byte}${i % 16 === 15 ? '\n' : ' '}`;
            return isSame ? text : <mark key={`${i}`}>{text}</mark>;
          })}
        </code>
      )}
    </section>
  );
}
