import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Linktype } from '../../codecs/linktypes.js';
import { IpLocation, type LinkBytes, type LinkSkip, locateIp } from '../../core/link/locate-ip.js';
import { PacketType } from '../../core/packet.js';
import { createPcapFile } from '../../io/capture-file.js';
import { isInstalled, output, Scratch } from '../codecs/capture-files.js';

const Linktypes = suite('locate IP');
const scratch = new Scratch();
Linktypes.after(() => scratch.remove());

const hex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ''), 'hex');

/** 192.0.2.1 > 198.51.100.2: ICMP echo request, id 7, seq 9, length 8 (checksums by hand). */
const PING = hex('4500001c 00010000 4001 904a c0000201 c6336402 0800f7ef 00070009');
const UNICAST = '020000000001 020000000002';
const BROADCAST = 'ffffffffffff 020000000002';
const MULTICAST = '01005e000001 020000000002';
/** Packet type, ARPHRD_ETHER, address length, address; the protocol follows. */
const sll = (type: number): string => `000${type} 0001 0006 0200000000020000`;
/** Protocol, reserved, interface 3, ARPHRD_ETHER, packet type, address length, address. */
const sll2 = (protocol: string, type: number): string => `${protocol} 0000 00000003 0001 0${type} 06 0200000000020000`;
/** AF_INET, version 0, group 5, and then TLVS. */
const nflog = (tlvs: string): string => `02 00 0005 ${tlvs}`;

/** FRAME, truncated to CAPTURED bytes, at an odd offset in a larger buffer. */
function record(linktype: number, frame: Uint8Array, captured = frame.length): LinkBytes & { bytes: Uint8Array } {
  const at = 33;
  const bytes = new Uint8Array(at + frame.length + 5).fill(0xa5);
  bytes.set(frame.subarray(0, captured), at);
  return {
    bytes,
    view: new DataView(bytes.buffer),
    at,
    caplen: captured,
    wirelen: frame.length,
    linktype,
  };
}

/** The result of an earlier frame, nothing of which may remain. */
function stale(): IpLocation {
  return Object.assign(new IpLocation(), {
    at: -7,
    captured: -7,
    onWire: -7,
    etherType: -7,
    packetType: PacketType.OTHERHOST,
    isOutgoing: true,
    vlanId: 77,
    skip: 'lldp',
  });
}

