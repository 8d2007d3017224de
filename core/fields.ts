/**
 * All the fields of a packet that matches can test, one per row (modeled on Open vSwitch's meta-flow table).
 *
 * Everything else about fields is derived from this table or exhaustive over it: conditions, generated code, the index
 * of long chains, fast path tests, and explanations. So a match that needs a new field only requires a new row.
 */
import { portToHostOrder, toHostOrder } from '../codecs/byte-order.js';
import {
  AH_SPI_AT,
  DCCP_TYPE_AT,
  ESP_SPI_AT,
  ICMP_TYPE_AT,
  IPCOMP_CPI_AT,
  IPV4_DESTINATION_AT,
  IPV4_PROTOCOL_AT,
  IPV4_SOURCE_AT,
  IPV4_TOS_AT,
  IPV4_TOTAL_LENGTH_AT,
  IPV4_TTL_AT,
  TCP_DESTINATION_PORT_AT,
  TCP_FLAGS_AT,
  TCP_SOURCE_PORT_AT,
} from '../codecs/layouts.js';
import { protocolName } from '../codecs/protocol-names.js';
import {
  EXPIRES_MS_F64,
  MARK,
  ORIGINAL_TUPLE,
  PROTOCOL,
  RECORD_F64,
  RECORD_WORDS,
  REPLY_TUPLE,
  STATUS,
  Status,
  TUPLE_DESTINATION,
  TUPLE_PORTS,
  TUPLE_SOURCE,
} from './conntrack/record.js';
import {
  asAddress,
  asDevice,
  asFlags,
  asHex,
  asMac,
  CTSTATE_DNAT,
  CTSTATE_SNAT,
  formatCtstate,
  formatDccpType,
  formatStatus,
  namesOf,
} from './field-formats.js';
import { AddressType } from './host/address-type.js';
import { ReversePath } from './host/route-decision.js';
import { CtInfo, type Packet, PacketType } from './packet.js';
import type { RuleContext } from './rules/context.js';
import { type Code, code } from './rules/run/codegen.js';

/**
 * What determines a field's value. Fields fixed by the connection, the host or the rules are the same for all packets
 * of one connection in the same direction and state. All other fields must be checked for each packet.
 *
 * sets: the entries of sets, which change at any time. Paths remember what sets have answered until then.
 *
 * history: earlier packets. Reading the field changes it, so it is read once per packet, and only if everything before
 * it matched.
 *
 * time: the clock.
 *
 * nothing: nothing that is known before the rules run. Packets that reach such a test take the slow path.
 */
export type FixedBy = 'packet' | 'connection' | 'host' | 'rules' | 'sets' | 'history' | 'time' | 'nothing';

/** What `read` returns if the packet does not have the field, such as a connection mark without a connection. */
export const ABSENT = -1;

/** The base of a field's offset on the fast path: the IP header, the layer-4 header, or the translated destination. */
export const FieldBase = { IP: 0, LAYER4: 1, TRANSLATED: 2 } as const;
export type FieldBase = (typeof FieldBase)[keyof typeof FieldBase];

/** Offsets of the address and the port in the translated destination. */
export const TRANSLATED_ADDRESS_AT = 0;
export const TRANSLATED_PORT_AT = 4;

/** Location of a field on the fast path, in network byte order, or its constant value there. */
export type FieldPlace =
  | {
      readonly base: FieldBase;
      /** Offset in bytes from `base`. */
      readonly at: number;
      /** How much to subtract from the stored value. */
      readonly surplus?: number;
    }
  | { readonly constant: number };

export interface FieldCode {
  /** An int32 expression for the value in `packet`. */
  readonly value: Code;
  /** A local constant that holds it in each generated function, for fields that no rule can change. */
  readonly local?: Code;
  /** The value is in wire byte order, loaded little-endian. */
  readonly isLoaded?: boolean;
}

