/** Assigns each packet of a capture of whole conversations to the interface by which it would enter the host. */
import type { HostDescription } from './host-description.js';
import { LOCAL, type Output } from './router.js';

interface Placed {
  dev: string;
  frame: Uint8Array;
}

interface Route {
  network: number;
  prefixLength: number;
  dev: string;
}

/** Addresses and ports of an unfragmented IPv4 TCP or UDP packet. */
interface FlowTuple {
  source: string;
  destination: string;
  protocol: number;
  sport: string;
  dport: string;
}

const TCP = 6;
const UDP = 17;

export class Stitcher {
  private readonly routes: Route[] = [];
  private readonly own = new Set<number>();
  /** What the sender of packets with a tuple actually sends, by the tuple as captured. */
  private readonly translated = new Map<string, FlowTuple>();

  constructor(host: HostDescription) {
    for (const link of host.addr) {
      for (const address of link.addr_info ?? []) {
        if (address.family !== 'inet') continue;
        this.own.add(parseAddress(address.local));
        if (link.ifname !== 'lo') this.addRoute(`${address.local}/${address.prefixlen}`, link.ifname);
      }
    }
    for (const route of host.route ?? [])
      if (route.dev && (route.type ?? 'unicast') === 'unicast' && !route.dst.includes(':'))
        this.addRoute(route.dst, route.dev);
    this.routes.sort((a, b) => b.prefixLength - a.prefixLength);
  }

  private addRoute(destination: string, dev: string): void {
    const [address, length] = destination === 'default' ? ['0.0.0.0', '0'] : destination.split('/');
    const prefixLength = length === undefined ? 32 : Number(length);
    this.routes.push({ network: prefixOf(parseAddress(address), prefixLength), prefixLength, dev });
  }

  /** Where FRAME enters, and its content there; null if no interface leads to its sender. */
  place(frame: Uint8Array, isBare: boolean): Placed | null {
    const linkLength = isBare ? 0 : 14;
    const tuple = tupleOf(frame.subarray(linkLength));
    const sent = tuple && this.translated.get(keyOf(tuple));
    const placed = sent ? rewrite(frame, linkLength, sent) : frame;
    const source = Buffer.from(placed).readUInt32BE(linkLength + 12);
    if (this.own.has(source)) return { dev: LOCAL, frame: placed };
    const route = this.routes.find(({ network, prefixLength }) => prefixOf(source, prefixLength) === network);
    return route ? { dev: route.dev, frame: placed } : null;
  }

  /** Learns the translation of CAPTURED from its OUTPUTS. */
  learn(captured: Uint8Array, outputs: readonly Output[], isBare: boolean): void {
    const tuple = tupleOf(captured.subarray(isBare ? 0 : 14));
    if (tuple === null || this.translated.has(keyOf(inverted(tuple)))) return;
    for (const { dev, frame } of outputs) {
      const out = tupleOf(dev === LOCAL ? frame : frame.subarray(14));
      if (out === null || out.protocol !== tuple.protocol) continue;
      this.translated.set(keyOf(inverted(tuple)), inverted(out));
      return;
    }
  }
}

function parseAddress(text: string): number {
  return text.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
}

function prefixOf(address: number, length: number): number {
  return length === 0 ? 0 : (address & (-1 << (32 - length))) >>> 0;
}

function tupleOf(ip: Uint8Array): FlowTuple | null {
  if (ip.length < 28 || ip[0] >> 4 !== 4 || (ip[9] !== TCP && ip[9] !== UDP)) return null;
  if ((ip[6] & 0x3f) !== 0 || ip[7] !== 0) return null;
  const l4 = (ip[0] & 15) * 4;
  const hex = (from: number, to: number): string => Buffer.from(ip.subarray(from, to)).toString('hex');
  return {
    source: hex(12, 16),
    destination: hex(16, 20),
    protocol: ip[9],
    sport: hex(l4, l4 + 2),
    dport: hex(l4 + 2, l4 + 4),
  };
}

const keyOf = (t: FlowTuple): string => `${t.source} ${t.destination} ${t.protocol} ${t.sport} ${t.dport}`;

const inverted = (t: FlowTuple): FlowTuple => ({
  source: t.destination,
  destination: t.source,
  protocol: t.protocol,
  sport: t.dport,
  dport: t.sport,
});

/** FRAME with the addresses and ports of TO. Checksums are updated incrementally, so a bad one stays bad. */
function rewrite(frame: Uint8Array, at: number, to: FlowTuple): Uint8Array {
  const out = Buffer.from(frame);
  const l4 = at + (out[at] & 15) * 4;
  const checksumAt = l4 + (to.protocol === TCP ? 16 : 6);
  const before = { addresses: wordSum(out, at + 12, 8), ports: wordSum(out, l4, 4) };
  out.write(to.source + to.destination, at + 12, 'hex');
  out.write(to.sport + to.dport, l4, 'hex');
  const after = { addresses: wordSum(out, at + 12, 8), ports: wordSum(out, l4, 4) };
  adjustChecksum(out, at + 10, before.addresses, after.addresses);
  if (out.length < checksumAt + 2 || (to.protocol === UDP && out.readUInt16BE(checksumAt) === 0)) return out;
  adjustChecksum(out, checksumAt, before.addresses + before.ports, after.addresses + after.ports);
  return out;
}

function wordSum(bytes: Buffer, at: number, length: number): number {
  let sum = 0;
  for (let i = 0; i < length; i += 2) sum += bytes.readUInt16BE(at + i);
  return sum;
}

const fold = (sum: number): number => {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + (folded >>> 16);
  return folded;
};

/** RFC 1624, equation 3. */
function adjustChecksum(bytes: Buffer, at: number, before: number, after: number): void {
  const sum = (~bytes.readUInt16BE(at) & 0xffff) + (~fold(before) & 0xffff) + after;
  bytes.writeUInt16BE(~fold(sum) & 0xffff, at);
}
