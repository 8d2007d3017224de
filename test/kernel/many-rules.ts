/**
 * Compares long chains with the kernel: random tables of thousands of rules, packets likely to match them, and a
 * comparison of every frame, counter and connection. As root:
 *
 *     node dist/test/kernel/many-rules.js [--count 10] [--packets 10000] [--longest 1500] [--seed N]
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildFrame, buildIcmp, buildIpv4, buildTcp, buildUdp, withChecksum } from '../packets/packets.js';
import { pick, type Random, seededRandom } from '../random.js';
import { longTable } from '../rules/long-chains.js';
import { writeCapture } from './capture-file.js';
import type { HostDescription } from './host-description.js';
import { judge } from './judge.js';
import { loadLibc } from './libc.js';
import { caseFolder } from './live-case.js';
import { replayKernel } from './replay.js';

const LAN_MAC = Uint8Array.of(2, 0, 0, 0, 0, 0x10);
const WAN_MAC = Uint8Array.of(2, 0, 0, 0, 0, 0x20);
const GATEWAY_MAC = Uint8Array.of(2, 0, 0, 0, 0, 0x21);
const FIRST_NS = 1_700_000_000_000_000_000n;
const STEP_NS = 1000n;

/** The time-outs below a minute that the rulesets and captures here can involve. */
const SHORT_TIMEOUTS = ['tcp_timeout_close', 'tcp_timeout_last_ack', 'udp_timeout', 'icmp_timeout', 'gre_timeout'];

/** Packets from 10.0.0.0/22 arrive on eth0 and leave by eth1 to 10.0.0.0/22; replies arrive on eth1. */
const HOST: HostDescription = {
  addr: [device('eth0', '02:00:00:00:00:10', '192.168.0.1'), device('eth1', '02:00:00:00:00:20', '192.168.1.1')],
  route: [{ dst: '10.0.0.0/8', gateway: '192.168.1.2', dev: 'eth1' }],
  neigh: [{ dst: '192.168.1.2', dev: 'eth1', lladdr: '02:00:00:00:00:21' }],
  sysctl: {
    'net.ipv4.ip_forward': 1,
    'net.ipv4.conf.all.rp_filter': 0,
    'net.ipv4.conf.eth0.rp_filter': 0,
    'net.ipv4.conf.eth1.rp_filter': 0,
    'net.ipv4.conf.all.send_redirects': 0,
    'net.ipv4.conf.eth0.send_redirects': 0,
    'net.ipv4.conf.eth1.send_redirects': 0,
    // The kernel's clock is not that of the captures: nothing must time out while it replays them, however long that
    // takes.
    ...Object.fromEntries(SHORT_TIMEOUTS.map((name) => [`net.netfilter.nf_conntrack_${name}`, 3600])),
  },
};

function device(ifname: string, address: string, local: string): HostDescription['addr'][number] {
  return { ifname, address, mtu: 1500, addr_info: [{ family: 'inet', local, prefixlen: 24 }] };
}

/** Rules whose results do not depend on the kernel's clock or random choices. */
function randomRules(random: Random, longest: number): string {
  const tables = new Map<string, string>();
  while (tables.size < 2) {
    const { name, text } = longTable(random, longest);
    const lines = text.split('\n').filter((line) => !/REJECT|-m limit|--mode random|--ctexpire|ASSURED/.test(line));
    // Most packets should pass through all tables.
    const kinder = lines.map((line) =>
      random(20) === 0 ? line : line.replace(/-j DROP| DROP /, (drop) => drop.replace('DROP', 'ACCEPT')),
    );
    tables.set(name, kinder.join('\n'));
  }
  return [...tables.values()].join('');
}

interface Flow {
  readonly protocol: number;
  readonly ends: readonly [number, number];
  readonly ports: readonly [number, number];
}

function randomFlow(random: Random): Flow {
  const address = (): number => 0x0a000000 + random(1024);
  const port = (): number => (random(10) === 0 ? random(65536) : random(64));
  return { protocol: pick(random, [6, 6, 6, 17, 17, 1, 47]), ends: [address(), address()], ports: [port(), port()] };
}

