/** Conditions on what a frame carries, by link type, and on its link header. */
import type { Condition, Exits } from '../bpf/assembler.js';
import { BpfJump } from '../bpf/instruction.js';
import { ETHERNET_DESTINATION_AT, ETHERNET_SOURCE_AT } from '../layouts.js';
import type { Direction } from './ast.js';
import type { CodeWriter } from './code-writer.js';

export const EtherType = {
  NS: 0x0600,
  IPV4: 0x0800,
  ARP: 0x0806,
  MOPDL: 0x6001,
  MOPRC: 0x6002,
  DECNET: 0x6003,
  LAT: 0x6004,
  SCA: 0x6007,
  TEB: 0x6558,
  RARP: 0x8035,
  ATALK: 0x809b,
  AARP: 0x80f3,
  VLAN: 0x8100,
  IPX: 0x8137,
  IPV6: 0x86dd,
  MPLS: 0x8847,
  PPPOE_DISCOVERY: 0x8863,
  PPPOE_SESSION: 0x8864,
  QINQ: 0x88a8,
  LOOPBACK: 0x9000,
  QINQ_OLD: 0x9100,
} as const;
/** Service access points of IEEE 802.2. */
export const Sap = { IP: 0x06, STP: 0x42, SNAP: 0xaa, IPX: 0xe0, NETBEUI: 0xf0, ISO: 0xfe } as const;

/** Protocol numbers of PPP, by EtherType or SAP. */
const PPP_TYPES: ReadonlyMap<number, number> = new Map([
  [EtherType.IPV4, 0x21],
  [EtherType.IPV6, 0x57],
  [EtherType.DECNET, 0x27],
  [EtherType.ATALK, 0x29],
  [EtherType.NS, 0x25],
  [Sap.ISO, 0x23],
  [Sap.STP, 0x31],
  [Sap.IPX, 0x2b],
]);
const PPP_MPLS = 0x281;

/** The largest length in place of an EtherType. */
const LONGEST_8023 = 1500;
/** Cooked captures: the protocols of frames without an EtherType (linux/if_ether.h). */
const COOKED_8023 = 1;
const COOKED_8022 = 4;
const COOKED_OUTGOING = 4;

const AF_INET = 2;
/** AF_INET6 of NetBSD and OpenBSD, FreeBSD, and macOS. */
const AF_INET6 = [24, 28, 30] as const;

/** Whether the frame carries TYPE: an EtherType, or up to 1500, an SAP. */
export function carries(writer: CodeWriter, column: number, type: number): Exits {
  const { layer } = writer;
  if (layer.labels > 0) return carriesAfterLabels(writer, column, type);
  switch (layer.kind) {
    case 'ethernet':
      return ethernetCarries(writer, type);
    case 'cooked':
      return cookedCarries(writer, type);
    case 'cooked2':
      return writer.equals('type', 0, 2, type);
    case 'raw':
      if (type === EtherType.IPV4) return writer.equals('link', 0, 1, 0x40, 0xf0);
      return type === EtherType.IPV6 ? writer.equals('link', 0, 1, 0x60, 0xf0) : writer.never();
    case 'ipv4':
      return type === EtherType.IPV4 ? writer.always() : writer.never();
    case 'ipv6':
      return type === EtherType.IPV6 ? writer.always() : writer.never();
    case 'ppp':
    case 'hdlc-ppp':
    case 'pppoe':
      return writer.equals('type', 0, 2, PPP_TYPES.get(type) ?? type);
    case 'family':
      return familyIs(writer, type);
    case 'nflog':
      throw writer.fault(column, 'only len and link[…] can be asked of NFLOG captures');
  }
}

/** After MPLS labels only the version of IP says what follows. */
function carriesAfterLabels(writer: CodeWriter, column: number, type: number): Exits {
  if (type !== EtherType.IPV4 && type !== EtherType.IPV6) {
    throw writer.fault(column, 'after mpls, only IPv4 and IPv6 can be recognised');
  }
  return writer.all(
    () => writer.equals('network', -2, 1, 1, 1),
    () => writer.equals('network', 0, 1, type === EtherType.IPV4 ? 0x40 : 0x60, 0xf0),
  );
}

