/** An observer hears what every part of the host decides about a packet, and hearing of it changes nothing. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { transportChecksum } from '../../codecs/checksum.js';
import { Linktype } from '../../codecs/linktypes.js';
import { describeCause } from '../../core/drop.js';
import { createEmulator } from '../../core/emulator.js';
import type { PacketEnd, PacketEvent } from '../../core/events.js';
import { Frame } from '../../core/link/frame.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { compareResults } from '../../replay/compare.js';
import { casesIn, optionsOf } from '../../replay/golden-case.js';
import { replay } from '../../replay/replay.js';
import { wanLanHost } from '../host/host-file.js';
import { withHeaderChecksum } from '../packets/packets.js';

const Events = suite('events');

const HOST = wanLanHost([{ dst: '203.0.113.0/24', gateway: '192.0.2.1', dev: 'wan' }]);
const CLIENT = [203, 0, 113, 7];
const HOST_ADDRESS = [192, 0, 2, 10];
const SERVER = [172, 17, 0, 2];
const SYN = 0x02;
const ACK = 0x10;

interface Segment {
  from: readonly number[];
  to: readonly number[];
  sport: number;
  dport: number;
  flags: number;
  sequence: number;
  acknowledgment: number;
}

/** A TCP segment without data, with a window of 1,000 bytes. */
function segment({ from, to, sport, dport, flags, sequence, acknowledgment }: Segment): Buffer {
  const packet = Buffer.alloc(40);
  packet.set([0x45, 0, 0, 40, 0, 1, 0, 0, 64, 6, 0, 0, ...from, ...to]);
  packet.writeUInt16BE(sport, 20);
  packet.writeUInt16BE(dport, 22);
  packet.writeUInt32BE(sequence, 24);
  packet.writeUInt32BE(acknowledgment, 28);
  packet.set([0x50, flags], 32);
  packet.writeUInt16BE(1000, 34);
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  packet.writeUInt16BE(transportChecksum(view, 0, 20, 6, 20), 36);
  return withHeaderChecksum(packet);
}

const endText = ({ address, port }: PacketEnd): string => (port === undefined ? address : `${address}:${port}`);

/** EVENT in a few words. */
function words(event: PacketEvent): string {
  switch (event.kind) {
    case 'frame':
      return `frame ${event.dev ?? 'local'} ${event.tsSec}`;
    case 'skipped':
      return `skipped ${event.reason}`;
    case 'hook':
      return event.hook;
    case 'rule':
      return [`${event.table} ${event.rule.chain} ${event.rule.number}: ${event.failed ?? 'matched'}`]
        .concat(event.isHotdrop ? ['dropped'] : [])
        .join(', ');
    case 'policy':
      return `policy of ${event.table} ${event.chain.name}`;
    case 'tracked': {
      const { ctstate, direction, stateBefore, stateAfter, invalid, window } = event;
      const states = stateBefore === stateAfter ? (stateBefore ?? '') : `${stateBefore ?? ''} > ${stateAfter ?? ''}`;
      const amounts =
        window === undefined
          ? ''
          : `${window.beyondWindowBytes} ${window.unseenBytes} ${window.belowAcknowledgedBytes}`;
      return ['tracked', ctstate, direction, states, invalid, amounts].filter((part) => part).join(' ');
    }
    case 'routed':
      return ['routed', event.to, event.dev, event.nextHop, event.reason, event.isAgain ? 'again' : '']
        .filter((part) => part)
        .join(' ');
    case 'translated':
      return `${event.end} ${endText(event.from)} > ${endText(event.to)}`;
    case 'expired':
      return `expired ${event.fragments}`;
    case 'answered':
      return `answered ${event.icmp === undefined ? 'RST' : `${event.icmp.type}/${event.icmp.code}`}`;
    case 'dropped':
      return [`dropped by ${describeCause(event.cause)}`]
        .concat(event.untranslatedDestination ? [`to ${endText(event.untranslatedDestination)}`] : [])
        .join(' ');
    case 'left':
      return `left ${event.dev ?? 'to the host'} ttl ${event.packet.ttl}`;
    default:
      return event.kind;
  }
}

