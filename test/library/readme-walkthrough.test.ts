/**
 * README's first walkthrough, with the snapshot and the capture that it was written from. They were taken in a network
 * namespace, where curl then got its answer with the changed rule.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { formatReport } from '../../cli/report.js';
import { styleOf } from '../../cli/style.js';
import { replay } from '../../replay/replay.js';

const Walkthrough = suite("README's walkthrough");

const PROJECT = fileURLToPath(new URL('../../../', import.meta.url));
const SNAPSHOT = join(PROJECT, 'test/host/snapshots/web1.txt');
const CAPTURE = join(PROJECT, 'test/host/snapshots/web1-any.pcap');
const [, section = ''] = readFileSync(join(PROJECT, 'README.md'), 'utf8').split(
  '## A published port that does not answer\n',
);

const replayed = (hostPath: string) => replay({ hostPath, captures: [{ path: CAPTURE }] });

/** TEXT without the line in the snapshot, which is shortened here, and where it is. */
const comparable = (text: string) => text.replace(/\S*web1\.txt(?::\d+)?/g, 'web1.txt');

Walkthrough('the report is what the README shows', () => {
  const shown = /```\n\d+ packets in .*\n([^`]*)…\n```/.exec(section)?.[1] ?? '';
  assert.ok(shown.includes('DOCKER-USER 3'));
  const options = { style: styleOf({ isTTY: false }), top: 10, outDir: undefined, durationMs: 1, width: 120 };
  const report = comparable(formatReport(replayed(SNAPSHOT), options));
  assert.ok(report.includes(comparable(shown)), report);
});

Walkthrough('with the changed rule, the packets are forwarded', () => {
  const [, from, to] = /sed 's\/(.*)\/(.*)\/' web1\.txt > fixed\.txt/.exec(section) ?? [];
  const text = readFileSync(SNAPSHOT, 'utf8');
  assert.is(text.split(from).length, 2, 'the rule stands in the snapshot once');
  const dir = mkdtempSync(join(tmpdir(), 'nfreplay-walkthrough-'));
  try {
    writeFileSync(join(dir, 'fixed.txt'), text.replace(from, to));
    const { packets } = replayed(join(dir, 'fixed.txt'));
    assert.equal([packets.forwarded, packets.dropped], [4, 0]);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

Walkthrough.run();
