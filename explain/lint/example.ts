/** A packet of a set, as a sentence. */
import { addressFromHostOrder } from '../../codecs/address.js';
import { IPPROTO_ICMP, IPPROTO_TCP } from '../../codecs/layouts.js';
import { formatSentence } from '../../codecs/sentence/format.js';
import { ANY_PACKET, hasPorts, SENTENCE_STATES, type SentenceEnd } from '../../codecs/sentence/sentence.js';
import { ABSENT } from '../../core/fields.js';
import { CtInfo } from '../../core/packet.js';
import type { Rule } from '../../core/rules/model.js';
import { ALL_PACKETS, NO_PACKETS, type PacketSet } from '../../core/rules/space/diagrams.js';
import { type Dimension, HEADER_BYTES, MOST_HEADER_BYTES, type PacketValues } from '../../core/rules/space/encoding.js';
import type { PacketSpace } from '../../core/rules/space/packet-space.js';
import type { TableReach } from '../../core/rules/space/table-reach.js';

const CLIENT = 0xcb007107; // 203.0.113.7
const SERVER = 0xc000020a; // 192.0.2.10
const SYN = 0x02;
const ACK = 0x10;
const ECHO_REQUEST = 0x0800;
const UDP = 17;
/** The private networks of RFC 1918. */
const PRIVATE = [
  { min: 0x0a000000, max: 0x0affffff },
  { min: 0xac100000, max: 0xac1fffff },
  { min: 0xc0a80000, max: 0xc0a8ffff },
];
const UNICAST = [
  { min: 0x01000001, max: 0x7effffff },
  { min: 0x80000000, max: 0xdffffffe },
];

/** The packets that examples are taken from if a set has them, the most important wish first. */
function wishes(space: PacketSpace): PacketSet[] {
  const { encoding, sets } = space;
  const flags = (value: number): PacketSet => space.having('tcpFlags', value);
  const having = (name: Dimension, value: number): PacketSet => space.having(name, value);
  const opening = sets.and(having('ctinfo', CtInfo.NEW), flags(SYN));
  return [
    encoding.within(HEADER_BYTES, [{ min: MOST_HEADER_BYTES, max: MOST_HEADER_BYTES }]),
    sets.not(space.having('protocol', 0)),
    space.having('protocol', IPPROTO_TCP, UDP, IPPROTO_ICMP),
    having('protocol', IPPROTO_TCP),
    sets.not(having('inDev', space.devices.indexOf('lo') + 1)),
    sets.not(having('outDev', space.devices.indexOf('lo') + 1)),
    having('ctinfo', CtInfo.NEW),
    sets.or(opening, sets.and(sets.not(having('ctinfo', CtInfo.NEW)), flags(ACK))),
    having('icmpType', ECHO_REQUEST),
    encoding.within('source', UNICAST),
    encoding.within('destination', UNICAST),
    having('source', CLIENT),
    encoding.within('source', PRIVATE),
    having('destination', SERVER),
    encoding.within('destination', PRIVATE),
    having('dport', 80),
    encoding.within('dport', [{ min: 1, max: 0xffff }]),
    having('sport', 51515),
    encoding.within('sport', [{ min: 1024, max: 0xffff }]),
    encoding.within('sport', [{ min: 1, max: 0xffff }]),
    encoding.within('outDev', [{ min: 1, max: space.devices.length }]),
    ...(encoding.has('mark') ? [having('mark', 0)] : []),
    ...(encoding.has('ttl') ? [having('ttl', 64)] : []),
  ];
}

/**
 * The values of one packet: one that people would think of, if there is. HAS tells whether some packet is also in a set;
 * SET is all that it may be, for a set that was asked about.
 */
function exampleOf(
  space: PacketSpace,
  has: (part: PacketSet) => boolean,
  set: (part: PacketSet) => PacketSet,
): PacketValues {
  const { sets, encoding } = space;
  let wished: PacketSet = ALL_PACKETS;
  for (const wish of wishes(space)) {
    const more = sets.and(wished, wish);
    if (more !== NO_PACKETS && has(more)) wished = more;
  }
  return encoding.example(set(wished));
}

/** A packet that RULE matches, as a sentence. */
export function exampleFor(reach: TableReach, rule: Rule): string {
  const { space } = reach;
  const values = exampleOf(
    space,
    (part) => reach.matches(rule, part),
    (part) => reach.matched(rule, part),
  );
  return sentenceOf(space, values);
}

/** A packet of SET, which must not be empty, as a sentence. */
export function exampleIn(space: PacketSpace, set: PacketSet): string {
  const { sets } = space;
  const values = exampleOf(
    space,
    (part) => sets.meet(set, part),
    (part) => sets.and(set, part),
  );
  return sentenceOf(space, values);
}

/** The packet with VALUES as a sentence: `eth0 tcp 203.0.113.7:51515 > 192.0.2.10:8081 S`. */
function sentenceOf(space: PacketSpace, values: PacketValues): string {
  const known = (name: Dimension): number | undefined => {
    const value = values.get(name);
    return value === ABSENT ? undefined : value;
  };
  const protocol = known('protocol') ?? IPPROTO_TCP;
  const device = (index: number | undefined) =>
    index === undefined || index === 0 ? undefined : { name: space.devices[index - 1], isNegated: false };
  const inDev = values.get('inDev');
  const end = (address: Dimension, port: Dimension, other: number): SentenceEnd => {
    const value = known(port);
    const addresses = [addressFromHostOrder(known(address) ?? other)];
    return {
      isNegated: false,
      host: { name: undefined, addresses, prefixLength: undefined },
      ports: !hasPorts(protocol) || value === undefined ? undefined : { min: value, max: value },
    };
  };
  const icmp = known('icmpType');
  const state = known('ctinfo');
  const mark = known('mark');
  const ttl = known('ttl');
  const length = known('length');
  return formatSentence({
    ...ANY_PACKET,
    isLocal: inDev === 0,
    input: device(inDev),
    output: device(known('outDev')),
    protocol,
    ends: { source: end('source', 'sport', CLIENT), destination: end('destination', 'dport', SERVER) },
    flags: protocol === IPPROTO_TCP ? known('tcpFlags') : undefined,
    icmp: protocol === IPPROTO_ICMP && icmp !== undefined ? { type: icmp >> 8, code: icmp & 0xff } : undefined,
    mark: mark === 0 ? undefined : mark,
    ttl: ttl === undefined ? undefined : { min: ttl, max: ttl },
    length: length === undefined ? undefined : { min: length, max: length },
    state: state === undefined ? undefined : STATES[state],
  });
}

const STATES = Object.fromEntries(
  Object.entries(CtInfo).map(([name, value]) => [value, SENTENCE_STATES.find((state) => state === name)]),
);
