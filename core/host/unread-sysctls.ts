/** Sysctls of a host that nothing reads, and which of them matter. */
import { withNearest } from '../../codecs/nearest.js';
import { noInterface } from './interfaces.js';

/** Settings that can change what happens to IPv4 packets, with the values that nfreplay behaves as if they had. */
const UNFOLLOWED: Readonly<Record<string, number>> = {
  'net.bridge.bridge-nf-filter-pppoe-tagged': 0,
  'net.bridge.bridge-nf-filter-vlan-tagged': 0,
  'net.bridge.bridge-nf-pass-vlan-input-dev': 0,
  'net.ipv4.fib_multipath_use_neigh': 0,
  'net.ipv4.ip_forward_use_pmtu': 0,
  'net.ipv4.ip_no_pmtu_disc': 0,
  'net.netfilter.nf_conntrack_helper': 0,
  'net.netfilter.nf_conntrack_log_invalid': 0,
  'net.netfilter.nf_hooks_lwtunnel': 0,
};

/** The same for settings of interfaces. */
const UNFOLLOWED_CONF: Readonly<Record<string, number>> = {
  mc_forwarding: 0,
  proxy_arp: 0,
  proxy_arp_pvlan: 0,
};

/** Other settings of the kernel: they do nothing to the IPv4 packets of a host without sockets. */
const HARMLESS_CONF: ReadonlySet<string> = new Set(
  `accept_redirects arp_accept arp_announce arp_evict_nocarrier arp_filter arp_ignore arp_notify bootp_relay
  disable_policy disable_xfrm drop_gratuitous_arp force_igmp_version igmpv2_unsolicited_report_interval
  igmpv3_unsolicited_report_interval medium_id promote_secondaries secure_redirects shared_media tag`.split(/\s+/),
);
const HARMLESS_IPV4 = new Set(
  `fib_multipath_hash_fields fib_notify_on_flag_change fib_sync_mem icmp_echo_enable_probe
  icmp_echo_ignore_all icmp_echo_ignore_broadcasts icmp_ignore_bogus_error_responses ip_autobind_reuse ip_dynaddr
  ip_early_demux ip_forward_update_priority ip_local_port_range ip_local_port_step_width ip_local_reserved_ports
  ip_nonlocal_bind ip_unprivileged_port_start ipfrag_secret_interval nexthop_compat_mode raw_l3mdev_accept
  xfrm4_gc_thresh`.split(/\s+/),
);
const HARMLESS_NETFILTER = new RegExp(
  `^(?:${[
    'nf_conntrack_(?:count|events|events_retry_timeout|expect_max|frag6_\\w+|icmpv6_timeout|timestamp|dccp_\\w+)',
    'nf_flowtable_\\w+',
    'nf_log_all_netns|nf_log\\.\\d+',
  ].join('|')})$`,
);
const HARMLESS_GROUPS = new RegExp(
  `^net\\.(?:${[
    'bridge\\.bridge-nf-call-\\w+',
    'ipv4\\.(?:tcp|udp|ping|igmp|inet_peer|cipso)_\\w+',
    'ipv4\\.(?:neigh|vs|route)\\..*',
  ].join('|')})$`,
);
/** Folders of /proc/sys/net that are about something else, as far as the kernel has them. */
const OTHER_FOLDERS = new Set(
  `appletalk ax25 can core dccp decnet ieee802154 ipv6 ipx iucv llc mctp mpls mptcp netrom phonet rds rose rxrpc sctp
  smc sunrpc tipc unix vsock x25`.split(/\s+/),
);

/** Beyond this many, they are counted. */
const MAX_LISTED = 5;

interface Setting {
  name: string;
  value: number;
}

/** Collects the settings that nothing reads. */
export class UnreadSysctls {
  readonly #unfollowed: Setting[] = [];
  readonly #unknown: (Setting & { warning: string })[] = [];
  readonly #ofNoInterface: { directory: string; warning: string }[] = [];

  /** GLOBAL is the usual name of NAME, with dots. KNOWN: the settings that are read. */
  add(name: string, global: string, value: number, known: readonly string[]): void {
    if (Object.hasOwn(UNFOLLOWED, global)) this.#addUnfollowed(name, value, UNFOLLOWED[global]);
    else if (!isHarmless(global)) this.#addUnknown(name, value, global, known);
  }

  /** KEY: the last part of NAME. */
  addConf(name: string, key: string, value: number, known: readonly string[]): void {
    // The default is for interfaces that do not exist yet.
    const isDefault = /^net[./]ipv4[./]conf[./]default[./]/.test(name);
    if (Object.hasOwn(UNFOLLOWED_CONF, key)) this.#addUnfollowed(name, isDefault ? 0 : value, UNFOLLOWED_CONF[key]);
    else if (!HARMLESS_CONF.has(key)) this.#addUnknown(name, value, key, known);
  }

  addOfNoInterface(name: string, directory: string, interfaces: readonly string[]): void {
    this.#ofNoInterface.push({ directory, warning: `sysctl ${name}: ${noInterface(directory, interfaces)}` });
  }

  #addUnfollowed(name: string, value: number, preset: number): void {
    if (value !== preset) this.#unfollowed.push({ name, value });
  }

  #addUnknown(name: string, value: number, key: string, known: readonly string[]): void {
    const warning = withNearest(`sysctl ${name} is not supported and has no effect`, key, known);
    this.#unknown.push({ name, value, warning });
  }

  /** A line each of a few, or one for all of a kind. */
  warnings(): string[] {
    const directories = [...new Set(this.#ofNoInterface.map(({ directory }) => directory))];
    const unfollowed = this.#unfollowed.map(textOf);
    const unknown = this.#unknown.map(({ name }) => name);
    return [
      ...(this.#ofNoInterface.length <= MAX_LISTED
        ? this.#ofNoInterface.map(({ warning }) => warning)
        : [`there are sysctls of interfaces that the host does not have: ${someOf(directories)}`]),
      ...(unfollowed.length > 0 ? [`sysctls that are not followed: ${someOf(unfollowed)}`] : []),
      ...(unknown.length <= MAX_LISTED
        ? this.#unknown.map(({ warning }) => warning)
        : [`sysctls that are not supported and have no effect: ${someOf(unknown)}`]),
    ];
  }

  /** All settings that nothing reads, although they could matter. */
  unread(): string[] {
    return [...this.#unfollowed, ...this.#unknown].map(textOf);
  }
}

function isHarmless(global: string): boolean {
  const [, folder, name] = /^net\.(\w+)\.(.*)$/.exec(global) ?? [];
  if (folder === undefined) return !global.startsWith('net.');
  if (OTHER_FOLDERS.has(folder) || HARMLESS_GROUPS.test(global)) return true;
  return folder === 'ipv4' ? HARMLESS_IPV4.has(name) : folder === 'netfilter' && HARMLESS_NETFILTER.test(name);
}

function textOf({ name, value }: Setting): string {
  return Number.isNaN(value) ? name : `${name} = ${value}`;
}

function someOf(texts: readonly string[]): string {
  const more = texts.length - MAX_LISTED;
  return more > 0 ? `${texts.slice(0, MAX_LISTED).join(', ')} and ${more} more` : texts.join(', ');
}