const isSnap = (writer: CodeWriter, organisation: number, type: number): Exits =>
  writer.equalBytes('payload', 0, [
    ...[Sap.SNAP, Sap.SNAP, 3, organisation >> 16, (organisation >> 8) & 0xff, organisation & 0xff],
    ...[type >> 8, type & 0xff],
  ]);
const is8023 = (writer: CodeWriter): Exits => writer.not(writer.compare(BpfJump.JGT, 'type', 0, 2, LONGEST_8023));
const isSapPair = (writer: CodeWriter, sap: number): Exits => writer.equals('payload', 0, 2, (sap << 8) | sap);
const APPLE = 0x080007;

function ethernetCarries(writer: CodeWriter, type: number): Exits {
  const isType = () => writer.equals('type', 0, 2, type);
  switch (type) {
    case Sap.ISO:
    case Sap.IP:
    case Sap.NETBEUI:
      return writer.all(
        () => is8023(writer),
        () => isSapPair(writer, type),
      );
    case Sap.IPX:
      return writer.any(
        () => writer.equals('type', 0, 2, EtherType.IPX),
        () =>
          writer.all(
            () => is8023(writer),
            () =>
              writer.any(
                () => isSnap(writer, 0, EtherType.IPX),
                () => writer.equals('payload', 0, 1, Sap.IPX),
                () => writer.equals('payload', 0, 2, 0xffff),
              ),
          ),
      );
    case EtherType.ATALK:
    case EtherType.AARP:
      return writer.any(isType, () =>
        writer.all(
          () => is8023(writer),
          () => isSnap(writer, type === EtherType.ATALK ? APPLE : 0, type),
        ),
      );
    default:
      if (type > LONGEST_8023) return isType();
      return writer.all(
        () => is8023(writer),
        () => writer.equals('type', 2, 1, type),
      );
  }
}

function cookedCarries(writer: CodeWriter, type: number): Exits {
  const isType = (wanted: number) => () => writer.equals('type', 0, 2, wanted);
  switch (type) {
    case Sap.ISO:
    case Sap.IP:
    case Sap.NETBEUI:
      return writer.all(isType(COOKED_8022), () => isSapPair(writer, type));
    case Sap.IPX:
      return writer.any(isType(EtherType.IPX), isType(COOKED_8023), () =>
        writer.all(isType(COOKED_8022), () =>
          writer.any(
            () => writer.equals('payload', 0, 1, Sap.IPX),
            () => isSnap(writer, 0, EtherType.IPX),
          ),
        ),
      );
    case EtherType.ATALK:
    case EtherType.AARP:
      return writer.any(isType(type), () =>
        writer.all(isType(COOKED_8022), () => isSnap(writer, type === EtherType.ATALK ? APPLE : 0, type)),
      );
    default:
      if (type > LONGEST_8023) return isType(type)();
      return writer.all(isType(COOKED_8022), () => writer.equals('payload', 0, 1, type));
  }
}

/**
 * NULL has the address family in the byte order of the machine that captured. tcpdump takes the order from the file's
 * header; where that is right, one of both orders is as good.
 */
function familyIs(writer: CodeWriter, type: number): Exits {
  const families = type === EtherType.IPV4 ? [AF_INET] : type === EtherType.IPV6 ? AF_INET6 : [];
  const words = families.flatMap((family) => (writer.layer.isNetworkOrder ? [family] : [(family << 24) >>> 0, family]));
  if (words.length === 0) return writer.never();
  const [first, ...others] = words.map((word) => () => writer.equals('link', 0, 4, word));
  return writer.any(first, ...others);
}

/** Whether the frame's source or destination, as DIRECTION says, is MAC. */
export function hasMac(
  writer: CodeWriter,
  column: number,
  direction: Direction | undefined,
  mac: readonly number[],
): Exits {
  requireMacs(writer, column);
  const isMac = (offset: number) => () => writer.equalBytes('link', offset, mac);
  return withLinkHeader(writer, () => {
    switch (direction) {
      case 'src':
        return isMac(ETHERNET_SOURCE_AT)();
      case 'dst':
        return isMac(ETHERNET_DESTINATION_AT)();
      case 'src and dst':
        return writer.all(isMac(ETHERNET_SOURCE_AT), isMac(ETHERNET_DESTINATION_AT));
      default:
        return writer.any(isMac(ETHERNET_SOURCE_AT), isMac(ETHERNET_DESTINATION_AT));
    }
  });
}