/** Values are unsigned numbers. Addresses and ports are in host order. Interfaces are index + 1 (0: none). */
export interface FieldRow {
  /** Its name in messages. */
  readonly label: string;
  /** Its width in bits. */
  readonly bits: number;
  readonly fixedBy: FixedBy;
  /** Long chains are indexed by it: many rules test it, and it distinguishes them well. */
  readonly isIndexed?: boolean;
  /** Returns its value or ABSENT. Undefined: conditions cannot use it, only native functions read it. */
  readonly read?: (packet: Packet, context: RuleContext) => number;
  /** How generated code reads it, if it has at most 32 bits. Undefined: by calling `read`. */
  readonly code?: FieldCode;
  /** Its constant value for packets with a complete layer-4 header. */
  readonly ofWhole?: number;
  /** Its location on the fast path before routing and, if different, after. Undefined: the fast path cannot read it. */
  readonly onArrival?: FieldPlace;
  readonly afterRouting?: FieldPlace;
  /**
   * What the packets of a megaflow (core/flow/megaflow.ts) have in common. megaflow: the same value. A field name: the
   * value is that field, or follows from it and the host's routes. Undefined: nothing.
   */
  readonly follows?: 'megaflow' | 'source' | 'destination' | 'sport' | 'dport';
  /** NAT and forwarding rewrite it, so that it is not known before the rules are run. */
  readonly isRewritten?: boolean;
  /** Formats VALUE. NAMES are the interface names. Undefined: as a decimal number. */
  readonly format?: (value: number, names: readonly string[]) => string;
}

const noConnection = (packet: Packet): boolean => packet.ct < 0;

function connectionWord(packet: Packet, { conntrack }: RuleContext, word: number): number {
  return conntrack.words[packet.ct * RECORD_WORDS + word] >>> 0;
}

/** The address at WORD of a connection's record. */
function connectionAddress(label: string, word: number) {
  return {
    label,
    bits: 32,
    fixedBy: 'connection',
    read: (packet, context) => (noConnection(packet) ? ABSENT : toHostOrder(connectionWord(packet, context, word))),
    format: asAddress,
  } as const satisfies FieldRow;
}

/** The port at WORD of a connection's record, starting at bit SHIFT. */
function connectionPort(label: string, word: number, shift: number) {
  return {
    label,
    bits: 16,
    fixedBy: 'connection',
    read: (packet, context) => {
      if (noConnection(packet)) return ABSENT;
      return portToHostOrder(connectionWord(packet, context, word) >>> shift);
    },
  } as const satisfies FieldRow;
}

/** A word of an IPv6 address before its last one, which packets of IPv4 lack. */
function addressWord(end: 'source' | 'destination', word: number) {
  return {
    label: `${end}, word ${word} of four`,
    bits: 32,
    fixedBy: 'connection',
    follows: end,
    read: () => ABSENT,
    format: asHex,
  } as const satisfies FieldRow;
}

/** The host's type for the address at END. LIMIT restricts this to one interface. */
function addressType(end: 'source' | 'destination', limit?: 'inDev' | 'outDev') {
  const seen = limit === undefined ? '' : ` as seen from the ${limit === 'inDev' ? 'input' : 'output'} interface`;
  return {
    label: `type of the ${end}${seen}`,
    bits: 4,
    fixedBy: 'host',
    follows: end,
    read: (packet, context) => context.addressType(packet[end], limit === undefined ? -1 : packet[limit]),
    format: namesOf(AddressType),
  } as const satisfies FieldRow;
}

/**
 * How to read the 32-bit word at AT of the layer-4 header. Byte by byte, as the header of a packet of another protocol
 * may be shorter.
 */
function wordOfLayer4(at: number): Pick<FieldRow, 'read' | 'code'> & Required<Pick<FieldRow, 'read'>> {
  const byte = (i: number): Code => code`packet.bytes[packet.l4 + ${at + i}]`;
  return {
    read({ bytes, l4 }) {
      const first = l4 + at;
      return ((bytes[first] << 24) | (bytes[first + 1] << 16) | (bytes[first + 2] << 8) | bytes[first + 3]) >>> 0;
    },
    code: { value: code`(${byte(0)} << 24 | ${byte(1)} << 16 | ${byte(2)} << 8 | ${byte(3)})` },
  };
}

/** The group of an interface; a packet without it has none. */
function interfaceGroup(which: string, dev: 'inDev' | 'outDev') {
  return {
    label: `group of the ${which} interface`,
    bits: 32,
    fixedBy: 'host',
    follows: 'megaflow',
    read: (packet, { facts }) => (packet[dev] < 0 ? ABSENT : facts.groupOf(packet[dev])),
    format: asHex,
  } as const satisfies FieldRow;
}

