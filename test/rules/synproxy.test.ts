/** SYNPROXY: which acknowledgments of cookies count, and its options. The golden case `synproxy` shows the rest. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TCP_ACK, TCP_ACKNOWLEDGMENT_AT, TCP_FLAGS_AT, TCP_SEQUENCE_AT, TCP_SYN } from '../../codecs/layouts.js';
import { Linktype } from '../../codecs/linktypes.js';
import { createEmulator, EMULATOR_ENGINES, type EmulatorEngine } from '../../core/emulator.js';
import { loadHost } from '../../core/host/host.js';
import { Frame } from '../../core/link/frame.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { readOptions, writeOptions } from '../../core/synproxy/tcp-options.js';
import { tcpPacket } from '../packets/packets.js';
import { packetOf } from './random.js';

const synproxy = suite('SYNPROXY');

const host = loadHost(
  JSON.stringify({
    addr: ['192.0.2.10', '10.1.0.1'].map((local, i) => ({
      ifname: `eth${i}`,
      address: `02:00:00:00:00:1${i}`,
      mtu: 1500,
      addr_info: [{ family: 'inet', local, prefixlen: 24 }],
    })),
    route: [{ dst: 'default', gateway: '192.0.2.1', dev: 'eth0' }],
    sysctl: { 'net.netfilter.nf_conntrack_tcp_loose': 0 },
  }),
  'host.json',
);
const [WAN, DMZ] = [host.interfaceIndex('eth0'), host.interfaceIndex('eth1')];
const RULES = [
  '*raw',
  '-A PREROUTING -p tcp -m tcp --syn -j CT --notrack',
  'COMMIT',
  '*filter',
  ':FORWARD DROP [0:0]',
  '-A FORWARD -p tcp -m conntrack --ctstate INVALID,UNTRACKED -j SYNPROXY --mss 1460 --timestamp --sack-perm',
  'COMMIT',
  '',
].join('\n');

const CLIENT = { source: '203.0.113.7', destination: '10.1.0.2', sport: 40_000, dport: 80 };
const SEQUENCE = 1000;

interface Sent {
  readonly flags: number;
  readonly sequence: number;
  readonly acknowledgment: number;
  /** To the server. */
  readonly dev: number;
}

/** A host that a client speaks to. */
function proxy(seed: number, engine: EmulatorEngine = 'remembered', rules = RULES) {
  const sent: Sent[] = [];
  const emulator = createEmulator(
    { ruleset: parseRuleset(rules, 'f'), host, seed, engine },
    {
      egress: (dev, bytes, at) => {
        const view = new DataView(bytes.buffer, bytes.byteOffset + at + 14 + 20);
        sent.push({
          dev,
          flags: view.getUint8(TCP_FLAGS_AT),
          sequence: view.getUint32(TCP_SEQUENCE_AT),
          acknowledgment: view.getUint32(TCP_ACKNOWLEDGMENT_AT),
        });
      },
      local: () => {},
      dropped: () => {},
    },
  );
  const send = (fields: Partial<Parameters<typeof tcpPacket>[0]>, tsSec = 0): Sent | undefined => {
    const bytes = tcpPacket({ ...CLIENT, flags: TCP_SYN, sequence: SEQUENCE, ...fields });
    sent.length = 0;
    emulator.receive(new Frame({ bytes, dev: WAN, linktype: Linktype.RAW, tsSec, tsNsec: 0 }));
    return sent[0];
  };
  const acknowledge = (acknowledgment: number, sequence = SEQUENCE + 1, tsSec = 0): Sent | undefined =>
    send({ flags: TCP_ACK, sequence, acknowledgment }, tsSec);
  return { emulator, send, acknowledge };
}

synproxy('the cookie follows from the seed and the SYN alone', () => {
  const cookieOf = (seed: number, sport = CLIENT.sport): number | undefined => proxy(seed).send({ sport })?.sequence;
  assert.is(cookieOf(1), cookieOf(1));
  assert.is.not(cookieOf(1), cookieOf(2));
  assert.is.not(cookieOf(1), cookieOf(1, 40_001));
});

synproxy('in every engine, an acknowledgment becomes a SYN to the server', () => {
  for (const engine of EMULATOR_ENGINES) {
    const { send, acknowledge, emulator } = proxy(1, engine);
    const answer = send({});
    assert.equal([answer?.dev, answer?.flags, answer?.acknowledgment], [WAN, TCP_SYN | TCP_ACK, SEQUENCE + 1]);
    const cookie = answer!.sequence;
    assert.equal(acknowledge(cookie + 1), { dev: DMZ, flags: TCP_SYN, sequence: SEQUENCE, acknowledgment: cookie });
    assert.equal([emulator.cookies.sent, emulator.cookies.assumed], [1, 1]);
  }
});

