/** An interface without MAC addresses (tun, wg): what arrives, what leaves, and which rules see it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EMULATOR_ENGINES } from '../../core/emulator.js';
import { replay } from '../../replay/replay.js';
import { readCapture, writeCapture } from '../kernel/capture-file.js';
import { buildFrame, udpPacket } from '../packets/packets.js';

const Bare = suite('interfaces without MAC addresses');

const dir = mkdtempSync(join(tmpdir(), 'nfreplay-bare-'));
Bare.after(() => rmSync(dir, { recursive: true, force: true }));

const LAN = 0x0a000009;
const FAR = 0x0a100107;
const STEP_NS = 1_000_000n;
const hostPath = join(dir, 'host.json');
writeFileSync(
  hostPath,
  JSON.stringify({
    addr: [
      {
        ifname: 'eth0',
        address: '02:00:00:00:00:01',
        addr_info: [{ family: 'inet', local: '10.0.0.1', prefixlen: 24 }],
      },
      { ifname: 'wg0', link_type: 'none', addr_info: [{ family: 'inet', local: '10.16.1.1', prefixlen: 24 }] },
    ],
  }),
);
const rulesPath = join(dir, 'rules.v4');
writeFileSync(
  rulesPath,
  `*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -m mac --mac-source 02:00:00:00:00:09
-A FORWARD -i wg0 -m mac ! --mac-source 02:00:00:00:00:09 -j DROP
-A FORWARD -i wg0 -m pkttype --pkt-type unicast
COMMIT
`,
);

const udp = (source: number, destination: number, sport: number, dport: number): Buffer =>
  udpPacket({ source, destination, ttl: 64, id: 1, sport, dport, data: Uint8Array.of(1, 2, 3) });
/** Ten packets of a conversation, the odd ones from FAR. */
const TURNS = Array.from({ length: 10 }, (_, turn) => turn);
const packetOf = (turn: number): Buffer => (turn % 2 === 0 ? udp(LAN, FAR, 5000, 53) : udp(FAR, LAN, 53, 5000));
const framed = (packet: Buffer): Buffer =>
  buildFrame(Uint8Array.of(2, 0, 0, 0, 0, 1), Uint8Array.of(2, 0, 0, 0, 0, 9), packet);
const capture = (name: string, isOdd: boolean, isBare: boolean): string => {
  const path = join(dir, name);
  const frames = TURNS.filter((turn) => (turn % 2 === 1) === isOdd).map((turn) => ({
    tsNs: BigInt(turn) * STEP_NS,
    frame: isBare ? packetOf(turn) : framed(packetOf(turn)),
  }));
  writeCapture(path, isBare, frames);
  return path;
};
const eth0 = capture('eth0.pcap', false, false);
/** The same packets as they may have been captured. */
const WG0 = [capture('raw.pcap', true, true), capture('ethernet.pcap', true, false)];

Bare('packets enter and leave it as raw IP, whatever the capture is and however they are forwarded', () => {
  for (const path of WG0)
    for (const engine of EMULATOR_ENGINES) {
      const outDir = join(dir, 'out');
      const inputs = [
        { iface: 'eth0', path: eth0 },
        { iface: 'wg0', path },
      ];
      replay({ hostPath, rulesPath, inputs, outDir, engine });
      const sent = readCapture(join(outDir, 'wg0.pcap'));
      assert.equal(
        sent.map(({ isBare, frame }) => [isBare, frame.length, frame[8]]),
        Array.from({ length: 5 }, () => [true, 31, 63]),
      );
      const answered = readCapture(join(outDir, 'eth0.pcap'));
      assert.equal(
        answered.map(({ isBare, frame }) => [isBare, frame.length]),
        Array.from({ length: 5 }, () => [false, 45]),
      );
      const counters = readFileSync(join(outDir, 'rules.v4'), 'utf8').match(/^\[\d+/gm);
      assert.equal(counters, ['[5', '[0', '[5'], 'only packets by eth0 have a MAC address');
    }
});

Bare('the data plane forwards to it from capture to capture', () => {
  const inputs = [{ iface: 'eth0', path: eth0 }];
  for (const engine of EMULATOR_ENGINES) {
    replay({ hostPath, rulesPath, inputs, outDir: join(dir, engine), engine });
    const files = [EMULATOR_ENGINES[0], engine].map((name) => readFileSync(join(dir, name, 'wg0.pcap')));
    assert.equal(files[1], files[0], engine);
  }
});

Bare.run();