/** What an observer hears of PACKETS, which come in by wan, or by the interface before them. */
function heard(rules: string, ...packets: readonly (Buffer | [dev: string, packet: Buffer])[]): string[][] {
  const events: string[][] = [];
  const emulator = createEmulator(
    {
      ruleset: parseRuleset(rules, 'rules.v4'),
      host: HOST,
      observer: (event) => events.at(-1)?.push(`${'. '.repeat(event.depth)}${words(event)}`),
    },
    { egress() {}, local() {}, dropped() {} },
  );
  for (const [i, one] of packets.entries()) {
    const [dev, packet] = Array.isArray(one) ? one : ['wan', one];
    const frame = new Frame({ bytes: packet, linktype: Linktype.RAW, dev: HOST.interfaceIndex(dev), tsSec: 100 + i });
    events.push([]);
    if (dev === 'local') emulator.send(frame);
    else emulator.receive(frame);
  }
  return events;
}

const opening = {
  from: CLIENT,
  to: HOST_ADDRESS,
  sport: 40_000,
  dport: 8080,
  flags: SYN,
  sequence: 5000,
  acknowledgment: 0,
};
const reply = {
  from: SERVER,
  to: CLIENT,
  sport: 80,
  dport: 40_000,
  flags: SYN | ACK,
  sequence: 9000,
  acknowledgment: 5001,
};
const PUBLISHED = `*nat
-A PREROUTING -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
COMMIT
*filter
:FORWARD DROP [0:0]
-A FORWARD -s 10.0.0.0/8 -j ACCEPT
-A FORWARD -p tcp -m tcp --dport 443 -j ACCEPT
-A FORWARD -m conntrack --ctstate INVALID -j DROP
-A FORWARD -p tcp -m tcp --dport 80 -j ACCEPT
-A FORWARD -p tcp -m tcp --sport 80 -j ACCEPT
COMMIT
`;

Events('tell the way of a packet, in order', () => {
  assert.equal(heard(PUBLISHED, segment(opening)), [
    [
      'frame wan 100',
      'decoded',
      'PREROUTING',
      'tracked NEW original  > SYN_SENT',
      'nat PREROUTING 1: matched',
      'destination 192.0.2.10:8080 > 172.17.0.2:80',
      'routed interface lan 172.17.0.2',
      'FORWARD',
      'filter FORWARD 1: source 203.0.113.7 is not 10.0.0.0/8',
      'filter FORWARD 2: dport 80 is not 443',
      'filter FORWARD 3: state NEW is not INVALID',
      'filter FORWARD 4: matched',
      'POSTROUTING',
      'policy of nat POSTROUTING',
      'left lan ttl 63',
    ],
  ]);
});

Events('tell of a rule that missed all tests that fail, but none that only asking in turn would decide', () => {
  const rules = `*filter
-A INPUT -i wan -p udp -m udp --sport 40000 --dport 53 -j ACCEPT
-A INPUT -s 203.0.113.7 -p tcp -m tcp --dport 80 -m limit --limit 1/sec --limit-burst 1 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 8080 -m limit --limit 1/sec --limit-burst 1 -j ACCEPT
-A INPUT -p icmp -m icmp --icmp-type 8 -j ACCEPT
COMMIT
`;
  const missed: string[][] = [];
  const emulator = createEmulator(
    {
      ruleset: parseRuleset(rules, 'rules.v4'),
      host: HOST,
      observer(event) {
        if (event.kind !== 'rule' || event.depth > 0) return;
        const { rule, failures = [], unknown = 0 } = event;
        missed.push([
          `${rule.number}`,
          ...failures.map(({ text, match }) => `${match}: ${text}`),
          `${unknown} unknown`,
        ]);
      },
    },
    { egress() {}, local() {}, dropped() {} },
  );
  const bytes = segment(opening);
  emulator.receive(new Frame({ bytes, linktype: Linktype.RAW, dev: HOST.interfaceIndex('wan'), tsSec: 100 }));
  assert.equal(missed, [
    ['1', 'undefined: protocol tcp is not udp', '0: dport 8080 is not 53', '0 unknown'],
    // Whether the limit would be met is not asked: that would spend what it has.
    ['2', '0: dport 8080 is not 80', '1 unknown'],
    ['3', '0 unknown'],
  ]);
});

