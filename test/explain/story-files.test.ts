/** Files with the stories of a replay's packets: comments on what leaves, and lines of JSON. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { StoryFiles } from '../../explain/capture/story-files.js';
import { openCaptureFile } from '../../io/capture-file.js';
import { casesIn, optionsOf } from '../../replay/golden-case.js';
import { type ReplayOptions, replay, replaySteps } from '../../replay/replay.js';
import { isInstalled, output } from '../codecs/capture-files.js';
import { pick, seededRandom, testSeed } from '../random.js';

const files = suite('stories in files');

const dir = mkdtempSync(join(tmpdir(), 'nfreplay-stories-'));
files.after(() => rmSync(dir, { recursive: true }));

const ANNOTATED = join(dir, 'annotated.pcapng');
const TRACED = join(dir, 'traced.ndjson');
const OUT = join(dir, 'out');

function told(options: ReplayOptions, annotatePath?: string, tracePath?: string): ReplayOptions {
  return { ...options, outDir: OUT, watch: (run) => new StoryFiles(run, { annotatePath, tracePath }) };
}

interface Commented {
  readonly name: string;
  readonly packet: string;
  readonly comment: string;
}

/** The packets of a little-endian pcapng with one section, read as the specification says. */
function readComments(path: string): Commented[] {
  const file = readFileSync(path);
  const names: string[] = [];
  const found: Commented[] = [];
  for (let at = 0; at < file.length; at += file.readUInt32LE(at + 4)) {
    const [type, length] = [file.readUInt32LE(at), file.readUInt32LE(at + 4)];
    assert.is(file.readUInt32LE(at + length - 4), length);
    const options = (from: number): Map<number, string> => {
      const values = new Map<number, string>();
      for (let option = from; option < at + length - 4; ) {
        const [code, bytes] = [file.readUInt16LE(option), file.readUInt16LE(option + 2)];
        values.set(code, file.toString('utf8', option + 4, option + 4 + bytes));
        option += 4 + ((bytes + 3) & ~3);
      }
      return values;
    };
    if (type === 1) names.push(options(at + 16).get(2) ?? '');
    if (type !== 6) continue;
    const caplen = file.readUInt32LE(at + 20);
    const time = (BigInt(file.readUInt32LE(at + 12)) << 32n) | BigInt(file.readUInt32LE(at + 16));
    const bytes = file.toString('hex', at + 28, at + 28 + caplen);
    const comment = options(at + 28 + ((caplen + 3) & ~3)).get(1) ?? '';
    found.push({ name: names[file.readUInt32LE(at + 8)], packet: `${time} ${bytes}`, comment });
  }
  return found;
}

/** The packets of the captures in OUT, by the names of the files. */
function resultPackets(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const file of readdirSync(OUT)) {
    if (!file.endsWith('.pcap') || file === 'nflog.pcap') continue;
    const reader = openCaptureFile(join(OUT, file));
    const packets: string[] = [];
    while (reader.next()) {
      const { tsSec, tsNsec, bytes, at, caplen } = reader;
      const time = BigInt(tsSec) * 1_000_000_000n + BigInt(tsNsec);
      packets.push(`${time} ${Buffer.from(bytes.subarray(at, at + caplen)).toString('hex')}`);
    }
    reader.close();
    if (packets.length > 0) found.set(file.slice(0, -'.pcap'.length), packets);
  }
  return found;
}

const VERDICT = /^(\S+):(\d+) (forwarded|sent|delivered|dropped|rejected|held|skipped)\?? {2}/;

