/** Measures each stage of packet processing alone: `npm run bench -- --micro`. */
import Benchmark from 'benchmark';
import { internetChecksum } from '../codecs/checksum.js';
import { IPPROTO_TCP } from '../codecs/layouts.js';
import { Linktype } from '../codecs/linktypes.js';
import { ConntrackTable } from '../core/conntrack/table.js';
import { decodePacket } from '../core/decode.js';
import { createEmulator, type Emulator, type EmulatorOutput } from '../core/emulator.js';
import { Hook } from '../core/hooks.js';
import { type Host, loadHost } from '../core/host/host.js';
import { Frame } from '../core/link/frame.js';
import { IpLocation, locateIp } from '../core/link/locate-ip.js';
import { CtInfo, Packet } from '../core/packet.js';
import { Random } from '../core/random.js';
import type { RuleContext } from '../core/rules/context.js';
import { createCounters } from '../core/rules/model.js';
import { parseRuleset } from '../core/rules/parse/parse.js';
import { buildTable } from '../core/rules/run/build.js';
import { HostSets } from '../core/sets/host-sets.js';
import { createPcapFile, openCaptureFile } from '../io/capture-file.js';
import type { Est64 } from './est64.js';
import { CONTAINER_TO_HOST, type Ends, FrameBuilder, GATEWAY_TO_HOST } from './frame-builder.js';

/** Packets per call, so that the cost of the call itself does not matter. */
const BATCH = 1000;
const WARM_UP_CALLS = 500;
const FRAME_BYTES = 64;
const IP_AT = 14;
const IP_BYTES = 50;

/** 172.17.0.3 sends to 198.51.100.7 through 192.0.2.10, from a different port for each datagram of a batch. */
const CONTAINER = 0xac110003;
const SERVER = 0xc6336407;
const HOST_ADDRESS = 0xc000020a;
const FIRST_PORT = 5000;
const SERVER_PORT = 4000;
const DATAGRAM_BYTES = 18;
/** After two seconds conntrack treats a UDP connection as a stream (nf_conntrack_proto_udp.c). */
const SETTLING_SECONDS = 5;

/** Results go here, so that the compiler cannot eliminate the code that computes them. */
const sink = { value: 0 };

/** Runs every stage and prints nanoseconds per packet. Throws if a stage throws, which benchmark itself does not. */
export function microBenchmarks(rules: string, hostText: string, work: Est64, scratchPath: string): void {
  const frames = Frames.of(work);
  const suite = new Benchmark.Suite();
  const stages: [string, () => void][] = [
    ['read and locate the IP header', readStage(work)],
    ['decode', decodeStage(frames)],
    ['checksum of 40 bytes', checksumStage(frames)],
    ['look up one of 10,000 connections', lookupStage()],
    ['rules of FORWARD, established', rulesStage(rules, hostText, frames)],
    ['write', writeStage(frames, scratchPath)],
    ['emulator, fast path', fastPathStage(rules, hostText)],
    ['emulator, slow path', slowPathStage(rules, hostText, frames)],
  ];
  for (const [name, call] of stages) {
    suite.add(name, call, {
      maxTime: 1,
      // Only optimised code is measured.
      onStart: () => repeat(call, WARM_UP_CALLS),
    });
  }
  suite.on('error', ({ target }) => {
    throw new Error(`${target.name}: ${target.error?.message}`);
  });
  suite.on('cycle', ({ target }) => {
    if (target.error) return;
    const ns = 1e9 / target.hz / BATCH;
    console.log(`${target.name.padEnd(36)}${ns.toFixed(1).padStart(8)} ns   ±${target.stats.rme.toFixed(1)} %`);
  });
  suite.run();
  if (!Number.isFinite(sink.value)) throw new Error('the sink overflowed');
}

function repeat(call: () => void, times: number): void {
  for (let n = 0; n < times; n++) call();
}

/** Frames in a row in one buffer. */
class Frames {
  constructor(
    readonly bytes: Uint8Array,
    readonly view: DataView,
  ) {}