/** Where an answer would go. */
function reversePath(withMark: boolean) {
  return {
    label: 'reverse path',
    bits: 3,
    fixedBy: withMark ? 'rules' : 'host',
    read: (packet, context) => context.reversePath(packet, withMark),
    format: namesOf(ReversePath),
  } as const satisfies FieldRow;
}

export const FIELDS = {
  source: {
    label: 'source',
    bits: 32,
    fixedBy: 'connection',
    follows: 'source',
    isIndexed: true,
    read: (packet) => toHostOrder(packet.source),
    code: { value: code`packet.source`, local: code`source`, isLoaded: true },
    onArrival: { base: FieldBase.IP, at: IPV4_SOURCE_AT },
    format: asAddress,
  },
  destination: {
    label: 'destination',
    bits: 32,
    fixedBy: 'connection',
    follows: 'destination',
    isIndexed: true,
    read: (packet) => toHostOrder(packet.destination),
    code: { value: code`packet.destination`, local: code`destination`, isLoaded: true },
    onArrival: { base: FieldBase.IP, at: IPV4_DESTINATION_AT },
    afterRouting: { base: FieldBase.TRANSLATED, at: TRANSLATED_ADDRESS_AT },
    format: asAddress,
  },
  sourceWord0: addressWord('source', 0),
  sourceWord1: addressWord('source', 1),
  sourceWord2: addressWord('source', 2),
  destinationWord0: addressWord('destination', 0),
  destinationWord1: addressWord('destination', 1),
  destinationWord2: addressWord('destination', 2),
  sport: {
    label: 'sport',
    bits: 16,
    fixedBy: 'connection',
    follows: 'sport',
    isIndexed: true,
    read: (packet) => packet.sport,
    code: { value: code`packet.sport`, local: code`sport` },
    onArrival: { base: FieldBase.LAYER4, at: TCP_SOURCE_PORT_AT },
  },
  dport: {
    label: 'dport',
    bits: 16,
    fixedBy: 'connection',
    follows: 'dport',
    isIndexed: true,
    read: (packet) => packet.dport,
    code: { value: code`packet.dport`, local: code`dport` },
    onArrival: { base: FieldBase.LAYER4, at: TCP_DESTINATION_PORT_AT },
    afterRouting: { base: FieldBase.TRANSLATED, at: TRANSLATED_PORT_AT },
  },
  protocol: {
    label: 'protocol',
    bits: 8,
    fixedBy: 'connection',
    follows: 'megaflow',
    isIndexed: true,
    read: (packet) => packet.protocol,
    code: { value: code`packet.protocol`, local: code`protocol` },
    onArrival: { base: FieldBase.IP, at: IPV4_PROTOCOL_AT },
    format: protocolName,
  },
  inDev: {
    label: 'input interface',
    bits: 32,
    fixedBy: 'connection',
    follows: 'megaflow',
    isIndexed: true,
    read: (packet) => packet.inDev + 1,
    code: { value: code`packet.inDev + 1`, local: code`inDev` },
    format: asDevice,
  },
  outDev: {
    label: 'output interface',
    bits: 32,
    fixedBy: 'connection',
    follows: 'megaflow',
    isIndexed: true,
    read: (packet) => packet.outDev + 1,
    code: { value: code`packet.outDev + 1`, local: code`outDev` },
    format: asDevice,
  },
  fragmentOffset: {
    label: 'fragment offset',
    bits: 16,
    fixedBy: 'packet',
    follows: 'megaflow',
    read: (packet) => packet.fragmentOffset,
    code: { value: code`packet.fragmentOffset` },
    ofWhole: 0,
    onArrival: { constant: 0 },
  },
  tos: {
    label: 'TOS',
    bits: 8,
    fixedBy: 'packet',
    read: (packet) => packet.bytes[packet.at + IPV4_TOS_AT],
    code: { value: code`packet.bytes[packet.at + ${IPV4_TOS_AT}]` },
    onArrival: { base: FieldBase.IP, at: IPV4_TOS_AT },
    format: asHex,
  },
  length: {
    label: 'length',
    bits: 16,
    fixedBy: 'packet',
    // Not the header bytes: a reassembled packet has its total length.
    read: (packet) => packet.length,
    code: { value: code`packet.length` },
    onArrival: { base: FieldBase.IP, at: IPV4_TOTAL_LENGTH_AT },
  },
  ttl: {
    label: 'TTL',
    bits: 8,
    fixedBy: 'packet',
    read: (packet) => packet.bytes[packet.at + IPV4_TTL_AT],
    code: { value: code`packet.bytes[packet.at + ${IPV4_TTL_AT}]` },
    onArrival: { base: FieldBase.IP, at: IPV4_TTL_AT },
    afterRouting: { base: FieldBase.IP, at: IPV4_TTL_AT, surplus: 1 },
  },
  tcpFlags: {
    label: 'TCP flags',
    bits: 8,
    fixedBy: 'packet',
    read: (packet) => packet.bytes[packet.l4 + TCP_FLAGS_AT],
    code: { value: code`packet.bytes[packet.l4 + ${TCP_FLAGS_AT}]` },
    onArrival: { base: FieldBase.LAYER4, at: TCP_FLAGS_AT },
    format: asFlags,
  },
  tcpOptions: { label: 'TCP options', bits: 320, fixedBy: 'packet' },
  icmpType: {
    label: 'ICMP type and code',
    bits: 16,
    fixedBy: 'packet',
    read: (packet) => packet.view.getUint16(packet.l4 + ICMP_TYPE_AT),
    code: { value: code`packet.view.getUint16(packet.l4 + ${ICMP_TYPE_AT})` },
    format: (value) => `${value >> 8}/${value & 0xff}`,
  },
  dccpType: {
    label: 'DCCP packet type',
    bits: 4,
    fixedBy: 'packet',
    read: (packet) => (packet.bytes[packet.l4 + DCCP_TYPE_AT] >> 1) & 15,
    code: { value: code`(packet.bytes[packet.l4 + ${DCCP_TYPE_AT}] >> 1 & 15)` },
    format: formatDccpType,
  },
  dccpOptions: { label: 'DCCP options', bits: 0, fixedBy: 'packet' },
  sctpChunks: { label: 'SCTP chunks', bits: 0, fixedBy: 'packet' },
  ahSpi: {
    label: "AH's SPI",
    bits: 32,
    fixedBy: 'packet',
    ...wordOfLayer4(AH_SPI_AT),
  },
  espSpi: {
    label: "ESP's SPI",
    bits: 32,
    fixedBy: 'packet',
    ...wordOfLayer4(ESP_SPI_AT),
  },
  ipcompCpi: {
    label: "IPComp's CPI",
    bits: 16,
    fixedBy: 'packet',
    read: ({ bytes, l4 }) => (bytes[l4 + IPCOMP_CPI_AT] << 8) | bytes[l4 + IPCOMP_CPI_AT + 1],
    code: {
      value: code`(packet.bytes[packet.l4 + ${IPCOMP_CPI_AT}] << 8 | packet.bytes[packet.l4 + ${IPCOMP_CPI_AT + 1}])`,
    },
  },
  /** Any byte of the packet from the IP header on, and how many there are. */
  content: { label: 'content', bits: 0, fixedBy: 'packet', isRewritten: true },
  /** Of the Ethernet frame that it arrived in. */
  sourceMac: {
    label: 'source MAC address',
    bits: 48,
    fixedBy: 'packet',
    read: (packet) => packet.sourceMac,
    format: asMac,
  },
  packetType: {
    label: 'packet type',
    bits: 2,
    fixedBy: 'packet',
    follows: 'megaflow',
    read: (packet) => packet.type,
    code: { value: code`packet.type` },
    onArrival: { constant: PacketType.HOST },
    format: (value) => namesOf(PacketType)(value).toLowerCase(),
  },
  mark: {
    label: 'mark',
    bits: 32,
    fixedBy: 'rules',
    // The rules set it, and all packets of a megaflow traverse the same rules.
    follows: 'megaflow',
    read: (packet) => packet.mark >>> 0,
    code: { value: code`packet.mark` },
    format: asHex,
  },
  inGroup: interfaceGroup('input', 'inDev'),
  outGroup: interfaceGroup('output', 'outDev'),
  /** The realm of the destination in the lower 16 bits, of the source in the upper. */
  realms: { label: 'realms', bits: 32, fixedBy: 'host', read: (packet) => packet.realms >>> 0, format: asHex },
  reversePath: reversePath(false),
  reversePathByMark: reversePath(true),
  /** How it is protected; see `HostFacts.ipsec`. */
  ipsec: { label: 'protection by IPsec', bits: 0, fixedBy: 'host', follows: 'megaflow' },
  /** The socket that it was sent from, or is for. */
  socket: {
    label: 'socket',
    bits: 32,
    fixedBy: 'connection',
    follows: 'megaflow',
    read: ({ socket }) => (socket < 0 ? ABSENT : socket),
  },
  /** The addresses and ports in what an ICMP error quotes. */
  icmpQuote: { label: 'what an ICMP error is about', bits: 0, fixedBy: 'packet' },
  cpu: { label: 'processor', bits: 32, fixedBy: 'host', follows: 'megaflow', read: (_, { facts }) => facts.cpu },
  /** The port of a bridge by which it came in. */
  bridgePort: {
    label: 'bridge port',
    bits: 32,
    fixedBy: 'packet',
    read: (packet, { facts }) => facts.bridgePort(packet) + 1 || ABSENT,
    format: asDevice,
  },
  sourceType: addressType('source'),
  destinationType: addressType('destination'),
  sourceTypeIn: addressType('source', 'inDev'),
  destinationTypeIn: addressType('destination', 'inDev'),
  sourceTypeOut: addressType('source', 'outDev'),
  destinationTypeOut: addressType('destination', 'outDev'),
  ctinfo: {
    label: 'state',
    bits: 3,
    fixedBy: 'connection',
    follows: 'megaflow',
    read: (packet) => packet.ctinfo,
    code: { value: code`packet.ctinfo`, local: code`ctinfo` },
    format: namesOf(CtInfo),
  },
  /** The state as a bit, and whether the connection is translated (for `--ctstate SNAT`). */
  ctstate: {
    label: 'state',
    bits: 7,
    fixedBy: 'connection',
    read: ctstateBits,
    format: formatCtstate,
  },
  ctdirection: {
    label: 'direction',
    bits: 1,
    fixedBy: 'connection',
    follows: 'megaflow',
    read: (packet) => (noConnection(packet) ? ABSENT : packet.direction),
    format: (value) => (value === 0 ? 'ORIGINAL' : 'REPLY'),
  },
  ctstatus: {
    label: 'connection status',
    bits: 32,
    fixedBy: 'connection',
    read: (packet, context) => (noConnection(packet) ? ABSENT : connectionWord(packet, context, STATUS)),
    format: formatStatus,
  },
  ctprotocol: {
    label: 'protocol of the connection',
    bits: 8,
    fixedBy: 'connection',
    read: (packet, context) => (noConnection(packet) ? ABSENT : connectionWord(packet, context, PROTOCOL) & 0xff),
    format: protocolName,
  },
  ctOriginalSource: connectionAddress('original source', ORIGINAL_TUPLE + TUPLE_SOURCE),
  ctOriginalDestination: connectionAddress('original destination', ORIGINAL_TUPLE + TUPLE_DESTINATION),
  ctReplySource: connectionAddress('reply source', REPLY_TUPLE + TUPLE_SOURCE),
  ctReplyDestination: connectionAddress('reply destination', REPLY_TUPLE + TUPLE_DESTINATION),
  ctOriginalSport: connectionPort('original source port', ORIGINAL_TUPLE + TUPLE_PORTS, 0),
  ctOriginalDport: connectionPort('original destination port', ORIGINAL_TUPLE + TUPLE_PORTS, 16),
  ctReplySport: connectionPort('reply source port', REPLY_TUPLE + TUPLE_PORTS, 0),
  ctReplyDport: connectionPort('reply destination port', REPLY_TUPLE + TUPLE_PORTS, 16),
  ctmark: {
    label: 'connection mark',
    bits: 32,
    fixedBy: 'connection',
    read: (packet, context) => (noConnection(packet) ? ABSENT : connectionWord(packet, context, MARK)),
    format: asHex,
  },
  ctlabels: { label: 'labels of its connection', bits: 128, fixedBy: 'connection' },
  /** Seconds, rounded down. */
  ctexpire: { label: 'how long its connection has left', bits: 32, fixedBy: 'time', read: secondsLeft },
  /** Packets and bytes, each way. */
  ctCounters: { label: 'what its connection has counted', bits: 0, fixedBy: 'time' },
  /** What the emulation does not know, and what a test changes. */
  unknown: { label: 'what is not known', bits: 0, fixedBy: 'nothing' },
  /** The entries of the sets that it is looked up in. */
  sets: { label: 'entries of sets', bits: 0, fixedBy: 'sets' },
  /** State that a match keeps about earlier packets, or random choices (see `MatchState`). */
  history: { label: 'which packets came before (limit, recent)', bits: 0, fixedBy: 'history' },
} as const satisfies Record<string, FieldRow>;

