/** The member `sockets` of a host: a list of objects, or what `ss -Hntua` prints. */
import { type Address, addressFromWords, parseAddress } from '../address.js';
import { HostError } from './error.js';
import {
  integerAt,
  type JsonObject,
  listAt,
  mismatch,
  mismatchedName,
  numberedAt,
  objectOf,
  optionalStringAt,
  quote,
  stringAt,
} from './json-values.js';

export type SocketState = 'listening' | 'established' | 'time-wait' | 'unconnected';

export interface SocketDescription {
  readonly path: string;
  /** A protocol number; `RAW` for raw sockets. */
  readonly protocol: number;
  readonly state: SocketState;
  /** Undefined: any address of the host. */
  readonly local: Address | undefined;
  /** 0: none. */
  readonly localPort: number;
  /** Where it is connected to. */
  readonly remote: Address | undefined;
  readonly remotePort: number;
  /** It is of IPv6 and takes packets of IPv4 too. */
  readonly isDual: boolean;
  /** The interface that it is bound to. */
  readonly dev: string | undefined;
  /** Who made it; undefined: unknown. */
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  /** Further groups of who made it. */
  readonly groups: readonly number[];
  /** Its path in the hierarchy of cgroup 2, from the root: `/system.slice/nginx.service`; undefined: unknown. */
  readonly cgroup: string | undefined;
  /** Its class of the net_cls controller. */
  readonly classid: number;
  /** SO_MARK. */
  readonly mark: number;
  /** IP_TRANSPARENT. */
  readonly isTransparent: boolean;
}

/** The protocol of raw sockets in a SocketDescription: they send packets of any. */
export const RAW = 255;

const PROTOCOLS: Readonly<Record<string, number>> = { tcp: 6, udp: 17, raw: RAW };
const STATES: Readonly<Record<string, SocketState>> = {
  listening: 'listening',
  established: 'established',
  'time-wait': 'time-wait',
  unconnected: 'unconnected',
};
const MEMBERS: readonly string[] = [
  ...['proto', 'state', 'local', 'remote', 'dev', 'uid', 'gid', 'groups', 'cgroup', 'classid', 'mark', 'transparent'],
];
const MAX_ID = 0xfffffffe;
const ANY = addressFromWords([0]);

/** Throws a HostError. */
export function socketsOf(value: unknown): SocketDescription[] | undefined {
  if (typeof value === 'string') return value.trim() === '' ? undefined : socketsInText(value);
  return listAt(value, 'sockets').map(([entry, path]) => socketOf(objectOf(entry, path, MEMBERS), path));
}

function socketOf(socket: JsonObject, path: string): SocketDescription {
  const protocol = numberedAt(socket.proto, `${path}.proto`, PROTOCOLS, 'tcp, udp or raw', RAW);
  if (!Object.values(PROTOCOLS).includes(protocol)) throw mismatch(`${path}.proto`, 'tcp, udp or raw', `${protocol}`);
  const local = endAt(socket.local ?? '*:0', `${path}.local`);
  const remote = socket.remote === undefined ? undefined : endAt(socket.remote, `${path}.remote`);
  const idAt = (key: 'uid' | 'gid'): number | undefined =>
    socket[key] === undefined ? undefined : integerAt(socket[key], `${path}.${key}`, 0, MAX_ID);
  return {
    path,
    protocol,
    state: stateAt(socket.state, `${path}.state`, protocol, remote !== undefined),
    local: local.address,
    localPort: local.port,
    remote: remote?.address,
    remotePort: remote?.port ?? 0,
    isDual: local.isDual,
    dev: optionalStringAt(socket.dev, `${path}.dev`),
    uid: idAt('uid'),
    gid: idAt('gid'),
    groups: listAt(socket.groups ?? [], `${path}.groups`).map(([group, at]) => integerAt(group, at, 0, MAX_ID)),
    cgroup: optionalStringAt(socket.cgroup, `${path}.cgroup`),
    classid: socket.classid === undefined ? 0 : numberedAt(socket.classid, `${path}.classid`, {}, 'a classid'),
    mark: socket.mark === undefined ? 0 : numberedAt(socket.mark, `${path}.mark`, {}, 'a mark') | 0,
    isTransparent: booleanAt(socket.transparent, `${path}.transparent`),
  };
}

function stateAt(value: unknown, path: string, protocol: number, isConnected: boolean): SocketState {
  if (value === undefined) {
    if (isConnected) return 'established';
    return protocol === PROTOCOLS.tcp ? 'listening' : 'unconnected';
  }
  const text = stringAt(value, path);
  if (!Object.hasOwn(STATES, text)) {
    throw mismatchedName(path, `one of ${Object.keys(STATES).join(', ')}`, text, Object.keys(STATES));
  }
  const state = STATES[text];
  const needsRemote = state === 'established' || state === 'time-wait';
  if (needsRemote !== isConnected) {
    throw mismatch(path, needsRemote ? 'a socket with a remote end' : 'a socket without a remote end', text);
  }
  return state;
}

