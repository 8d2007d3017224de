/**
 * What the kernel did with each packet of a golden case, read from the captures alone: what came in, and what left or
 * reached the host because of it.
 */
import { join } from 'node:path';
import { devicesOf, type FramesByTime, framesOf } from '../../../replay/result-folder.js';

/** An IPv4 packet as it is in a capture. */
export interface CapturedPacket {
  readonly dev: string;
  readonly protocol: number;
  readonly source: string;
  readonly destination: string;
  readonly ports: readonly [source: number, destination: number] | undefined;
  readonly flags: number | undefined;
  readonly icmp: string | undefined;
  readonly ttl: number;
  readonly length: number;
  readonly id: number;
  readonly isFragment: boolean;
}

/** A packet that came in, and all that came of it. */
export interface KernelFact {
  readonly tsNs: bigint;
  readonly entered: CapturedPacket;
  readonly outs: readonly CapturedPacket[];
}

const TCP = 6;
const ICMP = 1;
const WITH_PORTS: readonly number[] = [TCP, 17, 33, 132, 136];

/** The packet in BYTES at AT; undefined if it is none of IPv4, or cut. */
function packetIn(dev: string, bytes: Uint8Array, at: number): CapturedPacket | undefined {
  if (bytes.length < at + 20 || bytes[at] >> 4 !== 4) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, bytes.length - at);
  const l4 = (bytes[at] & 15) * 4;
  const protocol = view.getUint8(9);
  const fragment = view.getUint16(6) & 0x3fff;
  const has = (count: number): boolean => (fragment & 0x1fff) === 0 && l4 >= 20 && view.byteLength >= l4 + count;
  const address = (from: number): string => [0, 1, 2, 3].map((i) => view.getUint8(from + i)).join('.');
  return {
    ...{ dev, protocol, source: address(12), destination: address(16) },
    ports: WITH_PORTS.includes(protocol) && has(4) ? [view.getUint16(l4), view.getUint16(l4 + 2)] : undefined,
    flags: protocol === TCP && has(14) ? view.getUint8(l4 + 13) : undefined,
    icmp: protocol === ICMP && has(2) ? `${view.getUint8(l4)}/${view.getUint8(l4 + 1)}` : undefined,
    ...{ ttl: view.getUint8(8), length: view.getUint16(2), id: view.getUint16(4), isFragment: fragment !== 0 },
  };
}

/** The facts about the packets in the case DIR of which that can be told: no others came at the same time. */
export function kernelFacts(dir: string, devices: readonly string[]): KernelFact[] {
  const came = devices.map((dev): [string, FramesByTime] => [dev, framesOf(join(dir, 'in'), dev)]);
  const wantDir = join(dir, 'want');
  const left = devicesOf(wantDir).map((dev): [string, FramesByTime] => [dev, framesOf(wantDir, dev)]);
  return came.flatMap(([dev, frames]) =>
    [...frames].flatMap(([tsNs, [frame, another]]): KernelFact[] => {
      const isAlone = another === undefined && came.every(([other, those]) => other === dev || !those.has(tsNs));
      const entered = packetIn(dev, frame.bytes, frame.ipAt);
      if (!isAlone || entered === undefined) return [];
      const outs = left.flatMap(([out, those]) =>
        (those.get(tsNs) ?? []).flatMap(({ bytes, ipAt }) => packetIn(out, bytes, ipAt) ?? []),
      );
      return [{ tsNs, entered, outs }];
    }),
  );
}
