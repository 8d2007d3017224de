/** Random hosts' rules for scans, with everything that splits ports, senders and addresses. */
import { pick, type Random } from '../../random.js';

export const SCANNED_HOST = {
  addr: [
    {
      ifname: 'eth0',
      addresses: [
        ['192.0.2.10', 24],
        ['192.0.2.11', 24],
      ],
    },
    { ifname: 'eth1', addresses: [['10.0.0.1', 24]] },
    { ifname: 'docker0', addresses: [['172.17.0.1', 16]] },
  ].map(({ ifname, addresses }, i) => ({
    ifname,
    mtu: 1500,
    address: `02:00:00:00:00:1${i}`,
    addr_info: addresses.map(([local, prefixlen]) => ({ family: 'inet', local, prefixlen })),
  })),
  route: [{ dst: 'default', gateway: '192.0.2.1', dev: 'eth0' }],
  neigh: [
    { dst: '172.17.0.2', dev: 'docker0', lladdr: '02:42:ac:11:00:02' },
    { dst: '10.0.0.7', dev: 'eth1', lladdr: '02:00:00:00:00:77' },
  ],
  sockets: [
    { proto: 'tcp', local: '*:22' },
    { proto: 'tcp', local: '192.0.2.10:80' },
    { proto: 'tcp', local: '127.0.0.1:5432' },
    { proto: 'udp', local: '0.0.0.0:53' },
    { proto: 'udp', local: '10.0.0.1:123', dev: 'eth1' },
  ],
};

export const SCANNED_SETS = [
  'create nets hash:net',
  'add nets 203.0.113.0/24',
  'add nets 203.0.113.128/25 nomatch',
  'add nets 10.0.0.0/28',
  'create hosts hash:ip netmask 30',
  'add hosts 10.0.0.4',
  'create services hash:ip,port',
  'add services 192.0.2.10,tcp:443',
  'add services 10.0.0.1,udp:1000-1010',
  'create pairs hash:net,port',
  'add pairs 203.0.112.0/23,tcp:8000-8010',
  'create ports bitmap:port range 0-65535',
  'add ports 8080-8090',
  'create all list:set',
  'add all nets',
  'add all hosts',
  '',
].join('\n');

const PORTS = [0, 22, 53, 80, 443, 1000, 1005, 8000, 8085, 40000, 51515, 65535];
const SOURCES = ['203.0.113.0/24', '203.0.113.7/32', '10.0.0.0/8', '10.0.0.5/32', '172.17.0.2/32', '0.0.0.0/1'];
const DESTINATIONS = [
  '192.0.2.10/32',
  '192.0.2.0/24',
  '172.17.0.0/16',
  '172.17.0.2/32',
  '10.0.0.0/24',
  '198.51.100.9/32',
];
/** Tables in the order of a file. */
const TABLES = ['raw', 'mangle', 'nat', 'filter', 'security'] as const;
type TableName = (typeof TABLES)[number];

const CHAINS: Readonly<Record<TableName, readonly string[]>> = {
  raw: ['PREROUTING'],
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'POSTROUTING'],
  nat: ['PREROUTING', 'INPUT', 'POSTROUTING'],
  filter: ['INPUT', 'FORWARD'],
  security: ['INPUT', 'FORWARD'],
};
const TARGETS: Readonly<Record<TableName, readonly string[]>> = {
  raw: ['-j ACCEPT', '-j DROP', '-j CT --notrack', ''],
  mangle: ['-j MARK --set-xmark 0x1/0xf', '-j MARK --set-xmark 0x2/0x2', '-j ACCEPT', '-j TTL --ttl-set 9', ''],
  nat: ['-j ACCEPT', '-j RETURN', ''],
  filter: ['-j ACCEPT', '-j ACCEPT', '-j DROP', '-j REJECT', '-j RETURN', '-j LOG', ''],
  security: ['-j ACCEPT', '-j DROP', ''],
};

/** A ruleset as text. */
export function randomScanRules(random: Random): string {
  const names = TABLES.filter((name) => random(name === 'filter' || name === 'nat' ? 8 : 3) !== 0);
  return names.map((name) => randomTable(random, name)).join('');
}

function randomTable(random: Random, name: TableName): string {
  const rule = (chain: string): string =>
    `-A ${chain} ${randomTests(random, chain, name === 'raw' || name === 'mangle')}` +
    pick(random, [...TARGETS[name], ...(chain === 'v' ? [] : ['-j v', '-g v'])]);
  const chains = CHAINS[name].map((chain) => [
    `:${chain} ${name === 'filter' && random(3) === 0 ? 'DROP' : 'ACCEPT'} [0:0]`,
    ...Array.from({ length: random(name === 'filter' ? 7 : 3) }, () => rule(chain)),
    ...(name === 'nat' ? translations(random, chain) : []),
  ]);
  const user = Array.from({ length: random(4) }, () => rule('v'));
  return [`*${name}`, ':v - [0:0]', ...chains.flat(), ...user, 'COMMIT', ''].join('\n');
}