  /** The first frames with data from the clients. */
  static of(work: Est64): Frames {
    const bytes = new Uint8Array(BATCH * FRAME_BYTES);
    const reader = openCaptureFile(work.eth0);
    // Skip the handshakes; then there is one frame of data from each client.
    for (let skipped = 0; skipped < 2 * work.connections; skipped++) reader.next();
    for (let n = 0; n < BATCH && reader.next(); n++) {
      bytes.set(reader.bytes.subarray(reader.at, reader.at + FRAME_BYTES), n * FRAME_BYTES);
    }
    reader.close();
    return new Frames(bytes, new DataView(bytes.buffer));
  }
}

function readStage(work: Est64): () => void {
  const location = new IpLocation();
  let reader = openCaptureFile(work.eth0);
  return () => {
    for (let n = 0; n < BATCH; n++) {
      if (!reader.next()) {
        reader.close();
        reader = openCaptureFile(work.eth0);
        reader.next();
      }
      locateIp(reader, location);
      sink.value += location.at & 1;
    }
  };
}

function decodeStage({ bytes, view }: Frames): () => void {
  const packet = new Packet();
  const received = { bytes, view, at: 0, captured: IP_BYTES, onWire: IP_BYTES };
  return () => {
    for (let n = 0; n < BATCH; n++) {
      received.at = n * FRAME_BYTES + IP_AT;
      decodePacket(packet, received, false);
      sink.value += packet.sport & 1;
    }
  };
}

function checksumStage({ view }: Frames): () => void {
  return () => {
    for (let n = 0; n < BATCH; n++) sink.value += internetChecksum(view, n * FRAME_BYTES + IP_AT, 40) & 1;
  };
}

function lookupStage(): () => void {
  const table = new ConntrackTable();
  const count = 10_000;
  const portsOf = (n: number) => (n * 7919) | 0;
  for (let n = 0; n < count; n++) {
    const entry = table.create(n, 1, portsOf(n), portsOf(n), IPPROTO_TCP, 0);
    table.refresh(entry, 0, 1000);
    table.confirm(entry);
  }
  let next = 0;
  return () => {
    for (let n = 0; n < BATCH; n++) {
      next = (next + 7) % count;
      sink.value += table.find(next, 1, portsOf(next), IPPROTO_TCP, 1) & 1;
    }
  };
}

function rulesStage(rules: string, hostText: string, { bytes, view }: Frames): () => void {
  const filter = parseRuleset(rules, 'rules.v4').tables.find(({ name }) => name === 'filter');
  if (filter === undefined) throw new Error('the ruleset has no filter table');
  const host = loadHost(hostText, 'host.json');
  const unused = () => {
    throw new Error('the filter table uses a service that this benchmark does not provide');
  };
  const context: RuleContext = {
    conntrack: new ConntrackTable(),
    sets: new HostSets(host).store,
    interfaceNames: host.interfaceNames,
    packetNumber: 0,
    shared: unused,
    randomStream: () => new Random(1),
    addressType: unused,
    facts: host.facts,
    reversePath: unused,
    tproxy: unused,
    mtuTowards: unused,
    setupNat: unused,
    masquerade: unused,
    redirect: unused,
    synproxy: unused,
    reject: unused,
    log: unused,
    nflog: unused,
    tee: unused,
    queue: unused,
    traceRule: unused,
    uncertain: unused,
  };
  const program = buildTable(filter, context, createCounters(filter), 'compiled');
  const packet = new Packet();
  const [inDev, outDev] = [host.interfaceIndex('eth0'), host.interfaceIndex('docker0')];
  const received = { bytes, view, at: 0, captured: IP_BYTES, onWire: IP_BYTES };
  return () => {
    for (let n = 0; n < BATCH; n++) {
      received.at = n * FRAME_BYTES + IP_AT;
      decodePacket(packet, received, false);
      packet.inDev = inDev;
      packet.outDev = outDev;
      packet.ctinfo = CtInfo.ESTABLISHED;
      sink.value += program.run(packet, Hook.FORWARD);
    }
  };
}

