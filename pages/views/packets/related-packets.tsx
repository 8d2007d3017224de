import type { RelatedTraversal, Traversal } from '../../../explain/report/format/model.js';
import type { PacketBytes } from '../../../explain/report/format/packet-bytes.js';
import { BytesView } from '../../parts/bytes-view.js';
import { VerdictMark } from '../../parts/verdict-mark.js';
import { packetWords } from '../../words/packet-words.js';
import type { OpenPacketProps } from './open-packet.js';
import { outName } from './packet-cells.js';
import { StepList } from './step-list.js';

const ORIGINS: Readonly<Record<RelatedTraversal['origin'], string>> = {
  answer: 'The host answered',
  copy: 'The host sent a copy',
  broadcast: 'The host received its own broadcast',
  loopback: 'It came back on lo',
};

/** What the host sent because of the open packet. */
export function RelatedPackets(
  props: OpenPacketProps & { readonly traversal: Traversal; readonly bytes: PacketBytes | undefined },
) {
  const { result, table, row, traversal, bytes, select } = props;
  const { interfaces } = result.index.host;
  if (traversal.related.length === 0) return null;
  return (
    <div class="related-packets">
      {traversal.related.map((related, i) => (
        <details key={i}>
          <summary>
            <h3>{ORIGINS[related.origin]}</h3> <VerdictMark verdict={related.verdict} />{' '}
            {packetWords(related.words, table, row)}{' '}
            {outName(related.outDev, interfaces) && `out ${outName(related.outDev, interfaces)}`}
          </summary>
          <StepList
            {...{ table, row, interfaces }}
            traversal={related}
            onRule={(openRule) => select({ view: 'Rules', openRule })}
          />
          {bytes?.related[i]?.map((frame, n) => (
            <BytesView key={n} before={{ name: `As it left (${outName(frame.dev, interfaces) || 'local'})`, frame }} />
          ))}
        </details>
      ))}
    </div>
  );
}
