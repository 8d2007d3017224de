import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  createEmulator,
  describeCause,
  type EmulatorOutput,
  Frame,
  formatConnection,
  listConnection,
  loadHost,
  Outcome,
  parseRuleset,
  saveRuleset,
} from 'nfreplay';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TCP_SYN } from '../../codecs/layouts.js';
import { EMULATOR_ENGINES } from '../../core/emulator.js';
import { buildFrame, tcpPacket, udpPacket } from '../packets/packets.js';

const Library = suite('library');

const CASE = fileURLToPath(new URL('../../../pcaps/docker/', import.meta.url));
const ruleset = parseRuleset(readFileSync(`${CASE}rules.v4`, 'utf8'), 'rules.v4');
const host = loadHost(readFileSync(`${CASE}host.json`, 'utf8'), 'host.json');

/** A SYN from 203.0.113.7 to 192.0.2.10, in Ethernet. */
function syn(sport: number, dport: number): Uint8Array {
  const packet = tcpPacket({ source: '203.0.113.7', destination: '192.0.2.10', sport, dport, flags: TCP_SYN });
  return buildFrame(Buffer.from('020000000010', 'hex'), Buffer.from('020000000001', 'hex'), packet);
}

/** An emulated Docker host, with its output as text. */
function dockerHost() {
  const came: string[] = [];
  const endpoint = (bytes: Uint8Array, at: number) => bytes.subarray(at, at + 4).join('.');
  const output: EmulatorOutput = {
    egress: (dev, bytes, at) => came.push(`${host.interfaceNames[dev]}: to ${endpoint(bytes, at + 30)}`),
    local: (bytes, at) => came.push(`local: from ${endpoint(bytes, at + 12)}`),
    dropped: (drop) => came.push(`dropped: ${describeCause(drop.cause)}`),
  };
  const emulator = createEmulator({ ruleset, host }, output);
  const receive = (bytes: Uint8Array, tsSec: number) =>
    emulator.receive(new Frame({ bytes, dev: host.interfaceIndex('eth0'), tsSec }));
  return { emulator, came, receive };
}

Library('takes frames and returns what the host would send', () => {
  const { emulator, came, receive } = dockerHost();
  receive(syn(50_000, 36_379), 100);
  assert.is(emulator.outcome, Outcome.FORWARDED);
  receive(syn(50_001, 22), 101);
  assert.is(emulator.outcome, Outcome.DELIVERED);
  receive(syn(50_002, 23), 102);
  assert.is(emulator.outcome, Outcome.REJECTED);
  assert.equal(came, [
    'docker0: to 172.17.0.3',
    'local: from 203.0.113.7',
    'eth0: to 203.0.113.7',
    'dropped: rules.v4:24 filter INPUT 5',
  ]);
  assert.is(emulator.nowMs, 2000);
  assert.match(saveRuleset(ruleset, emulator.counters), '[1:40] -A DOCKER ! -i docker0 -p tcp -m tcp --dport 36379');
  const lines: string[] = [];
  const { connections, nowMs } = emulator;
  connections.forEach(nowMs, (entry) => lines.push(formatConnection(listConnection(connections, entry, nowMs))));
  assert.is(lines.length, 2);
  assert.match(lines[0], 'src=172.17.0.3 dst=203.0.113.7 sport=6379 dport=50000');
});

Library('says nothing of the frame before, in every engine', () => {
  const rules = '*filter\n-A FORWARD -p udp -m udp --dport 99 -j DROP\nCOMMIT\n';
  const client = { source: '203.0.113.7', destination: '172.17.0.3', sport: 40_000 };
  for (const engine of EMULATOR_ENGINES) {
    const emulator = createEmulator(
      { ruleset: parseRuleset(rules, 'rules.v4'), host, engine },
      { egress() {}, local() {}, dropped() {} },
    );
    const receive = (name: string, packet: Buffer, version = 0x45) => {
      packet[0] = version;
      const bytes = buildFrame(Buffer.from('020000000010', 'hex'), Buffer.from('020000000001', 'hex'), packet);
      emulator.receive(new Frame({ bytes, dev: host.interfaceIndex(name), tsSec: 100 }));
      return [emulator.outcome, emulator.dropCause?.reason, emulator.skipReason ?? undefined];
    };
    const there = () => receive('eth0', udpPacket({ ...client, dport: 53 }));
    const back = { source: client.destination, destination: client.source, sport: 53, dport: client.sport };
    for (let i = 0; i < 4; i++) {
      there();
      receive('docker0', udpPacket(back));
    }
    const onSlowPath = emulator.slowPathPackets;
    assert.equal(there(), [Outcome.FORWARDED, undefined, undefined]);
    assert.is(emulator.slowPathPackets === onSlowPath, engine === 'remembered', 'the fast path took it');
    assert.equal(receive('eth0', udpPacket({ ...client, dport: 99 })), [Outcome.DROPPED, 'rule', undefined]);
    assert.equal(there(), [Outcome.FORWARDED, undefined, undefined]);
    emulator.receive(new Frame({ bytes: new Uint8Array(3), dev: host.interfaceIndex('eth0'), tsSec: 100 }));
    assert.equal([emulator.outcome, emulator.skipReason], [Outcome.SKIPPED, 'link-too-short']);
    assert.equal(there(), [Outcome.FORWARDED, undefined, undefined]);
    assert.equal(receive('eth0', udpPacket({ ...client, dport: 53 }), 0x55), [
      Outcome.DROPPED,
      'ip-version',
      undefined,
    ]);
  }
});

Library('keeps emulators apart', () => {
  const one = dockerHost();
  const other = dockerHost();
  one.receive(syn(50_000, 36_379), 100);
  assert.is(one.emulator.connections.size, 1);
  assert.is(other.emulator.connections.size, 0);
  other.receive(syn(50_000, 36_379), 7);
  assert.equal(other.came, one.came);
});

Library.run();