files('golden cases: the packets of the result folder and no others, each with its frame and verdict', () => {
  const seed = testSeed();
  console.log(`seed ${seed}`);
  const random = seededRandom(seed);
  const schema = JSON.parse(readFileSync('docs/schema/trace.schema.json', 'utf8'));
  const validate = new Ajv2020({ strict: false })
    .addSchema(schema)
    .compile({ $ref: 'trace.schema.json#/$defs/traced' });
  const cases = casesIn('pcaps');
  // In that one, an interface comes while packets flow.
  const changing = cases.filter((one) => basename(one.dir) === 'article-restart');
  assert.is(changing.length, 1);
  for (const golden of [...changing, ...Array.from({ length: 11 }, () => pick(random, cases))]) {
    const where = `${golden.dir}, seed ${seed}`;
    const { packets } = replay(told(optionsOf(golden), ANNOTATED, TRACED));
    const commented = readComments(ANNOTATED);
    const byName = new Map<string, string[]>();
    for (const { name, packet } of commented) byName.set(name, [...(byName.get(name) ?? []), packet]);
    assert.equal([...byName].sort(), [...resultPackets()].sort(), where);
    for (const { comment } of commented) assert.match(comment, VERDICT, where);
    const lines = readFileSync(TRACED, 'utf8').trimEnd().split('\n');
    assert.ok(lines.length <= packets.read, where);
    for (const line of lines) assert.ok(validate(JSON.parse(line)), `${where}: ${JSON.stringify(validate.errors)}`);
    const verdicts = (verdict: string): number => lines.filter((line) => JSON.parse(line).verdict === verdict).length;
    for (const verdict of ['forwarded', 'delivered', 'sent', 'dropped', 'rejected', 'held'] as const)
      assert.is(verdicts(verdict), packets[verdict], `${verdict} of ${where}`);
  }
});

const golden = casesIn('pcaps').find((one) => one.dir.endsWith('out-of-window-escape'))!;

files('Wireshark shows the comments', () => {
  if (!isInstalled('tshark')) return;
  replay(told(optionsOf(golden), ANNOTATED));
  const fields = ['-e', 'frame.interface_name', '-e', 'frame.comment'];
  const shown = output('tshark', '-r', ANNOTATED, '-T', 'fields', ...fields)
    .trimEnd()
    .split('\n');
  assert.is(shown.length, readComments(ANNOTATED).length);
  assert.match(shown[6], /^eth0\teth0:5 rejected {2}in filter INPUT by rule 5 \(.*rules\.v4:24\)/);
  assert.match(shown[7], /^dropped\teth0:5 rejected {2}in filter INPUT by rule 5/);
});

files('with --show, the others have no comment and no line', () => {
  replay(told({ ...optionsOf(golden), show: 'src host 172.17.0.3' }, ANNOTATED, TRACED));
  const commented = readComments(ANNOTATED);
  assert.is(commented.length, 13);
  for (const { comment } of commented) assert.ok(comment === '' || comment.startsWith('docker0:'), comment);
  const lines = readFileSync(TRACED, 'utf8').trimEnd().split('\n');
  assert.equal(
    lines.map((line) => JSON.parse(line).frame),
    [1, 2, 3, 4, 5].map((number) => `docker0:${number}`),
  );
});

files('are put in place at the end, or not at all', () => {
  writeFileSync(ANNOTATED, 'before');
  const steps = replaySteps(told(optionsOf(golden), ANNOTATED, TRACED));
  rmSync(TRACED, { force: true });
  steps.next();
  steps.next();
  assert.ok(readdirSync(dir).some((name) => name.includes('.partial-')));
  steps.return(undefined as never);
  assert.is(readFileSync(ANNOTATED, 'utf8'), 'before');
  assert.not.ok(existsSync(TRACED));
  assert.equal(
    readdirSync(dir).filter((name) => name.includes('.partial-')),
    [],
  );
});

files('never take the place of an input, of each other, or of the result folder', () => {
  const input = join(golden.dir, 'in/eth0.pcap');
  const refused = (annotatePath: string, tracePath: string | undefined, words: RegExp): void => {
    let message = '';
    try {
      replay(told(optionsOf(golden), annotatePath, tracePath));
    } catch (error) {
      ({ message } = error as Error);
    }
    assert.match(message, words);
  };
  refused(input, undefined, /--annotate .*eth0\.pcap: that is the input/);
  refused(ANNOTATED, ANNOTATED, /--trace .*: another option writes this file/);
  refused(join(OUT, 'x.pcapng'), undefined, /the folder .* is replaced/);
  refused('-', undefined, /expected a file/);
  refused(dir, undefined, /is not a file/);
  refused(join(dir, 'none/x'), undefined, /there is no folder/);
});

files.run();
