/** summary.json matches docs/schema/summary.schema.json and docs/summary.md. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { REASONS } from '../../core/reasons.js';
import { recordFile } from '../../io/file-record.js';
import { casesIn, optionsOf } from '../../replay/golden-case.js';
import { replay } from '../../replay/replay.js';

const Schema = suite('schema of summary.json');

const schema = JSON.parse(readFileSync('docs/schema/summary.schema.json', 'utf8'));
const validate = new Ajv2020({ allErrors: true, strictTypes: false, strictRequired: false }).compile(schema);
const dir = mkdtempSync(join(tmpdir(), 'nfreplay-schema-'));
const GOLDEN = ['pcaps', 'test/golden/regressions'].flatMap(casesIn);

Schema.after(() => rmSync(dir, { recursive: true }));

function summaryText(golden: (typeof GOLDEN)[number]): string {
  const outDir = join(dir, 'out');
  replay({ ...optionsOf(golden), outDir });
  return readFileSync(join(outDir, 'summary.json'), 'utf8');
}

Schema('the summaries of all golden cases are valid', () => {
  assert.ok(GOLDEN.length > 20);
  for (const golden of GOLDEN) {
    const text = summaryText(golden);
    assert.ok(text.startsWith('{\n  "schema": 2,\n'), golden.dir);
    assert.ok(validate(JSON.parse(text)), `${golden.dir}: ${JSON.stringify(validate.errors, null, 1)}`);
  }
});

Schema('the summary of a capture taken on a host is valid, with all that it is compared with', () => {
  const host = 'test/replay/hosts/docker24';
  // Without the rule that masquerades, packets and counters differ.
  const rules = readFileSync(join(host, 'iptables-save.txt'), 'utf8').replace(
    /^-A POSTROUTING -s 172\.17\.0\.0.*\n/m,
    '',
  );
  writeFileSync(join(dir, 'rules.v4'), rules);
  const { egress, counters } = replay({
    rulesPath: join(dir, 'rules.v4'),
    hostPath: join(host, 'host.json'),
    captures: [{ path: join(host, 'any.pcap') }],
    outDir: join(dir, 'out'),
    expectEgress: true,
    expectCounters: [join(host, 'counters-real.txt')],
  });
  assert.ok(egress!.listed.length > 0 && counters!.listed.length > 0);
  const text = readFileSync(join(dir, 'out', 'summary.json'), 'utf8');
  assert.ok(validate(JSON.parse(text)), JSON.stringify(validate.errors, null, 1));
});

Schema('members that are not in the schema are errors', () => {
  const summary = JSON.parse(summaryText(GOLDEN[0]));
  for (const change of [
    { schema: 1 },
    { run: undefined },
    { packets: { ...summary.packets, sent: -1 } },
    { dropped: [{ reason: 'because', packets: 1 }] },
    { dropped: [{ reason: 'rule', table: 'filter', hook: 'INPUT', chain: 'INPUT', number: 1, packets: 1 }] },
  ])
    assert.not(validate(JSON.parse(JSON.stringify({ ...summary, ...change }))), JSON.stringify(change));
});

Schema('every packet has one outcome', () => {
  for (const golden of GOLDEN) {
    const { read, ...outcomes } = JSON.parse(summaryText(golden)).packets as Record<string, number>;
    const sum = Object.values(outcomes).reduce((a, b) => a + b, 0);
    assert.is(sum, read, golden.dir);
  }
});

Schema('every reason is in the schema and in the documentation', () => {
  const text = readFileSync('docs/summary.md', 'utf8');
  assert.equal(schema.$defs.reason.enum, Object.keys(REASONS));
  for (const reason of Object.keys(REASONS)) assert.ok(text.includes(`\`${reason}\``), reason);
});

Schema('an input file is identified by its size and its SHA-256', () => {
  const path = join(dir, 'capture');
  const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
  writeFileSync(path, 'abc');
  // The example in FIPS 180-4.
  const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  assert.equal(recordFile(path), { path, sizeBytes: 3, sha256: abc });
  const long = Buffer.alloc(2 ** 22 + 3, 'nfreplay');
  writeFileSync(path, long);
  const ends = Buffer.concat([long.subarray(0, 2 ** 16), long.subarray(-(2 ** 16))]);
  assert.equal(recordFile(path), { path, sizeBytes: long.length, sampleSha256: sha256(ends) });
  writeFileSync(path, long.subarray(0, 2 ** 22));
  assert.is(recordFile(path).sha256, sha256(long.subarray(0, 2 ** 22)));
  assert.equal(recordFile('-'), { path: '-' });
  assert.equal(recordFile(dir), { path: dir });
});

Schema.run();
