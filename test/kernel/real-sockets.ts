/** Opens the sockets of a host description, as rules ask for them. */
import { closeSync } from 'node:fs';
import type { SocketEntry } from './host-description.js';
import { AF_INET, type Libc, SOCK_DGRAM, SOCK_STREAM, SystemError } from './libc.js';
import { RefusedHost } from './router-setup.js';

const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_MARK = 36;
const SOL_IP = 0;
const IP_TRANSPARENT = 19;
const SOL_TCP = 6;
const TCP_REPAIR = 19;
const BACKLOG = 8;

/** The descriptors of those of SOCKETS that are not raw, opened in this thread's network namespace. */
export function openSockets(libc: Libc, sockets: readonly SocketEntry[]): number[] {
  const fds: number[] = [];
  try {
    for (const socket of sockets) if (socket.proto !== 'raw') fds.push(openSocket(libc, socket));
    return fds;
  } catch (error) {
    fds.forEach(closeSync);
    throw error;
  }
}

function openSocket(libc: Libc, { proto, local, remote, transparent, mark, uid = 0, gid = 0 }: SocketEntry): number {
  const isTcp = proto === 'tcp';
  const fd = libc.asUser(uid, gid, () => libc.socket(AF_INET, isTcp ? SOCK_STREAM : SOCK_DGRAM, 0));
  try {
    libc.setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (transparent) libc.setOption(fd, SOL_IP, IP_TRANSPARENT, 1);
    if (mark !== undefined) libc.setOption(fd, SOL_SOCKET, SO_MARK, mark);
    // A connection is made without a packet where its state is being restored.
    if (isTcp && remote !== undefined) libc.setOption(fd, SOL_TCP, TCP_REPAIR, 1);
    libc.bind(fd, addressOf(local));
    if (remote !== undefined) libc.connect(fd, addressOf(remote));
    else if (isTcp) libc.listen(fd, BACKLOG);
    return fd;
  } catch (error) {
    closeSync(fd);
    if (error instanceof SystemError) throw new RefusedHost(`${proto} ${local} ${remote ?? ''}: ${error.message}`);
    throw error;
  }
}

/** `10.0.0.1:80` or `*:80` as a struct sockaddr_in. */
function addressOf(text: string): Buffer {
  const [name, port] = text.split(':');
  const address = Buffer.alloc(16);
  address.writeUInt16LE(AF_INET, 0);
  address.writeUInt16BE(Number(port), 2);
  if (name !== '*') address.set(name.split('.').map(Number), 4);
  return address;
}
