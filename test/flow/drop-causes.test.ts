/** The cause of every drop is named, the same in every engine: the rule and its line, the policy, or the reason. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { internetChecksum, transportChecksum } from '../../codecs/checksum.js';
import { Linktype } from '../../codecs/linktypes.js';
import { type Drop, describeCause } from '../../core/drop.js';
import { createEmulator, EMULATOR_ENGINES, Outcome } from '../../core/emulator.js';
import { Frame } from '../../core/link/frame.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { wanLanHost } from '../host/host-file.js';

const causes = suite('what drops packets');

const HOST = wanLanHost([
  { dst: '198.51.100.0/24', gateway: '192.0.2.1', dev: 'wan' },
  { dst: '203.0.113.0/24', gateway: '192.0.2.1', dev: 'wan' },
]);
const CLIENT = [203, 0, 113, 7];
const HOST_ADDRESS = [192, 0, 2, 10];
const SERVER = [172, 17, 0, 2];

/** A TCP SYN of 203.0.113.7 with OPTIONS. OFFSET: its data offset, in words. */
function syn(
  destination: readonly number[],
  dport: number,
  options: readonly number[] = [],
  offset?: number,
): Uint8Array {
  const length = 40 + options.length;
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  bytes.set([0x45, 0, 0, length, 0, 1, 0, 0, 64, 6, 0, 0, ...CLIENT, ...destination]);
  view.setUint16(10, internetChecksum(view, 0, 20));
  view.setUint16(20, 40_000);
  view.setUint16(22, dport);
  bytes.set([(offset ?? 5 + options.length / 4) << 4, 0x02, 0xff, 0xff], 32);
  bytes.set(options, 40);
  view.setUint16(36, transportChecksum(view, 0, 20, 6, length - 20));
  return bytes;
}

/** PACKET with the checksum of its header corrected. */
function withHeaderChecksum(packet: Uint8Array): Uint8Array {
  const view = new DataView(packet.buffer);
  view.setUint16(10, 0);
  view.setUint16(10, internetChecksum(view, 0, 20));
  return packet;
}

interface Dropped {
  readonly cause: string;
  readonly before: string;
}

/** The causes for dropping FRAMES, one after the other, with RULES; the same in every engine. */
function dropsOf(rules: string, ...frames: readonly Uint8Array[]): Dropped[] {
  const results = EMULATOR_ENGINES.map((engine) => {
    const dropped: Dropped[] = [];
    const output = {
      egress() {},
      local() {},
      dropped({ cause, isTranslated, untranslatedDestination, untranslatedDport }: Drop) {
        if (!isTranslated) assert.equal([untranslatedDestination, untranslatedDport], [0, -1]);
        const address = [0, 8, 16, 24].map((shift) => (untranslatedDestination >>> shift) & 255).join('.');
        dropped.push({ cause: describeCause(cause), before: isTranslated ? `${address}:${untranslatedDport}` : '' });
      },
    };
    const ruleset = parseRuleset(rules, 'rules.v4');
    const emulator = createEmulator({ ruleset, host: HOST, engine }, output);
    for (const frame of frames) {
      const bytes = frame.slice();
      emulator.receive(new Frame({ bytes, dev: HOST.interfaceIndex('wan'), linktype: Linktype.RAW, tsSec: 100 }));
      const isDropped = emulator.outcome === Outcome.DROPPED || emulator.outcome === Outcome.REJECTED;
      assert.is(emulator.dropCause !== null, isDropped);
    }
    return dropped;
  });
  for (const [i, dropped] of results.entries()) assert.equal(dropped, results[0], EMULATOR_ENGINES[i]);
  return results[0];
}

const causesOf = (rules: string, ...frames: readonly Uint8Array[]): string[] =>
  dropsOf(rules, ...frames).map(({ cause }) => cause);

causes('a rule has its chain, number and line', () => {
  const rules = `*filter
:INPUT ACCEPT [0:0]
:inner - [0:0]
# a comment
-A INPUT -p tcp -m tcp --dport 22 -j inner
-A INPUT -p tcp -m tcp --dport 23 -m comment --comment "no telnet" -j DROP
-A inner -m tcp -p tcp --sport 1
-A inner -j DROP
COMMIT
`;
  assert.equal(causesOf(rules, syn(HOST_ADDRESS, 22), syn(HOST_ADDRESS, 23), syn(HOST_ADDRESS, 24)), [
    'rules.v4:8 filter inner 2',
    'rules.v4:6 filter INPUT 2',
  ]);
});