function booleanAt(value: unknown, path: string): boolean {
  if (value === undefined || typeof value === 'boolean') return value === true;
  throw mismatch(path, 'true or false', String(value));
}

interface SocketEnd {
  readonly address: Address | undefined;
  readonly port: number;
  readonly isDual: boolean;
}

/** `192.0.2.1:80`, `*:80`, `[::]:80`, with a port of a number or *. */
function endAt(value: unknown, path: string): SocketEnd {
  const text = stringAt(value, path);
  const end = parseEnd(text);
  if (end === undefined) throw mismatch(path, 'address:port, with * for any address', quote(text));
  return end;
}

/** Undefined if TEXT is none. An address of IPv6 other than `::` and mapped ones takes no packet of IPv4. */
function parseEnd(text: string): SocketEnd | undefined {
  const colon = text.lastIndexOf(':');
  const digits = text.slice(colon + 1);
  const port = digits === '*' ? 0 : Number(digits);
  const name = text.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  if (colon < 0 || !/^(?:\*|\d{1,5})$/.test(digits) || port > 0xffff) return undefined;
  if (name === '*') return { address: undefined, port, isDual: true };
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(name)?.[1];
  const address = parseAddress(mapped ?? name);
  if (address === undefined) return undefined;
  const isAny = address.isUnspecified;
  return {
    address: isAny ? undefined : address,
    port,
    isDual: mapped !== undefined || (isAny && address.family === 'ipv6'),
  };
}

/** The states of ss, of which the others have no full socket that a packet could belong to. */
const SS_STATES: Readonly<Record<string, SocketState>> = {
  LISTEN: 'listening',
  UNCONN: 'unconnected',
  ESTAB: 'established',
  'TIME-WAIT': 'time-wait',
  'FIN-WAIT-1': 'established',
  'FIN-WAIT-2': 'time-wait',
  'CLOSE-WAIT': 'established',
  'LAST-ACK': 'established',
  CLOSING: 'established',
  'SYN-SENT': 'established',
};

/** `tcp LISTEN 0 128 0.0.0.0%eth0:22 0.0.0.0:* uid:1000 ino:5 cgroup:/x`; further words are left out. */
const SS_LINE = /^(tcp|udp)6?\s+(\S+)\s+\d+\s+\d+\s+(\S+)\s+(\S+)(.*)$/;
/** Lines without a socket of tcp or udp: heads, sockets of other kinds, what `ss -i` adds in lines of their own. */
const OTHER_SS_LINE = /^(?:\s|$|Netid\s|(?!tcp|udp)[a-z]\S*\s+\S+\s+\d+\s+\d+\s)/;

function socketsInText(text: string): SocketDescription[] {
  return text.split('\n').flatMap((line, index) => {
    const [, protocol, state, localText, remoteText, more] = SS_LINE.exec(line.trim()) ?? [];
    if (protocol === undefined && !OTHER_SS_LINE.test(line)) throw notOfSs(line, index);
    if (protocol === undefined || !Object.hasOwn(SS_STATES, state)) return [];
    const path = `sockets[${index}]`;
    const local = parseEnd(localText.replace(/%[^:\]]+/, ''));
    const remote = parseEnd(remoteText.replace(/%[^:\]]+/, ''));
    if (local === undefined || remote === undefined) throw notOfSs(line, index);
    const isConnected = SS_STATES[state] === 'established' || SS_STATES[state] === 'time-wait';
    const ofUser = /\buid:(\d+)/.exec(more)?.[1];
    if (more.includes('v6only:1')) return [];
    const isDescribed = /\bino:/.test(more);
    return [
      {
        path,
        protocol: PROTOCOLS[protocol],
        state: SS_STATES[state],
        local: local.address,
        localPort: local.port,
        remote: isConnected ? (remote.address ?? ANY) : undefined,
        remotePort: isConnected ? remote.port : 0,
        isDual: local.isDual,
        dev: /%([^:\]]+)/.exec(localText)?.[1],
        // ss leaves out the user root.
        uid: ofUser === undefined ? (isDescribed ? 0 : undefined) : Number(ofUser),
        gid: undefined,
        groups: [],
        cgroup: /\bcgroup:(\/\S*)/.exec(more)?.[1],
        classid: 0,
        mark: Number(/\bfwmark:(0x[\da-f]+)/i.exec(more)?.[1] ?? 0) | 0,
        isTransparent: false,
      },
    ];
  });
}

function notOfSs(line: string, index: number): HostError {
  return new HostError('sockets', `line ${index + 1}: expected a line of ss -Hntua, found ${quote(line.trim())}`);
}
