/** Extensions that ask about the host: its routes, its interfaces, and what no capture holds. */
import { formatIpv4 } from '../address.js';
import type { SocketEntry } from '../host-description.js';
import type { Prng } from '../prng.js';
import { LOCAL } from '../router.js';
import { devicesOf, type World } from '../world.js';
import { type ExtensionFamily, not } from './maker.js';

const ROUTED_HOOKS = ['INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'];
const REALMS = ['1', '2', '0x10'];
const GROUPS = ['1', '2', '0x10'];
/** That of the source is in the upper 16 bits. */
const ASKED_REALMS = [...REALMS, '0', '0x10000', '0x20001', '0x20000'];

/** Gives routes, rules and interfaces what rules ask about. */
function describe(prng: Prng, { host }: World): void {
  for (const link of host.addr) if (link.ifname !== 'lo' && prng.chance(0.6)) link.group = prng.pick(GROUPS);
  for (const route of host.route ?? []) {
    if (route.nexthops !== undefined || route.gateway === undefined || !prng.chance(0.6)) continue;
    route.flow = { ...(prng.chance(0.2) ? { from: prng.pick(REALMS) } : {}), to: prng.pick(REALMS) };
  }
  for (const rule of host.rule ?? []) {
    if (rule.action !== undefined || rule.not !== undefined || !prng.chance(0.3)) continue;
    rule.flow_to = prng.pick(REALMS);
    if (prng.chance(0.4)) rule.flow_from = prng.pick(REALMS);
  }
}

const TCP = 6;
const UDP = 17;
/** The mark by which packets for a proxy are delivered, and the table that does it. */
const PROXY_MARK = '0x10';
const PROXY_TABLE = 333;
const PROXY_PORTS = [5000, 8080];
const DEFAULT_RULES = [
  { priority: 0, src: 'all', table: 'local' },
  { priority: 32_766, src: 'all', table: 'main' },
  { priority: 32_767, src: 'all', table: 'default' },
];

/** Gives the host sockets, some of which flows are for, and a way to them. */
function describeFlows(prng: Prng, { host, flows }: World): void {
  // What the host sends comes from a raw socket of root.
  const sockets: SocketEntry[] = [{ proto: 'raw', local: '*:0', uid: 0, gid: 0, cgroup: '/' }];
  const add = (socket: SocketEntry): void => {
    const owned = { ...socket, uid: 0, gid: 0, cgroup: '/' };
    // The kernel takes an end once.
    const isTaken = sockets.some(
      ({ proto, local }) => proto === socket.proto && local.split(':')[1] === socket.local.split(':')[1],
    );
    if (!isTaken) sockets.push(owned);
  };
  for (const { protocol, address, port, peerAddress, peerPort, dev } of prng.some(flows, prng.between(0, 4))) {
    if ((protocol !== TCP && protocol !== UDP) || peerPort === 0 || port === 0 || dev === LOCAL) continue;
    const proto = protocol === TCP ? 'tcp' : 'udp';
    const transparent = prng.chance(0.7);
    const isOwn = host.addr.some(({ addr_info }) => addr_info?.some(({ local }) => local === formatIpv4(peerAddress)));
    const end = transparent || isOwn ? formatIpv4(peerAddress) : '*';
    const local = `${prng.chance(0.3) ? '*' : end}:${peerPort}`;
    if (prng.chance(0.5) || local.startsWith('*')) add({ proto, local, transparent });
    // No marks: what the host sends in a random case comes from a raw socket, which cannot have them.
    else add({ proto, local, remote: `${formatIpv4(address)}:${port}`, transparent });
  }
  for (const port of PROXY_PORTS)
    for (const proto of ['tcp', 'udp'] as const)
      if (prng.chance(0.8)) add({ proto, local: `*:${port}`, transparent: prng.chance(0.85) });
  host.sockets = sockets;
  if (prng.chance(0.2)) return;
  const priority = 50;
  const rule = { priority, src: 'all', fwmark: PROXY_MARK, fwmask: PROXY_MARK, table: String(PROXY_TABLE) };
  const [first, ...others] = host.rule ?? DEFAULT_RULES;
  const index = [first, ...others].findIndex((one) => one.priority > priority);
  host.rule = [first, ...others].toSpliced(index < 0 ? others.length + 1 : index, 0, rule);
  const way = { type: 'local', dst: 'default', dev: 'lo', table: PROXY_TABLE, protocol: '66', scope: 'host' };
  host.route = [...(host.route ?? []), way];
}

function ownerText(prng: Prng): string {
  const option = prng.pick(['--socket-exists', '--uid-owner 0', '--uid-owner 1-5', '--gid-owner 0 --suppl-groups']);
  return `-m owner ${not(prng)}${option}`;
}

function socketText(prng: Prng): string {
  const flags = ['--transparent', '--nowildcard', '--restore-skmark'].filter(() => prng.chance(0.4));
  return ['-m socket', ...flags].join(' ');
}