/** Whether the first byte of the destination's MAC has the bit of groups. */
export function hasGroupMac(writer: CodeWriter, column: number): Exits {
  requireMacs(writer, column);
  return withLinkHeader(writer, () => writer.compare(BpfJump.JSET, 'link', ETHERNET_DESTINATION_AT, 1, 1));
}

/** CONDITION of frames with a link header: in Geneve, only some have one. */
function withLinkHeader(writer: CodeWriter, condition: Condition): Exits {
  const { isGeneve, header, payload } = writer.layer;
  if (!isGeneve || header.register === undefined || payload.register === undefined) return condition();
  writer.restore(header.register);
  writer.restoreX(payload.register);
  const hasNone = writer.test(BpfJump.JEQ);
  return writer.all(() => writer.not(hasNone), condition);
}

function requireMacs(writer: CodeWriter, column: number): void {
  if (writer.layer.kind !== 'ethernet') throw writer.fault(column, 'MAC addresses can only be asked for on Ethernet');
}

/** Whether the host that captured sent the frame. */
export function isOutgoing(writer: CodeWriter, column: number, word: string): Exits {
  const { kind } = writer.layer;
  if (kind === 'cooked') return writer.equals('link', 0, 2, COOKED_OUTGOING);
  if (kind === 'cooked2') return writer.equals('link', 10, 1, COOKED_OUTGOING);
  throw writer.fault(column, `${word}: only a capture of \`-i any\` has the direction of its frames`);
}

export function hasInterface(writer: CodeWriter, column: number, index: number): Exits {
  if (writer.layer.kind === 'cooked2') return writer.equals('link', 4, 4, index);
  throw writer.fault(column, 'ifindex: only a capture of `-i any` (LINUX_SLL2) has the index of the interface');
}

/** Whether the frame begins with an MPLS label after the link header. */
export function carriesLabel(writer: CodeWriter, column: number): Exits {
  const { kind } = writer.layer;
  if (kind === 'ethernet') return carries(writer, column, EtherType.MPLS);
  if (kind === 'ppp') return carries(writer, column, PPP_MPLS);
  throw writer.fault(column, 'mpls can only be asked for on Ethernet and PPP');
}

/** Types of LLC frames: the control byte, and its bits that count. */
const LLC_TYPES: ReadonlyMap<string, readonly [value: number, mask: number]> = new Map([
  ['i', [0x00, 0x01]],
  ['s', [0x01, 0x03]],
  ['u', [0x03, 0x03]],
  ['rr', [0x01, 0x0f]],
  ['rnr', [0x05, 0x0f]],
  ['rej', [0x09, 0x0f]],
  ['ui', [0x03, 0xef]],
  ['ua', [0x63, 0xef]],
  ['disc', [0x43, 0xef]],
  ['dm', [0x0f, 0xef]],
  ['sabme', [0x6f, 0xef]],
  ['test', [0xe3, 0xef]],
  ['xid', [0xaf, 0xef]],
  ['frmr', [0x87, 0xef]],
]);

/** Whether the frame has an LLC header, of TYPE if it is given. */
export function isLlc(writer: CodeWriter, column: number, type: string | undefined): Exits {
  if (writer.layer.kind !== 'ethernet') throw writer.fault(column, 'llc can only be asked for on Ethernet');
  const isPlain = () =>
    writer.all(
      () => is8023(writer),
      // Novell's frames, whose payload begins with a checksum of all ones.
      () => writer.not(writer.equals('payload', 0, 2, 0xffff)),
    );
  if (type === undefined) return isPlain();
  const wanted = LLC_TYPES.get(type.toLowerCase());
  if (wanted === undefined) {
    throw writer.fault(column, `llc ${type}: expected one of ${[...LLC_TYPES.keys()].join(', ')}`);
  }
  return writer.all(isPlain, () => writer.equals('payload', 2, 1, ...wanted));
}
