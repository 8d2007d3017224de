/** The packet that is open: its way through the host step by step, its bytes, and what the host sent because of it. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { PacketBytes } from '../../../explain/report/format/packet-bytes.js';
import { decodeFrame } from '../../data/decode/decode.js';
import type { PacketTable } from '../../data/packet-table.js';
import { useLoaded } from '../../parts/use-loaded.js';
import { VerdictMark } from '../../parts/verdict-mark.js';
import type { ViewProps } from '../../selection.js';
import { deciderText } from '../../words/deciders.js';
import { grouped } from '../../words/numbers.js';
import { traceSentence } from '../../words/sentences.js';
import { secondsSince, wallTime } from '../../words/times.js';
import { CopyButton } from './copy-button.js';
import { deviceName, inName, outName } from './packet-cells.js';
import { PacketFrames } from './packet-frames.js';
import { RelatedPackets } from './related-packets.js';
import { WalkedSteps } from './walked-steps.js';
import './open-packet.css';

export interface OpenPacketProps extends Pick<ViewProps, 'result' | 'selection' | 'select'> {
  readonly table: PacketTable;
  readonly row: number;
}

export function OpenPacket(props: OpenPacketProps & { readonly close: () => void }) {
  const { result, table, row, close } = props;
  const { packets, traversals } = table;
  const traversal = traversals[packets.traversal[row]];
  const bytes = useLoaded(async () => ({ row, bytes: await result.bytesOf(row) }), [result, row]);
  // While others are unpacked, those of the packet before are still there.
  const known = bytes.value?.row === row ? bytes.value.bytes : undefined;
  const panel = useRef<HTMLElement>(null);
  useEffect(() => revealed(panel.current), []);
  return (
    <section class="open-packet" aria-label={`Packet ${grouped(row + 1)}`} ref={panel}>
      <header>
        <h2>Packet {grouped(row + 1)}</h2>
        <VerdictMark verdict={traversal.verdict} />
        <span class="space" />
        <TraceButton {...props} bytes={known} />
        <button type="button" class="close" aria-label="Close the packet" onClick={close}>
          ×
        </button>
      </header>
      <PacketFacts {...props} />
      {traversal.uncertain.map((reason) => (
        <p key={reason} class="uncertain">
          ≈ uncertain: {reason}
        </p>
      ))}
      <WalkedSteps {...props} traversal={traversal} />
      <RelatedPackets {...props} traversal={traversal} bytes={known} />
      <PacketFrames {...props} bytes={known} isLoaded={bytes.value?.row === row} />
    </section>
  );
}

/** Brings PANEL into sight if it opened below what is seen, as on narrow screens. */
function revealed(panel: HTMLElement | null): void {
  if (panel && panel.getBoundingClientRect().top > innerHeight * 0.75) panel.scrollIntoView({ block: 'start' });
}

function PacketFacts({ result, table, row, selection, select }: OpenPacketProps) {
  const { packets, rules, traversals } = table;
  const { index } = result;
  const { decider, ctstate } = traversals[packets.traversal[row]];
  const input = index.inputs[packets.input[row]];
  const [timeNs, connection] = [packets.timeNs[row], packets.connection[row]];
  const out = outName(packets.outDev[row], index.host.interfaces);
  const decided = deciderText(decider, rules, timeNs);
  const facts: [name: string, value: ComponentChildren][] = [
    ['Time', `${secondsSince(timeNs)} s, ${wallTime(index.start, timeNs)}`],
    ['Frame', `${grouped(packets.frame[row])}${input ? ` of ${input.name}` : ''}`],
    ['Interfaces', `${inName(table, row, index.host.interfaces) || 'unknown'} → ${out || 'nowhere'}`],
    ['Length', `${grouped(packets.length[row])} bytes`],
  ];
  if (ctstate !== undefined) facts.push(['State', ctstate]);
  if (connection >= 0) {
    const choose = () => select({ view: 'Connections', filter: { ...selection.filter, connection } });
    facts.push([
      'Connection',
      <button key="" type="button" class="link" onClick={choose}>
        its connection
      </button>,
    ]);
  }
  if (decider.kind === 'rule') {
    const { rule } = decider;
    const { text, file, line } = rules.rules[rule];
    facts.push([
      'Decided by',
      <>
        <button type="button" class="link" onClick={() => select({ view: 'Rules', openRule: rule })}>
          {decided}
        </button>{' '}
        ({file}:{line}) <code>{text}</code>
      </>,
    ]);
  } else if (decided !== '') facts.push(['Decided by', decided]);
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Copies a sentence that `nfreplay trace` takes. */
function TraceButton({ result, table, row, bytes }: OpenPacketProps & { readonly bytes: PacketBytes | undefined }) {
  const { packets, tuples } = table;
  const [tuple, inDev] = [packets.tuple[row], packets.inDev[row]];
  if (tuple < 0) return null;
  const sentence = traceSentence(tuples, tuple, {
    inDev: inDev < 0 ? undefined : deviceName(inDev, result.index.host.interfaces),
    flags: packets.flags[row],
    lengthBytes: packets.length[row],
    ttl: bytes && ttlOf(bytes),
    numberNames: result.index.numberNames,
  });
  return <CopyButton text={`'${sentence}'`} label="Copy for trace" />;
}

function ttlOf({ arrived: { linktype, bytes } }: PacketBytes): number | undefined {
  const ip = decodeFrame(linktype, bytes).find(({ name }) => name === 'IPv4');
  return ip && bytes[ip.at + 8];
}