function tproxyText(prng: Prng, { subnets }: World): string {
  const port = prng.pick([0, ...PROXY_PORTS, ...PROXY_PORTS]);
  const mark = prng.pick(['0x10/0x10', '0x10', '0x11/0x1']);
  const address = prng.chance(0.4) ? ` --on-ip ${formatIpv4(prng.pick(subnets).own)}` : '';
  return `-j TPROXY --on-port ${port}${address}${prng.chance(0.9) ? ` --tproxy-mark ${mark}` : ''}`;
}

const masked = (prng: Prng, values: readonly string[], masks: readonly string[]): string =>
  `${prng.pick(values)}${prng.chance(0.4) ? `/${prng.pick(masks)}` : ''}`;

function rpfilterText(prng: Prng): string {
  const flags = ['--loose', '--validmark', '--accept-local', '--invert'].filter(() => prng.chance(0.4));
  return ['-m rpfilter', ...flags].join(' ');
}

function physdevText(prng: Prng, world: World): string {
  const device = prng.pick([...devicesOf(world), 'e+', '+']);
  const options = [`--physdev-in ${device}`, '--physdev-is-in', `--physdev-out ${device}`, '--physdev-is-bridged'];
  // Of a packet that crosses no bridge all that is asked is false.
  return `-m physdev ${prng
    .some(options, prng.between(1, 2))
    .map((option) => `${prng.chance(0.7) ? '! ' : ''}${option}`)
    .join(' ')}`;
}

export const FACTS: ExtensionFamily = {
  name: 'facts',
  matches: [
    {
      name: 'cgroup',
      weight: 1,
      hooks: ['INPUT', 'OUTPUT', 'POSTROUTING'],
      make: ({ prng }) => `-m cgroup ${not(prng)}${prng.pick(['--path ""', '--cgroup 0', '--cgroup 7'])}`,
    },
    { name: 'cpu', weight: 0.5, make: ({ prng }) => `-m cpu ${not(prng)}--cpu 70` },
    {
      name: 'devgroup',
      weight: 2,
      hooks: ['PREROUTING', 'INPUT', 'FORWARD'],
      make: ({ prng }) =>
        `-m devgroup ${not(prng)}--src-group ${masked(prng, [...GROUPS, '0', '3'], ['1', '0x12', '0'])}`,
    },
    {
      name: 'devgroup',
      weight: 2,
      hooks: ['FORWARD', 'OUTPUT', 'POSTROUTING'],
      make: ({ prng }) =>
        `-m devgroup ${not(prng)}--dst-group ${masked(prng, [...GROUPS, '0', '3'], ['1', '0x12', '0'])}`,
    },
    { name: 'owner', weight: 2, hooks: ['OUTPUT', 'POSTROUTING'], make: ({ prng }) => ownerText(prng) },
    {
      name: 'physdev',
      weight: 1,
      hooks: ['PREROUTING', 'INPUT', 'FORWARD', 'POSTROUTING'],
      make: ({ prng, world }) => physdevText(prng, world),
    },
    {
      name: 'policy',
      weight: 1,
      hooks: ['PREROUTING', 'INPUT', 'FORWARD'],
      make: ({ prng }) => `-m policy --dir in --pol ${prng.pick(['none', 'ipsec', 'ipsec --proto esp'])}`,
    },
    {
      name: 'policy',
      weight: 1,
      hooks: ['FORWARD', 'OUTPUT', 'POSTROUTING'],
      make: ({ prng }) => `-m policy --dir out --pol ${prng.pick(['none', 'ipsec', 'ipsec --mode tunnel'])}`,
    },
    {
      name: 'realm',
      weight: 4,
      hooks: ROUTED_HOOKS,
      make: ({ prng }) => `-m realm ${not(prng)}--realm ${masked(prng, ASKED_REALMS, ['0xffff', '0xffff0000', '3'])}`,
    },
    {
      name: 'rpfilter',
      weight: 4,
      tables: ['raw', 'mangle'],
      hooks: ['PREROUTING'],
      make: ({ prng }) => rpfilterText(prng),
    },
    { name: 'socket', weight: 4, hooks: ['PREROUTING', 'INPUT'], make: ({ prng }) => socketText(prng) },
  ],
  targets: [
    {
      name: 'TPROXY',
      weight: 4,
      tables: ['mangle'],
      hooks: ['PREROUTING'],
      protocol: 'tcp',
      make: ({ prng, world }) => tproxyText(prng, world),
    },
    {
      name: 'TPROXY',
      weight: 3,
      tables: ['mangle'],
      hooks: ['PREROUTING'],
      protocol: 'udp',
      make: ({ prng, world }) => tproxyText(prng, world),
    },
  ],
  describe,
  describeFlows,
  unreached: {
    ipvs: 'which few kernels have, and which is not emulated',
    osf: 'which asks for fingerprints that no description has',
  },
};