/** A packet of FLOW; BACK: a reply. */
function packetOf({ protocol, ends, ports }: Flow, random: Random, back: boolean): Uint8Array {
  const [source, destination] = back ? [ends[1], ends[0]] : ends;
  const [sport, dport] = back ? [ports[1], ports[0]] : ports;
  const fields = { source, destination, protocol };
  if (protocol === 6) {
    const flags = back ? pick(random, [0x12, 0x10, 0x04]) : pick(random, [2, 2, 2, 0x10, 0x18, 0x11]);
    const options = random(3) === 0 ? Uint8Array.of(pick(random, [2, 8]), 4, 5, 180) : new Uint8Array(0);
    return withChecksum(buildIpv4(fields, buildTcp({ sport, dport, sequence: 1, acknowledgment: 2, flags, options })));
  }
  if (protocol === 17) return withChecksum(buildIpv4(fields, buildUdp(sport, dport, new Uint8Array(random(20)))));
  if (protocol === 1) return buildIpv4(fields, buildIcmp(back ? 0 : 8, 0, ports[0], 1, new Uint8Array(8)));
  return buildIpv4(fields, new Uint8Array(12));
}

/** Flows last for few packets only, because the kernel's clock is not that of the capture. */
function writeInputs(random: Random, dir: string, packets: number): void {
  const inputs = {
    eth0: [] as { tsNs: bigint; frame: Uint8Array }[],
    eth1: [] as { tsNs: bigint; frame: Uint8Array }[],
  };
  const flows = Array.from({ length: 20 }, () => randomFlow(random));
  for (let n = 0; n < packets; n++) {
    if (random(4) === 0) flows[random(flows.length)] = randomFlow(random);
    const back = random(4) === 0;
    const packet = packetOf(pick(random, flows), random, back);
    const frame = back ? buildFrame(WAN_MAC, GATEWAY_MAC, packet) : buildFrame(LAN_MAC, GATEWAY_MAC, packet);
    inputs[back ? 'eth1' : 'eth0'].push({ tsNs: FIRST_NS + BigInt(n) * STEP_NS, frame });
  }
  mkdirSync(dir, { recursive: true });
  for (const [iface, frames] of Object.entries(inputs)) writeCapture(join(dir, `${iface}.pcap`), false, frames);
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      count: { type: 'string', default: '10' },
      packets: { type: 'string', default: '10000' },
      longest: { type: 'string', default: '1500' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      keep: { type: 'string', default: '/tmp/nfreplay-many-rules' },
    },
  });
  const libc = loadLibc();
  let failed = 0;
  for (let n = 0; n < Number(values.count); n++) {
    const seed = Number(values.seed) + n;
    const random = seededRandom(seed);
    const folder = caseFolder(join(values.keep, String(seed)), ['eth0', 'eth1']);
    mkdirSync(folder.dir, { recursive: true });
    const rules = randomRules(random, Number(values.longest));
    writeFileSync(folder.rulesPath, rules);
    writeFileSync(folder.hostPath, JSON.stringify(HOST));
    writeInputs(random, join(folder.dir, 'in'), Number(values.packets));
    const outcomes = replayKernel(libc, { ...folder, outDir: folder.wantDir });
    const disagreement = await judge(folder);
    const count = rules.split('\n').filter((line) => line.startsWith('-A')).length;
    const seen = [...outcomes].map(([outcome, packets]) => `${packets} ${outcome}`).join(', ');
    console.log(`seed ${seed}: ${count} rules, ${seen}: ${disagreement === null ? 'agrees' : 'FAILED'}`);
    if (disagreement === null) rmSync(folder.dir, { recursive: true });
    else {
      failed++;
      console.log(`${disagreement.engine}, ${disagreement.count} differences\n${disagreement.lines.join('\n')}`);
      console.log(`kept in ${folder.dir}`);
    }
  }
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main();
