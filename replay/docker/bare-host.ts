/** A host without Docker, of which nothing is known but the addresses of its interfaces. */
import { type Address, parseAddress, prefixMask } from '../../codecs/address.js';
import type { JsonObject } from '../../codecs/host/json-values.js';
import { ReplayOptionsError } from '../errors.js';

export interface BareInterface {
  readonly name: string;
  readonly address: Address;
  readonly prefixLength: number;
  /** Of the default route. */
  readonly gateway: Address | undefined;
  readonly mac: string;
  readonly mtu: number;
}

/** What is taken where nobody says anything: addresses for documentation (RFC 5737). */
export const DEFAULT_INTERFACE = 'eth0=192.0.2.10/24,gw=192.0.2.1';

const WANTED = `expected IFACE=ADDRESS/LENGTH[,gw=ADDRESS][,mac=MAC][,mtu=N], such as ${DEFAULT_INTERFACE}`;
/** At most IFNAMSIZ − 1 bytes. */
const NAME = /^[\x21-\x2e\x30-\x7e]{1,15}$/;
const MAC = /^[\da-f]{2}(?::[\da-f]{2}){5}$/i;

/**
 * The interface that GIVEN, the value of an `--interface`, describes.
 * @throws {ReplayOptionsError}
 */
export function parseInterface(given: string): BareInterface {
  const refuse = (what: string): never => {
    throw new ReplayOptionsError(`--interface ${given}: ${what}; ${WANTED}`);
  };
  const [, name = '', first = '', more = ''] = /^([^=]*)=([^,]*)(.*)$/s.exec(given) ?? [];
  if (name === '') refuse('no name of an interface');
  if (!NAME.test(name) || name === 'lo' || name.startsWith('.')) refuse(`${name} is no name for it`);
  const [, text = '', digits = ''] = /^([^/]+)\/(\d{1,2})$/.exec(first) ?? [];
  const address = parseAddress(text);
  const prefixLength = Number(digits);
  if (address?.family !== 'ipv4' || prefixLength > 32) return refuse(`"${first}" is no IPv4 address with a length`);
  const wrong = whyNoAddress(address, prefixLength);
  if (wrong !== undefined) refuse(`${first} ${wrong}`);
  const members = new Map<string, string>();
  for (const part of more.split(',').slice(1)) {
    const [, key, value] = /^(gw|mac|mtu)=(.+)$/.exec(part) ?? [];
    if (key === undefined || members.has(key)) refuse(`unknown "${part}"`);
    else members.set(key, value);
  }
  const { gw, mac = macOf(address), mtu = '1500' } = Object.fromEntries(members);
  const gateway = gw === undefined ? undefined : parseAddress(gw);
  const isNear = gateway
    ?.masked(prefixMask('ipv4', prefixLength))
    .equals(address.masked(prefixMask('ipv4', prefixLength)));
  if (gw !== undefined && (gateway?.family !== 'ipv4' || !isNear)) refuse(`${gw} is no address of this network`);
  if (gateway?.equals(address) === true) refuse(`${gw} is the address of the host itself`);
  if (!MAC.test(mac)) refuse(`${mac} is no MAC address`);
  if (!/^\d{2,5}$/.test(mtu) || Number(mtu) < 68 || Number(mtu) > 65_535) refuse(`${mtu} is no MTU`);
  return { name, address, prefixLength, gateway, mac: mac.toLowerCase(), mtu: Number(mtu) };
}

/** Why no host has ADDRESS at an interface; undefined: it may. Networks of 31 bits have no address of their own. */
function whyNoAddress(address: Address, prefixLength: number): string | undefined {
  const [first] = String(address).split('.').map(Number);
  if (prefixLength === 0) return 'has every address in its network';
  if (first === 0) return 'is no address of a host';
  if (first === 127) return 'is a loopback address';
  if (first >= 224) return 'is no address of one host';
  if (prefixLength > 30) return undefined;
  if (address.equals(address.masked(prefixMask('ipv4', prefixLength)))) return 'is the address of the network';
  return address.equals(address.lastInPrefix(prefixLength)) ? 'is the broadcast address of the network' : undefined;
}