Events('tell of a packet of ICMP that has no type', () => {
  const bytes = Buffer.alloc(20);
  bytes.set([0x45, 0, 0, 20, 0, 1, 0, 0, 64, 1, 0, 0, ...CLIENT, ...HOST_ADDRESS]);
  const [events] = heard(PUBLISHED, withHeaderChecksum(bytes));
  assert.ok(events.includes('tracked INVALID header'), events.join('\n'));
  // What is not there cannot be what a rule missed.
  const asking = '*raw\n-A PREROUTING -s 192.0.2.1 -p icmp -m icmp --icmp-type 8 -j DROP\nCOMMIT\n';
  assert.ok(heard(asking, withHeaderChecksum(bytes))[0].some((event) => event.startsWith('raw PREROUTING 1')));
});

Events('tell which check made a packet INVALID, and by how much', () => {
  const ack = { ...opening, flags: ACK, sequence: 5001, acknowledgment: 9001 };
  const tracked = (packets: readonly (Buffer | [string, Buffer])[]): string[] =>
    heard(PUBLISHED, ...packets).map((events) => events.find((event) => event.startsWith('tracked')) ?? '');
  const handshake: (Buffer | [string, Buffer])[] = [segment(opening), ['lan', segment(reply)], segment(ack)];
  const corrupt = segment(ack);
  corrupt[37] ^= 1;
  // By hand: the server has acknowledged 5001 and announced 1,000 bytes, so 6001 is the first byte beyond its window.
  assert.equal(
    tracked([
      ...handshake,
      segment({ ...ack, sequence: 6001 + 5000 }),
      segment({ ...ack, acknowledgment: 9001 + 77 }),
      corrupt,
      segment({ ...ack, flags: SYN | 0x01 }),
      segment({ ...ack, sport: 40_001, flags: 0x04 }),
    ]),
    [
      'tracked NEW original  > SYN_SENT',
      'tracked ESTABLISHED reply SYN_SENT > SYN_RECV',
      'tracked ESTABLISHED original SYN_RECV > ESTABLISHED',
      'tracked INVALID ESTABLISHED >  window 5000 0 0',
      'tracked INVALID ESTABLISHED >  window 0 77 0',
      'tracked INVALID ESTABLISHED >  checksum 0 0 0',
      'tracked INVALID ESTABLISHED >  flags 0 0 0',
      'tracked INVALID not-opening',
    ],
  );
});

Events('tell of an answer, and what it meets', () => {
  const rules = '*filter\n-A INPUT -p tcp -j REJECT --reject-with tcp-reset\n-A OUTPUT -p icmp\nCOMMIT\n';
  assert.equal(heard(rules, segment(opening))[0].slice(2), [
    'PREROUTING',
    'tracked NEW original  > SYN_SENT',
    'routed host lo 192.0.2.10',
    'INPUT',
    'filter INPUT 1: matched',
    '. answered RST',
    '. OUTPUT',
    '. tracked RELATED reply SYN_SENT',
    '. filter OUTPUT 1: protocol tcp is not icmp',
    '. policy of filter OUTPUT',
    '. POSTROUTING',
    '. left wan ttl 64',
    'dropped by rules.v4:2 filter INPUT 1',
  ]);
});

Events('tell why a packet goes nowhere', () => {
  const badChecksum = segment(opening);
  badChecksum[11] ^= 1;
  assert.equal(heard('', badChecksum)[0], ['frame wan 100', 'dropped by bad IP checksum']);
  const unroutable = segment({ ...opening, to: [198, 51, 100, 1] });
  assert.equal(heard('', unroutable)[0].slice(3), [
    'tracked NEW original  > SYN_SENT',
    'routed nowhere no-route',
    '. answered 3/0',
    '. OUTPUT',
    '. tracked RELATED reply',
    '. POSTROUTING',
    '. left wan ttl 64',
    'dropped by no route',
  ]);
  const emptyAddress = segment({ ...opening, to: SERVER });
  assert.equal(heard('*filter\n:FORWARD DROP\nCOMMIT\n', emptyAddress)[0].slice(-2), [
    'policy of filter FORWARD',
    'dropped by policy of filter FORWARD (rules.v4:2)',
  ]);
});

