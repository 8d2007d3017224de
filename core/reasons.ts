/**
 * The reasons for drops: a closed list of codes with descriptions. The codes are part of the public interface (listed
 * in docs/summary.md). Codes may be added, but their meaning never changes.
 */
export const REASONS = {
  rule: 'a rule',
  policy: 'the policy',
  'rule-header': 'its header is too short or malformed for a rule that looks at it',
  'nat-rule': 'NAT cannot do what the rule asks for',
  'hook-entry': 'an entry of the hook',
  'queue-unbound': 'no program listens to its queue',
  'queue-verdict': 'the program that listens to its queue',
  'queue-unconfirmed': 'cannot be queued while it shares a connection that is not confirmed',

  'ip-too-short': 'shorter than an IP header',
  'ip-version': 'bad IP version',
  'ip-header-length': 'bad IP header length',
  'ip-checksum': 'bad IP checksum',
  'ip-total-length': 'bad IP total length',
  'ip-truncated': 'shorter than its IP total length',
  'ip-option': 'bad IP option',
  'source-route': 'source route',
  'other-host': 'for another host',

  'martian-source': 'martian source',
  'martian-destination': 'martian destination',
  'rp-filter': 'rp_filter',
  'forwarding-off': 'forwarding off',
  'no-route': 'no route',
  'unreachable-route': 'unreachable route',
  'prohibit-route': 'prohibit route',
  'blackhole-route': 'blackhole route',
  'multicast-not-joined': 'multicast not joined',
  'link-layer-broadcast': 'link-layer broadcast',
  'source-not-local': 'source address not local',
  'socket-not-local': 'for a socket of the host, but not routed to it',
  'ttl-exceeded': 'TTL exceeded',
  'fragmentation-needed': 'fragmentation needed',
  'longer-than-mtu': 'longer than the MTU',
  'no-carrier': 'its interface has no carrier',

  'fragment-duplicate': 'duplicate fragment',
  'fragment-overlap': 'overlapping fragments',
  'fragment-end': 'fragments disagree about the end',
  'fragment-empty': 'empty fragment',
  'fragment-ecn': 'fragments of different ECN',
  'fragment-too-long': 'reassembled packet too long',
  'fragment-memory': 'no memory for fragments',

  'conntrack-full': 'connection table full',
  'conntrack-clash': 'clash of connections',
  synproxy: 'taken by SYNPROXY, or not to be adjusted',
  'nat-header': 'too short to be translated',
  'nat-icmp-error': 'an ICMP error that cannot be translated',
  'nat-other-interface': 'a masqueraded connection that leaves by another interface',
} as const;

export type Reason = keyof typeof REASONS;
