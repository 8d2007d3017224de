/** The values of options: as people write them, at the edges, and wrong. */
import {
  address,
  byte,
  device,
  either,
  flags,
  groups,
  hexByte,
  joined,
  list,
  type Maker,
  mask,
  masked,
  maybe,
  name,
  natPorts,
  natRange,
  network,
  number,
  of,
  of46,
  plainAddress,
  port,
  portRange,
  ports,
  protocol,
  sorted,
  states,
  text,
  usually,
  word32,
  words,
} from './makers.js';

const count: Maker = number(0xffffffff);
const unit = usually(words('s sec second m min minute h hour day d'), words('days x  SEC'));
const rate = usually(
  joined('/', words('1 5 100 3 7 10000'), unit),
  of(
    '5',
    '',
    '/s',
    '5/',
    '0/s',
    '5//s',
    '4294967297/s',
    '10001/s',
    ' 5/s',
    '5.5/s',
    '5/SEC',
    '"5 /s"',
    '0x5/s',
    '-1/s',
  ),
);
const ICMP_TYPES = `any echo-reply destination-unreachable network-unreachable host-unreachable port-unreachable
  fragmentation-needed TOS-network-redirect redirect echo-request time-exceeded ttl-exceeded pong ping
  ttl-zero-during-transit parameter-problem ip-header-bad timestamp-request address-mask-reply`.split(/\s+/);
const REJECTS = `icmp-net-unreachable icmp-host-unreachable icmp-proto-unreachable icmp-port-unreachable net-unreach
  icmp-net-prohibited icmp-host-prohibited icmp-admin-prohibited tcp-reset tcp-rst admin-prohib`.split(/\s+/);
const REJECTS6 = `icmp6-no-route icmp6-adm-prohibited icmp6-addr-unreachable icmp6-port-unreachable tcp-reset no-route
  adm-prohibited addr-unreach port-unreach icmp6-policy-fail icmp6-reject-route policy-fail`.split(/\s+/);
const ICMP6_TYPES = `destination-unreachable no-route beyond-scope packet-too-big time-exceeded parameter-problem ping
  bad-header echo-request echo-reply pong router-solicitation neighbour-advertisement redirect any`.split(/\s+/);
const MOBILITY = name('brr', 'home-test-init', 'hot', 'careof-test', 'binding-update', 'ba', 'be', 'binding-error');
const HEADERS = name('hop', 'dst', 'route', 'frag', 'auth', 'esp', 'none', 'prot', 'ipv6-opts', '43', '51', 'ah');
const headerOptions = list(
  usually(maybe(':', byte, byte), either(maybe(':', number(999), number(999)), words(': 0:1'))),
);
const PREFIXES = usually(words('2001:db8:1::/48 fd00:1::/48 fd00:1::/64 ::/0'), network);
const ADDRESS_TYPES = `UNSPEC UNICAST LOCAL BROADCAST ANYCAST MULTICAST BLACKHOLE UNREACHABLE PROHIBIT THROW NAT
  XRESOLVE`.split(/\s+/);
const ADDRESSES = usually(joined('-', plainAddress, plainAddress), either(joined('-', address, address), address));
const MAC = usually(joined(':', ...Array(6).fill(hexByte)), list(hexByte, ':', 7));
const LEVELS = usually(words('emerg alert crit error warning notice info debug panic'), words('err WARNING 8'));
const DOUBLES = words('0x1p-2 0x.8 1.1 -0.1 -0 +0.25 nan inf 0.5x  0x1p 1e NAN(1)');
/** The namespace has one, of no family. */
const SET = [of('in'), usually(list(words('src dst')), list(words('src dst source SRC x'), ',', 7))];
const CT_EVENTS = 'new related destroy reply assured protoinfo helper mark natseqinfo secmark';
const zone = either(number(65_535), name('mark'));
const secondsRange = usually(maybe(':', count, count), words(': 5: :5 5:4 1:2:3'));
const bytesRange = usually(maybe(':', number(65_535), number(65_535)), words(': 5: :5 1:2:3 '));

