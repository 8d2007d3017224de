/** The outputs of commands that describe a host: the files of a folder, and the parts of a snapshot. */

/** One of them, read. */
export interface HostOutput {
  readonly member: string;
  readonly text: string;
  /** The file that it is in, and its first line there. */
  readonly file: string;
  readonly firstLine: number;
  /** Why it is incomplete or empty: the command failed or is not installed. */
  readonly failure?: string;
  /** The command, if it is known. */
  readonly command?: string;
}

interface OutputKind {
  /** The member of a host in JSON that has the same content. */
  readonly member: string;
  /** The name of the file. */
  readonly file: string;
  /** What prints it. */
  readonly command: string;
  /** Other names that such a file may have, without extension. */
  readonly aliases?: readonly string[];
}

/** In the order in which they are explained. */
const KINDS: readonly OutputKind[] = [
  { member: 'addr', file: 'addr.json', command: 'ip -j addr show', aliases: ['ip-addr', 'address', 'addresses'] },
  { member: 'route', file: 'route.json', command: 'ip -j route show table all', aliases: ['ip-route', 'routes'] },
  {
    member: 'route6',
    file: 'route6.json',
    command: 'ip -j -6 route show table all',
    aliases: ['ip-6-route', 'ip6-route'],
  },
  { member: 'rule', file: 'rule.json', command: 'ip -j rule show', aliases: ['ip-rule'] },
  { member: 'rule6', file: 'rule6.json', command: 'ip -j -6 rule show', aliases: ['ip-6-rule', 'ip6-rule'] },
  {
    member: 'neigh',
    file: 'neigh.json',
    command: 'ip -j neigh show',
    aliases: ['ip-neigh', 'neighbours', 'neighbors', 'neighbour', 'neighbor'],
  },
  { member: 'link', file: 'link.json', command: 'ip -j -d link show', aliases: ['ip-link', 'ip-d-link', 'links'] },
  { member: 'nexthop', file: 'nexthop.json', command: 'ip -j nexthop show', aliases: ['ip-nexthop', 'nexthops'] },
  { member: 'sysctl', file: 'sysctl.txt', command: 'sysctl -a', aliases: ['sysctls', 'sysctl-a'] },
  {
    member: 'iptables',
    file: 'iptables-save.txt',
    command: 'iptables-save -c',
    aliases: ['iptables', 'iptables-save-c', 'rules.v4'],
  },
  { member: 'iptables-legacy', file: 'iptables-legacy-save.txt', command: 'iptables-legacy-save -c' },
  { member: 'iptables-nft', file: 'iptables-nft-save.txt', command: 'iptables-nft-save -c' },
  {
    member: 'ip6tables',
    file: 'ip6tables-save.txt',
    command: 'ip6tables-save -c',
    aliases: ['ip6tables', 'ip6tables-save-c', 'rules.v6'],
  },
  { member: 'ip6tables-legacy', file: 'ip6tables-legacy-save.txt', command: 'ip6tables-legacy-save -c' },
  { member: 'ip6tables-nft', file: 'ip6tables-nft-save.txt', command: 'ip6tables-nft-save -c' },
  { member: 'ipset', file: 'ipset.txt', command: 'ipset save', aliases: ['ipset-save'] },
  {
    member: 'nft',
    file: 'nft.txt',
    command: 'nft list ruleset',
    aliases: ['nft-ruleset', 'nft-list-ruleset', 'nftables', 'ruleset'],
  },
  {
    member: 'conntrack',
    file: 'conntrack.txt',
    command: 'conntrack -L -o extended',
    aliases: ['conntrack-l', 'nf_conntrack', 'connections'],
  },
  { member: 'conntrack6', file: 'conntrack6.txt', command: 'conntrack -L -f ipv6 -o extended' },
  { member: 'sockets', file: 'sockets.txt', command: 'ss -Hlntu', aliases: ['ss', 'ss-hlntu', 'ss-lntu'] },
  {
    member: 'containers',
    file: 'containers.json',
    command: 'docker inspect $(docker ps -q)',
    aliases: ['docker-inspect', 'docker'],
  },
  {
    member: 'networks',
    file: 'networks.json',
    command: 'docker network inspect $(docker network ls -q)',
    aliases: ['docker-networks', 'docker-network-inspect'],
  },
];

/** The members of a host in JSON that have the same content as an output. */
export const OUTPUT_MEMBERS: readonly string[] = KINDS.map(({ member }) => member);

/** The names of the files in a folder that describes a host. */
export const OUTPUT_FILES: readonly string[] = KINDS.map(({ file }) => file);

const EXTENSION = /\.(?:json|txt|out|log|save|conf|nft)$/;

const BY_STEM = new Map(
  KINDS.flatMap(({ member, file, aliases = [] }) =>
    [file.replace(EXTENSION, ''), ...aliases].map((stem): [string, string] => [stem, member]),
  ),
);

/** The member of a host that the file NAME has; undefined: none. */
export function memberOfFile(name: string): string | undefined {
  const stem = name
    .toLowerCase()
    .replace(EXTENSION, '')
    .replace(/[ _]+(?=-|\b)/g, '-');
  return BY_STEM.get(stem) ?? BY_STEM.get(stem.replaceAll('_', '-'));
}

/** What prints MEMBER. */
export function commandOf(member: string): string {
  return KINDS.find((kind) => kind.member === member)?.command ?? member;
}