synproxy(
  'for rules before conntrack, the SYN to the server is new, of a connection without protocol and addresses',
  () => {
    // What Linux 6.18 counted.
    const rules = ['--ctstate NEW', '--ctproto 6', '! --ctproto 6', '--ctorigdst 10.1.0.2', '--ctstatus CONFIRMED'];
    const raw = rules.map((rule) => `-A OUTPUT -p tcp --syn -m conntrack ${rule}`).join('\n');
    const { send, acknowledge, emulator } = proxy(1, 'indexed', RULES.replace('*raw', `*raw\n${raw}`));
    acknowledge(send({})!.sequence + 1);
    const counted = emulator.counters.get('raw')!.rules;
    assert.equal(
      rules.map((_, i) => counted[(i + 1) * 2]),
      [1, 0, 1, 0, 1],
    );
  },
);

synproxy('the cookie of the real host counts as well, but only once it is known', () => {
  const { send, acknowledge } = proxy(1);
  send({});
  assert.is(acknowledge(77_778)?.acknowledgment, 77_777);
  // Another number is no cookie now. The next one higher would be that of a client with a larger MSS.
  assert.is(acknowledge(99_999), undefined);
  assert.is(acknowledge(77_779)?.acknowledgment, 77_778);
  // The numbers of data after that are.
  assert.is(acknowledge(77_778 + 5, SEQUENCE + 1 + 5)?.sequence, SEQUENCE + 5);
});

synproxy('a client that has sent two SYNs may acknowledge the cookie of either', () => {
  const { send, acknowledge } = proxy(1);
  send({});
  send({ sequence: SEQUENCE + 5000 });
  assert.is(acknowledge(77_778)?.sequence, SEQUENCE);
  // The cookies of a client differ as its sequence numbers do.
  assert.is(acknowledge(77_778 + 5000, SEQUENCE + 5001)?.sequence, SEQUENCE + 5000);
});

synproxy('which of two SYNs with one sequence number and other options was acknowledged, is uncertain', () => {
  const { send, acknowledge, emulator } = proxy(1);
  send({ tcpOptions: Uint8Array.of(2, 4, 5, 20) });
  send({});
  assert.is(acknowledge(77_778), undefined);
  assert.is(emulator.uncertain.packets, 1);
});

synproxy('nothing is made of acknowledgments without a SYN, for another SYN, or too late', () => {
  const { send, acknowledge, emulator } = proxy(1);
  assert.is(acknowledge(5), undefined);
  assert.is(emulator.uncertain.packets, 1);
  const cookie = send({})!.sequence;
  assert.is(acknowledge(cookie + 1, SEQUENCE + 2), undefined);
  assert.is(acknowledge(cookie + 1, SEQUENCE + 1, 120), undefined);
  assert.ok(acknowledge(cookie + 1, SEQUENCE + 1, 119) === undefined);
});

synproxy('options are read and written as Linux does', () => {
  const optionsOf = (...tcpOptions: number[]) =>
    readOptions(packetOf(tcpPacket({ ...CLIENT, flags: TCP_SYN, tcpOptions: Uint8Array.from(tcpOptions) })));
  const time = { value: 0x01020304, echo: 0xfffefdfc };
  const all = { mss: 1400, windowScale: 7, sackPermitted: true, timestamp: time, ecn: false };
  const bytes = [2, 4, 5, 120, 4, 2, 8, 10, 1, 2, 3, 4, 255, 254, 253, 252, 1, 3, 3, 7];
  assert.equal(writeOptions(all), bytes);
  assert.equal(optionsOf(...bytes), all);
  const none = { mss: undefined, windowScale: undefined, sackPermitted: false, timestamp: undefined, ecn: false };
  assert.equal(writeOptions({ ...none, sackPermitted: true }), [1, 1, 4, 2]);
  assert.equal(writeOptions({ ...none, timestamp: time }).slice(0, 4), [1, 1, 8, 10]);
  // The scale is at most 14, sizes have to fit, and what follows the end or a wrong size means nothing.
  assert.is(optionsOf(1, 3, 3, 15)?.windowScale, 14);
  assert.equal(optionsOf(2, 3, 5, 0), none);
  assert.equal(optionsOf(0, 4, 2, 1), none);
  assert.equal(optionsOf(9, 1, 4, 2), none);
});

synproxy.run();