/** Tags are removed as Linux 6.18 did with such frames on a veth pair without VLAN interfaces. */
const FOUND: [name: string, linktype: number, header: string, type: PacketType, isOutgoing?: boolean][] = [
  ['Ethernet', Linktype.ETHERNET, `${UNICAST} 0800`, PacketType.HOST],
  ['Ethernet broadcast', Linktype.ETHERNET, `${BROADCAST} 0800`, PacketType.BROADCAST],
  ['Ethernet multicast', Linktype.ETHERNET, `${MULTICAST} 0800`, PacketType.MULTICAST],
  ['nearly broadcast', Linktype.ETHERNET, `fffffffffffe 020000000002 0800`, PacketType.MULTICAST],
  ['another group', Linktype.ETHERNET, `fdffffffffff 020000000002 0800`, PacketType.MULTICAST],
  ['a priority tag', Linktype.ETHERNET, `${UNICAST} 8100 e000 0800`, PacketType.HOST],
  ['three priority tags', Linktype.ETHERNET, `${UNICAST} 8100 2000 8100 0000 8100 0000 0800`, PacketType.HOST],
  ['two priority tags', Linktype.ETHERNET, `${BROADCAST} 88a8 2000 8100 0000 0800`, PacketType.BROADCAST],
  ['RAW', Linktype.RAW, '', PacketType.HOST],
  ['RAW of the BSDs', Linktype.RAW_BSD, '', PacketType.HOST],
  ['RAW of OpenBSD', Linktype.RAW_OPENBSD, '', PacketType.HOST],
  ['IPV4', Linktype.IPV4, '', PacketType.HOST],
  ['NULL, little-endian', Linktype.NULL, '02000000', PacketType.HOST],
  ['NULL, big-endian', Linktype.NULL, '00000002', PacketType.HOST],
  ['LOOP', Linktype.LOOP, '00000002', PacketType.HOST],
  ['SLL to the host', Linktype.LINUX_SLL, `${sll(0)} 0800`, PacketType.HOST],
  ['SLL broadcast', Linktype.LINUX_SLL, `${sll(1)} 0800`, PacketType.BROADCAST],
  ['SLL multicast', Linktype.LINUX_SLL, `${sll(2)} 0800`, PacketType.MULTICAST],
  ['SLL to another host', Linktype.LINUX_SLL, `${sll(3)} 0800`, PacketType.OTHERHOST],
  ['SLL outgoing', Linktype.LINUX_SLL, `${sll(4)} 0800`, PacketType.HOST, true],
  ['SLL, of a type to come', Linktype.LINUX_SLL, `${sll(9)} 0800`, PacketType.HOST],
  ['SLL, a priority tag', Linktype.LINUX_SLL, `${sll(0)} 8100 0000 0800`, PacketType.HOST],
  ['NFLOG, little-endian', Linktype.NFLOG, `${nflog('0800 0100 08000100')} 2000 0900`, PacketType.HOST],
  ['NFLOG, big-endian', Linktype.NFLOG, `${nflog('0008 0001 08000100')} 0020 0009`, PacketType.HOST],
  ['NFLOG, a prefix', Linktype.NFLOG, `${nflog('0700 0a00 6f75 0000')} 2000 0900`, PacketType.HOST],
  ['PPP', Linktype.PPP, '0021', PacketType.HOST],
  ['PPP with address and control', Linktype.PPP, 'ff03 0021', PacketType.HOST],
  ['PPP, a compressed protocol', Linktype.PPP, '21', PacketType.HOST],
  ['PPP, address, control and a compressed protocol', Linktype.PPP, 'ff03 21', PacketType.HOST],
  ['PPP on a serial line', Linktype.PPP_HDLC, 'ff03 0021', PacketType.HOST],
  ["Cisco's HDLC on a serial line", Linktype.PPP_HDLC, '0f00 0800', PacketType.HOST],
  ['PPPoE', Linktype.PPP_ETHER, '1100 0007 001e 0021', PacketType.HOST],
  ['PPPoE, a compressed protocol', Linktype.PPP_ETHER, '1100 0007 001d 21', PacketType.HOST],
  ['SLL2 to the host', Linktype.LINUX_SLL2, sll2('0800', 0), PacketType.HOST],
  ['SLL2 outgoing', Linktype.LINUX_SLL2, sll2('0800', 4), PacketType.HOST, true],
];

for (const [name, linktype, header, type, isOutgoing] of FOUND) {
  Linktypes(`IP is found: ${name}`, () => {
    const headerBytes = hex(header);
    const frame = Buffer.concat([headerBytes, PING]);
    for (const captured of [frame.length, frame.length - 3]) {
      const location = stale();
      const where = record(linktype, frame, captured);
      assert.ok(locateIp(where, location));
      assert.is(location.skip, null);
      assert.is(location.at, where.at + headerBytes.length);
      assert.is(location.captured, captured - headerBytes.length);
      assert.is(location.onWire, PING.length);
      assert.is(location.etherType, 0x0800);
      assert.is(location.packetType, type);
      assert.is(location.isOutgoing, isOutgoing ?? false);
      assert.is(location.vlanId, -1);
    }
  });
}

