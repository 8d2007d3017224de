/**
 * The packets that rules can tell apart, and what every packet of a host satisfies: only some protocols have ports,
 * only tracked packets have a connection, fragments are reassembled before any rule.
 */
import { IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP } from '../../../codecs/layouts.js';
import { FIELDS, type FieldName, fieldRow, type ValueField } from '../../fields.js';
import { AddressType } from '../../host/address-type.js';
import { CtInfo, hasPorts } from '../../packet.js';
import type { Condition, FieldCondition } from '../condition.js';
import type { ValueRange } from '../ranges.js';
import { ALL_PACKETS, Diagrams, NO_PACKETS, type PacketSet } from './diagrams.js';
import { type Dimension, Encoding, HEADER_BYTES, MOST_HEADER_BYTES } from './encoding.js';

/** What a host knows of addresses. */
export interface AddressKnowledge {
  /** The type of ADDRESS, in host order, and the range around it with the same. */
  typeOf(address: number): { readonly type: AddressType; readonly max: number };
}

export interface SpaceOptions {
  /** The fields that rules test. */
  readonly fields: Iterable<FieldName>;
  /** The names of interfaces, as conditions number them (`deviceNames`). */
  readonly devices: readonly string[];
  /** Undefined: any address may be the host's. */
  readonly addresses: AddressKnowledge | undefined;
  readonly maxNodes: number;
}

const TYPE_OF = { sourceType: 'source', destinationType: 'destination' } as const;
const NEVER_CONDITIONS: ReadonlySet<FieldName> = new Set(['unknown']);

/** Bits of the state as a number of its own (`ctstate`). */
const STATE_BITS = 0x1f;
/** TCP's flags without PSH, ECE and CWR, and the sets of them that conntrack takes for valid (tcp_valid_flags). */
const CHECKED_FLAGS = 0x37;
const VALID_FLAGS = [0x02, 0x22, 0x12, 0x04, 0x14, 0x11, 0x31, 0x10, 0x30];
/** The types of ICMP (RFC 792) of packets in each state: requests, requests and replies, errors. */
const ICMP_STATES: readonly (readonly [CtInfo, readonly number[]])[] = [
  [CtInfo.NEW, [8, 13, 15, 17]],
  [CtInfo.ESTABLISHED, [0, 8, 13, 14, 15, 16, 17, 18]],
  [CtInfo.RELATED, [3, 4, 5, 11, 12]],
];
/** The bytes of a header without which conntrack calls a packet INVALID. */
const TRACKED_HEADERS: readonly (readonly [protocol: number, bytes: number])[] = [
  [IPPROTO_TCP, 20],
  [IPPROTO_UDP, 8],
  [IPPROTO_ICMP, 8],
];
const MULTICAST: ValueRange = { min: 0xe0000000, max: 0xefffffff };
const EVERYONE: readonly ValueRange[] = [
  { min: 0, max: 0 },
  { min: 0xffffffff, max: 0xffffffff },
];

const only = (value: number): ValueRange => ({ min: value, max: value });

export class PacketSpace {
  readonly sets: Diagrams;
  readonly encoding: Encoding;
  readonly devices: readonly string[];
  readonly #addresses: AddressKnowledge | undefined;
  /** The addresses of each type, if the host is known. */
  readonly #byType = new Map<AddressType, ValueRange[]>();
  /** What all packets that rules see have in common. */
  readonly valid: PacketSet;

  constructor({ fields, devices, addresses, maxNodes }: SpaceOptions) {
    this.devices = devices;
    this.#addresses = addresses;
    this.sets = new Diagrams(maxNodes);
    const used = [...fields].filter((name): name is ValueField => isTested(name) && !NEVER_CONDITIONS.has(name));
    this.encoding = new Encoding(this.sets, used, devices.length);
    this.#readTypes();
    this.valid = this.#validPackets();
  }

  /** The packets that meet CONDITION. */
  meeting(condition: Condition): PacketSet {
    if (condition.kind === 'any')
      return condition.anyOf.reduce((set, one) => this.sets.or(set, this.meeting(one)), NO_PACKETS);
    return this.#ofType(condition) ?? this.encoding.meeting(condition);
  }

  /** The packets with one of VALUES of field NAME. */
  having(name: Dimension, ...values: readonly number[]): PacketSet {
    return this.encoding.within(name, values.map(only));
  }

  /** The packets with at least BYTES of a layer-4 header, as far as rules look. */
  withHeader(bytes: number): PacketSet {
    return this.encoding.within(HEADER_BYTES, [{ min: Math.min(bytes, MOST_HEADER_BYTES), max: MOST_HEADER_BYTES }]);
  }

