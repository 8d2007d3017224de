/** The words of tcpdump's filter language (pcap-filter(7)): keywords, and names for numbers. */

/** What a keyword means to the parser. */
export type Keyword =
  | { readonly is: 'protocol'; readonly protocol: ProtocolWord }
  | { readonly is: 'direction'; readonly direction: 'src' | 'dst' }
  | { readonly is: 'type'; readonly type: AddressType }
  | { readonly is: 'operator'; readonly operator: '&&' | '||' | '!' }
  | { readonly is: 'primitive'; readonly primitive: PrimitiveWord }
  | { readonly is: 'unsupported'; readonly reason: string };

/** What an id is: host is what is assumed without a word. */
export type AddressType = 'host' | 'net' | 'port' | 'portrange' | 'proto';

const PROTOCOLS = [
  ...['link', 'ip', 'arp', 'rarp', 'sctp', 'tcp', 'udp', 'icmp', 'igmp', 'igrp', 'pim', 'vrrp', 'carp', 'ip6', 'icmp6'],
  ...['ah', 'esp', 'atalk', 'aarp', 'decnet', 'lat', 'sca', 'moprc', 'mopdl', 'iso', 'esis', 'isis', 'l1', 'l2', 'iih'],
  ...['lsp', 'snp', 'csnp', 'psnp', 'clnp', 'stp', 'ipx', 'netbeui'],
] as const;
export type ProtocolWord =
  | 'link'
  | 'ip'
  | 'arp'
  | 'rarp'
  | 'sctp'
  | 'tcp'
  | 'udp'
  | 'icmp'
  | 'igmp'
  | 'igrp'
  | 'pim'
  | 'vrrp'
  | 'carp'
  | 'ip6'
  | 'icmp6'
  | 'ah'
  | 'esp'
  | 'atalk'
  | 'aarp'
  | 'decnet'
  | 'lat'
  | 'sca'
  | 'moprc'
  | 'mopdl'
  | 'iso'
  | 'esis'
  | 'isis'
  | 'l1'
  | 'l2'
  | 'iih'
  | 'lsp'
  | 'snp'
  | 'csnp'
  | 'psnp'
  | 'clnp'
  | 'stp'
  | 'ipx'
  | 'netbeui';

const PRIMITIVES = [
  ...['broadcast', 'multicast', 'less', 'greater', 'byte', 'len', 'inbound', 'outbound', 'ifindex', 'vlan', 'mpls'],
  ...['pppoed', 'pppoes', 'geneve', 'llc', 'mask'],
] as const;
export type PrimitiveWord =
  | 'broadcast'
  | 'multicast'
  | 'less'
  | 'greater'
  | 'byte'
  | 'len'
  | 'inbound'
  | 'outbound'
  | 'ifindex'
  | 'vlan'
  | 'mpls'
  | 'pppoed'
  | 'pppoes'
  | 'geneve'
  | 'llc'
  | 'mask';

const keyword = (words: string, value: Keyword): [string, Keyword][] =>
  words.split(' ').map((word): [string, Keyword] => [word, value]);
const refused = (words: string, reason: string): [string, Keyword][] => keyword(words, { is: 'unsupported', reason });