causes('a policy has the line that sets it', () => {
  const rules = `*raw
-A PREROUTING -p tcp
COMMIT
*filter
:FORWARD DROP [0:0]
-A FORWARD -p udp -j ACCEPT
COMMIT
*mangle
:INPUT DROP [0:0]
COMMIT
`;
  assert.equal(causesOf(rules, syn(SERVER, 80), syn(HOST_ADDRESS, 80)), [
    'policy of filter FORWARD (rules.v4:5)',
    'policy of mangle INPUT (rules.v4:9)',
  ]);
});

causes('the cause of a rejected packet is the REJECT rule, whatever becomes of its answer', () => {
  const rules = `*filter
-A INPUT -p tcp -m tcp --dport 1 -j REJECT
-A INPUT -p tcp -m tcp --dport 2 -j REJECT --reject-with tcp-reset
-A OUTPUT -p icmp
-A OUTPUT -p icmp -j DROP
-A OUTPUT -p tcp -j ACCEPT
COMMIT
`;
  assert.equal(causesOf(rules, syn(HOST_ADDRESS, 1), syn(HOST_ADDRESS, 2)), [
    'rules.v4:5 filter OUTPUT 2',
    'rules.v4:2 filter INPUT 1',
    'rules.v4:3 filter INPUT 2',
  ]);
});

causes('a cause has the destination before DNAT', () => {
  const rules = `*nat
-A PREROUTING -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
COMMIT
*filter
-A FORWARD -d 172.17.0.2/32 -j DROP
COMMIT
`;
  assert.equal(dropsOf(rules, syn(HOST_ADDRESS, 8080), syn(SERVER, 80)), [
    { cause: 'rules.v4:5 filter FORWARD 1', before: '192.0.2.10:8080' },
    { cause: 'rules.v4:5 filter FORWARD 1', before: '' },
  ]);
});

causes('a rule that drops malformed headers', () => {
  const rules = `*filter
-A INPUT -p tcp -m tcp --dport 9 -j ACCEPT
-A INPUT -p tcp -m tcp --tcp-option 5 -j ACCEPT
COMMIT
`;
  const malformed = ': its header is too short or malformed for a rule that looks at it';
  const short = syn(HOST_ADDRESS, 80).slice(0, 30);
  short[3] = 30;
  assert.equal(causesOf(rules, syn(HOST_ADDRESS, 80, [], 3), withHeaderChecksum(short)), [
    `rules.v4:3 filter INPUT 2${malformed}`,
    `rules.v4:2 filter INPUT 1${malformed}`,
  ]);
});

causes('a rule in a long chain, which is not evaluated rule by rule', () => {
  const addresses = Array.from({ length: 300 }, (_, i) => `-A FORWARD -d 172.17.${i >> 4}.${i & 15}/32 -j DROP`);
  const rules = ['*filter', '-A FORWARD -p tcp', ...addresses, 'COMMIT', ''].join('\n');
  const to = (i: number) => syn([172, 17, i >> 4, i & 15], 80);
  assert.equal(causesOf(rules, to(2), to(299)), ['rules.v4:5 filter FORWARD 4', 'rules.v4:302 filter FORWARD 301']);
});

causes('after more rules than are remembered of a packet', () => {
  const countless = (rule: string) => Array.from({ length: 1100 }, () => rule);
  const asked = countless('-A FORWARD -m length --length 5000 -j ACCEPT');
  const matched = countless('-A FORWARD -p tcp');
  const answered = ['-A FORWARD -j REJECT', '-A OUTPUT -p icmp -j DROP'];
  const causesAfter = (policy: string, ...rules: readonly string[]) =>
    causesOf(['*filter', `:FORWARD ${policy} [0:0]`, ...rules, 'COMMIT', ''].join('\n'), syn(SERVER, 80));
  for (const rules of [asked, matched]) {
    assert.equal(causesAfter('ACCEPT', ...rules, '-A FORWARD -j DROP'), ['rules.v4:1103 filter FORWARD 1101']);
    assert.equal(causesAfter('DROP', ...rules), ['policy of filter FORWARD (rules.v4:2)']);
    assert.equal(causesAfter('ACCEPT', ...rules, ...answered), [
      'rules.v4:1104 filter OUTPUT 1',
      'rules.v4:1103 filter FORWARD 1101',
    ]);
  }
});

causes('where no rule did it, the reason', () => {
  const badChecksum = syn(SERVER, 80);
  badChecksum[11] ^= 1;
  const oneHop = syn(SERVER, 80);
  oneHop[8] = 1;
  const fromItself = syn(HOST_ADDRESS, 80);
  fromItself.set(HOST_ADDRESS, 12);
  assert.equal(causesOf('', badChecksum, withHeaderChecksum(oneHop), withHeaderChecksum(fromItself)), [
    'bad IP checksum',
    'TTL exceeded',
    'martian source',
  ]);
});

causes.run();
