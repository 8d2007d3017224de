/** Conditions on the protocol of a packet. */
import type { Exits } from '../bpf/assembler.js';
import { BpfJump } from '../bpf/instruction.js';
import type { CodeWriter } from './code-writer.js';
import { carries, EtherType, Sap } from './compile-link.js';
import { FilterError } from './filter-error.js';
import type { ProtocolWord } from './words.js';

const IPPROTO_FRAGMENT = 44;

/** What the frame itself says: an EtherType or an SAP. */
const LINK_TYPES: Partial<Record<ProtocolWord, number>> = {
  ip: EtherType.IPV4,
  ip6: EtherType.IPV6,
  arp: EtherType.ARP,
  rarp: EtherType.RARP,
  atalk: EtherType.ATALK,
  aarp: EtherType.AARP,
  decnet: EtherType.DECNET,
  sca: EtherType.SCA,
  lat: EtherType.LAT,
  mopdl: EtherType.MOPDL,
  moprc: EtherType.MOPRC,
  iso: Sap.ISO,
  stp: Sap.STP,
  ipx: Sap.IPX,
  netbeui: Sap.NETBEUI,
};
/** What the IP header says; `both`: that of IPv4 or IPv6. */
const IP_PROTOCOLS: Partial<Record<ProtocolWord, readonly [number: number, of: 'ip' | 'ip6' | 'both']>> = {
  sctp: [132, 'both'],
  tcp: [6, 'both'],
  udp: [17, 'both'],
  pim: [103, 'both'],
  ah: [51, 'both'],
  esp: [50, 'both'],
  icmp: [1, 'ip'],
  igmp: [2, 'ip'],
  igrp: [9, 'ip'],
  vrrp: [112, 'ip'],
  carp: [112, 'ip'],
  icmp6: [58, 'ip6'],
};
/** Network layer protocol identifiers of OSI (ISO/IEC TR 9577). */
const OSI = { clnp: 0x81, esis: 0x82, isis: 0x83 } as const;
const OSI_PROTOCOLS: Partial<Record<ProtocolWord, number>> = OSI;
/** PDU types of IS-IS (ISO 10589). */
const Pdu = {
  L1_IIH: 15,
  L2_IIH: 16,
  PTP_IIH: 17,
  L1_LSP: 18,
  L2_LSP: 20,
  L1_CSNP: 24,
  L2_CSNP: 25,
  L1_PSNP: 26,
  L2_PSNP: 27,
};
const ISIS_PDUS: Partial<Record<ProtocolWord, readonly number[]>> = {
  l1: [Pdu.L1_IIH, Pdu.PTP_IIH, Pdu.L1_LSP, Pdu.L1_CSNP, Pdu.L1_PSNP],
  l2: [Pdu.L2_IIH, Pdu.PTP_IIH, Pdu.L2_LSP, Pdu.L2_CSNP, Pdu.L2_PSNP],
  iih: [Pdu.L1_IIH, Pdu.L2_IIH, Pdu.PTP_IIH],
  lsp: [Pdu.L1_LSP, Pdu.L2_LSP],
  snp: [Pdu.L1_CSNP, Pdu.L2_CSNP, Pdu.L1_PSNP, Pdu.L2_PSNP],
  csnp: [Pdu.L1_CSNP, Pdu.L2_CSNP],
  psnp: [Pdu.L1_PSNP, Pdu.L2_PSNP],
};

/** Emits whether a packet is one of PROTOCOL. */
export function isProtocol(writer: CodeWriter, column: number, protocol: ProtocolWord): Exits {
  const type = LINK_TYPES[protocol];
  if (type !== undefined) return carries(writer, column, type);
  const ip = IP_PROTOCOLS[protocol];
  if (ip !== undefined) return isProtocolNumber(writer, column, ip[1] === 'both' ? undefined : ip[1], ip[0]);
  const osi = OSI_PROTOCOLS[protocol];
  if (osi !== undefined) return isProtocolNumber(writer, column, 'iso', osi);
  const [first, ...others] = (ISIS_PDUS[protocol] ?? []).map(
    (pdu) => () => isProtocolNumber(writer, column, 'isis', pdu),
  );
  if (first === undefined)
    throw new FilterError(column, 'the link header alone is no condition; expected [, host or proto');
  return writer.any(first, ...others);
}

/** Emits whether what follows the header of PROTOCOL (undefined: IPv4 or IPv6) is NUMBER. */
export function isProtocolNumber(
  writer: CodeWriter,
  column: number,
  protocol: ProtocolWord | undefined,
  number: number,
): Exits {
  switch (protocol) {
    case undefined:
      return writer.any(
        () => isProtocolNumber(writer, column, 'ip', number),
        () => isProtocolNumber(writer, column, 'ip6', number),
      );
    case 'link':
      return carries(writer, column, number);
    case 'ip':
      return writer.all(
        () => carries(writer, column, EtherType.IPV4),
        () => writer.equals('network', 9, 1, number),
      );
    case 'ip6':
      return writer.all(
        () => carries(writer, column, EtherType.IPV6),
        () =>
          writer.any(
            () => writer.equals('network', 6, 1, number),
            // Behind the header of a fragment.
            () =>
              writer.all(
                () => writer.equals('network', 6, 1, IPPROTO_FRAGMENT),
                () => writer.equals('network', 40, 1, number),
              ),
          ),
      );
    case 'iso':
      return writer.all(
        () => carries(writer, column, Sap.ISO),
        () => writer.equals('after llc', 0, 1, number),
      );
    case 'isis':
      return writer.all(
        () => isProtocolNumber(writer, column, 'iso', OSI.isis),
        () => writer.equals('after llc', 4, 1, number),
      );
    default:
      throw new FilterError(
        column,
        `${protocol} proto: no number of a protocol follows; expected ether, ip, ip6 or iso`,
      );
  }
}

/** Emits whether an IPv4 packet is not a fragment, or the first one. */
export function isFirstFragment(writer: CodeWriter): Exits {
  return writer.not(writer.compare(BpfJump.JSET, 'network', 6, 2, 0x1fff));
}
