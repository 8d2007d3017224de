/** Who listens on the host. */
import type { SocketDescription } from '../../codecs/host/sockets.js';
import { IPPROTO_TCP, IPPROTO_UDP } from '../../codecs/layouts.js';
import type { Host } from '../../core/host/host.js';
import type { Ends } from './passage.js';

/** The sockets that take new connections or datagrams to PORT, at whatever address; undefined: no sockets are known. */
export function listeners({ description }: Host, protocol: number, port: number): SocketDescription[] | undefined {
  const { sockets } = description.facts;
  return sockets?.filter(
    (socket) =>
      socket.protocol === protocol &&
      socket.localPort === port &&
      (protocol === IPPROTO_TCP ? socket.state === 'listening' : socket.remotePort === 0) &&
      (socket.local === undefined || socket.local.family === 'ipv4'),
  );
}

export function takes({ local }: SocketDescription, address: string): boolean {
  return local === undefined || local.isUnspecified || local.toString() === address;
}

/** Whether somebody listens at the destination of ENDS; undefined: that is not known. */
export function hasListener(host: Host, ends: Ends | undefined): boolean | undefined {
  if (ends === undefined || (ends.protocol !== IPPROTO_TCP && ends.protocol !== IPPROTO_UDP)) return undefined;
  return listeners(host, ends.protocol, ends.dport)?.some((socket) => takes(socket, ends.destination));
}
