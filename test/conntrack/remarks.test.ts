/** What observers hear about packets that conntrack does not follow, in the kernel's words, and about time-outs. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { internetChecksum, pseudoHeaderSum } from '../../codecs/checksum.js';
import { Linktype } from '../../codecs/linktypes.js';
import { createEmulator } from '../../core/emulator.js';
import type { PacketEvent, TimedOutEvent, TrackedEvent } from '../../core/events.js';
import { loadHost } from '../../core/host/host.js';
import { Frame } from '../../core/link/frame.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { buildIpv4, tcpPacket, udpPacket } from '../packets/packets.js';
import { TCP_REMARKS } from './tcp-remarks.js';
import { TCP_STORIES } from './tcp-stories.js';
import { ANSWERER, OPENER, packetOf, parseStories, upTo } from './tcp-story.js';

const remarks = suite('conntrack, in the words of the kernel');

/** A router between two networks; observed from the first packet on. */
class ObservedRouter {
  readonly events: PacketEvent[] = [];
  readonly #emulator;
  readonly #devs: readonly number[];

  constructor(sysctl: Readonly<Record<string, number>> = {}, rules = '') {
    const link = (ifname: string, last: number, [a, b]: readonly number[]): object => ({
      ifname,
      address: `02:00:00:00:00:0${last}`,
      mtu: 65535,
      addr_info: [{ family: 'inet', local: `${a}.${b}.0.1`, prefixlen: 16 }],
    });
    const host = loadHost(JSON.stringify({ addr: [link('o0', 1, OPENER), link('a0', 2, ANSWERER)], sysctl }), 'host');
    this.#devs = ['o0', 'a0'].map((name) => host.interfaceIndex(name));
    this.#emulator = createEmulator(
      { ruleset: parseRuleset(rules, 'rules.v4'), host, observer: (event) => this.events.push(event) },
      { egress() {}, local() {}, dropped() {} },
    );
  }

  /** What is heard of the packet in BYTES, which arrives at MS. */
  hear(direction: number, bytes: Uint8Array, ms: number): { tracked: TrackedEvent; timedOut?: TimedOutEvent } {
    this.events.length = 0;
    const time = { tsSec: 1000 + Math.floor(ms / 1000), tsNsec: (ms % 1000) * 1e6 };
    const dev = this.#devs[direction];
    this.#emulator.receive(new Frame({ bytes: Uint8Array.from(bytes), dev, linktype: Linktype.RAW, ...time }));
    const tracked = this.events.find((event) => event.kind === 'tracked');
    const timedOut = this.events.find((event) => event.kind === 'timed-out');
    assert.ok(tracked);
    return { tracked, ...(timedOut === undefined ? {} : { timedOut }) };
  }
}

/** What was recorded, by `# story` and line. */
function recorded(): Map<string, string> {
  const found = new Map<string, string>();
  let story = '';
  for (const line of TCP_REMARKS.replaceAll('\n;', ';').split('\n')) {
    if (line.startsWith('# ')) story = line.slice(2);
    const [text, words] = line.split(' => ');
    if (words !== undefined) found.set(`${story}: ${text}`, words);
  }
  return found;
}

for (const story of parseStories(TCP_STORIES)) {
  remarks(story.name, () => {
    const words = recorded();
    for (const line of story.lines) {
      const router = new ObservedRouter(story.sysctl);
      let heard: TrackedEvent | undefined;
      for (const { segment } of upTo(story, line))
        for (let time = 0; time < segment.times; time++)
          heard = router.hear(segment.direction, packetOf(segment, 40_000), 0).tracked;
      const key = `${story.name}: ${line.text}`;
      assert.is(heard?.remark, words.get(key), key);
      // The same line may come again.
      words.delete(key);
      const [seen, , seconds] = line.seen.split(' ');
      if (heard?.timeout !== undefined) assert.is(`${heard.timeout.seconds}`, seconds, key);
      if (heard?.expiresSec !== undefined && seconds !== undefined) assert.is(`${heard.expiresSec}`, seconds, key);
      if (seen === 'INVALID') assert.is(heard?.invalid === undefined, false, key);
    }
  });
}

/** An IPv4 packet with CONTENTS. */
function packet(protocol: number, contents: readonly number[]): Uint8Array {
  return Uint8Array.from(
    buildIpv4({ source: '10.1.0.2', destination: '10.2.0.2', protocol }, Uint8Array.from(contents)),
  );
}

/** BYTES with a correct checksum at offset AT after the IP header, over the pseudo header of PSEUDO; 0: over none. */
function summed(bytes: Uint8Array, at: number, pseudo: number): Uint8Array {
  const view = new DataView(bytes.buffer);
  const length = bytes.length - 20;
  const sum = pseudo === 0 ? 0 : pseudoHeaderSum(view, 0, pseudo, length);
  view.setUint16(20 + at, internetChecksum(view, 20, length, sum));
  return bytes;
}

function changed(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at] = value;
  return copy;
}

