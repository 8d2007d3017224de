/** Sockets of the host that hold published ports: of userland proxies, or of the engine itself. */
import type { Address } from '../../codecs/address.js';
import type { JsonObject } from '../../codecs/host/json-values.js';
import { socketsOf } from '../../codecs/host/sockets.js';
import type { HostNetwork } from '../host-network.js';
import type { PortBinding } from '../model.js';

const PROTOCOLS: Readonly<Record<string, number>> = { tcp: 6, udp: 17 };

/** Tells whether another socket than those of the engine has the port of a binding on its address, or on all. */
export function boundPorts(network: HostNetwork): (binding: PortBinding) => boolean {
  const { sockets } = network.json;
  const byPort = new Map<number, Socket[]>();
  for (const socket of (sockets === undefined ? undefined : socketsOf(sockets)) ?? []) {
    if (socket.remote !== undefined) continue;
    const others = byPort.get(socket.localPort);
    if (others === undefined) byPort.set(socket.localPort, [socket]);
    else others.push(socket);
  }
  return ({ hostAddress, hostPort, protocol }) =>
    (byPort.get(hostPort) ?? []).some((socket) => {
      if (socket.protocol !== PROTOCOLS[protocol]) return false;
      const local = socket.local?.toString();
      return local === undefined ? true : hostAddress === '0.0.0.0' || local === hostAddress;
    });
}

type Socket = NonNullable<ReturnType<typeof socketsOf>>[number];

export function openSockets(network: HostNetwork, bindings: readonly PortBinding[]): void {
  const opened = bindings.filter(({ protocol, hostPort }) => PROTOCOLS[protocol] !== undefined && hostPort !== 0);
  if (opened.length > 0) replaceSockets(network, [...socketsIn(network), ...opened.map(socketOf)]);
}

/** The sockets of a host that was described as it ran have other members than ours, and twins of IPv6. */
export function closeSockets(network: HostNetwork, bindings: readonly PortBinding[]): void {
  const closed = new Set(
    bindings.flatMap(({ protocol, hostAddress, hostPort }) => [
      `${protocol} ${hostAddress}:${hostPort}`,
      ...(hostAddress === '0.0.0.0' ? [`${protocol} [::]:${hostPort}`] : []),
    ]),
  );
  const isOpen = ({ proto, local, remote }: JsonObject): boolean =>
    remote !== undefined || !closed.has(`${proto} ${local}`);
  replaceSockets(network, socketsIn(network).filter(isOpen));
}

function socketOf({ hostAddress, hostPort, protocol }: PortBinding): JsonObject {
  const state = protocol === 'tcp' ? 'listening' : 'unconnected';
  return { proto: protocol, state, local: `${hostAddress}:${hostPort}`, uid: 0, gid: 0 };
}

/** The sockets as a list; the text of `ss` becomes one. */
function socketsIn(network: HostNetwork): readonly JsonObject[] {
  const { sockets } = network.json;
  if (Array.isArray(sockets)) return sockets as JsonObject[];
  if (sockets === undefined) return [];
  return (socketsOf(sockets) ?? []).map(describedSocket);
}

function describedSocket(socket: Socket): JsonObject {
  const { protocol, state, local, localPort, remote, remotePort, isDual, dev, uid, cgroup, isTransparent } = socket;
  const any = isDual ? '[::]' : '0.0.0.0';
  const address = local === undefined ? any : withBrackets(local);
  return {
    proto: Object.keys(PROTOCOLS).find((name) => PROTOCOLS[name] === protocol) ?? 'raw',
    state,
    local: `${address}:${localPort}`,
    ...(remote === undefined ? {} : { remote: `${withBrackets(remote)}:${remotePort}` }),
    ...(dev === undefined ? {} : { dev }),
    ...(uid === undefined ? {} : { uid }),
    ...(cgroup === undefined ? {} : { cgroup }),
    ...(isTransparent ? { transparent: true } : {}),
  };
}

function withBrackets(address: Address): string {
  return address.family === 'ipv6' ? `[${address}]` : String(address);
}

function replaceSockets(network: HostNetwork, sockets: readonly JsonObject[]): void {
  network.replace('sockets', sockets);
}
