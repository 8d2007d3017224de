/**
 * Records in test/host/route-get/ what `ip route get` of this machine's kernel answers on two hosts, with and without
 * rules, and how ip(8) describes them. test/host/route-get.test.ts asks the emulator the same. Needs root.
 */
import { writeFileSync } from 'node:fs';
import { run } from './command.js';
import { loadLibc } from './libc.js';
import { Namespace } from './namespace.js';
import { Prng } from './prng.js';

const FOLDER = 'test/host/route-get';
const LOOKUPS = 160;
const HASH_SEED = 77;

/** The wire behind e2 has no carrier. */
const LINKS = `link set lo up
link add e0 address 02:00:00:00:00:00 type veth peer name p0
link add e1 address 02:00:00:00:00:01 type veth peer name p1
link add e2 address 02:00:00:00:00:02 type veth peer name p2
tuntap add dev t0 mode tun
link set p0 up
link set p1 up
link set e0 up
link set e1 up
link set e2 up
link set t0 up
addr add 192.0.2.1/24 dev e0
addr add 198.51.100.1/24 dev e1 metric 200
addr add 198.51.100.7/24 dev e1 noprefixroute
addr add 10.77.0.1/24 dev e2
addr add 10.16.1.1/24 dev t0
addr add 10.88.0.1/32 dev lo`;

/** Each kind of route once. */
const ROUTES = `nexthop add id 1 via 192.0.2.7 dev e0
nexthop add id 2 via 198.51.100.8 dev e1
nexthop add id 3 group 1/2,5
nexthop add id 4 blackhole
nexthop add id 6 via fe80::9 dev e1
route add 10.1.0.0/16 nhid 1
route add 10.2.0.0/16 nhid 3
route add 10.3.0.0/16 nhid 4
route add 10.5.0.0/16 nhid 6
route add 10.6.0.0/16 via inet6 fe80::1 dev e0
route add 10.7.0.0/16 nexthop via 192.0.2.8 weight 3 nexthop via 198.51.100.9 nexthop dev t0 weight 2
route add 10.8.0.0/16 nexthop via 192.0.2.8 nexthop via 10.77.0.9 weight 9
route add 10.9.0.0/16 via 10.77.0.9
route add 10.9.0.0/16 via 192.0.2.9 metric 50
route add 10.10.0.0/16 via 192.0.2.10 tos 0x10
route add 10.10.0.0/16 via 192.0.2.11
route add 10.10.5.0/24 via 192.0.2.12 tos 8
route add local 10.11.0.0/16 dev lo
route add 10.11.5.0/24 via 192.0.2.13
route add 10.12.0.0/16 via 172.31.0.1 dev e0 onlink
route add default via 192.0.2.254
route append default via 192.0.2.253
route add default via 198.51.100.254 metric 100
route add unreachable 10.13.0.0/16
route add throw 10.14.0.0/16
route add prohibit 10.15.0.0/16
route add default via 198.51.100.253 table 100
route add throw 10.14.0.0/16 table 100
route add 10.0.0.0/8 dev t0 table 200 src 10.88.0.1`;

const RULES = `rule add fwmark 0x5/0xf lookup 100 pref 50
rule add from 10.16.1.0/24 lookup 200 pref 60
rule add lookup main suppress_prefixlength 0 pref 70
rule add ipproto udp dport 53 lookup 100 pref 80
rule add to 10.99.0.0/16 prohibit pref 85
rule add not fwmark 0x7 iif lo lookup 200 pref 90
rule add iif t0 tos 0x10 lookup 100 pref 95`;

const NETWORKS = [1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 77, 88, 99, 200];
const NEAR = [
  '8.8.8.8',
  '192.0.2.55',
  '198.51.100.55',
  '198.51.100.7',
  '10.88.0.1',
  '127.0.0.5',
  '192.0.2.255',
  '192.0.2.1',
];
const SENDERS = ['10.16.1.9', '192.0.2.66', '198.51.100.66', '203.0.113.5'];
const OWN = ['192.0.2.1', '10.16.1.1', '10.88.0.1', '198.51.100.7'];