const KEYWORDS: ReadonlyMap<string, Keyword> = new Map([
  ...PROTOCOLS.map((protocol): [string, Keyword] => [protocol, { is: 'protocol', protocol: protocol as ProtocolWord }]),
  // Whatever the link is, these mean its header.
  ...keyword('ether ppp slip fddi tr', { is: 'protocol', protocol: 'link' }),
  ...keyword('es-is', { is: 'protocol', protocol: 'esis' }),
  ...keyword('is-is', { is: 'protocol', protocol: 'isis' }),
  ...keyword('src', { is: 'direction', direction: 'src' }),
  ...keyword('dst', { is: 'direction', direction: 'dst' }),
  ...(['host', 'net', 'port', 'portrange', 'proto'] as const).map((type): [string, Keyword] => [
    type,
    { is: 'type', type },
  ]),
  ...keyword('and', { is: 'operator', operator: '&&' }),
  ...keyword('or', { is: 'operator', operator: '||' }),
  ...keyword('not', { is: 'operator', operator: '!' }),
  ...PRIMITIVES.map((primitive): [string, Keyword] => [
    primitive,
    { is: 'primitive', primitive: primitive as PrimitiveWord },
  ]),
  ...keyword('length', { is: 'primitive', primitive: 'len' }),
  ...refused('gateway', 'gateway needs the names of hosts and their MAC addresses, which nfreplay does not look up'),
  ...refused('protochain', 'protochain is not supported'),
  ...refused(
    'wlan radio type subtype direction dir address1 addr1 address2 addr2 address3 addr3 address4 addr4 ra ta',
    'IEEE 802.11 is not supported: nfreplay reads no such captures',
  ),
  ...refused(
    'on ifname rset ruleset rnr rulenum srnr subrulenum reason action',
    'only the logs of OpenBSD and FreeBSD (pf) have this, which nfreplay does not read',
  ),
  ...refused(
    'lane metac bcc oam oamf4 oamf4ec oamf4sc sc ilmic vpi vci connectmsg metaconnect',
    'only ATM has this: nfreplay reads no such captures',
  ),
  ...refused(
    'fisu lssu lsu msu hfisu hlssu hmsu sio opc dpc sls hsio hopc hdpc hsls',
    'only SS7 has this: nfreplay reads no such captures',
  ),
]);

/** `name=number …` */
const numbers = (text: string): [string, number][] =>
  text
    .trim()
    .split(/\s+/)
    .map((entry) => entry.split('='))
    .map(([name, number]): [string, number] => [name, Number(number)]);

/** Names of offsets, ICMP types and TCP flags. */
const NUMBERS: ReadonlyMap<string, number> = new Map(
  numbers(`
    icmptype=0 icmpcode=1 icmp6type=0 icmp6code=1 tcpflags=13
    tcp-fin=0x01 tcp-syn=0x02 tcp-rst=0x04 tcp-push=0x08 tcp-ack=0x10 tcp-urg=0x20 tcp-ece=0x40 tcp-cwr=0x80
    icmp-echoreply=0 icmp-unreach=3 icmp-sourcequench=4 icmp-redirect=5 icmp-echo=8 icmp-routeradvert=9
    icmp-routersolicit=10 icmp-timxceed=11 icmp-paramprob=12 icmp-tstamp=13 icmp-tstampreply=14 icmp-ireq=15
    icmp-ireqreply=16 icmp-maskreq=17 icmp-maskreply=18
    icmp6-destinationunreach=1 icmp6-packettoobig=2 icmp6-timeexceeded=3 icmp6-parameterproblem=4 icmp6-echo=128
    icmp6-echoreply=129 icmp6-multicastlistenerquery=130 icmp6-multicastlistenerreportv1=131
    icmp6-multicastlistenerdone=132 icmp6-routersolicit=133 icmp6-routeradvert=134 icmp6-neighborsolicit=135
    icmp6-neighboradvert=136 icmp6-redirect=137 icmp6-routerrenum=138 icmp6-nodeinformationquery=139
    icmp6-nodeinformationresponse=140 icmp6-ineighbordiscoverysolicit=141 icmp6-ineighbordiscoveryadvert=142
    icmp6-multicastlistenerreportv2=143 icmp6-homeagentdiscoveryrequest=144 icmp6-homeagentdiscoveryreply=145
    icmp6-mobileprefixsolicit=146 icmp6-mobileprefixadvert=147 icmp6-certpathsolicit=148 icmp6-certpathadvert=149
    icmp6-multicastrouteradvert=151 icmp6-multicastroutersolicit=152 icmp6-multicastrouterterm=153
  `),
);

/** The meaning of WORD; undefined: it is none of the language's. */
export function keywordOf(word: string): Keyword | undefined {
  return KEYWORDS.get(word);
}

/** The number that NAME stands for. */
export function namedNumber(name: string): number | undefined {
  return NUMBERS.get(name);
}

/** Every word that may stand in a filter, for suggestions. */
export function filterWords(): string[] {
  return [...KEYWORDS.keys(), ...NUMBERS.keys()];
}
