import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { IPPROTO_GRE, TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from '../../codecs/layouts.js';
import { replay } from '../../replay/replay.js';
import { assumedByStitching, refuseBehindNat, warningsOfStitching } from '../../replay/stitch/stitch-summary.js';
import { type HostFile, link } from '../host/host-file.js';
import {
  buildIcmp,
  buildIpv4,
  buildUdp,
  fragmentsOf,
  type IpFields,
  tcpPacket,
  udpPacket,
  withChecksum,
} from '../packets/packets.js';
import { buildInit, buildSctp, ChunkType } from '../packets/sctp.js';
import { flowOf, hasRightChecksums } from './flow-text.js';
import { StitchedHost } from './stitched-host.js';

const Stitch = suite('stitch');

const HOST = {
  addr: [link('wan', '192.0.2.10/24'), link('lan', '172.17.0.1/16'), link('vpn', '10.8.0.1/24')],
  route: [
    { dst: 'default', gateway: '192.0.2.1', dev: 'wan' },
    { dst: '198.51.100.0/25', gateway: '10.8.0.2', dev: 'vpn' },
  ],
};

/** A published port, masquerading, and FILTER in FORWARD. */
const docker = (...filter: string[]): string => `*nat
-A PREROUTING -d 192.0.2.10/32 -p tcp --dport 36379 -j DNAT --to-destination 172.17.0.3:6379
-A PREROUTING -d 192.0.2.10/32 -p udp --dport 53 -j DNAT --to-destination 172.17.0.3:5353
-A PREROUTING -d 192.0.2.10/32 -p gre -j DNAT --to-destination 172.17.0.3
-A POSTROUTING -s 172.17.0.0/16 ! -o lan -j MASQUERADE
COMMIT
*filter
${filter.map((rule) => `-A FORWARD ${rule}\n`).join('')}COMMIT
`;

const CLIENT: IpFields = { source: '203.0.113.7', destination: '192.0.2.10' };
const SERVER: IpFields = { source: '192.0.2.10', destination: '203.0.113.7' };
const TO = { sport: 51515, dport: 36379 };
const FROM = { sport: 36379, dport: 51515 };

const ISN = 1000;
const SERVER_ISN = 5000;
const data = (length: number): Uint8Array => new Uint8Array(length).fill(0x61);
const syn = (sequence = ISN, ends = TO) => tcpPacket({ ...CLIENT, ...ends, flags: TCP_SYN, sequence });
const synAck = (acknowledgment = ISN + 1) =>
  tcpPacket({ ...SERVER, ...FROM, flags: TCP_SYN | TCP_ACK, sequence: SERVER_ISN, acknowledgment });
/** What the client sends in the connection: LENGTH bytes from byte AT on, after it got SEEN bytes. */
const fromClient = (at: number, length: number, seen = 0, flags = TCP_ACK) =>
  tcpPacket({
    ...{ ...CLIENT, ...TO, flags, sequence: ISN + 1 + at, acknowledgment: SERVER_ISN + 1 + seen },
    data: data(length),
  });
const fromServer = (at: number, length: number, seen: number, flags = TCP_ACK) =>
  tcpPacket({
    ...{ ...SERVER, ...FROM, flags, sequence: SERVER_ISN + 1 + at, acknowledgment: ISN + 1 + seen },
    data: data(length),
  });
const ask = (ends = { sport: 4000, dport: 53 }) => udpPacket({ ...CLIENT, ...ends, data: data(8) });
const answer = (ends = { sport: 53, dport: 4000 }) => udpPacket({ ...SERVER, ...ends, data: data(8) });
const INSIDE: IpFields = { source: '172.17.0.3', destination: '198.51.100.200' };
const OUTSIDE: IpFields = { source: '198.51.100.200', destination: '172.17.0.3' };
const ping = (type: 8 | 0, id: number, sequence: number) =>
  buildIpv4({ ...(type === 8 ? INSIDE : OUTSIDE), protocol: 1 }, buildIcmp(type, 0, id, sequence, data(8)));

const verdict = (taken: string): string => taken.slice(taken.lastIndexOf(' ') + 1);
const verdicts = (host: StitchedHost, ...packets: Uint8Array[]): string[] =>
  packets.map((packet, i) => verdict(host.take(packet, i / 100)));

Stitch('a packet enters where the host routes to its sender', () => {
  const host = new StitchedHost('*filter\nCOMMIT\n', HOST);
  const from = (source: string) => host.take(udpPacket({ source, destination: '10.8.0.9', sport: 1, dport: 2 }));
  assert.match(from('203.0.113.7'), /^wan /);
  assert.match(from('172.17.9.9'), /^lan /);
  assert.match(from('198.51.100.127'), /^vpn /);
  assert.match(from('198.51.100.128'), /^wan /);
  assert.match(from('192.0.2.10'), /^local /);
  assert.is(new StitchedHost('*filter\nCOMMIT\n', { addr: [] }).take(ask()), 'no-route-to-sender');
});

Stitch('a packet to the address of an uplink enters by it where rules route its answers there', () => {
  const host = new StitchedHost('*filter\nCOMMIT\n', {
    addr: [link('isp1', '192.0.2.10/24'), link('isp2', '198.51.100.10/24')],
    route: [
      { dst: 'default', gateway: '192.0.2.1', dev: 'isp1' },
      { dst: 'default', gateway: '198.51.100.1', dev: 'isp2', table: '100' },
    ],
    rule: [
      { priority: 0, src: 'all', table: 'local' },
      { priority: 100, src: '198.51.100.10', table: '100' },
      { priority: 32766, src: 'all', table: 'main' },
    ],
  } as HostFile);
  const to = (destination: string) =>
    host.take(udpPacket({ source: '203.0.113.7', destination, sport: 1, dport: 2 })).split(' ')[0];
  assert.equal([to('198.51.100.10'), to('192.0.2.10'), to('198.51.100.10')], ['isp2', 'isp1', 'isp2']);
});

Stitch('the reply to a translated packet is what its sender sent', () => {
  const host = new StitchedHost(docker(), HOST);
  host.take(syn());
  assert.is(host.take(synAck(), 0.01), 'lan 172.17.0.3:6379 > 203.0.113.7:51515 forwarded');
  assert.ok(hasRightChecksums(host.entered));
  assert.equal(host.outputs.map(flowOf), ['192.0.2.10:36379 > 203.0.113.7:51515']);
  host.take(ask());
  assert.is(host.take(answer(), 0.01), 'lan 172.17.0.3:5353 > 203.0.113.7:4000 forwarded');
  assert.ok(hasRightChecksums(host.entered));
});

Stitch('a bad checksum stays bad, a missing one stays missing, an unfinished one stays unfinished', () => {
  const unchecked = (fields: IpFields, sport: number, dport: number) =>
    buildIpv4({ ...fields, protocol: 17 }, buildUdp(sport, dport, data(8)));
  const host = new StitchedHost(docker(), HOST);
  host.take(ask());
  host.take(unchecked(SERVER, 53, 4000));
  assert.is(host.entered.readUInt16BE(26), 0);
  host.take(withChecksum(unchecked(SERVER, 53, 4000), 5));
  const wrong = host.entered.readUInt16BE(26);
  host.take(answer());
  assert.is((wrong - host.entered.readUInt16BE(26) + 0xffff) % 0xffff, 5);
  // The sum of the pseudo header, by hand: addresses, protocol 17, 16 bytes.
  const sums = (...words: number[]) => {
    const sum = words.reduce((a, b) => a + b, 0);
    return (sum & 0xffff) + (sum >>> 16);
  };
  const unfinished = unchecked(SERVER, 53, 4000);
  unfinished.writeUInt16BE(sums(0xc000, 0x020a, 0xcb00, 0x7107, 17, 16), 26);
  host.take(unfinished);
  assert.is(host.entered.readUInt16BE(26), sums(0xac11, 0x0003, 0xcb00, 0x7107, 17, 16));
});

Stitch('ICMP queries are given their translated ID back', () => {
  const host = new StitchedHost(docker(), HOST);
  host.take(ping(8, 77, 1));
  assert.is(host.take(ping(0, 77, 1)), 'wan 198.51.100.200 > 192.0.2.10 id 77 forwarded');
  assert.ok(hasRightChecksums(host.entered));
  // A second container that uses the same ID gets another one.
  const other = { source: '172.17.0.4', destination: '198.51.100.200', protocol: 1 };
  host.take(buildIpv4(other, buildIcmp(8, 0, 77, 1, data(8))));
  const id = host.outputs[0].readUInt16BE(24);
  assert.is.not(id, 77);
  const reply = { source: '198.51.100.200', destination: '172.17.0.4', protocol: 1 };
  const taken = host.take(buildIpv4(reply, buildIcmp(0, 0, 77, 1, data(8))));
  assert.is(taken, `wan 198.51.100.200 > 192.0.2.10 id ${id} forwarded`);
  assert.equal(host.outputs.map(flowOf), ['198.51.100.200 > 172.17.0.4 id 77']);
});

Stitch('an ICMP error quotes what its sender saw, and comes back as it was captured', () => {
  const host = new StitchedHost(docker(), HOST);
  const query = udpPacket({ ...INSIDE, sport: 4000, dport: 33434, data: data(8) });
  host.take(query);
  const router = { source: '203.0.113.99', destination: '172.17.0.3', protocol: 1 };
  const error = buildIpv4(router, buildIcmp(11, 0, 0, 0, query));
  const taken = host.take(error);
  assert.is(taken, 'wan 203.0.113.99 > 192.0.2.10 about 192.0.2.10:4000 > 198.51.100.200:33434 forwarded');
  assert.ok(hasRightChecksums(host.entered));
  assert.equal(host.outputs.map(flowOf), ['203.0.113.99 > 172.17.0.3 about 172.17.0.3:4000 > 198.51.100.200:33434']);
});

Stitch('an ICMP error from a published server comes from that server', () => {
  const host = new StitchedHost(docker(), HOST);
  host.take(ask());
  const error = buildIpv4({ ...SERVER, protocol: 1 }, buildIcmp(3, 3, 0, 0, ask()));
  const taken = host.take(error);
  assert.is(taken, 'lan 172.17.0.3 > 203.0.113.7 about 203.0.113.7:4000 > 172.17.0.3:5353 forwarded');
  assert.ok(hasRightChecksums(host.entered));
  assert.equal(host.outputs.map(flowOf), ['192.0.2.10 > 203.0.113.7 about 203.0.113.7:4000 > 192.0.2.10:53']);
});

Stitch('protocols without ports are translated back by address', () => {
  const host = new StitchedHost(docker(), HOST);
  const gre = (fields: IpFields) =>
    buildIpv4({ ...fields, protocol: IPPROTO_GRE }, Buffer.from('0000080045000000', 'hex'));
  assert.is(host.take(gre(CLIENT)), 'wan 203.0.113.7 > 192.0.2.10 forwarded');
  assert.is(host.take(gre(SERVER)), 'lan 172.17.0.3 > 203.0.113.7 forwarded');
});

Stitch('all fragments of a reply are translated back', () => {
  const host = new StitchedHost(docker(), HOST);
  host.take(ask());
  const whole = udpPacket({ ...SERVER, sport: 53, dport: 4000, data: data(32), id: 9 });
  const taken = fragmentsOf(whole, [16, 8]).map((fragment) => host.take(fragment));
  assert.equal(taken, [
    'lan 172.17.0.3:5353 > 203.0.113.7:4000 held',
    'lan 172.17.0.3 > 203.0.113.7 held',
    'lan 172.17.0.3 > 203.0.113.7 held',
    'lan 172.17.0.3 > 203.0.113.7 forwarded',
  ]);
  assert.is(host.stitcher.earlyFragments, 0);
  host.take(fragmentsOf(udpPacket({ ...SERVER, sport: 53, dport: 4000, data: data(32), id: 10 }), [16])[1]);
  assert.is(host.stitcher.earlyFragments, 1);
});

Stitch('translations end with their connections: the same ports later go elsewhere', () => {
  const rules = `*nat
-A PREROUTING -d 192.0.2.10 -p udp -m statistic --mode nth --every 2 --packet 0 -j DNAT --to-destination 172.17.0.3:53
-A PREROUTING -d 192.0.2.10/32 -p udp -j DNAT --to-destination 172.17.0.4:5353
COMMIT
`;
  const host = new StitchedHost(rules, HOST);
  host.take(ask(), 0);
  assert.match(host.take(answer(), 1), /^lan 172\.17\.0\.3:53 /);
  // The connection has ended, but the server knows the address only that it was asked from.
  assert.match(host.take(answer(), 500), /^lan 172\.17\.0\.3:53 /);
  host.take(ask(), 1000);
  assert.match(host.take(answer(), 1001), /^lan 172\.17\.0\.4:5353 .* forwarded/);
});

Stitch('an opener that is dropped: nothing else happens until one passes', () => {
  // The limit lets the first SYN pass, and one more a minute later.
  const host = new StitchedHost(
    docker('-p tcp --syn -m limit --limit 1/min --limit-burst 1 -j ACCEPT', '-p tcp --syn -j DROP'),
    HOST,
  );
  assert.is(verdict(host.take(syn(1, { sport: 1, dport: 36379 }))), 'forwarded');
  assert.equal(verdicts(host, syn(), synAck(), fromClient(0, 0), fromClient(0, 9), fromServer(0, 9, 9)), [
    'dropped',
    'not-sent',
    'not-sent',
    'not-sent',
    'not-sent',
  ]);
  assert.is(verdict(host.take(syn(), 1)), 'dropped', 'a SYN is sent again');
  assert.equal([host.stitcher.conversations.connections, host.stitcher.conversations.packets], [1, 4]);
  // Accepted at last. Nobody but the server has something to say then.
  assert.is(verdict(host.take(syn(), 70)), 'forwarded');
  assert.is(verdict(host.take(fromClient(0, 0), 70.1)), 'not-sent');
  assert.is(verdict(host.take(synAck(), 70.2)), 'forwarded');
  assert.is(verdict(host.take(fromServer(0, 4, 0), 70.3)), 'not-sent');
  assert.is(verdict(host.take(fromClient(0, 0), 70.4)), 'forwarded');
  assert.is(verdict(host.take(fromServer(0, 4, 0), 70.5)), 'forwarded');
  assert.is(host.stitcher.conversations.connections, 1);
});

for (const how of ['tcp-reset', 'icmp-port-unreachable']) {
  Stitch(`an opener that is rejected with ${how} is not sent again`, () => {
    const host = new StitchedHost(docker(`-p tcp --syn -j REJECT --reject-with ${how}`), HOST);
    assert.equal(verdicts(host, syn(), syn(), synAck(), syn(2000)), ['rejected', 'not-sent', 'not-sent', 'rejected']);
    assert.is(host.emulator.connections.size, 0, 'recorded answers open nothing');
  });
}

Stitch('a SYN/ACK that is dropped: the server sends it again, the client says nothing', () => {
  const host = new StitchedHost(docker('-p tcp --tcp-flags SYN,ACK SYN,ACK -j DROP'), HOST);
  assert.equal(
    verdicts(host, syn(), synAck(), fromClient(0, 0), fromClient(0, 5), fromServer(0, 5, 5), synAck(), syn()),
    ['forwarded', 'dropped', 'not-sent', 'not-sent', 'not-sent', 'dropped', 'forwarded'],
  );
});

Stitch('a dropped end of the handshake: the server sends nothing until it gets something else', () => {
  // The empty ACK has 40 bytes.
  const host = new StitchedHost(
    docker('-s 203.0.113.7 -p tcp --tcp-flags SYN,ACK ACK -m length --length 40 -j DROP'),
    HOST,
  );
  assert.equal(
    verdicts(host, syn(), synAck(), fromClient(0, 0), fromServer(0, 7, 0), fromClient(0, 5), fromServer(0, 7, 5)),
    ['forwarded', 'forwarded', 'dropped', 'not-sent', 'forwarded', 'forwarded'],
  );
});

Stitch('nobody acknowledges data that was dropped, or what answers it', () => {
  const host = new StitchedHost(docker('-p tcp -m length --length 100:140 -j DROP'), HOST);
  const handshake = [syn(), synAck(), fromClient(0, 0)];
  assert.equal(
    verdicts(
      host,
      ...handshake,
      fromClient(0, 80),
      fromClient(80, 10),
      fromServer(0, 0, 90),
      fromServer(0, 30, 90),
      fromServer(0, 30, 0),
      fromClient(90, 5, 30),
      // Sent again in smaller pieces, which pass.
      fromClient(0, 50),
      fromServer(0, 30, 50),
      fromClient(90, 5, 30),
    ).slice(3),
    ['dropped', 'forwarded', 'not-sent', 'not-sent', 'forwarded', 'forwarded', 'forwarded', 'forwarded', 'forwarded'],
  );
});

Stitch('who is told by a RST in the middle sends no more', () => {
  const host = new StitchedHost(docker('-p tcp -m length --length 100:140 -j REJECT --reject-with tcp-reset'), HOST);
  const packets = [syn(), synAck(), fromClient(0, 0), fromClient(0, 80), fromClient(80, 10), fromServer(0, 5, 0)];
  assert.equal(verdicts(host, ...packets).slice(3), ['rejected', 'not-sent', 'forwarded']);
});

Stitch('a datagram that is dropped is not answered; the next one is sent all the same', () => {
  const host = new StitchedHost(
    docker('-d 172.17.0.3 -p udp -m statistic --mode nth --every 2 --packet 0 -j DROP'),
    HOST,
  );
  assert.equal(verdicts(host, ask(), answer(), ask(), answer()), ['dropped', 'not-sent', 'forwarded', 'forwarded']);
  assert.ok(host.stitcher.conversations.suppressesDatagrams);
});

Stitch('the reply to a dropped query is known by its sequence number', () => {
  const host = new StitchedHost(
    docker('-p icmp --icmp-type 8 -m statistic --mode nth --every 3 --packet 1 -j DROP'),
    HOST,
  );
  const packets = [1, 2, 3, 4, 5].flatMap((sequence) => [ping(8, 7, sequence), ping(0, 7, sequence)]);
  const wanted = [1, 2, 3, 4, 5].flatMap((n) => (n % 3 === 2 ? ['dropped', 'not-sent'] : ['forwarded', 'forwarded']));
  assert.equal(verdicts(host, ...packets), wanted);
  assert.equal([host.stitcher.conversations.connections, host.stitcher.conversations.packets], [1, 2]);
});

Stitch('a datagram of an answered conversation that is dropped ends nothing', () => {
  const drop = ['INPUT', 'OUTPUT'].map((chain) => `-A ${chain} -p udp -m length --length 30 -j DROP\n`).join('');
  const host = new StitchedHost(`*filter\n${drop}COMMIT\n`, HOST);
  const small = (fields: IpFields, sport: number, dport: number) =>
    udpPacket({ ...fields, sport, dport, data: data(2) });
  assert.equal(verdicts(host, ask(), answer(), small(SERVER, 53, 4000), ask(), small(CLIENT, 4000, 53), answer()), [
    ...['delivered', 'sent', 'dropped', 'delivered', 'dropped', 'sent'],
  ]);
});

Stitch('the answers of the captured host to what the emulated host rejects itself are not counted as missing', () => {
  const host = new StitchedHost(docker('-p tcp --syn -j REJECT --reject-with tcp-reset', '-p udp -j REJECT'), HOST);
  host.take(syn());
  const reset = tcpPacket({ ...SERVER, ...FROM, flags: TCP_RST | TCP_ACK, acknowledgment: ISN + 1 });
  assert.is(host.take(reset), 'own-answer');
  host.take(ask());
  assert.is(host.take(buildIpv4({ ...SERVER, protocol: 1 }, buildIcmp(3, 3, 0, 0, ask()))), 'own-answer');
  assert.is(host.stitcher.conversations.packets, 0);
});

Stitch('an ICMP error about what did not happen is not sent', () => {
  const host = new StitchedHost(docker('-p udp -j DROP'), HOST);
  host.take(ask());
  assert.is(host.take(buildIpv4({ ...SERVER, protocol: 1 }, buildIcmp(3, 3, 0, 0, ask()))), 'not-sent');
});

Stitch('the captured host’s own ICMP errors are left to the emulated host', () => {
  const host = new StitchedHost(docker(), HOST);
  const probe = udpPacket({ source: '203.0.113.7', destination: '172.17.0.9', sport: 5, dport: 6, ttl: 1 });
  const exceeded = buildIpv4({ ...SERVER, protocol: 1 }, buildIcmp(11, 0, 0, 0, probe));
  assert.is(verdict(host.take(probe)), 'dropped');
  assert.is(host.outputs.length, 1, 'its own answer');
  assert.is(host.take(exceeded), 'own-answer');
  const unseen = udpPacket({ source: '203.0.113.7', destination: '172.17.0.9', sport: 7, dport: 8 });
  assert.is(host.take(buildIpv4({ ...SERVER, protocol: 1 }, buildIcmp(11, 0, 0, 0, unseen))), 'own-answer');
  // Only its sockets know whether a port of its own is open.
  const closed = udpPacket({ ...CLIENT, sport: 9, dport: 10 });
  host.take(closed);
  assert.match(host.take(buildIpv4({ ...SERVER, protocol: 1 }, buildIcmp(3, 3, 0, 0, closed))), /^local .* sent$/);
});

Stitch('a connection that is under way when the capture begins goes on', () => {
  const host = new StitchedHost('*filter\nCOMMIT\n', HOST);
  const ends = { source: '203.0.113.7', destination: '172.17.0.3', sport: 40000, dport: 22 };
  assert.is(verdict(host.take(tcpPacket({ ...ends, flags: TCP_ACK, data: data(4) }))), 'forwarded');
  assert.is(verdict(host.take(tcpPacket({ ...ends, flags: TCP_ACK, sequence: 4 }))), 'forwarded');
  assert.is(host.stitcher.underWay, 1);
});

Stitch('of a connection that was captured on both sides, each packet enters once, as it arrived', () => {
  const host = new StitchedHost(docker(), HOST);
  const behind = { source: '203.0.113.7', destination: '172.17.0.3', sport: 51515, dport: 6379 };
  const reply = { source: '172.17.0.3', destination: '203.0.113.7', sport: 6379, dport: 51515 };
  assert.is(verdict(host.take(syn(), 0)), 'forwarded');
  assert.is(host.take(tcpPacket({ ...behind, flags: TCP_SYN, sequence: ISN }), 0), 'captured-twice');
  const answered = { flags: TCP_SYN | TCP_ACK, sequence: SERVER_ISN, acknowledgment: ISN + 1 };
  assert.is(host.take(tcpPacket({ ...reply, ...answered }), 1), 'lan 172.17.0.3:6379 > 203.0.113.7:51515 forwarded');
  assert.is(host.take(synAck(), 1), 'captured-twice');
  assert.is(verdict(host.take(fromClient(0, 0), 2)), 'forwarded');
});

Stitch('connections that were captured behind the NAT are recognized', () => {
  const host = new StitchedHost(docker(), HOST);
  const behind = { source: '203.0.113.7', destination: '172.17.0.3', sport: 5, dport: 6379 };
  host.take(tcpPacket({ ...behind, flags: TCP_SYN }));
  host.take(tcpPacket({ ...behind, flags: TCP_SYN, sport: 6 }));
  assert.throws(
    () => refuseBehindNat(host.stitcher, ['client.pcap']),
    (error: Error) =>
      error.message.startsWith(
        'client.pcap: taken behind the NAT: 203.0.113.7 connects to 172.17.0.3:6379, to which rules.v4:2 translates; ' +
          'give a capture of the client side with --stitch',
      ),
  );
  // One that no client of the Internet opened, one to another port, and one by the address that is translated.
  host.take(tcpPacket({ ...behind, flags: TCP_SYN, source: '10.8.0.9' }));
  host.take(tcpPacket({ ...behind, flags: TCP_SYN, dport: 6380 }));
  host.take(syn());
  refuseBehindNat(host.stitcher, ['client.pcap']);
  assert.equal(warningsOfStitching(host.stitcher), [
    '2 of 5 connections are captured behind the NAT, and meet no DNAT rule: 203.0.113.7 connects to 172.17.0.3:6379, ' +
      'to which rules.v4:2 translates',
  ]);
});

Stitch('connections from the host’s own addresses are said to be its own where it translates to them', () => {
  const host = new StitchedHost(docker(), HOST);
  host.take(udpPacket({ source: '192.0.2.10', destination: '203.0.113.7', sport: 5, dport: 6 }));
  assert.equal(assumedByStitching(host.stitcher), [
    "1 connection from the host's addresses: its own, none that it translated",
  ]);
});

Stitch('a packet that was captured before and after it was forwarded enters once, also where it is dropped', () => {
  const host = new StitchedHost('*filter\n-A FORWARD -p tcp --dport 23 -j DROP\nCOMMIT\n', HOST);
  const web = { source: '203.0.113.7', destination: '172.17.0.3', sport: 5, dport: 80, flags: TCP_SYN, sequence: 9 };
  for (const [dport, wanted] of [
    [80, 'forwarded'],
    [23, 'dropped'],
  ] as const) {
    assert.is(verdict(host.take(tcpPacket({ ...web, dport, id: 7, ttl: 60 }), 1)), wanted);
    assert.is(host.take(tcpPacket({ ...web, dport, id: 7, ttl: 59 }), 1), 'captured-twice');
    // Sent again, and by a shorter way.
    assert.is(verdict(host.take(tcpPacket({ ...web, dport, id: 8, ttl: 60 }), 2)), wanted);
    assert.is(verdict(host.take(tcpPacket({ ...web, dport, id: 8, ttl: 60 }), 2)), wanted);
    assert.is(verdict(host.take(tcpPacket({ ...web, dport, id: 9, ttl: 59 }), 2)), wanted);
    assert.is(verdict(host.take(tcpPacket({ ...web, dport, id: 9, ttl: 58 }), 4)), wanted);
  }
});

Stitch('an SCTP association whose INIT is dropped does not begin', () => {
  const host = new StitchedHost('*filter\n-A FORWARD -p sctp -j DROP\nCOMMIT\n', HOST);
  const sctp = (fields: IpFields, sport: number, dport: number, type: number) =>
    buildIpv4(
      { ...fields, protocol: 132 },
      buildSctp(sport, dport, type === ChunkType.INIT ? 0 : 7, [buildInit(type, 7)]),
    );
  assert.is(verdict(host.take(sctp(OUTSIDE, 1, 2, ChunkType.INIT))), 'dropped');
  assert.is(host.take(sctp(INSIDE, 2, 1, ChunkType.INIT_ACK)), 'not-sent');
});

Stitch('a closed connection that is opened again is another one', () => {
  const host = new StitchedHost(docker('-p tcp --syn -m statistic --mode nth --every 2 --packet 1 -j DROP'), HOST);
  const closing = TCP_FIN | TCP_ACK;
  const first = [syn(), synAck(), fromClient(0, 0), fromClient(0, 0, 0, closing), fromServer(0, 0, 1, closing)];
  assert.equal(verdicts(host, ...first, fromClient(1, 0, 1)), Array(6).fill('forwarded'));
  assert.equal(
    [syn(9000), synAck(9001)].map((packet) => verdict(host.take(packet, 5))),
    ['dropped', 'not-sent'],
  );
  assert.is(verdict(host.take(fromServer(0, 0, 0, TCP_RST | TCP_ACK), 6)), 'not-sent');
});

Stitch('connections that SYNPROXY opens are said not to be followed', () => {
  const result = replay({
    rulesPath: 'pcaps/synproxy/rules.v4',
    hostPath: 'pcaps/synproxy/host.json',
    stitchPaths: ['pcaps/synproxy/in/wan.pcap'],
  });
  assert.is(result.warnings.filter((line) => line.startsWith('SYNPROXY answered 7 SYNs: ')).length, 1);
});

Stitch.run();
