/** The sysctls that affect packets, both per interface and global. */
import { HostError } from '../../codecs/host/error.js';
import { protocolSysctls } from '../protocols/registry.js';
import { UnreadSysctls } from './unread-sysctls.js';

/** The supported per-interface settings, with their defaults in `all` and in all other directories. */
const CONF_DEFAULTS: Readonly<Record<string, readonly [all: number, other: number]>> = {
  accept_local: [0, 0],
  accept_source_route: [0, 1],
  bc_forwarding: [0, 0],
  drop_unicast_in_l2_multicast: [0, 0],
  forwarding: [1, 1],
  log_martians: [0, 0],
  route_localnet: [0, 0],
  rp_filter: [0, 0],
  send_redirects: [0, 0],
  ignore_routes_with_linkdown: [0, 0],
  src_valid_mark: [0, 0],
};

/** Ranges of values in the kernel. Seconds must fit into clock ticks. */
const ANY = [-(2 ** 31), 2 ** 31 - 1] as const;
const COUNT = [0, 2 ** 31 - 1] as const;
/** Bytes, an unsigned long in the kernel. */
const BYTES = [0, Number.MAX_SAFE_INTEGER] as const;
const SECONDS = [-2_147_483, 2_147_483] as const;
const SWITCH = [0, 1] as const;

const CONNTRACK = 'net.netfilter.nf_conntrack_';

/**
 * The supported global settings: default, minimum and maximum. The defaults are those of Linux 6.18, except that
 * forwarding and connection accounting are on, ICMP rate limits and redirects are off, and the number of connections is
 * not limited.
 */
const GLOBALS: Readonly<Record<string, readonly [preset: number, min: number, max: number]>> = {
  'net.ipv4.fib_multipath_hash_policy': [0, 0, 3],
  'net.ipv4.fib_multipath_hash_seed': [0, 0, 2 ** 32 - 1],
  'net.ipv4.fwmark_reflect': [0, 0, 255],
  'net.ipv4.icmp_errors_use_inbound_ifaddr': [0, ...SWITCH],
  'net.ipv4.icmp_ratelimit': [0, ...COUNT],
  'net.ipv4.icmp_ratemask': [6168, ...ANY],
  'net.ipv4.icmp_msgs_per_sec': [1_000_000_000, ...COUNT],
  'net.ipv4.icmp_msgs_burst': [1_000_000_000, ...COUNT],
  'net.ipv4.ip_default_ttl': [64, 1, 255],
  'net.ipv4.ip_forward': [1, ...ANY],
  'net.ipv4.ipfrag_high_thresh': [4_194_304, ...BYTES],
  // Since Linux 4.17 it only limits what the other may be set to.
  'net.ipv4.ipfrag_low_thresh': [3_145_728, ...BYTES],
  'net.ipv4.ipfrag_max_dist': [64, ...COUNT],
  'net.ipv4.ipfrag_time': [30, ...SECONDS],
  'net.netfilter.nf_conntrack_acct': [1, ...SWITCH],
  'net.netfilter.nf_conntrack_buckets': [262_144, 1, COUNT[1]],
  'net.netfilter.nf_conntrack_checksum': [1, ...SWITCH],
  'net.netfilter.nf_conntrack_max': [0, ...COUNT],
  ...ofProtocols(),
};

/** The settings of which a host is assumed to have another value than the kernel's default. */
const ASSUMED = [
  'net.ipv4.ip_forward',
  'net.ipv4.icmp_ratelimit',
  'net.ipv4.icmp_msgs_per_sec',
  'net.ipv4.icmp_msgs_burst',
  'net.netfilter.nf_conntrack_acct',
  'net.netfilter.nf_conntrack_max',
];

/** The time-outs and settings of all layer-4 protocols. */
function ofProtocols(): Record<string, readonly [preset: number, min: number, max: number]> {
  const { timeouts, settings } = protocolSysctls();
  const globals: Record<string, readonly [number, number, number]> = {};
  for (const [, name, seconds] of timeouts) if (name !== null) globals[CONNTRACK + name] = [seconds, ...SECONDS];
  for (const [name, ...values] of settings) globals[CONNTRACK + name] = values;
  return globals;
}

