// The package as a user imports it: by its name, through the entries of package.json.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as nfreplay from 'nfreplay';
import * as codecs from 'nfreplay/codecs';
import { casesIn, compareResults, FileError, openCaptureFile, ReplayOptionsError, replay } from 'nfreplay/replay';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const Entries = suite('entries of the package');

const DOCKER = fileURLToPath(new URL('../../../pcaps/docker/', import.meta.url));

let dir = '';
Entries.before(() => {
  dir = mkdtempSync(join(tmpdir(), 'nfreplay-test-'));
});
Entries.after(() => rmSync(dir, { recursive: true }));

Entries('nfreplay/replay replays the Docker example', () => {
  const [{ rulesPath = '', hostPath, inputs, wantDir }] = casesIn(DOCKER);
  const outDir = join(dir, 'docker');
  const summary = replay({ rulesPath, hostPath, inputs, outDir });
  assert.is(summary.packets.read, 35);
  assert.equal(compareResults(wantDir, outDir).differences, []);
  assert.ok(readdirSync(outDir).includes('summary.json'));
});

Entries('nfreplay/replay refuses invalid options with its own error', () => {
  const [{ rulesPath = '', hostPath }] = casesIn(DOCKER);
  assert.throws(
    () => replay({ rulesPath, hostPath, inputs: [], outDir: join(dir, 'nothing') }),
    (error: unknown) => error instanceof ReplayOptionsError,
  );
});

Entries('nfreplay/replay names a ruleset or host that cannot be read, as an error about files, not captures', () => {
  const [{ rulesPath = '', hostPath, inputs }] = casesIn(DOCKER);
  const missing = join(dir, 'missing');
  for (const paths of [{ rulesPath: missing }, { hostPath: missing }]) {
    assert.throws(
      () => replay({ rulesPath, hostPath, inputs, outDir: join(dir, 'nothing'), ...paths }),
      (error: unknown) => error instanceof FileError && error.message === `${missing}: cannot read: no such file`,
    );
  }
});

Entries('nfreplay emulates a host packet by packet', () => {
  const read = (name: string) => readFileSync(join(DOCKER, name), 'utf8');
  const host = nfreplay.loadHost(read('host.json'), 'host.json');
  const ruleset = nfreplay.parseRuleset(read('rules.v4'), 'rules.v4');
  const left: string[] = [];
  const emulator = nfreplay.createEmulator(
    { ruleset, host },
    { egress: (dev) => left.push(host.interfaceNames[dev]), local() {}, dropped() {} },
  );
  // The first packet of the example: a SYN to the published port, which goes on to the container.
  const reader = openCaptureFile(join(DOCKER, 'in/eth0.pcap'));
  assert.ok(reader.next());
  const { bytes, at, caplen } = reader;
  const frame = new nfreplay.Frame({ bytes: bytes.slice(at, at + caplen), dev: host.interfaceIndex('eth0') });
  frame.tsSec = reader.tsSec;
  frame.tsNsec = reader.tsNsec;
  emulator.receive(frame);
  reader.close();
  assert.equal(left, ['docker0']);
});

Entries('the addresses in drops and listed connections can be printed', () => {
  const read = (name: string) => readFileSync(join(DOCKER, name), 'utf8');
  const host = nfreplay.loadHost(read('host.json'), 'host.json');
  const ruleset = nfreplay.parseRuleset(
    '*nat\n-A PREROUTING -d 192.0.2.10 -j DNAT --to-destination 172.17.0.3\nCOMMIT\n*filter\n:FORWARD DROP\nCOMMIT\n',
    'rules.v4',
  );
  const before: string[] = [];
  const emulator = nfreplay.createEmulator(
    { ruleset, host },
    {
      egress() {},
      local() {},
      dropped: ({ untranslatedDestination }) => before.push(nfreplay.formatLoaded(untranslatedDestination)),
    },
  );
  const bytes = Buffer.from(`4500001c0001000040017ccecb007107c000020a${'0800f7ff00000000'}`, 'hex');
  const dev = host.interfaceIndex('eth0');
  emulator.receive(new nfreplay.Frame({ bytes, dev, linktype: nfreplay.Linktype.RAW }));
  assert.equal(before, ['192.0.2.10']);
});

Entries('everything that the options of an emulator take can be named and made with what nfreplay exports', () => {
  const read = (name: string) => readFileSync(join(DOCKER, name), 'utf8');
  const host: nfreplay.Host = nfreplay.loadHost(read('host.json'), 'host.json');
  const ruleset: nfreplay.Ruleset = nfreplay.parseRuleset(read('rules.v4'), 'rules.v4');
  const seen: number[] = [];
  const entry: nfreplay.HookEntry = {
    name: 'observer',
    hook: nfreplay.Hook.OUTPUT,
    priority: nfreplay.Priority.FILTER - 1,
    run(packet: nfreplay.Packet) {
      seen.push(packet.length);
      return nfreplay.Verdict.ACCEPT;
    },
  };
  for (const engine of nfreplay.EMULATOR_ENGINES) {
    const emulator = nfreplay.createEmulator(
      { ruleset, host, engine, hookEntries: [entry], memory: new nfreplay.Memory() },
      { egress() {}, local() {}, dropped() {} },
    );
    const bytes = Buffer.from(`4500001c0001000040010000${'00000000'}c6336405${'0800f7ff00000000'}`, 'hex');
    emulator.send(new nfreplay.Frame({ bytes, linktype: nfreplay.Linktype.RAW }));
    assert.is(emulator.outcome, nfreplay.Outcome.SENT, engine);
  }
  assert.equal(seen, [28, 28, 28, 28]);
});

Entries('nfreplay/codecs reads and writes captures in memory', () => {
  const bytes = readFileSync(join(DOCKER, 'in/eth0.pcap'));
  const reader = codecs.openCapture(codecs.sourceOf(bytes));
  const sink = new codecs.MemorySink();
  const writer = new codecs.PcapWriter(sink, reader.linktype);
  while (reader.next()) {
    writer.write(reader.tsSec, reader.tsNsec, reader.bytes, reader.at, reader.caplen, reader.wirelen);
  }
  writer.close();
  // The example has nanoseconds and is little-endian, as is the output, so the records are the same.
  assert.equal(sink.bytes().subarray(24), new Uint8Array(bytes.subarray(24)));
  assert.throws(
    () => codecs.openCapture(codecs.sourceOf(Uint8Array.of(1, 2, 3, 4, 5), 'my.bytes')),
    (error: unknown) => error instanceof codecs.CaptureError && error.path === 'my.bytes',
  );
});

Entries.run();