export type FieldName = keyof typeof FIELDS;

/** The fields that conditions can use. */
export type ValueField = {
  [Name in FieldName]: (typeof FIELDS)[Name] extends { readonly read: unknown } ? Name : never;
}[FieldName];

/** The fields by which long chains are indexed. */
export type IndexedField = {
  [Name in ValueField]: (typeof FIELDS)[Name] extends { readonly isIndexed: true } ? Name : never;
}[ValueField];

/** A row, and what follows from it. */
export interface Field extends FieldRow {
  /** The maximum value. */
  readonly highest: number;
  /** Whether it is the same for all packets of a connection in the same direction and state. */
  readonly isFixed: boolean;
}

/** A field that conditions can use. */
export type ReadableField = Field & Required<Pick<FieldRow, 'read'>>;

/** All fields have their members in the same order, so that code that reads many of them is fast. */
function completed(row: FieldRow): Field {
  const {
    label,
    bits,
    fixedBy,
    isIndexed,
    read,
    code,
    ofWhole,
    onArrival,
    afterRouting,
    follows,
    isRewritten,
    format,
  } = row;
  const highest = 2 ** bits - 1;
  const isFixed = fixedBy === 'connection' || fixedBy === 'host' || fixedBy === 'rules';
  const members = { label, bits, highest, fixedBy, isFixed, isIndexed, read, code };
  return { ...members, ofWhole, onArrival, afterRouting, follows, isRewritten, format } as Field;
}