export class Sysctls {
  private readonly globals = new Map(Object.entries(GLOBALS).map(([name, [preset]]) => [name, preset]));
  /** Keyed by directory (`all`, `default`, an interface), then by name. */
  private readonly conf = new Map<string, Map<string, number>>();
  readonly warnings: readonly string[];
  /** Settings that nothing reads, although they could matter: `net.ipv4.fwmark_reflect = 1`. */
  readonly unread: readonly string[];
  private readonly left: UnreadSysctls;
  /** What was assumed because ASKED does not say it: `net.ipv4.ip_forward = 1`. */
  readonly assumed: readonly string[];
  /** The same by name. */
  readonly assumedValues: ReadonlyMap<string, number>;

  /**
   * ASKED has names and values in the order in which they are set, except that ip_forward is set first, as it changes
   * others. Throws a HostError.
   */
  constructor(
    private readonly interfaceNames: readonly string[],
    asked: ReadonlyMap<string, number>,
  ) {
    this.left = new UnreadSysctls();
    for (const directory of ['all', 'default', ...interfaceNames]) {
      const defaults = Object.entries(CONF_DEFAULTS).map(([key, [all, other]]): [string, number] => [
        key,
        directory === 'all' ? all : other,
      ]);
      this.conf.set(directory, new Map(defaults));
    }
    const paths = [...asked].map(([name, value]) => ({ name, value, path: sysctlPath(name) }));
    const given = new Set(paths.map(({ path }) => path.replaceAll('/', '.')));
    // They are the same.
    if (given.has('net.ipv4.conf.all.forwarding')) given.add('net.ipv4.ip_forward');
    const assumed = ASSUMED.filter((name) => !given.has(name)).map((name): [string, number] => [
      name,
      GLOBALS[name][0],
    ]);
    // The kernel's default, which distributions change: it decides about whole interfaces.
    const saysRpFilter = paths.some(({ path }) => path.endsWith('/rp_filter'));
    this.assumedValues = new Map(saysRpFilter ? assumed : [...assumed, ['net.ipv4.conf.all.rp_filter', 0]]);
    this.assumed = [...this.assumedValues].map(([name, value]) => `${name} = ${value}`);
    const rpFilter = paths.find(({ path }) => path === 'net/ipv4/conf/default/rp_filter');
    if (rpFilter)
      for (const name of interfaceNames) if (name !== 'lo') this.conf.get(name)!.set('rp_filter', rpFilter.value);
    const isForward = ({ path }: { path: string }) => path === 'net/ipv4/ip_forward';
    for (const one of [...paths.filter(isForward), ...paths.filter((other) => !isForward(other))])
      this.set(one.path, one.name, one.value);
    this.warnings = this.left.warnings();
    this.unread = this.left.unread();
  }

  private set(path: string, name: string, value: number): void {
    const [, , , directory, key] = path.split('/');
    const global = path.replaceAll('/', '.');
    if (path.startsWith('net/ipv4/conf/')) {
      const conf = this.conf.get(directory);
      if (!conf) this.left.addOfNoInterface(name, directory, [...this.conf.keys()]);
      else if (conf.has(key)) this.setConf(conf, directory, key, checked(name, value, ANY));
      else this.left.addConf(name, key, value, Object.keys(CONF_DEFAULTS));
    } else if (Object.hasOwn(GLOBALS, global)) {
      const [, min, max] = GLOBALS[global];
      this.globals.set(global, checked(name, value, [min, max]));
      if (global === 'net.ipv4.ip_forward') this.setForwarding(value);
    } else {
      this.left.add(name, global, value, Object.keys(GLOBALS));
    }
  }

  private setConf(conf: Map<string, number>, directory: string, key: string, value: number): void {
    if (key === 'forwarding' && directory === 'all') this.setForwarding(value);
    else conf.set(key, value);
  }

  /** Sets ip_forward, which is the same as conf.all.forwarding. A change sets every interface (inet_forward_change). */
  private setForwarding(value: number): void {
    const all = this.conf.get('all')!;
    this.globals.set('net.ipv4.ip_forward', value);
    if (all.get('forwarding') === value) return;
    for (const conf of this.conf.values()) conf.set('forwarding', value);
  }

