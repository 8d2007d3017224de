/** `--filter`, `--from`, `--to`, `--limit` and `--show`: which packets are replayed, and which are reported. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Est64, writeEst64 } from '../../bench/est64.js';
import { FilterError } from '../../codecs/filter/filter-error.js';
import { Linktype } from '../../codecs/linktypes.js';
import { EMULATOR_ENGINES } from '../../core/emulator.js';
import { createPcapFile } from '../../io/capture-file.js';
import { ReplayOptionsError } from '../../replay/errors.js';
import { type ReplayOptions, replay } from '../../replay/replay.js';
import { bytesEqual } from '../bytes.js';
import { type ReadRecord, readFile } from '../codecs/capture-files.js';

const Selection = suite('selection of packets');

const MAIN = fileURLToPath(new URL('../../cli/main.js', import.meta.url));
const EXAMPLE = fileURLToPath(new URL('../../../pcaps/docker/', import.meta.url));
const RULES = join(EXAMPLE, 'rules.v4');
const HOST = join(EXAMPLE, 'host.json');
const PACKETS = 2000;
const CONNECTIONS = 20;
/** Client 3 of the workload: its packets come from it on eth0, and go to it on docker0. */
const CLIENT = Buffer.from([198, 18, 0, 3]);

let dir = '';
let work: Est64;
Selection.before(() => {
  dir = mkdtempSync(join(tmpdir(), 'nfreplay-test-'));
  work = writeEst64(dir, PACKETS, CONNECTIONS);
});
Selection.after(() => rmSync(dir, { recursive: true }));

const inputsOf = ({ eth0, docker0 }: Pick<Est64, 'eth0' | 'docker0'>) => [
  { iface: 'eth0', path: eth0 },
  { iface: 'docker0', path: docker0 },
];

function run(outName: string, changes: Partial<ReplayOptions>) {
  const outDir = join(dir, outName);
  return replay({ rulesPath: RULES, hostPath: HOST, inputs: inputsOf(work), outDir, ...changes });
}

/** The captures with the records that ISKEPT keeps, read and written without the code under test. */
function kept(name: string, isKept: (record: ReadRecord) => boolean): ReturnType<typeof inputsOf> {
  return inputsOf(work).map(({ iface, path }) => {
    const copy = join(dir, `${name}-${iface}.pcap`);
    const writer = createPcapFile(copy, Linktype.ETHERNET);
    for (const record of readFile(path).records) {
      const { tsSec, tsNsec, packet, wirelen } = record;
      if (isKept(record)) writer.write(tsSec, tsNsec, packet, 0, packet.length, wirelen);
    }
    writer.close();
    return { iface, path: copy };
  });
}

function sameResults(one: string, other: string): void {
  const names = readdirSync(join(dir, one)).filter((name) => name !== 'summary.json');
  assert.equal(
    names,
    readdirSync(join(dir, other)).filter((name) => name !== 'summary.json'),
  );
  for (const name of names) bytesEqual(readFileSync(join(dir, one, name)), readFileSync(join(dir, other, name)), name);
}

const isClient = ({ packet }: ReadRecord) =>
  packet.subarray(26, 30).equals(CLIENT) || packet.subarray(30, 34).equals(CLIENT);

Selection('what is filtered out never happened, in every engine', () => {
  const few = run('few', { inputs: kept('few', isClient) });
  assert.is(few.packets.read, PACKETS / CONNECTIONS);
  assert.is(few.packets.filteredOut, undefined);
  for (const engine of EMULATOR_ENGINES) {
    const { packets, connections, inputs } = run('filtered', { filter: 'host 198.18.0.3', engine });
    sameResults('few', 'filtered');
    assert.is(packets.read, PACKETS);
    assert.is(packets.filteredOut, PACKETS - PACKETS / CONNECTIONS);
    assert.is(packets.forwarded, few.packets.forwarded);
    assert.is(connections.count, 1);
    assert.is(inputs[0].packets + inputs[1].packets, PACKETS);
  }
});

Selection('the first packets are the first of those that are chosen', () => {
  const { packets } = run('limited', { filter: 'host 198.18.0.3', limit: 10 });
  const records = inputsOf(work).flatMap(({ path }) => readFile(path).records.filter(isClient));
  const times = records.map(({ tsSec, tsNsec }) => tsSec * 1e9 + tsNsec).sort((a, b) => a - b);
  run('first', {
    inputs: kept('first', (record) => isClient(record) && record.tsSec * 1e9 + record.tsNsec <= times[9]),
  });
  sameResults('first', 'limited');
  assert.is(packets.read - (packets.filteredOut ?? 0), 10);
});

