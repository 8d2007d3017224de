/** Who on the host takes a packet. */
import type { SocketDescription } from '../../codecs/host/sockets.js';
import { IPPROTO_TCP, IPPROTO_UDP } from '../../codecs/layouts.js';
import type { Host } from '../../core/host/host.js';
import type { SocketKey } from '../../core/host/sockets.js';
import { loadedOf } from './networks.js';
import type { Ends, PacketRecord } from './packet-record.js';

type Asked = Pick<PacketRecord, 'ends' | 'inDev'>;

/** Whether a socket takes the packet of RECORD to its first destination; undefined: that is not known. */
export function hasListener(host: Host, { ends, inDev }: Asked): boolean | undefined {
  const { sockets } = host.facts;
  if (sockets === undefined || ends === undefined || !hasSockets(ends)) return undefined;
  return sockets.find(keyOf(host, ends, inDev)) >= 0;
}

/** A socket that would take the packet of RECORD if it had come to another address or interface. */
export function listenerElsewhere(host: Host, { ends, inDev }: Asked): SocketDescription | undefined {
  const { sockets } = host.facts;
  if (sockets === undefined || ends === undefined || !hasSockets(ends)) return undefined;
  const key = keyOf(host, ends, inDev);
  return sockets.descriptions.find(({ protocol, local, localPort, dev }, index) => {
    if (protocol !== ends.protocol || localPort !== ends.dport) return false;
    if (local?.family === 'ipv6' && !local.isUnspecified) return false;
    const destination = local === undefined || local.isUnspecified ? key.destination : local.loaded;
    return sockets.find({ ...key, destination, dev: dev === undefined ? key.dev : host.interfaceIndex(dev) }) === index;
  });
}

function hasSockets({ protocol }: Ends): boolean {
  return protocol === IPPROTO_TCP || protocol === IPPROTO_UDP;
}

function keyOf(host: Host, ends: Ends, inDev: string | undefined): SocketKey {
  const { protocol, source, sport, destination, dport } = ends;
  const dev = inDev === undefined ? host.loopback : host.interfaceIndex(inDev);
  return { protocol, source: loadedOf(source), sport, destination: loadedOf(destination), dport, dev };
}