  /** The value of a supported global setting, by its dotted name. */
  global(name: string): number {
    const value = this.globals.get(name);
    if (value === undefined) throw new RangeError(`unsupported sysctl: ${name}`);
    return value;
  }

  /** Whether the settings that are not of an interface are the same in OTHER. */
  hasSameGlobals(other: Sysctls): boolean {
    return [...this.globals].every(([name, value]) => other.globals.get(name) === value);
  }

  /** The value of `net.netfilter.nf_conntrack_…`. */
  conntrack(name: string): number {
    return this.global(CONNTRACK + name);
  }

  private of(directory: string, key: string): number {
    return this.conf.get(directory)!.get(key)!;
  }

  /**
   * The effective setting of interface DEV where `all` can only add to it: the larger of the two (IN_DEV_MAXCONF,
   * IN_DEV_ORCONF).
   */
  private larger(dev: number, key: string): number {
    return Math.max(this.of('all', key), this.of(this.interfaceNames[dev], key));
  }

  /** 0: no source check; 1: the best route back must use the same interface; otherwise: any route back is enough. */
  rpFilter(dev: number): number {
    return this.larger(dev, 'rp_filter');
  }

  /** Whether the mark of a packet from DEV is used to find the route back to its sender (IN_DEV_SRC_VMARK). */
  sourceValidMark(dev: number): boolean {
    return this.larger(dev, 'src_valid_mark') !== 0;
  }

  /** Whether routes by DEV do not count while it has no carrier. */
  ignoresLinkDown(dev: number): boolean {
    return this.of(this.interfaceNames[dev], 'ignore_routes_with_linkdown') !== 0;
  }

  /** Whether packets that arrive on DEV are forwarded (IN_DEV_FORWARD). */
  forwarding(dev: number): boolean {
    return this.of(this.interfaceNames[dev], 'forwarding') !== 0;
  }

  /** Whether packets with a source address of this host may arrive on DEV. */
  acceptLocal(dev: number): boolean {
    return this.larger(dev, 'accept_local') !== 0;
  }

  /** Whether 127/8 is routed on DEV instead of being martian. */
  routeLocalnet(dev: number): boolean {
    return this.larger(dev, 'route_localnet') !== 0;
  }

  sendRedirects(dev: number): boolean {
    return this.larger(dev, 'send_redirects') !== 0;
  }

  /** Whether unicast packets in link-layer broadcasts are dropped, including those for this host. */
  dropUnicastInL2Multicast(dev: number): boolean {
    return this.larger(dev, 'drop_unicast_in_l2_multicast') !== 0;
  }

  /** Whether source-routed packets are accepted (requires both `all` and DEV). */
  acceptSourceRoute(dev: number): boolean {
    return (
      this.of('all', 'accept_source_route') !== 0 && this.of(this.interfaceNames[dev], 'accept_source_route') !== 0
    );
  }

  /** Whether directed broadcasts are forwarded (requires both `all` and DEV). */
  broadcastForwarding(dev: number): boolean {
    return this.of('all', 'bc_forwarding') !== 0 && this.of(this.interfaceNames[dev], 'bc_forwarding') !== 0;
  }
}

/** Returns VALUE, the new value of sysctl NAME. Throws a HostError if it is out of range. */
function checked(name: string, value: number, [min, max]: readonly [min: number, max: number]): number {
  if (value >= min && value <= max) return value;
  const found = Number.isNaN(value) ? '' : `, found ${value}`;
  throw new HostError(`sysctl[${JSON.stringify(name)}]`, `expected a whole number from ${min} to ${max}${found}`);
}

/**
 * The path of a NAME below /proc/sys. If its first separator is a dot, dots and slashes are swapped (sysctl(8)). Other
 * names of a setting, past or present, become its usual one.
 */
export function sysctlPath(name: string): string {
  const first = /[./]/.exec(name)?.[0];
  const path = first === '.' ? name.replace(/[./]/g, (separator) => (separator === '.' ? '/' : '.')) : name;
  return path
    .replace(/^\/+|\/+(?=\/)/g, '')
    .replace(/^net\/nf_conntrack_max$/, 'net/netfilter/nf_conntrack_max')
    .replace(/^net\/ipv4\/(?:netfilter\/)?ip_conntrack_/, 'net/netfilter/nf_conntrack_');
}
