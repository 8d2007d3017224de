/** The rulesets of the benchmark: that of the Docker example, with additional rules. */
import { Draw } from './random.js';

const SEED = 1;
/** The prefixes of networks in sets: 17–29. */
const FIRST_LENGTH = 17;
const LENGTHS = 13;

/** DOCKER_RULES with LINES as the first rules of the chain FORWARD in the table filter. */
export function withForwardRules(dockerRules: string, lines: readonly string[]): string {
  const filterAt = dockerRules.indexOf('*filter');
  const firstRule = dockerRules.indexOf('-A FORWARD', filterAt);
  if (filterAt < 0 || firstRule < 0) throw new Error('the ruleset has no rule in filter FORWARD');
  const block = lines.map((line) => `-A FORWARD ${line}\n`).join('');
  return dockerRules.slice(0, firstRule) + block + dockerRules.slice(firstRule);
}

/**
 * COUNT rules that no packet of the workloads matches, of kinds that are common in block lists and firewalls: a single
 * address, a network and a port, both networks, an interface and a port range.
 */
export function missingRules(count: number): string[] {
  const draw = new Draw(SEED);
  const octet = () => draw.below(256);
  const network = () => `10.${octet()}.${octet()}.0/24`;
  const address = () => `10.${octet()}.${octet()}.${octet()}/32`;
  const port = () => 1 + draw.below(6000);
  const kinds = [
    () => `-s ${address()} -j DROP`,
    () => `-s ${network()} -p tcp -m tcp --dport ${port()} -j DROP`,
    () => `-s ${network()} -d ${network()} -j ACCEPT`,
    () => `-d ${address()} -i eth0 -p udp -m udp --dport ${port()}:${6000 + draw.below(1000)} -j ACCEPT`,
  ];
  return Array.from({ length: count }, () => draw.of(kinds)());
}

/** Rules that must be evaluated for every packet, because the connection does not fix the fields that they read. */
export const PER_PACKET_RULES: readonly string[] = [
  '-p tcp -m tcp --tcp-flags SYN,RST SYN,RST -j DROP',
  '-m length --length 1501:65535 -j DROP',
  '-m ttl --ttl-lt 2 -j DROP',
  '-p tcp -m limit --limit 10/sec --limit-burst 5',
  '-m statistic --mode nth --every 1000 --packet 0',
];

/** Rules that look up the source of every packet: in a table with an entry for each, and in a list of networks. */
export const PER_SOURCE_RULES: readonly string[] = [
  '-m hashlimit --hashlimit-above 1000000/sec --hashlimit-burst 9999 --hashlimit-mode srcip --hashlimit-name h -j DROP',
  '-m recent --set --name seen --rsource --mask 255.255.255.128',
];

/** Rules that ask sets of `setsText`, none of which has a packet of the workloads. */
export const SET_RULES: readonly string[] = [
  '-m set --match-set addresses src -j DROP',
  '-m set --match-set networks src -j DROP',
  '-m set --match-set services src,dst -j DROP',
];

/** Sets for `SET_RULES` as `ipset save` prints them, with COUNT entries each. */
export function setsText(count: number): string {
  const draw = new Draw(SEED);
  const entries = (name: string, make: (i: number) => string): string[] => {
    const made = new Set<string>();
    for (let i = 0; made.size < count; i++) made.add(make(i));
    return [...made].map((entry) => `add ${name} ${entry}`);
  };
  const word = () => (10 << 24) | draw.below(1 << 24);
  const address = (from: number): string => [24, 16, 8, 0].map((shift) => (from >>> shift) & 255).join('.');
  const network = (i: number): string => {
    const length = FIRST_LENGTH + (i % LENGTHS);
    return `${address(word() & (-1 << (32 - length)))}/${length}`;
  };
  return [
    ...['create addresses hash:ip', ...entries('addresses', () => address(word()))],
    ...['create networks hash:net', ...entries('networks', network)],
    ...['create services hash:ip,port', ...entries('services', () => `${address(word())},tcp:${1 + draw.below(6000)}`)],
    '',
  ].join('\n');
}
