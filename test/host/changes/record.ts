/**
 * `unshare -n node dist/test/host/changes/record.js`, as root: asks the kernel what becomes of routes when links and
 * addresses change, and records it.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';

interface Story {
  readonly name: string;
  /** Commands for `ip`: those that make the host, and those that change it. */
  readonly made: readonly string[];
  readonly changed: readonly string[];
}

const ETH = ['link add eth0 type veth peer name peer0', 'link set peer0 up', 'link set eth0 up'];
const BRIDGE = ['link add br0 type bridge', 'addr add 172.18.0.1/16 brd 172.18.255.255 dev br0', 'link set br0 up'];
const ON_ETH = [...ETH, 'addr add 192.0.2.1/24 dev eth0'];

const STORIES: readonly Story[] = [
  { name: 'a bridge comes', made: ON_ETH, changed: BRIDGE },
  { name: 'a bridge goes', made: [...ON_ETH, ...BRIDGE], changed: ['link del br0'] },
  {
    name: 'a bridge with routes of others goes',
    made: [...ON_ETH, ...BRIDGE, 'route add 10.0.0.0/8 via 172.18.0.9', 'route add 10.1.0.0/16 via 192.0.2.9'],
    changed: ['link del br0'],
  },
  {
    name: 'a link is set down',
    made: [...ON_ETH, ...BRIDGE, 'route add default via 192.0.2.9', 'route add local 10.9.0.0/16 dev eth0'],
    changed: ['link set eth0 down'],
  },
  {
    name: 'a link is set up again',
    made: [...ON_ETH, 'route add default via 192.0.2.9', 'link set eth0 down'],
    changed: ['link set eth0 up'],
  },
  {
    name: 'a link that is down gets an address',
    made: [...ETH, 'link set eth0 down', ...BRIDGE],
    changed: ['addr add 192.0.2.1/24 dev eth0'],
  },
  {
    name: 'a link gets a second network',
    made: ON_ETH,
    changed: ['addr add 198.51.100.1/25 brd + dev eth0'],
  },
  { name: 'a link gets a second address', made: ON_ETH, changed: ['addr add 192.0.2.2/24 brd + dev eth0'] },
  { name: 'a link gets a host address', made: ON_ETH, changed: ['addr add 198.51.100.1/32 dev eth0'] },
  { name: 'a link gets half of a pair', made: ON_ETH, changed: ['addr add 198.51.100.0/31 dev eth0'] },
  {
    name: 'a link gets an address with another end',
    made: ON_ETH,
    changed: ['addr add 198.51.100.1 peer 203.0.113.9/24 dev eth0'],
  },
  {
    name: 'a link gets an address without a route, and one with a metric',
    made: ON_ETH,
    changed: ['addr add 198.51.100.1/24 noprefixroute dev eth0', 'addr add 203.0.113.1/24 metric 7 dev eth0'],
  },
  {
    name: 'one of two networks goes',
    made: [...ON_ETH, 'addr add 198.51.100.1/24 dev eth0', 'route add 10.0.0.0/8 via 198.51.100.9'],
    changed: ['addr del 198.51.100.1/24 dev eth0'],
  },
  {
    name: 'a second address goes',
    made: [...ON_ETH, 'addr add 192.0.2.2/24 dev eth0', 'route add 10.0.0.0/8 via 192.0.2.9 src 192.0.2.2'],
    changed: ['addr del 192.0.2.2/24 dev eth0'],
  },
  {
    name: 'the last address of a link goes',
    made: [...ON_ETH, ...BRIDGE, 'route add default via 192.0.2.9', 'route add 10.0.0.0/8 dev eth0'],
    changed: ['addr del 192.0.2.1/24 dev eth0'],
  },
  {
    name: 'an address goes that routes by another link have as their source',
    made: [...ON_ETH, ...BRIDGE, 'route add 10.0.0.0/8 via 192.0.2.9 src 172.18.0.1'],
    changed: ['addr del 172.18.0.1/16 dev br0'],
  },
  {
    name: 'one link of a route with several goes',
    made: [...ON_ETH, ...BRIDGE, 'route add 10.0.0.0/8 nexthop via 192.0.2.9 nexthop via 172.18.0.9'],
    changed: ['link del br0'],
  },
  {
    name: 'both links of a route with several go down',
    made: [...ON_ETH, ...BRIDGE, 'route add 10.0.0.0/8 nexthop via 192.0.2.9 nexthop via 172.18.0.9'],
    changed: ['link set br0 down', 'link set eth0 down'],
  },
  {
    name: 'a link loses its carrier',
    made: [...ON_ETH, 'route add default via 192.0.2.9'],
    changed: ['link set peer0 down'],
  },
  {
    name: 'a bridge is made again under its name',
    made: [...ON_ETH, ...BRIDGE],
    changed: ['link del br0', ...BRIDGE],
  },
  { name: 'lo gets an address', made: ON_ETH, changed: ['addr add 198.51.100.1/32 dev lo'] },
  {
    name: 'a link gets another name',
    made: [...ON_ETH, 'route add default via 192.0.2.9'],
    changed: ['link set eth0 name lan0'],
  },
];

const ip = (command: string): string => execFileSync('ip', command.split(' '), { encoding: 'utf8' });

/** The host now, as a host.json. Links are as they are once the kernel has noticed their carrier. */
function hostNow(): object {
  const clean = (link: Record<string, unknown>): object => {
    const { ifindex, ifname, link_type, address, flags, mtu, addr_info } = link;
    const addresses = (addr_info as { family: string }[])
      .filter(({ family }) => family === 'inet')
      .map(({ valid_life_time: _, preferred_life_time: __, ...rest }: Record<string, unknown>) => rest);
    return { ifindex, ifname, link_type, address, flags, mtu, addr_info: addresses };
  };
  execFileSync('sleep', ['0.3']);
  return {
    addr: (JSON.parse(ip('-j addr')) as Record<string, unknown>[]).map(clean),
    route: JSON.parse(ip('-j -4 route show table all')),
  };
}

ip('link set lo up');
const lines = STORIES.map(({ name, made, changed }) => {
  for (const command of made) ip(command);
  const before = hostNow();
  for (const command of changed) ip(command);
  const after = hostNow();
  for (const { ifname } of JSON.parse(ip('-j link')) as { ifname: string }[])
    if (ifname !== 'lo' && ifname !== 'peer0') ip(`link del ${ifname}`);
  ip('addr flush dev lo');
  ip('addr add 127.0.0.1/8 dev lo');
  return JSON.stringify({ name, changed, before, after });
});
writeFileSync('test/host/changes/recorded.jsonl', `${lines.join('\n')}\n`);