function translations(random: Random, chain: string): string[] {
  if (chain === 'PREROUTING')
    return Array.from({ length: random(4) }, () => {
      const protocol = pick(random, ['tcp', 'udp']);
      const tests = `-p ${protocol} ${maybe(random, `-d ${pick(random, DESTINATIONS)}`)}`;
      const [first, last] = randomRange(random);
      return `-A PREROUTING ${tests}-m ${protocol} --dport ${first}:${last} ${pick(random, [
        '-j DNAT --to-destination 172.17.0.2',
        '-j DNAT --to-destination 172.17.0.2:80',
        '-j DNAT --to-destination :22',
        ...(random(4) === 0 ? ['-j DNAT --to-destination 172.17.0.2-172.17.0.3'] : []),
        '-j NETMAP --to 172.17.0.0/24',
        '-j REDIRECT',
        '-j REDIRECT --to-ports 53',
      ])}`;
    });
  if (chain !== 'POSTROUTING') return [];
  return random(2) === 0
    ? []
    : [
        `-A POSTROUTING -o ${pick(random, ['eth0', 'docker0', 'eth+'])} ${pick(random, [
          '-j MASQUERADE',
          '-j MASQUERADE --random-fully',
          '-j SNAT --to-source 192.0.2.10-192.0.2.11',
          '-p tcp -j SNAT --to-source 192.0.2.10:2000-3000',
        ])}`,
      ];
}

function randomRange(random: Random): [first: number, last: number] {
  const first = pick(random, PORTS);
  return [first, Math.min(0xffff, first + pick(random, [0, 0, 3, 500]))];
}

function maybe(random: Random, text: string, oneIn = 3): string {
  if (random(oneIn) !== 0) return '';
  return `${random(4) === 0 ? '! ' : ''}${text} `;
}

/** IS_BEFORE_NAT: of a table that allows rpfilter. */
function randomTests(random: Random, chain: string, isBeforeNat: boolean): string {
  const protocol = pick(random, ['', '', 'tcp', 'udp', '! tcp', 'icmp']);
  let text = maybe(random, `-s ${pick(random, SOURCES)}`) + maybe(random, `-d ${pick(random, DESTINATIONS)}`);
  if (chain !== 'POSTROUTING') text += maybe(random, `-i ${pick(random, ['eth0', 'eth+', 'docker0'])}`, 4);
  if (protocol !== '') text += protocol === '! tcp' ? '! -p tcp ' : `-p ${protocol} `;
  if (protocol === 'tcp' || protocol === 'udp') {
    const [first, last] = randomRange(random);
    text += `-m ${protocol} ${maybe(random, `--dport ${first}:${last}`, 2)}${maybe(random, '--sport 53', 8)}`;
    if (random(5) === 0) text += `-m multiport ${random(3) === 0 ? '! ' : ''}--dports 22,80:443,1000 `;
  }
  return text + (random(2) === 0 ? randomMatch(random, chain, isBeforeNat) : '');
}

function randomMatch(random: Random, chain: string, isBeforeNat: boolean): string {
  const not = random(3) === 0 ? '! ' : '';
  const set = pick(random, [
    'nets src',
    'hosts src',
    'services dst,dst',
    'pairs src,dst',
    'ports dst',
    'all src',
    'nets dst',
  ]);
  return pick(random, [
    `-m set ${not}--match-set ${set} `,
    `-m set ${not}--match-set ${set} `,
    `-m mark ${not}--mark 0x1/0x3 `,
    `-m conntrack ${not}--ctstate ${pick(random, ['NEW', 'ESTABLISHED', 'DNAT', 'UNTRACKED', 'INVALID'])} `,
    `-m conntrack --ctorigdstport ${pick(random, ['80', '1000:9000'])} `,
    `-m addrtype ${not}--dst-type LOCAL `,
    '-m limit --limit 1/hour --limit-burst 1 ',
    '-m recent --set --name r ',
    `-m recent ${not}--rcheck --name r --seconds 60 `,
    `-m statistic --mode nth --every 2 --packet ${random(2)} `,
    '-m hashlimit --hashlimit-above 1/hour --hashlimit-mode srcip,dstport --hashlimit-name h --hashlimit-burst 1 ',
    `-m connlimit --connlimit-above ${random(2)} --connlimit-mask 24 `,
    `-m iprange ${not}--src-range 10.0.0.4-203.0.113.9 `,
    `-m length ${not}--length 0:40 `,
    `-m ttl --ttl-lt ${pick(random, [64, 65])} `,
    ...(chain === 'PREROUTING' && isBeforeNat
      ? [`-m rpfilter ${random(2) === 0 ? '' : '--loose '}${random(2) === 0 ? '' : '--invert '}`]
      : []),
    ...(random(4) === 0 ? [`-m u32 ${not}--u32 "20&0xffff=22:1000" `] : []),
  ]);
}