Selection('all forms of a time choose the same packets, the bounds included', () => {
  const records = inputsOf(work).flatMap(({ path }) => readFile(path).records);
  const order = records.map(({ tsSec, tsNsec }) => [tsSec, tsNsec] as const).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const [first, from, to] = [order[0], order[500], order[1499]];
  const isWithin = ({ tsSec: sec, tsNsec: nsec }: ReadRecord) =>
    (sec > from[0] || (sec === from[0] && nsec >= from[1])) && (sec < to[0] || (sec === to[0] && nsec <= to[1]));
  const expected = run('window', { inputs: kept('window', isWithin) });
  assert.is(expected.packets.read, 1000);
  const fraction = (nsec: number) => String(nsec).padStart(9, '0');
  const offset = ([sec, nsec]: readonly [number, number]) => {
    const total = BigInt(sec - first[0]) * 1_000_000_000n + BigInt(nsec - first[1]);
    return `${total / 1_000_000_000n}.${fraction(Number(total % 1_000_000_000n))}s`;
  };
  const forms: ((at: readonly [number, number]) => string)[] = [
    offset,
    ([sec, nsec]) => `@${sec}.${fraction(nsec)}`,
    ([sec, nsec]) => new Date(sec * 1000).toISOString().replace(/\.\d+Z/, `.${fraction(nsec)}Z`),
  ];
  for (const form of forms) {
    const { packets } = run('windowed', { from: form(from), to: form(to) });
    assert.equal([packets.read, packets.filteredOut], [PACKETS, 1000], form(from));
    sameResults('window', 'windowed');
  }
  const { packets } = run('windowed', { from: 'n501', to: 'n1500' });
  // Nothing behind the last frame is read.
  assert.equal([packets.read, packets.filteredOut], [1500, 500]);
  sameResults('window', 'windowed');
});

const DROPPING = `*nat
-A PREROUTING -p tcp -m tcp --dport 36379 -j DNAT --to-destination 172.17.0.3:6379
COMMIT
*filter
-A FORWARD -s 198.18.0.0/29 -j DROP
COMMIT
`;

Selection('--show chooses by the packet as it arrived which drops are listed; all are replayed and counted', () => {
  const rulesPath = join(dir, 'dropping.v4');
  writeFileSync(rulesPath, DROPPING);
  const whole = run('all', { rulesPath });
  const dropped = whole.packets.dropped;
  assert.ok(dropped > 100);
  const listed = (show: string, engine?: ReplayOptions['engine']) => {
    const summary = run('shown', { rulesPath, show, ...(engine === undefined ? {} : { engine }) });
    sameResults('all', 'shown');
    assert.is(summary.packets.dropped, dropped);
    assert.is(summary.run.options.show, show);
    return summary.dropped.reduce((sum, { packets }) => sum + packets, 0);
  };
  for (const engine of EMULATOR_ENGINES) {
    assert.is(listed('host 198.18.0.3', engine), dropped / 8);
    // The destination before DNAT, which has happened when the rule drops the packet.
    assert.is(listed('dst host 192.0.2.10 and dst port 36379', engine), dropped);
    assert.is(listed('host 172.17.0.3', engine), 0);
  }
});

Selection('what is not understood is refused before anything is read', () => {
  const missing = { hostPath: join(dir, 'missing.json') };
  assert.throws(
    () => run('never', { ...missing, filter: 'tcp prot 80' }),
    (error: Error) => error instanceof FilterError && /^--filter, column 5: "prot"/.test(error.message),
  );
  assert.throws(() => run('never', { ...missing, show: 'tcp and' }), /^--show, column 8: /);
  for (const changes of [{ from: 'soon' }, { to: '10' }, { from: '20s', to: '10s' }, { from: 'n5', to: 'n4' }]) {
    assert.throws(
      () => run('never', { ...missing, ...changes }),
      (error: Error) => error instanceof ReplayOptionsError,
    );
  }
  // Known only where the captures are.
  assert.throws(() => run('never', { filter: 'inbound' }), /^--filter, column 1: inbound: only a capture of `-i any`/);
});

Selection('hosts can be called by the names that were given', () => {
  const namesPath = join(dir, 'hosts');
  writeFileSync(namesPath, '198.18.0.3 client\n198.18.0.4 other\n198.18.0.5 client\nfe80::1 client\n');
  run('by-address', { filter: 'host 198.18.0.3 or 198.18.0.5' });
  run('by-name', { filter: 'host client', namesPath });
  sameResults('by-address', 'by-name');
  const unknown = () => run('never', { filter: 'src host clint', namesPath });
  assert.throws(unknown, /^--filter, column 10: "clint": no address of this name is known.*did you mean client\?/);
});

Selection('works on a stream, and the report says what was left out', () => {
  const args = ['--rules', RULES, '--host', HOST, '--in', 'eth0=-', '--out', '-', '--filter', 'src host 198.18.0.3'];
  const { stdout, stderr, status } = spawnSync(process.execPath, [MAIN, 'replay', ...args], {
    input: readFileSync(work.eth0),
  });
  assert.is(status, 0, stderr.toString());
  // 51 packets from each client.
  assert.match(stderr.toString(), /^1,020 packets in /);
  assert.match(stderr.toString(), /\n +969 +filtered out/);
  const path = join(dir, 'stream.pcap');
  writeFileSync(path, stdout);
  // The first is forwarded; without answers, conntrack finds the others INVALID, and the sender is told.
  assert.is(readFile(path).records.length, 51);
  const refused = spawnSync(process.execPath, [MAIN, 'replay', ...args.slice(0, -1), 'gateway a'], {
    encoding: 'utf8',
  });
  assert.is(refused.status, 3);
  assert.match(refused.stderr, /^nfreplay: --filter, column 1: gateway/);
});

Selection.run();