const SKIPPED: [name: string, linktype: number, frame: string, skip: LinkSkip, etherType: number, vlanId?: number][] = [
  ['ARP', Linktype.ETHERNET, `${BROADCAST} 0806 0001`, 'arp', 0x0806],
  ['IPv6', Linktype.ETHERNET, `${UNICAST} 86dd 60`, 'ipv6', 0x86dd],
  ['LLDP', Linktype.ETHERNET, `0180c200000e 020000000002 88cc 02`, 'lldp', 0x88cc],
  ['a length: spanning tree', Linktype.ETHERNET, `0180c2000000 020000000002 0026 424203`, 'llc', 0x26],
  ['a length: the largest', Linktype.ETHERNET, `${UNICAST} 05ff 424203`, 'llc', 0x05ff],
  ['an EtherType: the smallest', Linktype.ETHERNET, `${UNICAST} 0600 424203`, 'not-ip', 0x0600],
  ['PPPoE session', Linktype.ETHERNET, `${UNICAST} 8864 11`, 'pppoe', 0x8864],
  ['PPPoE session, IPv4', Linktype.ETHERNET, `${UNICAST} 8864 1100 0007 0016 0021 45`, 'pppoe', 0x0800],
  ['PPPoE session, LCP', Linktype.ETHERNET, `${UNICAST} 8864 1100 0007 000a c021 09`, 'pppoe', -1],
  ['PPPoE discovery', Linktype.ETHERNET, `${BROADCAST} 8863 1109`, 'pppoe', 0x8863],
  ['MPLS', Linktype.ETHERNET, `${UNICAST} 8847 0001013f 45`, 'mpls', 0x8847],
  ['MPLS multicast', Linktype.ETHERNET, `${UNICAST} 8848 0001013f 45`, 'mpls', 0x8848],
  ['PPP, IPv6', Linktype.PPP, 'ff03 0057 60', 'ipv6', 0x86dd],
  ['PPP, IPv6, compressed', Linktype.PPP, '57 60', 'ipv6', 0x86dd],
  ['PPP, MPLS', Linktype.PPP, 'ff03 0281 0001013f', 'mpls', 0x8847],
  ['PPP, LCP', Linktype.PPP, 'ff03 c021 01', 'ppp', -1],
  ['PPP, IPCP', Linktype.PPP, '8021 01', 'ppp', -1],
  ['PPP, VJ compressed TCP', Linktype.PPP, 'ff03 2d 01', 'ppp', -1],
  ['PPP, nothing', Linktype.PPP, '', 'link-too-short', -1],
  ['PPP, address and control only', Linktype.PPP, 'ff03', 'link-too-short', -1],
  ['PPP, half a protocol', Linktype.PPP, 'ff03 00', 'link-too-short', -1],
  ["Cisco's HDLC, SLARP", Linktype.PPP_HDLC, '8f00 8035 00', 'not-ip', 0x8035],
  ["Cisco's HDLC, cut", Linktype.PPP_HDLC, '0f00 08', 'link-too-short', -1],
  ['PPPoE, discovery', Linktype.PPP_ETHER, '1109 0000 0004 0101', 'ppp', -1],
  ['PPPoE, LCP', Linktype.PPP_ETHER, '1100 0007 000a c021 09', 'ppp', -1],
  ['PPPoE, five bytes', Linktype.PPP_ETHER, '1100 0007 00', 'link-too-short', -1],
  ['ARP after a priority tag', Linktype.ETHERNET, `${UNICAST} 8100 e000 0806`, 'arp', 0x0806],
  ['VLAN 100', Linktype.ETHERNET, `${UNICAST} 8100 2064 0800 45`, 'vlan', 0x0800, 100],
  ['VLAN 4095', Linktype.ETHERNET, `${UNICAST} 8100 ffff 0806 45`, 'vlan', 0x0806, 4095],
  ['QinQ: the outer ID counts', Linktype.ETHERNET, `${UNICAST} 88a8 0064 8100 00c8 0800`, 'vlan', 0x8100, 100],
  ['a priority tag around VLAN 200', Linktype.ETHERNET, `${UNICAST} 8100 e000 8100 00c8 0800`, 'vlan', 0x0800, 200],
  ['a tag 0x9100, even without an ID', Linktype.ETHERNET, `${UNICAST} 9100 e000 0800 45`, 'vlan', 0x0800, 0],
  ['a tag 0x9100', Linktype.ETHERNET, `${UNICAST} 9100 0007 0800 45`, 'vlan', 0x0800, 7],
  ['a tag 0x9100 within a priority tag', Linktype.ETHERNET, `${UNICAST} 8100 e000 9100 0000 0800`, 'vlan', 0x0800, 0],
  ['nothing', Linktype.ETHERNET, '', 'link-too-short', -1],
  ['13 bytes', Linktype.ETHERNET, `${UNICAST} 08`, 'link-too-short', -1],
  ['half a tag', Linktype.ETHERNET, `${UNICAST} 8100 000008`, 'link-too-short', 0x8100],
  ['RAW IPv6', Linktype.RAW, '60000000', 'ipv6', 0x86dd],
  ['RAW of no IP version', Linktype.RAW, '50000000', 'not-ip', -1],
  ['RAW, nothing', Linktype.RAW, '', 'link-too-short', -1],
  ['IPV4, nothing', Linktype.IPV4, '', 'link-too-short', 0x0800],
  ['IPV6', Linktype.IPV6, '60000000', 'ipv6', 0x86dd],
  ['NULL, AF_INET6 of Linux', Linktype.NULL, '0a000000 60', 'ipv6', 0x86dd],
  ['NULL, AF_INET6 of FreeBSD, big-endian', Linktype.NULL, '0000001c 60', 'ipv6', 0x86dd],
  ['NULL, AF_INET6 of macOS', Linktype.NULL, '1e000000 60', 'ipv6', 0x86dd],
  ['NULL, AppleTalk', Linktype.NULL, '10000000 60', 'not-ip', -1],
  ['NULL, three bytes', Linktype.NULL, '020000', 'link-too-short', -1],
  ['LOOP, AF_INET6 of OpenBSD', Linktype.LOOP, '00000018 60', 'ipv6', 0x86dd],
  ['SLL, ARP', Linktype.LINUX_SLL, `${sll(1)} 0806 00`, 'arp', 0x0806],
  ['SLL, an 802.2 frame', Linktype.LINUX_SLL, `${sll(2)} 0004 424203`, 'llc', 4],
  ['SLL, VLAN 5', Linktype.LINUX_SLL, `${sll(0)} 8100 0005 0800 45`, 'vlan', 0x0800, 5],
  ['SLL, 15 bytes', Linktype.LINUX_SLL, `${sll(0)} 08`, 'link-too-short', -1],
  ['SLL2, IPv6', Linktype.LINUX_SLL2, `${sll2('86dd', 0)} 60`, 'ipv6', 0x86dd],
  ['SLL2, 19 bytes', Linktype.LINUX_SLL2, sll2('0800', 0).slice(0, -2), 'link-too-short', -1],
  ['NFLOG, IPv6', Linktype.NFLOG, '0a 00 0000 0500 0900 60', 'ipv6', 0x86dd],
  ['NFLOG, no payload', Linktype.NFLOG, nflog('0800 0100 08000100'), 'link-too-short', -1],
  ['NFLOG, a TLV of no length', Linktype.NFLOG, nflog('0000 0000 2000 0900 45'), 'link-too-short', -1],
  ['802.11', 105, '08000000', 'unknown-linktype', -1],
];