interface Lookup {
  to: string;
  from?: string;
  iif?: string;
  mark?: number;
  tos?: number;
  ipproto?: string;
  dport?: number;
}

function randomLookup(prng: Prng): Lookup {
  const far = `10.${prng.pick(NETWORKS)}.${prng.pick([0, 0, 5, 9])}.${prng.between(1, 254)}`;
  const iif = prng.pick([undefined, undefined, 'e0', 'e1', 't0']);
  return {
    to: prng.chance(0.9) ? far : prng.pick(NEAR),
    ...(iif === undefined ? {} : { iif }),
    ...(iif !== undefined ? { from: prng.pick(SENDERS) } : prng.chance(0.4) ? { from: prng.pick(OWN) } : {}),
    ...(prng.chance(0.5) ? { mark: prng.pick([5, 7, 0x15]) } : {}),
    ...(prng.chance(0.5) ? { tos: prng.pick([0x10, 8, 4]) } : {}),
    ...(prng.chance(0.5) ? { ipproto: prng.pick(['udp', 'tcp']), dport: prng.pick([53, 80]) } : {}),
  };
}

/** `local`, `refused`, `e0 192.0.2.1` (by a gateway), `e0` (on the link); without `from` also the source chosen. */
function answerTo(lookup: Lookup): string {
  const { to, ...options } = lookup;
  // ip(8) reads a TOS as hexadecimal.
  const words = Object.entries(options).flatMap(([word, value]) => [
    word,
    word === 'tos' ? `0x${value.toString(16)}` : String(value),
  ]);
  const ports = lookup.ipproto === undefined ? [] : ['sport', '999'];
  let answer: { type?: string; dev?: string; gateway?: string; via?: { host: string }; prefsrc?: string };
  try {
    [answer] = JSON.parse(run('ip', ['-j', 'route', 'get', to, ...words, ...ports]));
  } catch {
    return 'refused';
  }
  const { type = 'unicast', dev = '', gateway, via, prefsrc = '' } = answer;
  const where = type === 'unicast' ? [dev, gateway ?? via?.host ?? ''] : [type];
  return [...where, ...(lookup.from === undefined ? [prefsrc] : [])].filter((word) => word !== '').join(' ');
}

function record(name: string, rules: string, ignoresLinkDown: boolean, prng: Prng): void {
  const namespace = Namespace.create(loadLibc());
  const path = `net.ipv4.conf.e2.ignore_routes_with_linkdown`;
  const json = (...words: string[]): unknown => JSON.parse(run('ip', ['-j', ...words]) || '[]');
  namespace.run(() => {
    run('ip', ['-batch', '-'], `${LINKS}\n`);
    // The kernel looks at it when it weighs the next hops of a route.
    writeFileSync(`/proc/sys/${path.replaceAll('.', '/')}`, ignoresLinkDown ? '1' : '0');
    run('ip', ['-batch', '-'], `${ROUTES}\n${rules}\n`);
    writeFileSync('/proc/sys/net/ipv4/fib_multipath_hash_seed', String(HASH_SEED));
    writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');
    writeFileSync('/proc/sys/net/ipv4/conf/all/rp_filter', '0');
    const host = {
      addr: json('addr'),
      route: json('route', 'show', 'table', 'all'),
      rule: json('rule'),
      nexthop: json('nexthop'),
      sysctl: { 'net.ipv4.fib_multipath_hash_seed': HASH_SEED, [path]: ignoresLinkDown ? 1 : 0 },
    };
    const lookups = Array.from({ length: LOOKUPS }, () => randomLookup(prng));
    const answers = lookups.map((lookup) => `    ${JSON.stringify({ ...lookup, answer: answerTo(lookup) })}`);
    const text = `{\n  "host": ${JSON.stringify(host)},\n  "lookups": [\n${answers.join(',\n')}\n  ]\n}\n`;
    writeFileSync(`${FOLDER}/${name}.json`, text);
  });
  namespace.close();
}

const prng = new Prng(Number(process.argv[2] ?? 1));
record('plain', '', false, prng);
record('rules', RULES, true, prng);
