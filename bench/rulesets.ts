/** The rulesets of the benchmark: that of the Docker example, with additional rules. */
import { Draw } from './random.js';

const SEED = 1;

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