const offset = usually(number(1500), number(65_535));
const hexString = usually(
  of('|41|', '"|0d 0a|"', 'GET', '"a|62 63|d"', '|ff00|'),
  of('"|4|"', '"ab\\\\|c"', '"|41"', '""', '"||"', '"a\\\\"', '"|41||42|"', '"|  41 42| "', '"|4g|"'),
);
const u32Location = either(
  word32,
  joined('&', word32, word32),
  of('0>>22&0x3c@0', '4@4>>16', '"0 << 8"', '0<<33', '0&'),
);
const u32Test = joined('=', u32Location, list(maybe(':', word32, word32)));
const PROGRAMS = usually(
  of(
    '"1,6 0 0 1"',
    '"4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0"',
    '"3,2 0 0 0,96 0 0 0,22 0 0 0"',
    '"2,32 0 0 4294963220,22 0 0 0"',
  ),
  of(
    '"1,6 0 0 1,"',
    '"2,6 0 0 1"',
    '"1,48 0 0 9"',
    '" 65537,+6 256 -1 0x1"',
    '"2,96 0 0 0,22 0 0 0"',
    '"0,"',
    '1',
    '"2,21 0 1 0,6 0 0 0"',
  ),
);
const hashed = list(name('ct', 'src', 'dst', 'sport', 'dport', 'proto', 'spi'));
const trafficClass = usually(
  of('1:2', '0:ffff', 'AB:10'),
  of('1:', '1', ':1', '"1: 2"', '0x1:0x', '12345:-1', '1:2:3'),
);
const clusterNode = usually(words('1 2 3 4 1 2'), number(32));
const connections = usually(words('0 1 2 3 10'), word32);
const prefix = usually(number(32), words('255.255.0.0 255.0.255.0 33 /8 -1 ffff:: 0.0.0.0'));
const longRange = usually(
  either(number(65_535), sorted(':'), joined(':', number(65_535), of('')), joined(':', of(''), number(65_535))),
  words(': "" 1:18446744073709551615 18446744073709551616 9007199254740993 5:4 1:2:3 0x:1 -1'),
);
const estimator = usually(words('e1 e2 e1 e1'), words('abcdefghijklmnopq "a b" "" e3'));
const estimatorTime = usually(
  words('250ms 0.5s 1s 2s 1000us 8s 300ms 4s 20s 100s'),
  words('1 0 -1s 9s 1e6 nan inf 1ns 1S 1MSECS 0x10ms "" " 1s" 1e-3s'),
);
const bitRate = usually(
  words('8bit 5kbit 2.5mbit 1gbit 100 1KBps 3MiBps 2Kibit 1001500000bit 0'),
  words('8BITS 8 0x10 1tbit 1TiBps nan inf -1bit "" 3Ebit .5kbit'),
);
const packetRate = usually(words('0 1 5 1000'), word32);
const timerSeconds = usually(words('1 5 42 600'), either(word32, words('0 2147482 2147483')));
/** The kernel has one list of timers for all namespaces. */
const timer = usually(
  (taste) => `nfreplay-${taste.below(1_000_000)}`,
  words('"" . a/b power "nfreplay x" nfreplay-abcdefghijklmnopqrstuv'),
);

const ids = usually(
  either(number(0xfffffffe), sorted('-')),
  either(words('root nosuch'), joined('-', number(65_535), number(65_535)), joined(':', word32, word32)),
);

const TOS = either(maybe('/', byte, byte), name('Minimize-Delay', 'maximize-throughput', 'normal-service'));
const spis = usually(maybe(':', word32, word32), words(': 5: :5 5:4 1:2:3 '));
const CHUNKS = 'DATA INIT SACK ABORT I_DATA ASCONF DATA:Be ABORT:T SHUTDOWN_COMPLETE:t INIT:- I_DATA:u ERROR:x';
const chunks = either(list(name(...CHUNKS.split(' '))), name('ALL', 'NONE'));

const hashRate = usually(
  either(rate, words('512kb/s 1mb/s 100b/s 1/day 1000/s')),
  words('5 0/s 512kb 512kb/m 1gb/s 5000mb/s 1000001/s 1/x kb/s 16b/s 15b/s 4294967295/s 5kB/s'),
);
const date = usually(
  words('2026-11-28 2026-01-01T12:00:00 2026-12-31T23:59 1970-01-01 2038-01-19T03:14:07 2026-2-3'),
  words(
    '2038-01-19T03:14:08 1969-12-31 2026-13-01 2026-02-30 2026-11-28T24:00 2026 2026-11 2026-11-28T1:2:3 x 2026-11-28T',
  ),
);
const timeOfDay = usually(
  words('00:00 17:30 23:59:59 8:05 09:00:00'),
  words('24:00 12 12:60 1:2:3:4 12:00:60 x 010:08'),
);