const PORTS = [0x9c, 0x40, 0, 53];
const SYN = tcpPacket({ source: '10.1.0.2', destination: '10.2.0.2', sport: 1, dport: 2, flags: 2, sequence: 1 });
const QUOTED = udpPacket({ source: '10.2.0.2', destination: '10.1.0.2', sport: 5, dport: 6 });
const datagram = (length: number) => packet(17, [...PORTS, 0, length, 0, 0, 1]);
const lite = (coverage: number) => packet(136, [...PORTS, 0, coverage, 0, 0, 0, 1]);
const message = (type: number, rest: readonly number[] = [0, 1, 0, 1]) =>
  summed(packet(1, [type, 0, 0, 0, ...rest]), 2, 0);

/** Recorded likewise: what Linux 6.18 logged about single packets; undefined: nothing. */
const SINGLE: readonly [name: string, bytes: Uint8Array, words: string | undefined][] = [
  ['UDP without a header', packet(17, PORTS), 'short packet'],
  ['UDP longer than its packet', datagram(10), 'truncated/malformed packet'],
  ['UDP shorter than its header', datagram(7), 'truncated/malformed packet'],
  ['UDP with a wrong checksum', changed(summed(datagram(9), 6, 17), 27, 0xee), 'bad checksum'],
  ['UDP-Lite that covers less than its header', lite(7), 'invalid checksum coverage'],
  ['UDP-Lite without checksum', lite(0), 'checksum missing'],
  ['UDP-Lite with a wrong checksum', summed(lite(0), 6, 136), 'bad checksum'],
  ['ICMP without a header', packet(1, [8, 0, 0, 0, 0, 1, 0]), 'short packet'],
  ['ICMP with a wrong checksum', packet(1, [8, 0, 0, 0, 0, 1, 0, 1]), 'bad hw icmp checksum'],
  ['an unknown type of ICMP', message(19), 'invalid icmp type'],
  ['a type of ICMP without a tuple', message(9), undefined],
  ['an echo reply to nothing', message(0), undefined],
  ['an ICMP error that quotes too little', message(3, [0, 0, 0, 0, 1, 2, 3]), undefined],
  ['an ICMP error about nothing', message(3, [0, 0, 0, 0, ...QUOTED]), undefined],
  ['half a TCP header', packet(6, [...PORTS, 0, 0, 0, 0, 0, 0, 0, 0]), undefined],
  ['TCP with a wrong checksum', changed(SYN, 37, 0xee), 'bad checksum'],
  ['a TCP header that is too short', changed(SYN, 32, 0x40), 'truncated packet'],
  ['a TCP header that is longer than its packet', changed(SYN, 32, 0xf0), 'truncated packet'],
  ['ICMPv6', packet(58, [128, 0, 0, 0, 0, 0, 0, 0]), undefined],
  ['SCTP without a header', packet(132, [...PORTS, 0, 0, 0, 0]), 'nf_ct_sctp: short packet'],
  ['SCTP with a wrong checksum', packet(132, [...PORTS, 0, 0, 0, 0, 1, 2, 3, 4, 1, 0, 0, 4]), 'nf_ct_sctp: bad CRC'],
];

for (const [name, bytes, words] of SINGLE) {
  remarks(name, () => {
    const { tracked } = new ObservedRouter().hear(0, bytes, 0);
    assert.is(tracked.ctstate, 'INVALID');
    assert.is(tracked.remark, words);
  });
}

remarks('a connection that has expired: its time-out by name, and for how long', () => {
  const router = new ObservedRouter({ 'net.netfilter.nf_conntrack_udp_timeout': 7 });
  const bytes = udpPacket({ source: '10.1.0.2', destination: '10.2.0.2', sport: 5, dport: 6 });
  const sysctl = 'net.netfilter.nf_conntrack_udp_timeout';
  const first = router.hear(0, bytes, 0);
  assert.equal(first.tracked.timeout, { sysctl, seconds: 7 });
  assert.is(first.timedOut, undefined);
  assert.is(router.hear(0, bytes, 6999).timedOut, undefined);
  const late = router.hear(0, bytes, 16_999);
  assert.equal(late.timedOut, {
    kind: 'timed-out',
    protocol: 'udp',
    timeout: { sysctl, seconds: 7 },
    agoSec: 3,
    depth: 0,
  });
  assert.is(late.tracked.ctstate, 'NEW');
});

remarks('a SYN after its port was closed opens the connection anew; one before it has expired does not', () => {
  const [story] = parseStories(
    '# closed\n> S seq=100 |\n< SA seq=5000 ack=101 |\n> A seq=101 ack=5001 |\n> FA seq=101 ack=5001 |\n' +
      '< FA seq=5001 ack=102 |\n> A seq=102 ack=5002 |\n> S seq=900 |',
  );
  const router = new ObservedRouter();
  const heard = story.lines.map(({ segment }) => router.hear(segment.direction, packetOf(segment, 40_000), 0).tracked);
  assert.equal(
    heard.map(({ isReopened = false }) => isReopened),
    [false, false, false, false, false, false, true],
  );
  assert.is(heard.at(-1)?.stateBefore, 'TIME_WAIT');
  assert.is(heard.at(-1)?.stateAfter, 'SYN_SENT');
  assert.is(heard.at(-2)?.timeout?.sysctl, 'net.netfilter.nf_conntrack_tcp_timeout_time_wait');
});

remarks.run();
