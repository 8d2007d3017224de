import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ORIGINAL_TUPLE, RECORD_WORDS } from '../../core/conntrack/record.js';
import { ConntrackTable } from '../../core/conntrack/table.js';
import { swapPorts } from '../../core/protocols/ports.js';
import { Random } from '../../core/random.js';
import { testSeed } from '../random.js';

const table = suite('connection table');

const TCP = 6;
const UDP = 17;
const FAR_MS = 1e9;

interface Flow {
  source: number;
  destination: number;
  ports: number;
  protocol: number;
}

const keyOf = ({ source, destination, ports, protocol }: Flow): string =>
  `${source} ${destination} ${ports} ${protocol}`;

/** Few addresses and ports, so that tuples share hash slots and sources share chains. */
function randomFlow(random: Random): Flow {
  const ports = (random.uint32() % 40) | ((random.uint32() % 64) << 16);
  return {
    source: (random.uint32() % 30) | 0,
    destination: 1000 + (random.uint32() % 30),
    ports,
    protocol: random.uint32() % 3 === 0 ? UDP : TCP,
  };
}

function open(connections: ConntrackTable, { source, destination, ports, protocol }: Flow, nowMs: number): number {
  const entry = connections.create(source, destination, ports, swapPorts(ports), protocol, nowMs);
  connections.refresh(entry, nowMs, FAR_MS);
  connections.linkSource(entry);
  connections.confirm(entry);
  return entry;
}

function sourcesOf(connections: ConntrackTable, { source, ports, protocol }: Flow): number[] {
  const entries: number[] = [];
  for (
    let entry = connections.firstOfSource(source, ports, protocol);
    entry >= 0;
    entry = connections.nextOfSource(entry)
  ) {
    const base = entry * RECORD_WORDS + ORIGINAL_TUPLE;
    const isSame = connections.words[base] === source && (connections.words[base + 2] & 0xffff) === (ports & 0xffff);
    if (isSame && (connections.words[entry * RECORD_WORDS + 3] & 0xff) === protocol) entries.push(entry);
  }
  return entries;
}

table('equals a plain map, with the latest connection of each source first, as it grows and shrinks', () => {
  const seed = testSeed();
  console.log(`  seed ${seed}`);
  const random = new Random(seed);
  const connections = new ConntrackTable();
  const model = new Map<string, { flow: Flow; entry: number; opened: number }>();
  for (let n = 0; n < 150_000; n++) {
    const flow = randomFlow(random);
    const known = model.get(keyOf(flow));
    const found = connections.find(flow.source, flow.destination, flow.ports, flow.protocol, 0);
    assert.is(found, known === undefined ? -1 : known.entry * 2);
    if (known === undefined) {
      model.set(keyOf(flow), { flow, entry: open(connections, flow, 0), opened: n });
    } else if (random.uint32() % 4 === 0) {
      connections.remove(known.entry);
      model.delete(keyOf(flow));
    }
  }
  assert.ok(model.size > 20_000, 'it grew');
  assert.is(connections.size, model.size);
  const bySource = new Map<string, { entry: number; opened: number; flow: Flow }[]>();
  for (const one of model.values()) {
    const { flow, entry } = one;
    const reply = connections.find(flow.destination, flow.source, swapPorts(flow.ports), flow.protocol, 0);
    assert.is(reply, entry * 2 + 1);
    const key = `${flow.source} ${flow.ports & 0xffff} ${flow.protocol}`;
    bySource.set(key, [...(bySource.get(key) ?? []), one]);
  }
  for (const ones of bySource.values()) {
    const wanted = ones.sort((a, b) => b.opened - a.opened).map(({ entry }) => entry);
    assert.equal(sourcesOf(connections, ones[0].flow), wanted);
  }
});

table('finds the reply of a connection with itself, also after it has grown', () => {
  const connections = new ConntrackTable();
  const own = { source: 7, destination: 7, ports: 0x50005000, protocol: TCP };
  const entry = open(connections, own, 0);
  assert.is(connections.find(7, 7, own.ports, TCP, 0), entry * 2 + 1);
  for (let n = 0; n < 40_000; n++) open(connections, { source: 100 + n, destination: 9, ports: n, protocol: UDP }, 0);
  assert.is(connections.find(7, 7, own.ports, TCP, 0), entry * 2 + 1);
});

table('one source may have more connections than a function call can have arguments', () => {
  const connections = new ConntrackTable();
  for (let n = 0; n < 200_000; n++) {
    open(connections, { source: 1, destination: 2 + n, ports: 53, protocol: UDP }, 0);
  }
  assert.is(connections.size, 200_000);
});

table('memory stays constant while connections come and go', () => {
  const connections = new ConntrackTable();
  for (let n = 0; n < 300_000; n++) {
    const entry = connections.create(n, 5, n, n, UDP, n);
    connections.refresh(entry, n, 100);
    connections.confirm(entry);
  }
  assert.ok(connections.size < 1000, `${connections.size} are held where 100 live`);
});

table.run();