function writeStage({ bytes }: Frames, path: string): () => void {
  let writer = createPcapFile(path, Linktype.ETHERNET);
  return () => {
    // Start the file again before it grows large.
    if (writer.packets > 1_000_000) {
      writer.close();
      writer = createPcapFile(path, Linktype.ETHERNET);
    }
    for (let n = 0; n < BATCH; n++) {
      writer.write(0, n, bytes, n * FRAME_BYTES, FRAME_BYTES, FRAME_BYTES);
    }
  };
}

/** The emulator alone: datagrams from a container on connections that are settled. */
function fastPathStage(rules: string, hostText: string): () => void {
  const { host, emulator } = emulatorOf(rules, hostText);
  const [docker0, eth0] = [host.interfaceIndex('docker0'), host.interfaceIndex('eth0')];
  const requests = datagrams((n) => ({
    macs: CONTAINER_TO_HOST,
    source: CONTAINER,
    destination: SERVER,
    sport: FIRST_PORT + n,
    dport: SERVER_PORT,
  }));
  const replies = datagrams((n) => ({
    macs: GATEWAY_TO_HOST,
    source: SERVER,
    destination: HOST_ADDRESS,
    sport: SERVER_PORT,
    dport: FIRST_PORT + n,
  }));
  const pass = passOf(emulator);
  for (let second = 0; second < SETTLING_SECONDS; second++) {
    pass(requests, docker0, second);
    pass(replies, eth0, second);
  }
  const settled = emulator.slowPathPackets;
  return () => {
    pass(requests, docker0, SETTLING_SECONDS);
    if (emulator.slowPathPackets !== settled) throw new Error('a packet took the slow path');
  };
}

function datagrams(endsOf: (n: number) => Ends): Frames {
  const bytes = new Uint8Array(BATCH * FRAME_BYTES);
  const frame = new FrameBuilder();
  for (let n = 0; n < BATCH; n++) {
    frame.udp(endsOf(n), n, DATAGRAM_BYTES);
    bytes.set(frame.bytes.subarray(0, frame.length), n * FRAME_BYTES);
  }
  return new Frames(bytes, new DataView(bytes.buffer));
}

/** The emulator alone: one side of connections without replies, so that every packet takes the slow path. */
function slowPathStage(rules: string, hostText: string, frames: Frames): () => void {
  const { host, emulator } = emulatorOf(rules, hostText);
  const dev = host.interfaceIndex('eth0');
  const pass = passOf(emulator);
  return () => {
    const before = emulator.slowPathPackets;
    pass(frames, dev, 0);
    if (emulator.slowPathPackets !== before + BATCH) throw new Error('a packet took the fast path');
  };
}

function emulatorOf(rules: string, hostText: string): { host: Host; emulator: Emulator } {
  const host = loadHost(hostText, 'host.json');
  const output: EmulatorOutput = {
    egress: (dev) => {
      sink.value += dev & 1;
    },
    local: () => {
      throw new Error('a packet of the workload was delivered to the host');
    },
    dropped: (reason) => {
      throw new Error(`a packet of the workload was dropped: ${reason}`);
    },
  };
  return { host, emulator: createEmulator({ ruleset: parseRuleset(rules, 'rules.v4'), host }, output) };
}

/** Returns a function that sends copies of frames in, because the emulator rewrites its input. */
function passOf(emulator: Emulator): (frames: Frames, dev: number, sec: number) => void {
  const frame = new Frame({ bytes: new Uint8Array(BATCH * FRAME_BYTES) });
  frame.caplen = frame.wirelen = FRAME_BYTES;
  return (frames, dev, sec) => {
    frame.bytes.set(frames.bytes);
    frame.dev = dev;
    frame.tsSec = sec;
    for (let n = 0; n < BATCH; n++) {
      frame.tsNsec = n;
      frame.at = n * FRAME_BYTES;
      emulator.receive(frame);
    }
  };
}
