/** hot: the common part of protocols whose header starts with a source and a destination port. */
import { Manip } from '../nat/range.js';
import type { L4Protocol, PortSpace } from './protocol.js';

/** The four bytes of both ports, loaded little-endian. */
function readPorts(view: DataView, l4: number, available: number): number | undefined {
  return available < 4 ? undefined : view.getInt32(l4, true);
}

/** The ports word for the other direction. */
export function swapPorts(ports: number): number {
  return (ports >>> 16) | (ports << 16);
}

/** Offset of the port at the MANIP end of the header at L4. */
export function portAt(l4: number, manip: Manip): number {
  return manip === Manip.SRC ? l4 : l4 + 2;
}

/** Source ports stay in their class: below 512, below 1024, or above. */
const LOWEST: readonly [number, number] = [1, 511];
const PRIVILEGED: readonly [number, number] = [600, 424];
const UNPRIVILEGED: readonly [number, number] = [1024, 64_512];

const PORT_SPACE: PortSpace = {
  isShared: false,
  range(current, manip) {
    if (manip === Manip.DST) return undefined;
    if (current < 512) return LOWEST;
    return current < 1024 ? PRIVILEGED : UNPRIVILEGED;
  },
};

/** Defaults for `defineProtocol`. */
export const WITH_PORTS: Pick<L4Protocol, 'listedTuple' | 'readTuple' | 'invert' | 'portSpace'> = {
  listedTuple: 'ports',
  readTuple: readPorts,
  invert: swapPorts,
  portSpace: PORT_SPACE,
};
