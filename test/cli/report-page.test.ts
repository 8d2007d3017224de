/** `nfreplay report`: what it takes, what it writes and where, and what it never overwrites. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { writeEst64 } from '../../bench/est64.js';
import { reportOf } from '../../cli/error-report.js';
import { reportCommand } from '../../cli/report-command.js';
import type { ReportIndex } from '../../explain/report/format/model.js';
import { replay } from '../../replay/replay.js';
import { isReport } from '../../replay/result-files.js';

const Report = suite('nfreplay report');

const MAIN = fileURLToPath(new URL('../../cli/main.js', import.meta.url));
const DOCKER = 'pcaps/docker';
const REPLAYING = [
  ...['--rules', `${DOCKER}/rules.v4`, '--host', `${DOCKER}/host.json`],
  ...['eth0', 'docker0', 'local'].flatMap((iface) => ['--in', `${iface}=${DOCKER}/in/${iface}.pcap`]),
];
const BENCH = {
  ...{ files: ['eth0.pcap'], packets: 10, entered: 9, runs: 5, readingNs: { median: 1, min: 1, max: 2 } },
  rulesets: [
    {
      ...{ file: 'a.v4', ruleCount: 2, buildMs: 1, packetsPerSecond: 5, flowCachePackets: 4, slowPathPackets: 5 },
      ...{ costNs: { median: 9, min: 8, max: 10 }, bareNs: { median: 3, min: 2, max: 4 }, warnings: [], chains: [] },
      rules: [
        ...[{ table: 'filter', chain: 'INPUT', number: 1, rule: '-j DROP', asked: 3, matched: 2, readsOfPacket: [] }],
      ],
    },
  ],
};

let dir = '';
let page = '';
Report.before.each(() => {
  dir = mkdtempSync(join(tmpdir(), 'nfreplay-report-'));
  page = join(dir, 'page.html');
});
Report.after.each(() => rmSync(dir, { recursive: true }));

/** The index in the page at PATH. */
function indexIn(path: string): ReportIndex {
  const [, json = ''] =
    /<script type="application\/json" id="index">(.*?)<\/script>/s.exec(readFileSync(path, 'utf8')) ?? [];
  return JSON.parse(json);
}

/** The exit code that the command ends with, and what it says of an error. */
async function failing(...args: readonly string[]): Promise<{ exitCode: number; message: string }> {
  try {
    return { exitCode: await reportCommand(args), message: '' };
  } catch (error) {
    return reportOf(error);
  }
}

/** Whether the process PID has asked for SIGHUP (proc(5), status), for which Node by itself does not. */
function isCatching(pid: number): boolean {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return (Number.parseInt(/^SigCgt:\s*\w*(\w)$/m.exec(status)?.[1] ?? '0', 16) & 1) !== 0;
}

/** A result folder, of a copy of the rules. */
function resultFolder(): { out: string; rulesPath: string } {
  const [out, rulesPath] = [join(dir, 'out'), join(dir, 'rules.v4')];
  writeFileSync(rulesPath, readFileSync(`${DOCKER}/rules.v4`));
  const inputs = ['eth0', 'docker0', 'local'].map((iface) => ({ iface, path: `${DOCKER}/in/${iface}.pcap` }));
  replay({ rulesPath, hostPath: `${DOCKER}/host.json`, inputs, outDir: out });
  return { out, rulesPath };
}

Report('is the same of replay’s options, of the case with these files, and of its result folder', async () => {
  const { out } = resultFolder();
  const indexes: ReportIndex[] = [];
  for (const words of [REPLAYING, [DOCKER], [out]]) {
    assert.is(await reportCommand([...words, '-o', page]), 0);
    indexes.push(indexIn(page));
  }
  // A capture more or less, and the case's 35 packets of README.md.
  for (const { results } of indexes) {
    assert.is(results.length, 1);
    assert.is(results[0].packets.read, 35);
    assert.equal(results[0].packets.verdicts, indexes[0].results[0].packets.verdicts);
    assert.is(results[0].isRunning, false);
  }
  assert.equal(
    indexes.map(({ title }) => title),
    [`eth0.pcap, docker0.pcap and local.pcap through ${DOCKER}/rules.v4`, DOCKER, out],
  );
});

Report('a page beside results belongs to them: the next replay replaces both', async () => {
  const { out } = resultFolder();
  const path = join(out, 'report.html');
  assert.is(await reportCommand([out, '-o', path, '--title', 'A </title> & "title"']), 0);
  assert.is(indexIn(path).title, 'A </title> & "title"');
  assert.ok(isReport(path));
  resultFolder();
  assert.not(existsSync(path));
  writeFileSync(join(out, 'notes.html'), '<!doctype html><p>mine</p>');
  assert.throws(resultFolder, (error: Error) => error.message.includes('notes.html'));
});

