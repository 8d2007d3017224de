/** A host between two networks, and packets of a conversation across it. */
import { internetChecksum, transportChecksum } from '../../codecs/checksum.js';
import { IPPROTO_TCP, IPPROTO_UDP } from '../../codecs/layouts.js';
import { loadHost } from '../../core/host/host.js';

export const HOST = loadHost(
  JSON.stringify({
    addr: [
      ['wan', '192.0.2.10', 24],
      ['lan', '172.17.0.1', 16],
    ].map(([ifname, local, prefixlen], i) => ({
      ifname,
      address: `02:00:00:00:00:1${i}`,
      mtu: 1500,
      addr_info: [{ family: 'inet', local, prefixlen }],
    })),
    route: [{ dst: 'default', gateway: '192.0.2.1', dev: 'wan' }],
  }),
  'host.json',
);
export const WAN = HOST.interfaceIndex('wan');
export const LAN = HOST.interfaceIndex('lan');

/** A packet on the wire. LENGTH: of its data, in bytes. */
export interface Datagram {
  readonly dev: number;
  readonly source: string;
  readonly destination: string;
  readonly sport: number;
  readonly dport: number;
  readonly length?: number;
  /** TCP flags; undefined: UDP. */
  readonly flags?: number;
}

export const REQUEST: Datagram = {
  dev: LAN,
  source: '172.17.0.2',
  destination: '198.51.100.7',
  sport: 40_000,
  dport: 53,
};
export const REPLY: Datagram = {
  dev: WAN,
  source: '198.51.100.7',
  destination: '172.17.0.2',
  sport: 53,
  dport: 40_000,
};

export function bytesOf({ source, destination, sport, dport, length = 4, flags }: Datagram): Uint8Array {
  const header = flags === undefined ? 8 : 20;
  const protocol = flags === undefined ? IPPROTO_UDP : IPPROTO_TCP;
  const bytes = new Uint8Array(20 + header + length);
  const view = new DataView(bytes.buffer);
  const addresses = [source, destination].flatMap((address) => address.split('.').map(Number));
  bytes.set([0x45, 0, bytes.length >> 8, bytes.length & 255, 0, 1, 0, 0, 64, protocol, 0, 0, ...addresses]);
  view.setUint16(10, internetChecksum(view, 0, 20));
  view.setUint16(20, sport);
  view.setUint16(22, dport);
  if (flags === undefined) view.setUint16(24, header + length);
  else view.setUint32(32, 0x50002000 | (flags << 16));
  view.setUint16(flags === undefined ? 26 : 36, transportChecksum(view, 0, 20, protocol, header + length));
  return bytes;
}

/** COUNT packets of one UDP connection: every other one a reply. */
export function conversation(count: number, lengthOf: (i: number) => number = () => 4): Datagram[] {
  return Array.from({ length: count }, (_, i) => ({ ...(i % 2 === 0 ? REQUEST : REPLY), length: lengthOf(i) }));
}