for (const [name, linktype, frame, skip, etherType, vlanId] of SKIPPED) {
  Linktypes(`no IPv4 for the host: ${name}`, () => {
    const location = stale();
    assert.not(locateIp(record(linktype, hex(frame)), location));
    assert.is(location.skip, skip);
    assert.is(location.etherType, etherType);
    assert.is(location.vlanId, vlanId ?? -1);
  });
}

Linktypes('the packet after a VLAN tag is what its VLAN interface would receive', () => {
  const frame = Buffer.concat([hex(`${MULTICAST} 8100 0064 0800`), PING]);
  const where = record(Linktype.ETHERNET, frame);
  const location = stale();
  assert.not(locateIp(where, location));
  assert.equal([location.at, location.captured, location.onWire], [where.at + 18, PING.length, PING.length]);
  assert.is(location.packetType, PacketType.MULTICAST);
});

Linktypes('never reads beyond what was captured', () => {
  for (const [name, linktype, header] of FOUND) {
    const frame = Buffer.concat([hex(header), PING]);
    for (let captured = 0; captured < frame.length; captured++) {
      const where = record(linktype, frame.subarray(0, captured));
      // The view ends with the record: reading beyond it would throw.
      const view = new DataView(where.bytes.buffer, 0, where.at + captured);
      const location = stale();
      const isFound = locateIp({ ...where, view }, location);
      const wanted = captured >= hex(header).length + (linktype === Linktype.ETHERNET ? 0 : 1);
      if (wanted) assert.ok(isFound, `${name}: ${captured} bytes`);
      assert.ok(location.at + location.captured === where.at + captured, `${name}: ${captured} bytes`);
    }
  }
});

const withTcpdump = isInstalled('tcpdump') ? Linktypes : Linktypes.skip;
withTcpdump('tcpdump finds the same packet', () => {
  for (const [name, linktype, header] of FOUND) {
    // 12 and 14 have another meaning in files: they are RAW only on the BSDs themselves.
    if (linktype === Linktype.RAW_BSD || linktype === Linktype.RAW_OPENBSD) continue;
    // tcpdump expects the byte order of the file.
    if (name === 'NFLOG, big-endian') continue;
    const path = scratch.path('frame.pcap');
    const writer = createPcapFile(path, linktype);
    const frame = Buffer.concat([hex(header), PING]);
    writer.write(1_700_000_000, 1, frame, 0, frame.length, frame.length);
    writer.close();
    const line = output('tcpdump', '-r', path, '-nn', '-t');
    assert.match(line, /192\.0\.2\.1 > 198\.51\.100\.2: ICMP echo request, id 7, seq 9, length 8/, name);
  }
});

Linktypes.run();
