/** Random rules and traffic for live captures. */
import type { Prng } from '../prng.js';
import { ADDRESSES, OTHER_ADDRESSES, PLACES, type Question } from './capture-world.js';

const REJECTS = ['icmp-port-unreachable', 'icmp-host-prohibited', 'icmp-net-unreachable', 'icmp-admin-prohibited'];
const PORTS = [22, 53, 80, 81, 6379, 8080, 8081, 9000];
const DEVICES = ['eth0', 'eth1', 'docker0', 'lo'];

export interface CaptureCase {
  readonly rules: string;
  /** Of each list, all are asked at once. */
  readonly questions: Question[][];
}

export function randomCaptureCase(random: Prng): CaptureCase {
  const tables = [
    ['nat', natRules(random)],
    ['mangle', mangleRules(random)],
    ['filter', filterRules(random)],
  ] as const;
  const rules = tables
    .map(([name, rules]) => `*${name}\n${chainsOf(name, random)}${rules.join('\n')}\nCOMMIT\n`)
    .join('');
  const rounds = 2 + random.below(3);
  const questions = Array.from({ length: rounds }, () =>
    Array.from({ length: 1 + random.below(6) }, () => question(random)),
  );
  return { rules, questions };
}

function chainsOf(table: string, random: Prng): string {
  const chains = {
    nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
    mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
    filter: ['INPUT', 'FORWARD', 'OUTPUT'],
  }[table] as string[];
  const policy = (chain: string): string =>
    table === 'filter' && chain === 'FORWARD' && random.chance(0.3) ? 'DROP' : 'ACCEPT';
  return chains.map((chain) => `:${chain} ${policy(chain)} [0:0]\n`).join('');
}

function natRules(random: Prng): string[] {
  const rules = ['-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE'];
  const published = [
    '-p tcp -m tcp --dport 8081 -j DNAT --to-destination 172.17.0.2:80',
    '-p tcp -m tcp --dport 36379 -j DNAT --to-destination 172.17.0.3:6379',
    '-p udp -m udp --dport 5353 -j DNAT --to-destination 172.17.0.2:53',
    '-p tcp -m tcp --dport 81 -j REDIRECT --to-ports 8080',
  ];
  for (const rule of published)
    if (random.chance(0.7)) rules.push(`-A PREROUTING -m addrtype --dst-type LOCAL ${rule}`);
  for (const rule of published) {
    if (random.chance(0.4)) rules.push(`-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL ${rule}`);
  }
  if (random.chance(0.3)) rules.push('-A POSTROUTING -o eth1 -j SNAT --to-source 198.51.100.1');
  if (random.chance(0.3)) rules.push('-A POSTROUTING -o eth0 -j MASQUERADE --random');
  if (random.chance(0.3)) rules.push('-A POSTROUTING -s 192.0.2.0/24 -d 172.17.0.2/32 -p tcp -j MASQUERADE');
  return rules;
}

function mangleRules(random: Prng): string[] {
  const rules: string[] = [];
  if (random.chance(0.4))
    rules.push(`-A PREROUTING -i ${random.pick(DEVICES)} -j MARK --set-mark 0x${random.below(4)}`);
  if (random.chance(0.4)) rules.push('-A PREROUTING -p tcp -m conntrack --ctstate NEW -j CONNMARK --set-mark 0x7');
  if (random.chance(0.3)) rules.push(`-A FORWARD -m mark --mark 0x${random.below(4)} -j ACCEPT`);
  if (random.chance(0.3)) rules.push('-A OUTPUT -p udp -j MARK --set-mark 0x2');
  return rules;
}

function filterRules(random: Prng): string[] {
  const rules: string[] = [];
  for (const chain of ['INPUT', 'FORWARD', 'OUTPUT']) {
    if (random.chance(0.7)) rules.push(`-A ${chain} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`);
    if (chain !== 'OUTPUT' && random.chance(0.3)) rules.push(`-A ${chain} -m conntrack --ctstate INVALID -j DROP`);
    for (let i = random.below(4); i > 0; i--) rules.push(filterRule(chain, random));
    if (chain !== 'OUTPUT' && random.chance(0.5))
      rules.push(`-A ${chain} -j REJECT --reject-with ${random.pick(REJECTS)}`);
  }
  return rules;
}

function filterRule(chain: string, random: Prng): string {
  const device =
    chain === 'OUTPUT' ? `-o ${random.pick(DEVICES)} ` : random.chance(0.5) ? `-i ${random.pick(DEVICES)} ` : '';
  const [protocol, match] = random.pick([
    ['tcp', `-m tcp --dport ${random.pick(PORTS)} `],
    ['udp', `-m udp --dport ${random.pick(PORTS)} `],
    ['icmp', ''],
  ]);
  // What OUTPUT drops, or answers with a RST, leaves no trace in a capture.
  const isOutput = chain === 'OUTPUT';
  const reject = protocol === 'tcp' && !isOutput && random.chance(0.4) ? 'tcp-reset' : random.pick(REJECTS);
  const dropped = isOutput ? 'ACCEPT' : 'DROP';
  // An echo reply that OUTPUT rejects is quoted to nobody.
  const rejected = isOutput && protocol === 'icmp' ? 'ACCEPT' : `REJECT --reject-with ${reject}`;
  const target = random.pick(['ACCEPT', 'ACCEPT', dropped, rejected]);
  return `-A ${chain} ${device}-p ${protocol} ${match}-j ${target}`;
}

function question(random: Prng): Question {
  const from = random.pick(PLACES);
  const others = PLACES.filter((place) => place !== from || place === 'host');
  const host = random.chance(0.4) ? random.pick([ADDRESSES.host, ...OTHER_ADDRESSES]) : ADDRESSES[random.pick(others)];
  const text = random.chance(0.15)
    ? `ping ${host} 2`
    : random.chance(0.25)
      ? `udp ${host} ${random.pick([53, 5353, 9000, 81])} ${1 + random.below(1000)}`
      : `tcp ${host} ${random.pick([...PORTS, 8081, 36379])} ${1 + random.below(random.chance(0.2) ? 100_000 : 1200)}`;
  // Of these, a capture does not tell what they were before OUTPUT's REDIRECT or DNAT.
  const isUnclear = /^tcp 172\.17\.0\.1 81 |^udp 172\.17\.0\.1 5353 /.test(text);
  if (from === 'host' && isUnclear) return question(random);
  return { from, text };
}