Events('tell of fragments', () => {
  const whole = segment({ ...opening, to: SERVER });
  const first = withHeaderChecksum(Buffer.from(whole.subarray(0, 36)));
  first.writeUInt16BE(36, 2);
  first.writeUInt16BE(0x2000, 6);
  const last = Buffer.concat([whole.subarray(0, 20), whole.subarray(36)]);
  last.writeUInt16BE(24, 2);
  last.writeUInt16BE(2, 6);
  const [held, reassembled] = heard('', withHeaderChecksum(first), withHeaderChecksum(last));
  assert.equal(held, ['frame wan 100', 'decoded', 'PREROUTING', 'held']);
  assert.equal(reassembled.slice(2), [
    'PREROUTING',
    'reassembled',
    'tracked NEW original  > SYN_SENT',
    'routed interface lan 172.17.0.2',
    'FORWARD',
    'POSTROUTING',
    'left lan ttl 63',
  ]);
});

Events('are about the rules and chains of the ruleset, whatever their matches keep', () => {
  const ruleset = parseRuleset(
    '*filter\n:INPUT DROP\n-A INPUT -m limit --limit 1/hour --limit-burst 1 -j RETURN\nCOMMIT\n',
    'rules.v4',
  );
  const { rules, chains } = ruleset.tables[0];
  const events: PacketEvent[] = [];
  const emulator = createEmulator(
    { ruleset, host: HOST, observer: (event) => events.push(event) },
    { egress() {}, local() {}, dropped() {} },
  );
  const bytes = segment(opening);
  emulator.receive(new Frame({ bytes, linktype: Linktype.RAW, dev: HOST.interfaceIndex('wan'), tsSec: 100 }));
  assert.ok(events.some((event) => event.kind === 'rule' && event.rule === rules[0]));
  assert.ok(events.some((event) => event.kind === 'policy' && event.chain === chains[0]));
});

Events('leave a connection that has expired where it was', () => {
  // SYN and FIN at once: INVALID, before its connection is looked for.
  const invalid = segment({ ...opening, to: SERVER, flags: SYN | 0x01 });
  const sizes = [undefined, () => {}].map((observer) => {
    const emulator = createEmulator(
      { ruleset: parseRuleset('', 'rules.v4'), host: HOST, ...(observer ? { observer } : {}) },
      { egress() {}, local() {}, dropped() {} },
    );
    const receive = (packet: Buffer, tsSec: number): void => {
      const bytes = Buffer.from(packet);
      emulator.receive(new Frame({ bytes, linktype: Linktype.RAW, dev: HOST.interfaceIndex('wan'), tsSec }));
    };
    receive(segment({ ...opening, to: SERVER }), 100);
    receive(invalid, 500);
    return emulator.connections.size;
  });
  assert.is(sizes[1], sizes[0]);
  assert.is(sizes[0], 1, 'the INVALID packet did not come to it');
});

/** Why stitching leaves a packet out, before the host sees it. */
const NEVER_ENTER = ['no-route-to-sender', 'not-sent', 'captured-twice', 'own-answer'];

Events('change no result: golden cases, observed', () => {
  for (const golden of casesIn('pcaps').filter(({ wantDir }) => existsSync(wantDir))) {
    const { dir, wantDir } = golden;
    const parent = mkdtempSync(join(tmpdir(), 'nfreplay-events-'));
    try {
      const outDir = join(parent, 'got');
      const counts = { frames: 0, ends: 0 };
      const observer = (event: PacketEvent): void => {
        if (event.kind === 'frame') counts.frames++;
        // Whatever else comes of it, a frame's own packet ends once.
        if (event.depth === 0 && ['skipped', 'held', 'dropped', 'left'].includes(event.kind)) counts.ends++;
      };
      const { packets, skipped } = replay({ ...optionsOf(golden), outDir, observer });
      assert.equal(compareResults(wantDir, outDir).differences, [], dir);
      assert.is(
        counts.frames,
        packets.read - NEVER_ENTER.reduce((sum, reason) => sum + (skipped[reason] ?? 0), 0),
        dir,
      );
      assert.ok(counts.ends >= counts.frames, dir);
    } finally {
      rmSync(parent, { recursive: true, force: true });
    }
  }
});

Events.run();
