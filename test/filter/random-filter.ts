/** Random filters in tcpdump's language, most of them correct. */
import { pick, type Random } from '../random.js';
import { ADDRESSES, ADDRESSES6, MACS, PORTS } from './random-frames.js';

const isOneIn = (random: Random, of: number): boolean => random(of) === 0;
const maybe = (random: Random, texts: readonly string[], of = 2): string =>
  isOneIn(random, of) ? `${pick(random, texts)} ` : '';

const DIRECTIONS = ['src', 'dst', 'src or dst', 'dst or src', 'src and dst', 'dst and src'];
const RELATIONS = ['=', '==', '!=', '<', '>', '<=', '>='];
const OPERATORS = ['+', '-', '*', '/', '%', '&', '|', '^', '<<', '>>'];
const LOADED = [
  'ip',
  'ip',
  'ip6',
  'tcp',
  'tcp',
  'udp',
  'icmp',
  'icmp6',
  'ether',
  'link',
  'arp',
  'rarp',
  'sctp',
  'igmp',
  'pim',
  'vrrp',
  'igrp',
  'carp',
  'ppp',
  'decnet',
  'lat',
];
const PROTOCOLS = [
  'ip',
  'ip6',
  'arp',
  'rarp',
  'tcp',
  'udp',
  'icmp',
  'icmp6',
  'sctp',
  'igmp',
  'igrp',
  'pim',
  'vrrp',
  'carp',
  'ah',
  'esp',
  'atalk',
  'aarp',
  'decnet',
  'lat',
  'sca',
  'moprc',
  'mopdl',
  'iso',
  'esis',
  'isis',
  'l1',
  'l2',
  'iih',
  'lsp',
  'snp',
  'csnp',
  'psnp',
  'clnp',
  'stp',
  'ipx',
  'netbeui',
  'es-is',
  'is-is',
];
const NAMED = [
  'icmptype',
  'icmpcode',
  'tcpflags',
  'icmp-echo',
  'icmp-unreach',
  'tcp-syn',
  'tcp-ack',
  'icmp6-echo',
  'icmp6type',
];
const SERVICES = ['ssh', 'domain', 'http', 'https', 'ntp', 'http-alt'];

function address(random: Random): string {
  return pick(random, isOneIn(random, 4) ? ADDRESSES6 : ADDRESSES);
}

function network(random: Random): string {
  return pick(random, [
    ...[
      '10',
      '10.0',
      '10.1.2',
      '192.168',
      '10.0.0.0/8',
      '10.0.0.0/30',
      '10.0/16',
      '192.168.1.0/24',
      '0.0.0.0/0',
      '224.0.0.0/4',
    ],
    ...['10.0.0.0 mask 255.0.0.0', '10.0.0.0 mask 255.255.255.252', '192.168 mask 255.255', '0xa', '10.0.0.1'],
    ...['2001:db8::/32', 'fe80::/10', 'ff02::1', '2001:db8:0:1::/64', '::/0', 'ff00::/8'],
  ]);
}

/** Something that an id without a qualifier can be, and how further ones look. */
function qualified(random: Random): { qualifier: string; id: () => string } {
  const direction = () => maybe(random, DIRECTIONS);
  switch (random(9)) {
    case 0:
    case 1:
      return {
        qualifier: `${maybe(random, ['ip', 'arp', 'rarp', 'ip6', 'ip'], 4)}${direction()}host `,
        id: () => address(random),
      };
    case 2:
      return {
        qualifier: `${maybe(random, ['ip', 'arp', 'ip6'], 4)}${pick(random, DIRECTIONS)} `,
        id: () => address(random),
      };
    case 3:
      return { qualifier: `${maybe(random, ['ip', 'arp', 'ip6'], 5)}${direction()}net `, id: () => network(random) };
    case 4:
    case 5:
      return {
        qualifier: `${maybe(random, ['tcp', 'udp', 'sctp'], 3)}${direction()}port `,
        id: () => (isOneIn(random, 5) ? pick(random, SERVICES) : String(pick(random, PORTS))),
      };
    case 6: {
      const range = () =>
        pick(random, ['22-80', '80-22', '50-6081', 'ssh-http', '443', '0-65535', '53-domain', '8080-65535']);
      return { qualifier: `${maybe(random, ['tcp', 'udp', 'sctp'], 3)}${direction()}portrange `, id: range };
    }
    case 7:
      return {
        qualifier: `ether ${pick(random, ['host ', 'src ', 'dst ', 'src or dst ', 'src and dst host '])}`,
        id: () => pick(random, MACS),
      };
    default:
      return {
        qualifier: `${maybe(random, ['ip', 'ip6', 'ether', 'ip', 'iso', 'isis'], 2)}proto `,
        id: () =>
          pick(random, [
            '6',
            '17',
            '44',
            '58',
            '0x800',
            '0x86dd',
            '0x8100',
            '2',
            '0xfe',
            '0xe0',
            '15',
            '\\tcp',
            '\\udp',
            '\\ip',
            '\\arp',
            'ospf',
          ]),
      };
  }
}

