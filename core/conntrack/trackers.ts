/** The tracker of each protocol, set up as the host's sysctls say. */
import {
  IPPROTO_GRE,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
} from '../../codecs/layouts.js';
import type { Sysctls } from '../host/sysctls.js';
import { GenericTracker, UntrackableTracker } from './generic.js';
import { GreTracker } from './gre.js';
import { IcmpTracker } from './icmp.js';
import { SctpTracker } from './sctp.js';
import type { ConntrackTable } from './table.js';
import { TcpTracker } from './tcp.js';
import { timeoutsFrom } from './timeouts.js';
import type { L4Tracker } from './tracker.js';
import { UdpLiteTracker, UdpTracker } from './udp.js';

const PREFIX = 'net.netfilter.nf_conntrack_';

export interface Trackers {
  /** By protocol number. */
  readonly byProtocol: readonly L4Tracker[];
  readonly tcp: TcpTracker;
}

export function createTrackers(table: ConntrackTable, sysctls: Sysctls): Trackers {
  const timeouts = timeoutsFrom(sysctls.byName);
  const setting = (name: string): number => sysctls.global(PREFIX + name);
  const checksum = setting('checksum') !== 0;
  const tcp = new TcpTracker(
    table,
    {
      loose: setting('tcp_loose') !== 0,
      beLiberal: setting('tcp_be_liberal') !== 0,
      ignoreInvalidRst: setting('tcp_ignore_invalid_rst') !== 0,
      maxRetrans: setting('tcp_max_retrans'),
      checksum,
    },
    timeouts,
  );
  const byProtocol = new Array<L4Tracker>(256).fill(new GenericTracker(table, timeouts));
  byProtocol[IPPROTO_TCP] = tcp;
  byProtocol[IPPROTO_UDP] = new UdpTracker(table, timeouts, checksum);
  byProtocol[IPPROTO_UDPLITE] = new UdpLiteTracker(table, timeouts, checksum);
  byProtocol[IPPROTO_ICMP] = new IcmpTracker(table, timeouts, checksum);
  byProtocol[IPPROTO_SCTP] = new SctpTracker(table, timeouts, checksum);
  byProtocol[IPPROTO_GRE] = new GreTracker(table, timeouts);
  byProtocol[IPPROTO_ICMPV6] = new UntrackableTracker();
  return { byProtocol, tcp };
}