/** There are these in the namespace in which iptables is asked. */
export const ACCOUNTING_OBJECTS = ['nfr-a', 'nfr-b'];

/** The values of options, by name; `--x y z` takes two. */
const VALUES: Readonly<Record<string, readonly Maker[]>> = {
  '--add-set': SET,
  '--ahlen': [word32],
  '--ahspi': [spis],
  '--algo': [usually(words('bm kmp'), words('fsm BM x bmbmbmbmbmbmbmbmbmbm'))],
  '--and-mark': [word32],
  '--and-tos': [byte],
  '--bytecode': [PROGRAMS],
  '--bytes-eq': [count],
  '--bytes-gt': [count],
  '--bytes-lt': [count],
  '--cgroup': [word32],
  '--chunk-types': [name('any', 'all', 'only'), chunks],
  '--cluster-hash-seed': [word32],
  '--cluster-local-node': [clusterNode],
  '--cluster-local-nodemask': [clusterNode],
  '--cluster-total-nodes': [usually(words('2 3 4 8 32'), number(33))],
  '--clustermac': [MAC],
  '--comment': [text],
  '--connbytes': [longRange],
  '--connbytes-dir': [name('original', 'reply', 'both')],
  '--connbytes-mode': [name('packets', 'bytes', 'avgpkt')],
  '--connlimit-above': [connections],
  '--connlimit-mask': [prefix],
  '--connlimit-upto': [connections],
  '--cpu': [word32],
  '--ctdir': [name('ORIGINAL', 'REPLY')],
  '--ctevents': [list(usually(words(CT_EVENTS), words('NEW status')), ',', 6)],
  '--ctexpire': [secondsRange],
  '--ctmask': [word32],
  '--ctorigdst': [network],
  '--ctorigdstport': [portRange],
  '--ctorigsrc': [network],
  '--ctorigsrcport': [portRange],
  '--ctproto': [protocol],
  '--ctrepldst': [network],
  '--ctrepldstport': [portRange],
  '--ctreplsrc': [network],
  '--ctreplsrcport': [portRange],
  '--ctstate': [list(either(states, name('SNAT', 'DNAT')))],
  '--ctstatus': [list(name('NONE', 'EXPECTED', 'SEEN_REPLY', 'ASSURED', 'CONFIRMED'))],
  '--datestart': [date],
  '--datestop': [date],
  '--dccp-option': [byte],
  '--dccp-types': [list(name('REQUEST', 'DATA', 'RESET', 'SYNCACK', 'INVALID'))],
  '--del-set': SET,
  '--dir': [usually(words('in out'), words('IN x'))],
  '--dport': [portRange],
  '--dports': [ports],
  '--dscp': [number(63)],
  '--dscp-class': [name('CS0', 'CS7', 'BE', 'EF', 'AF11', 'AF43')],
  '--dst-group': [maybe('/', usually(word32, words('default nosuch')), word32)],
  '--dst-len': [word32],
  '--dst-opts': [headerOptions],
  '--dst-pfx': [PREFIXES],
  '--dst-range': [ADDRESSES],
  '--dst-type': [list(name(...ADDRESS_TYPES))],
  '--ecn-ip-ect': [number(3)],
  '--ecn-tcp-cwr': [number(1)],
  '--ecn-tcp-ece': [number(1)],
  '--espspi': [spis],
  '--every': [number(5)],
  '--expevents': [usually(of('new'), of('destroy', '""'))],
  '--fragid': [spis],
  '--fraglen': [word32],
  '--from': [offset],
  '--gateway': [usually(address, words('0.0.0.0 ::1 10.1 300.1.1.1 x/8'))],
  '--genre': [text],
  '--gid-owner': [ids],
  '--hash-init': [word32],
  '--hashlimit-above': [hashRate],
  '--hashlimit-burst': [usually(number(10_000), words('512kb 1mb 5b 1gb 0 -1 5KB'))],
  '--hashlimit-dstmask': [prefix],
  '--hashlimit-htable-expire': [word32],
  '--hashlimit-htable-gcinterval': [word32],
  '--hashlimit-htable-max': [word32],
  '--hashlimit-htable-size': [usually(number(4096), word32)],
  '--hashlimit-mode': [list(name('srcip', 'srcport', 'dstip', 'dstport'))],
  '--hashlimit-name': [usually(words('a b c d'), words('abcdefghijklmno abcdefghijklmnop a/b . ""'))],
  '--hashlimit-rate-interval': [usually(number(3600), word32)],
  '--hashlimit-srcmask': [prefix],
  '--hashlimit-upto': [hashRate],
  '--hashmode': [name('sourceip', 'sourceip-sourceport', 'sourceip-sourceport-destport')],
  '--hbh-len': [word32],
  '--hbh-opts': [headerOptions],
  '--header': [list(HEADERS)],
  // Others have to exist.
  '--helper': [of('""')],
  '--hex-string': [hexString],
  '--hitcount': [usually(number(20), words('0 255 256 65535 65536'))],
  '--hl-dec': [byte],
  '--hl-eq': [byte],
  '--hl-gt': [byte],
  '--hl-inc': [byte],
  '--hl-lt': [byte],
  '--hl-set': [byte],
  '--hmark-dport': [number(65_535)],
  '--hmark-dport-mask': [number(65_535)],
  '--hmark-dst-prefix': [mask],
  '--hmark-mod': [word32],
  '--hmark-offset': [word32],
  '--hmark-proto-mask': [number(65_535)],
  '--hmark-rnd': [word32],
  '--hmark-spi': [word32],
  '--hmark-spi-mask': [word32],
  '--hmark-sport': [number(65_535)],
  '--hmark-sport-mask': [number(65_535)],
  '--hmark-src-prefix': [mask],
  '--hmark-tuple': [hashed],
  '--icmp-type': [either(name(...ICMP_TYPES), maybe('/', byte, byte))],
  '--icmpv6-type': [either(name(...ICMP6_TYPES), maybe('/', byte, byte))],
  '--ipcompspi': [spis],
  '--label': [timer],
  'connlabel --label': [usually(number(127), either(number(65_535), number(0xffffffff)))],
  '--led-delay': [usually(word32, words('inf INFINITE -1'))],
  '--led-trigger-id': [text],
  '--left-shift-mark': [number(31)],
  '--length': [bytesRange],
  '--limit': [rate],
  '--limit-burst': [number(10_000)],
  '--local-node': [number(16)],
  '--log': [number(2)],
  '--log-level': [either(number(7), LEVELS)],
  '--log-prefix': [text],
  '--mac-source': [MAC],
  '--map-set': SET,
  '--mark': [masked],
  '--mask': [word32],
  'recent --mask': [prefix],
  '--match-set': SET,
  '--mh-type': [usually(maybe(':', MOBILITY, MOBILITY), maybe(':', byte, byte))],
  'policy --mode': [usually(words('transport tunnel'), words('Tunnel x'))],
  'statistic --mode': [usually(words('random nth'), words('RANDOM x'))],
  '--monthdays': [list(usually(number(31), words('0 32 1-5 01 31')))],
  '--mss': [bytesRange],
  'recent --name': [usually(words('x y z'), text)],
  '--nfacct-name': [of(...ACCOUNTING_OBJECTS)],
  '--nflog-group': [number(65_535)],
  '--nflog-prefix': [text],
  '--nflog-range': [word32],
  '--nflog-size': [word32],
  '--nflog-threshold': [number(65_535)],
  '--nfmask': [word32],
  // Others have to exist.
  '--object-pinned': [of('""')],
  '--oif': [words('eth0 eth+ abcdefghijklmnopqrs a.b ""')],
  '--on-ip': [address],
  '--on-port': [port],
  '--or-mark': [word32],
  '--or-tos': [byte],
  '--packet': [number(5)],
  '--packets-eq': [count],
  '--packets-gt': [count],
  '--packets-lt': [count],
  '--path': [usually(words('/ //'), of('""'))],
  '--physdev-in': [device],
  '--physdev-out': [device],
  '--pkt-type': [name('unicast', 'broadcast', 'multicast', 'otherhost', 'host', 'bcast', 'mcast')],
  '--pol': [usually(words('ipsec none'), words('x IPSEC'))],
  '--ports': [ports],
  '--probability': [usually(words('0 1 0.5 .5 5e-1 1e-12 0.123456789'), DOUBLES)],
  '--proto': [usually(words('esp ah ipcomp'), either(words('tcp ESP'), number(255)))],
  '--queue-balance': [
    usually(sorted(':'), either(joined(':', number(65_535), number(65_535)), words(': :5 5: 5 1:2:3 "" 0:65535 7:7'))),
  ],
  '--queue-num': [number(65_535)],
  '--quota': [usually(word32, words('18446744073709551615 18446744073709551616 9007199254740993 -1'))],
  '--rateest-bps1': [bitRate],
  '--rateest-bps2': [bitRate],
  '--rateest-ewmalog': [estimatorTime],
  '--rateest-interval': [estimatorTime],
  '--rateest-name': [estimator],
  '--rateest-pps1': [packetRate],
  '--rateest-pps2': [packetRate],
  '--rateest1': [estimator],
  '--rateest2': [estimator],
  '--realm': [maybe('/', usually(word32, words('cosmos nosuch')), word32)],
  '--reject-with': [of46(name(...REJECTS), name(...REJECTS6))],
  '--reqid': [word32],
  '--right-shift-mark': [number(31)],
  '--rt-0-addrs': [list(groups, ',', 17)],
  '--rt-len': [word32],
  '--rt-segsleft': [spis],
  '--rt-type': [usually(words('0 0 1 2'), word32)],
  '--seconds': [usually(number(3600), word32)],
  // Others have to be known to the kernel.
  '--selctx': [of('""')],
  '--set-class': [trafficClass],
  '--set-dscp': [number(63)],
  '--set-dscp-class': [name('CS0', 'CS7', 'BE', 'EF', 'AF11', 'AF43')],
  '--set-mark': [masked],
  '--set-mss': [number(65_515)],
  '--set-tos': [TOS],
  '--set-xmark': [masked],
  '--spi': [word32],
  '--sport': [portRange],
  '--sports': [ports],
  '--src-group': [maybe('/', usually(word32, words('default nosuch')), word32)],
  '--src-pfx': [PREFIXES],
  '--src-range': [ADDRESSES],
  '--src-type': [list(name(...ADDRESS_TYPES))],
  '--srh-hdr-len-eq': [byte],
  '--srh-hdr-len-gt': [byte],
  '--srh-hdr-len-lt': [byte],
  '--srh-last-entry-eq': [byte],
  '--srh-last-entry-gt': [byte],
  '--srh-last-entry-lt': [byte],
  '--srh-lsid': [network],
  '--srh-next-hdr': [byte],
  '--srh-nsid': [network],
  '--srh-psid': [network],
  '--srh-segs-left-eq': [byte],
  '--srh-segs-left-gt': [byte],
  '--srh-segs-left-lt': [byte],
  '--srh-tag': [number(65_535)],
  '--state': [list(states)],
  '--string': [text],
  '--strip-options': [list(either(byte, name('wscale', 'mss', 'sack-permitted', 'sack', 'timestamp', 'md5')))],
  '--tcp-flags': [flags, flags],
  '--tcp-option': [number(255)],
  '--timeout': [timerSeconds],
  // Others have to exist.
  'CT --timeout': [of('""')],
  '--timestart': [timeOfDay],
  '--timestop': [timeOfDay],
  '--to': [either(network, offset)],
  '--to-destination': [natRange],
  '--to-ports': [natPorts],
  '--to-source': [natRange],
  '--tos': [TOS],
  '--total-nodes': [number(16)],
  '--tproxy-mark': [masked],
  '--ttl': [number(2)],
  '--ttl-dec': [byte],
  '--ttl-eq': [byte],
  '--ttl-gt': [byte],
  '--ttl-inc': [byte],
  '--ttl-lt': [byte],
  '--ttl-set': [byte],
  '--tunnel-dst': [network],
  '--tunnel-src': [network],
  '--type': [name('accept', 'drop', 'reject')],
  '--u32': [usually(u32Test, list(u32Test, '&&', 11))],
  '--uid-owner': [ids],
  '--ulog-cprange': [word32],
  '--ulog-nlgroup': [number(32)],
  '--ulog-prefix': [text],
  '--ulog-qthreshold': [number(50)],
  '--vaddr': [network],
  '--vdir': [name('ORIGINAL', 'REPLY')],
  '--vmethod': [name('GATE', 'IPIP', 'MASQ')],
  '--vport': [port],
  '--vportctl': [port],
  '--vproto': [protocol],
  '--weekdays': [list(usually(name('Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'), words('1 7 0 8 Monday T M 07')))],
  '--wscale': [number(14)],
  '--xor-mark': [word32],
  '--xor-tos': [byte],
  '--zone': [zone],
  '--zone-orig': [zone],
  '--zone-reply': [zone],
};

/** The makers of the values of OPTION, which an extension may share with others. */
export function valuesOf(extension: string, option: string): readonly Maker[] {
  return VALUES[`${extension} ${option}`] ?? VALUES[option];
}