function ids(random: Random): string {
  const { qualifier, id } = qualified(random);
  const one = () => (isOneIn(random, 10) ? `not ${id()}` : id());
  switch (random(5)) {
    case 0:
      return `${qualifier}(${one()} ${pick(random, ['or', 'and'])} ${one()})`;
    case 1:
      return `${qualifier}${one()} ${pick(random, ['or', 'or', 'and not', '||'])} ${id()}`;
    default:
      return `${qualifier}${one()}`;
  }
}

function arithmetic(random: Random, depth: number): string {
  if (depth === 0 || isOneIn(random, 3)) {
    switch (random(5)) {
      case 0:
        return isOneIn(random, 3)
          ? pick(random, NAMED)
          : String(pick(random, [0, 1, 2, 4, 5, 8, 15, 64, 80, 255, '0x1fff', '0xffffffff', '010']));
      case 1:
        return pick(random, ['len', 'length']);
      default:
        return loaded(random, depth);
    }
  }
  if (isOneIn(random, 10)) return `-${arithmetic(random, depth - 1)}`;
  const inner = `${arithmetic(random, depth - 1)} ${pick(random, OPERATORS)} ${arithmetic(random, depth - 1)}`;
  return isOneIn(random, 3) ? `(${inner})` : inner;
}

function loaded(random: Random, depth: number): string {
  const protocol = pick(random, LOADED);
  // What libpcap makes of a byte before a transport header depends on where its optimizer finds it.
  const before = ['ip', 'ip6', 'ether', 'link', 'arp', 'ppp'].includes(protocol) ? ['-1'] : [];
  const constants = ['0', '1', '2', '6', '8', '9', '12', '13', '16', '20', '33', ...before, 'tcpflags', 'icmptype'];
  const index = isOneIn(random, 5) ? arithmetic(random, Math.max(0, depth - 1)) : pick(random, constants);
  return `${protocol}[${index}${pick(random, ['', '', ':1', ':2', ':4'])}]`;
}

function relation(random: Random): string {
  return `${arithmetic(random, random(3))} ${pick(random, RELATIONS)} ${arithmetic(random, random(2))}`;
}

function primitive(random: Random): string {
  const tunnels = ['vlan', 'vlan 1', 'vlan 2', 'mpls', 'mpls 1', 'pppoes', 'pppoes 1', 'pppoes (2)', 'pppoed'];
  const links = [
    'inbound',
    'outbound',
    'ifindex 1',
    'ifindex 2',
    'llc',
    'llc s',
    'llc u',
    'llc i',
    'llc ui',
    'llc rnr',
    'llc xid',
  ];
  const lengths = ['less 60', 'greater 60', 'less 42', 'byte 0 = 2', 'byte 1 > 3', 'byte 12 < 9'];
  const casts = [
    'broadcast',
    'multicast',
    'ether broadcast',
    'ether multicast',
    'ip broadcast',
    'ip multicast',
    'ip6 multicast',
  ];
  return pick(random, [...tunnels, ...tunnels, ...links, ...lengths, ...casts]);
}

function item(random: Random, depth: number): string {
  if (depth > 0 && isOneIn(random, 6)) return `(${expression(random, depth - 1)})`;
  if (isOneIn(random, 8)) return `${pick(random, ['not', '!'])} ${item(random, depth)}`;
  switch (random(8)) {
    case 0:
      return pick(random, PROTOCOLS);
    case 1:
      return pick(random, ['tcp', 'udp', 'ip', 'ip6', 'icmp', 'arp']);
    case 2:
      return primitive(random);
    case 3:
    case 4:
      return relation(random);
    default:
      return ids(random);
  }
}

function expression(random: Random, depth: number): string {
  let text = item(random, depth);
  for (let more = random(4); more > 1; more--)
    text += ` ${pick(random, ['and', 'or', '&&', '||'])} ${item(random, depth)}`;
  return text;
}

/**
 * A filter. Geneve comes only first, with `and`: what tcpdump asks after other operators depends on its stack. With it,
 * libpcap does not optimize.
 */
export function randomFilter(random: Random): string {
  if (!isOneIn(random, 25)) return expression(random, 2);
  const inner = isOneIn(random, 3)
    ? `${loaded(random, 0)} ${pick(random, RELATIONS)} ${loaded(random, 0)}`
    : ids(random);
  return `${pick(random, ['geneve', 'geneve 1'])} and (${inner} or ${pick(random, PROTOCOLS)})`;
}