Report('an input that has changed or is gone is named, with exit code 4, and nothing is written', async () => {
  const { out, rulesPath } = resultFolder();
  writeFileSync(rulesPath, `${readFileSync(rulesPath, 'utf8')}\n`);
  const changed = await failing(out, '-o', page);
  assert.is(changed.exitCode, 4);
  assert.match(changed.message, `${rulesPath} has changed since`);
  rmSync(rulesPath);
  const gone = await failing(out, '-o', page);
  assert.is(gone.exitCode, 4);
  assert.match(gone.message, rulesPath);
  assert.equal(readdirSync(dir), ['out']);
});

Report('--show chooses what is listed; everything is counted', async () => {
  assert.is(await reportCommand([DOCKER, '--show', 'tcp port 36379', '-o', page]), 0);
  const { packets } = indexIn(page).results[0];
  assert.is(packets.read, 35);
  assert.ok(packets.listed > 0 && packets.listed < 35);
  assert.is(packets.listed + packets.leftOut, 35);
  assert.is(packets.leftOutBy, 'show');
});

Report('--expect-egress and --expect-counters are shown, also of the results that were made with them', async () => {
  const host = 'test/replay/hosts/docker24';
  const rulesPath = join(dir, 'other.v4');
  const rules = readFileSync(`${host}/iptables-save.txt`, 'utf8');
  // Without the rule that masquerades.
  writeFileSync(rulesPath, rules.replace(/^-A POSTROUTING -s 172\.17\.0\.0.*\n/m, ''));
  const out = join(dir, 'out');
  replay({
    ...{ rulesPath, hostPath: `${host}/host.json`, captures: [{ path: `${host}/any.pcap` }], outDir: out },
    ...{ expectEgress: true, expectCounters: [`${host}/counters-real.txt`] },
  });
  const words = ['--rules', rulesPath, '--host', `${host}/host.json`, '--capture', `${host}/any.pcap`];
  const expecting = ['--expect-egress', '--expect-counters', `${host}/counters-real.txt`];
  for (const given of [[out], [...words, ...expecting]]) {
    // Whatever is found: a report is made to be looked at.
    assert.is(await reportCommand([...given, '-o', page]), 0);
    const { egress, counters } = indexIn(page).results[0].summary!;
    assert.ok(egress!.listed.some(({ decidedBy }) => decidedBy !== undefined));
    assert.ok(counters!.different > 0);
  }
});

Report('two rulesets are two results, and so is a ruleset beside a folder', async () => {
  const open = join(dir, 'open.v4');
  writeFileSync(open, '*filter\n:INPUT ACCEPT\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\nCOMMIT\n');
  const both = [...REPLAYING, '--rules', open];
  for (const words of [both, [DOCKER, '--rules', open]]) {
    assert.is(await reportCommand([...words, '-o', page]), 0);
    const { results, isComparison } = indexIn(page);
    assert.equal(
      results.map(({ packets }) => packets.read),
      [35, 35],
    );
    assert.is(results[1].name, open);
    assert.ok(isComparison);
    assert.match(readFileSync(page, 'utf8'), 'id="comparison"');
    // Nothing is refused or translated any more.
    const refused = results.map(({ packets: { verdicts } }) => verdicts.dropped.packets + verdicts.rejected.packets);
    assert.ok(refused[0] > 0);
    assert.is(refused[1], 0);
  }
});

Report('a file of bench is known by what is in it', async () => {
  const path = join(dir, 'measured');
  writeFileSync(path, JSON.stringify(BENCH));
  assert.is(await reportCommand([path, '-o', page]), 0);
  const { hasBench, results } = indexIn(page);
  assert.ok(hasBench);
  assert.equal(results, []);
  assert.match((await failing(path, DOCKER, '-o', page)).message, 'pages of their own');
  writeFileSync(path, JSON.stringify({ ...BENCH, rulesets: [{ file: 'a.v4' }] }));
  const { exitCode, message } = await failing(path, '-o', page);
  assert.is(exitCode, 2);
  assert.match(message, /measured: JSON, but of something else; expected .*bench --json/);
  assert.match((await failing(`${DOCKER}/in/eth0.pcap`, '-o', page)).message, '--capture');
});

Report(
  'a file that is no report is not replaced, and one that is keeps its place until the new one is whole',
  async () => {
    writeFileSync(page, '<!doctype html><title>mine</title>');
    const { exitCode, message } = await failing(DOCKER, '-o', page);
    assert.is(exitCode, 4);
    assert.match(message, `${page} is no report, so it is left alone`);
    writeFileSync(page, '');
    assert.is(await reportCommand([DOCKER, '-o', page]), 0);
    const before = readFileSync(page);
    assert.is(
      (await failing(...REPLAYING, '--limit', '5', '--at', 'n3=iptables -A NOWHERE -j DROP', '-o', page)).exitCode,
      2,
    );
    assert.equal(readFileSync(page), before);
    assert.is(await reportCommand([DOCKER, '--title', 'another', '-o', page]), 0);
    assert.is(indexIn(page).title, 'another');
    assert.equal(readdirSync(dir), ['page.html']);
  },
);