const COMPLETED = Object.fromEntries(Object.entries(FIELDS).map(([name, row]) => [name, completed(row)])) as Readonly<
  Record<FieldName, Field>
>;

/** The table row of NAME. */
export function fieldRow(name: ValueField): ReadableField;
export function fieldRow(name: FieldName): Field;
export function fieldRow(name: FieldName): Field {
  return COMPLETED[name];
}

/** The maximum value of field NAME. */
export function highestValue(name: FieldName): number {
  return fieldRow(name).highest;
}

/** Whether field NAME is the same for all packets of a connection in the same direction and state. */
export function isFixed(name: FieldName): boolean {
  return fieldRow(name).isFixed;
}

/** The value of field NAME in PACKET, or ABSENT. */
export function readField(name: ValueField, packet: Packet, context: RuleContext): number {
  return FIELDS[name].read(packet, context);
}

/** Formats VALUE of field NAME. */
export function formatField(name: FieldName, value: number, interfaceNames: readonly string[]): string {
  return fieldRow(name).format?.(value, interfaceNames) ?? String(value);
}

function ctstateBits(packet: Packet, context: RuleContext): number {
  let bits = 1 << packet.ctinfo;
  if (packet.ct >= 0) {
    const status = connectionWord(packet, context, STATUS);
    if ((status & Status.SRC_NAT) !== 0) bits |= CTSTATE_SNAT;
    if ((status & Status.DST_NAT) !== 0) bits |= CTSTATE_DNAT;
  }
  return bits;
}

/** The kernel starts the timer of an entry when it is confirmed. Before that, no time is left. */
function secondsLeft(packet: Packet, context: RuleContext): number {
  if (packet.ct < 0) return ABSENT;
  const isConfirmed = (connectionWord(packet, context, STATUS) & Status.CONFIRMED) !== 0;
  const leftMs = context.conntrack.doubles[packet.ct * RECORD_F64 + EXPIRES_MS_F64] - packet.nowMs;
  return isConfirmed && leftMs > 0 ? Math.floor(leftMs / 1000) : 0;
}
