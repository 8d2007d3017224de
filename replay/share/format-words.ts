/**
 * Words of the formats that a shared case is written in: rules, sets, lists of connections, hosts, claims. What a case
 * calls something may be one of them, and stands then where the format has it.
 */

const WORDS: readonly string[] = [
  // Tables, chains, targets and states of rules.
  ...['filter', 'mangle', 'security', 'input', 'output', 'forward', 'prerouting', 'postrouting', 'accept', 'reject'],
  ...['return', 'queue', 'masquerade', 'redirect', 'notrack', 'established', 'related', 'invalid', 'untracked'],
  ...['limit', 'recent', 'state', 'comment', 'addrtype', 'conntrack', 'multiport', 'table', 'chain', 'rules', 'policy'],
  ...['hashlimit', 'connlimit', 'match', 'target', 'second', 'minute', 'source', 'destination', 'srcip', 'dstip'],
  ...['srcport', 'dstport', 'original', 'reply', 'ingress', 'egress', 'legacy', 'iptables', 'ip6tables', 'docker'],
  // Sets, and lists of connections.
  ...['create', 'family', 'inet6', 'timeout', 'counters', 'forceadd', 'hashsize', 'maxelem', 'bucketsize', 'range'],
  ...['nomatch', 'netmask', 'bitmask', 'setlist', 'packets', 'bytes', 'sport', 'dport', 'labels', 'assured'],
  ...['unreplied', 'offload', 'listen', 'syn_sent', 'syn_recv', 'fin_wait', 'close_wait', 'last_ack', 'time_wait'],
  ...['close', 'icmpv6', 'udplite', 'unknown'],
  // Hosts.
  ...['bridge', 'ether', 'loopback', 'global', 'kernel', 'static', 'unicast', 'local', 'broadcast', 'multicast'],
  ...['default', 'forwarding', 'connected', 'address', 'anycast', 'blackhole', 'unreachable', 'prohibit', 'throw'],
  ...[
    'dummy',
    'macvlan',
    'ipvlan',
    'vxlan',
    'route',
    'routes',
    'neigh',
    'gateway',
    'scope',
    'metric',
    'group',
    'users',
  ],
  ...['groups', 'realms', 'names', 'sockets', 'cgroup', 'sysctl', 'networks', 'containers', 'reachable', 'stale'],
  ...['permanent', 'noarp', 'delay', 'probe', 'failed', 'lookup', 'proto', 'state', 'device', 'devices', 'driver'],
  // Claims, options, and what names are replaced by.
  ...['claim', 'claims', 'expect', 'packet', 'connection', 'becomes', 'answer', 'never', 'accepted', 'dropped'],
  ...[
    'rejected',
    'expired',
    'captures',
    'capture',
    'after',
    'stitch',
    'seconds',
    'client',
    'server',
    'prefix',
    'table',
  ],
  ...['name', 'list', 'part', 'user', 'file', 'commands', 'change', 'version', 'options', 'case'],
];
const ALL: ReadonlySet<string> = new Set(WORDS);

export function isFormatWord(name: string): boolean {
  return ALL.has(name.toLowerCase());
}