Report('writes nothing where the case would read it, and none of the snapshots that --at asks for', async () => {
  const inCase = await failing(DOCKER, '-o', `${DOCKER}/want/page.html`);
  assert.is(inCase.exitCode, 2);
  assert.match(inCase.message, 'this run reads what is in');
  assert.is(await reportCommand([...REPLAYING, '--at', `n3=snapshot:${join(dir, 'later')}`, '-o', page]), 0);
  assert.equal(readdirSync(dir), ['page.html']);
});

const REFUSED: readonly (readonly [words: readonly string[], exitCode: number, message: RegExp])[] = [
  [[], 2, /nothing to show/],
  [['pcaps'], 2, /pcaps has several cases, such as pcaps\//],
  [['docs'], 2, /neither a case nor/],
  [['no-such-folder'], 4, /no-such-folder: no such file or folder/],
  [[DOCKER, '--seed', '3'], 2, /--seed: pcaps\/docker says what is replayed/],
  [[DOCKER, 'pcaps/redirect'], 2, /one .*nfreplay view/],
  [[...REPLAYING, '--rules', 'b', '--rules', 'c'], 2, /--rules was given 3 times/],
  [[...REPLAYING, '--rules', '-'], 2, /standard input can be read only once; a comparison requires files/],
  [[...REPLAYING, '--expect-egress'], 2, /--expect-egress requires --capture/],
  [[...REPLAYING, '-o', 'no-such-folder/x.html'], 4, /no folder/],
];
for (const [words, exitCode, message] of REFUSED) {
  Report(`refuses ${words.join(' ') || 'an empty command line'}`, async () => {
    const refused = await failing(...words, ...(words.includes('-o') ? [] : ['-o', page]));
    assert.is(refused.exitCode, exitCode, refused.message);
    assert.match(refused.message, message);
    assert.equal(readdirSync(dir), []);
  });
}

Report(
  'Ctrl-C ends it and leaves what was there; of a pipe it is the end, and the page is of what was read',
  async () => {
    const project = fileURLToPath(new URL('../../..', import.meta.url));
    const host = ['--host', join(project, DOCKER, 'host.json'), '--rules', join(project, DOCKER, 'rules.v4')];
    const { eth0 } = writeEst64(dir, 100_000, 100);
    writeFileSync(page, '');
    const before = readdirSync(dir);
    const long = spawn(process.execPath, [MAIN, 'report', ...host, '--in', `eth0=${eth0}`, '-o', page]);
    const isListening = () => isCatching(long.pid ?? 0);
    while (!isListening()) await pause(10);
    long.kill('SIGINT');
    assert.equal(await once(long, 'close'), [130, null]);
    assert.equal(readdirSync(dir), before);
    assert.is(readFileSync(page, 'utf8'), '');

    const live = spawn(process.execPath, [MAIN, 'report', ...host, '--in', 'eth0=-', '-o', page]);
    let said = '';
    live.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    live.stdin.write(readFileSync(`${DOCKER}/in/eth0.pcap`));
    while (!isCatching(live.pid ?? 0)) await pause(10);
    // There is no telling from outside when it has read what there is.
    await pause(2000);
    live.kill('SIGINT');
    const [code] = await once(live, 'close');
    assert.is(code, 0, said);
    const [, packets] = /ended by an interrupt \(SIGINT\) after (\d+) packets/.exec(said) ?? [];
    assert.ok(Number(packets) > 0, said);
    assert.is(indexIn(page).results[0].packets.read, Number(packets));
  },
);

Report('the command writes report.html unless it is told otherwise, says so, and reads pipes', () => {
  const run = (args: readonly string[], input?: Buffer) =>
    spawnSync(process.execPath, [MAIN, 'report', ...args], { cwd: dir, input, maxBuffer: 2 ** 24 });
  const project = fileURLToPath(new URL('../../..', import.meta.url));
  const named = run([join(project, DOCKER)]);
  assert.is(named.status, 0, String(named.stderr));
  assert.match(String(named.stdout), /^report\.html: 35 packets, \d+ kB\n$/);
  assert.is(indexIn(join(dir, 'report.html')).results[0].packets.read, 35);
  mkdirSync(join(dir, 'piped'));
  const host = ['--host', join(project, DOCKER, 'host.json'), '--rules', join(project, DOCKER, 'rules.v4')];
  const piped = run([...host, '--in', 'eth0=-', '-o', '-'], readFileSync(`${DOCKER}/in/eth0.pcap`));
  assert.is(piped.status, 0, String(piped.stderr));
  assert.match(String(piped.stderr), /^the report: \d+ packets, \d+ kB\n$/);
  const path = join(dir, 'piped.html');
  writeFileSync(path, piped.stdout);
  assert.ok(indexIn(path).results[0].packets.read > 0);
});

Report.run();
