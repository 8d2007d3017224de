/** Tests that look at the bytes of packets, or at sockets: for which ports they have the same result. */
import { updateChecksum } from '../../codecs/checksum.js';
import { DESTINATION_PORT_AT, IPPROTO_TCP, TCP_CHECKSUM_AT, UDP_CHECKSUM_AT } from '../../codecs/layouts.js';
import type { NativeResult } from '../../core/flow/same-outcome.js';
import { Packet } from '../../core/packet.js';
import type { RuleContext } from '../../core/rules/context.js';
import type { NativeTest } from '../../core/rules/lower.js';
import type { ValueRange } from '../../core/rules/ranges.js';
import { LAST_PORT } from './model.js';

/** The most packets of which it is kept what tests say of their ports. */
const MOST_KEPT = 10_000;

export class PortTests {
  /** By test, and by the packet but for its port. */
  readonly #known = new Map<NativeTest, Map<string, readonly ValueRange[]>>();
  /** How often a test was asked about every port. */
  asked = 0;

  /** The destination ports for which TEST has the result that it has for PACKET, which else stays as it is. */
  readonly portsWith = (test: NativeResult, packet: Packet, context: RuleContext): readonly ValueRange[] => {
    const { native, result, drops } = test;
    const tested = copyOf(packet);
    const checksumAt = packet.l4 - packet.at + (packet.protocol === IPPROTO_TCP ? TCP_CHECKSUM_AT : UDP_CHECKSUM_AT);
    const portAt = packet.l4 - packet.at + DESTINATION_PORT_AT;
    const original = tested.view.getUint16(checksumAt);
    const setPort = (port: number): void => {
      tested.dport = port;
      tested.view.setUint16(portAt, port);
      const checksum = updateChecksum(original, packet.dport, port);
      tested.view.setUint16(checksumAt, checksum === 0 && packet.protocol !== IPPROTO_TCP ? 0xffff : checksum);
    };
    setPort(0);
    const key = `${result} ${drops} ${tested.mark} ${tested.inDev} ${tested.outDev} ${tested.hook} ${hexOf(tested)}`;
    let ofTest = this.#known.get(native);
    if (ofTest === undefined) {
      ofTest = new Map();
      this.#known.set(native, ofTest);
    }
    let ports = ofTest.get(key);
    if (ports === undefined) {
      ports = portsFor((port) => {
        setPort(port);
        tested.hotdrop = false;
        return native.check?.(tested, context) === result && tested.hotdrop === drops;
      });
      if (this.asked++ < MOST_KEPT) ofTest.set(key, ports);
    }
    return ports;
  };
}

/** PACKET with bytes of its own. */
function copyOf(packet: Packet): Packet {
  const { bytes, at, available } = packet;
  const own = Uint8Array.from(bytes.subarray(at, at + available));
  const copy = Object.assign(new Packet(), packet);
  return Object.assign(copy, { bytes: own, view: new DataView(own.buffer), at: 0, l4: packet.l4 - at });
}

function hexOf({ bytes }: Packet): string {
  return Buffer.from(bytes).toString('latin1');
}

/** The ports for which HOLDS, as ranges. */
export function portsFor(holds: (port: number) => boolean): readonly ValueRange[] {
  const ranges: { min: number; max: number }[] = [];
  for (let port = 0; port <= LAST_PORT; port++) {
    if (!holds(port)) continue;
    const last = ranges.at(-1);
    if (last !== undefined && last.max === port - 1) last.max = port;
    else ranges.push({ min: port, max: port });
  }
  return ranges;
}
