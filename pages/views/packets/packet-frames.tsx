import { useState } from 'preact/hooks';
import type { CapturedBytes, PacketBytes } from '../../../explain/report/format/packet-bytes.js';
import { BytesView } from '../../parts/bytes-view.js';
import type { OpenPacketProps } from './open-packet.js';

/** The bytes of the open packet, as it came and as it left. */
export function PacketFrames(
  props: OpenPacketProps & { readonly bytes: PacketBytes | undefined; readonly isLoaded: boolean },
) {
  const { result, table, row, bytes, isLoaded } = props;
  const { interfaces } = result.index.host;
  const [chosen, setChosen] = useState(0);
  if (bytes === undefined) return isLoaded ? <p class="none">The bytes of this packet are not in the report.</p> : null;
  const { arrived, left } = bytes;
  const after = left[Math.min(chosen, left.length - 1)];
  return (
    <div class="frames">
      <h3>Bytes</h3>
      {left.length > 1 && (
        <label>
          It left in {left.length} pieces:{' '}
          <select value={chosen} onChange={({ currentTarget }) => setChosen(Number(currentTarget.value))}>
            {left.map((_, i) => (
              <option key={i} value={i}>
                {i + 1}
              </option>
            ))}
          </select>
        </label>
      )}
      <BytesView
        before={{
          name:
            arrived.dev < 0
              ? table.packets.tuple[row] < 0
                ? 'As captured'
                : 'As the host sent it'
              : `As it came (${nameOf(arrived, interfaces)})`,
          frame: arrived,
        }}
        after={
          after && {
            name: after.dev < 0 ? 'As the host got it' : `As it left (${nameOf(after, interfaces)})`,
            frame: after,
          }
        }
      />
    </div>
  );
}

function nameOf({ dev }: CapturedBytes, interfaces: readonly { readonly name: string }[]): string {
  return interfaces[dev]?.name ?? 'local';
}