  /** The packets with an address of the host's TYPES at END; undefined if the host is not known. */
  ofTypes(end: 'source' | 'destination', types: readonly AddressType[]): PacketSet | undefined {
    if (this.#addresses === undefined) return undefined;
    const ranges = types.flatMap((type) => this.#byType.get(type) ?? []);
    return this.encoding.within(end, ranges);
  }

  /** The conditions on types of addresses follow from the addresses, if the host is known. */
  #ofType({ field, ranges, negated }: FieldCondition): PacketSet | undefined {
    if (field !== 'sourceType' && field !== 'destinationType') return undefined;
    const types = [...this.#byType.keys()].filter((type) => ranges.some(({ min, max }) => type >= min && type <= max));
    const inside = this.ofTypes(TYPE_OF[field], types);
    return inside !== undefined && negated ? this.sets.not(inside) : inside;
  }

  #readTypes(): void {
    if (this.#addresses === undefined) return;
    for (let min = 0; min <= 0xffffffff; ) {
      const { type, max } = this.#addresses.typeOf(min);
      const ranges = this.#byType.get(type) ?? [];
      this.#byType.set(type, ranges);
      ranges.push({ min, max });
      min = max + 1;
    }
  }

  /** Packets of A are also in B. */
  #implies(a: PacketSet, b: PacketSet): PacketSet {
    return this.sets.or(this.sets.not(a), b);
  }

  #validPackets(): PacketSet {
    const { sets, encoding } = this;
    const parts = [
      encoding.within('ctinfo', [{ min: 0, max: CtInfo.UNTRACKED }]),
      encoding.within('inDev', [{ min: 0, max: this.devices.length }]),
      encoding.within('outDev', [{ min: 0, max: this.devices.length }]),
      this.having('fragmentOffset', 0),
      ...this.#portParts(),
      ...this.#connectionParts(),
      ...this.#headerParts(),
      ...(encoding.has('sourceType') ? this.#typeParts('sourceType') : []),
      ...(encoding.has('destinationType') ? this.#typeParts('destinationType') : []),
    ];
    return parts.reduce((set, part) => sets.and(set, part), ALL_PACKETS);
  }

  #portParts(): PacketSet[] {
    const protocols = Array.from({ length: 256 }, (_, protocol) => protocol).filter(hasPorts);
    const withPorts = this.sets.and(this.having('protocol', ...protocols), this.withHeader(4));
    return [
      this.#same(this.encoding.present('sport'), withPorts),
      this.#same(this.encoding.present('dport'), withPorts),
    ];
  }

  /** The packets that are in both or neither of A and B. */
  #same(a: PacketSet, b: PacketSet): PacketSet {
    return this.sets.and(this.#implies(a, b), this.#implies(b, a));
  }

  #connectionParts(): PacketSet[] {
    const { sets, encoding } = this;
    const tracked = this.having('ctinfo', CtInfo.ESTABLISHED, CtInfo.RELATED, CtInfo.NEW);
    const parts = (Object.keys(FIELDS) as FieldName[])
      .filter((name): name is ValueField => CONNECTION_FIELDS.has(name) && encoding.has(name))
      .map((name) => this.#same(encoding.present(name), tracked));
    if (encoding.has('ctstate')) {
      for (const state of Object.values(CtInfo)) {
        const ofState = encoding.within('ctstate', [only(1 << state)], STATE_BITS);
        parts.push(this.#same(this.having('ctinfo', state), ofState));
      }
      parts.push(this.#implies(sets.not(tracked), encoding.within('ctstate', [{ min: 0, max: STATE_BITS }])));
    }
    if (encoding.has('ctprotocol')) {
      const own = this.having('ctinfo', CtInfo.ESTABLISHED, CtInfo.NEW);
      parts.push(this.#implies(own, encoding.equal('ctprotocol', 'protocol')));
    }
    return parts;
  }

  /** What conntrack calls INVALID otherwise. */
  #headerParts(): PacketSet[] {
    const { sets, encoding } = this;
    const tracked = this.having('ctinfo', CtInfo.ESTABLISHED, CtInfo.RELATED, CtInfo.NEW);
    const parts = TRACKED_HEADERS.map(([protocol, bytes]) =>
      this.#implies(sets.and(this.having('protocol', protocol), tracked), this.withHeader(bytes)),
    );
    const flags = encoding.within('tcpFlags', VALID_FLAGS.map(only), CHECKED_FLAGS);
    parts.push(this.#implies(sets.and(this.having('protocol', IPPROTO_TCP), tracked), flags));
    for (const [state, types] of ICMP_STATES) {
      const ranges = types.map((type) => ({ min: type << 8, max: (type << 8) | 0xff }));
      const inState = sets.and(this.having('protocol', IPPROTO_ICMP), this.having('ctinfo', state));
      parts.push(this.#implies(inState, encoding.within('icmpType', ranges)));
    }
    return parts;
  }

  /** What is known of the types of addresses without the host. */
  #typeParts(name: 'sourceType' | 'destinationType'): PacketSet[] {
    const end = TYPE_OF[name];
    const group = this.encoding.within(end, [MULTICAST]);
    return [
      this.#same(group, this.having(name, AddressType.MULTICAST)),
      this.#implies(this.encoding.within(end, EVERYONE), this.having(name, AddressType.BROADCAST)),
    ];
  }
}

/** Fields of a packet's connection: packets without one lack them. */
const CONNECTION_FIELDS: ReadonlySet<FieldName> = new Set([
  ...(['ctdirection', 'ctstatus', 'ctprotocol', 'ctmark', 'ctexpire'] as const),
  ...(['ctOriginalSource', 'ctOriginalDestination', 'ctOriginalSport', 'ctOriginalDport'] as const),
  ...(['ctReplySource', 'ctReplyDestination', 'ctReplySport', 'ctReplyDport'] as const),
]);

function isTested(name: FieldName): boolean {
  return fieldRow(name).read !== undefined;
}