/** 02:00 and the address, as neighbours have that nobody describes. */
function macOf(address: Address): string {
  const parts = String(address)
    .split('.')
    .map((part) => Number(part).toString(16).padStart(2, '0'));
  return ['02', '00', ...parts].join(':');
}

/** The host with INTERFACES, as a host.json. IS_FORWARDING: ip_forward is on. */
export function bareHost(interfaces: readonly BareInterface[], isForwarding: boolean): JsonObject {
  const loopback = { ifindex: 1, ifname: 'lo', mtu: 65_536, link_type: 'loopback', address: '00:00:00:00:00:00' };
  return {
    addr: [
      {
        ...loopback,
        flags: ['LOOPBACK', 'UP', 'LOWER_UP'],
        operstate: 'UNKNOWN',
        group: 'default',
        addr_info: [{ family: 'inet', local: '127.0.0.1', prefixlen: 8, scope: 'host', label: 'lo' }],
      },
      ...interfaces.map(addressEntry),
    ],
    route: [
      ...interfaces.flatMap(({ name, gateway }) =>
        gateway === undefined ? [] : [{ dst: 'default', gateway: String(gateway), dev: name, flags: [] }],
      ),
      ...interfaces.flatMap(connectedRoutes),
      ...loopbackRoutes(),
    ],
    rule: [
      { priority: 0, src: 'all', table: 'local' },
      { priority: 32_766, src: 'all', table: 'main' },
      { priority: 32_767, src: 'all', table: 'default' },
    ],
    neigh: [],
    sysctl: { 'net.ipv4.ip_forward': isForwarding ? 1 : 0 },
  };
}

function addressEntry({ name, address, prefixLength, mac, mtu }: BareInterface, index: number): JsonObject {
  const broadcast = broadcastOf(address, prefixLength);
  return {
    ifindex: index + 2,
    ifname: name,
    flags: ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'],
    mtu,
    operstate: 'UP',
    group: 'default',
    link_type: 'ether',
    address: mac,
    broadcast: 'ff:ff:ff:ff:ff:ff',
    addr_info: [
      {
        family: 'inet',
        local: String(address),
        prefixlen: prefixLength,
        ...(broadcast === undefined ? {} : { broadcast }),
        scope: 'global',
        label: name,
      },
    ],
  };
}

/** Undefined where a network has none. */
function broadcastOf(address: Address, prefixLength: number): string | undefined {
  if (prefixLength > 30) return undefined;
  return String(address.lastInPrefix(prefixLength));
}

/** What the kernel adds for an address. */
function connectedRoutes({ name, address, prefixLength }: BareInterface): JsonObject[] {
  const own = { dev: name, protocol: 'kernel', prefsrc: String(address), flags: [] };
  const broadcast = broadcastOf(address, prefixLength);
  const network = address.masked(prefixMask('ipv4', prefixLength));
  return [
    ...(prefixLength === 32 ? [] : [{ dst: `${network}/${prefixLength}`, scope: 'link', ...own }]),
    { type: 'local', dst: String(address), table: 'local', scope: 'host', ...own },
    ...(broadcast === undefined ? [] : [{ type: 'broadcast', dst: broadcast, table: 'local', scope: 'link', ...own }]),
  ];
}

function loopbackRoutes(): JsonObject[] {
  const own = { dev: 'lo', table: 'local', protocol: 'kernel', prefsrc: '127.0.0.1', flags: [] };
  return [
    { type: 'local', dst: '127.0.0.0/8', scope: 'host', ...own },
    { type: 'local', dst: '127.0.0.1', scope: 'host', ...own },
    { type: 'broadcast', dst: '127.255.255.255', scope: 'link', ...own },
  ];
}
