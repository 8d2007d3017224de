/**
 * README's first walkthrough, with the files that it was written from. They were taken on a host with Docker 20.10: the
 * snapshot before the capture, and after.v4 (`iptables-save -c`) after it.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { formatReport } from '../../cli/report.js';
import { styleOf } from '../../explain/text/style.js';
import { replay } from '../../replay/replay.js';

const Walkthrough = suite("README's walkthrough");

const PROJECT = fileURLToPath(new URL('../../../', import.meta.url));
const FILES = join(PROJECT, 'docs/walkthrough');
const SNAPSHOT = join(FILES, 'host.txt');
const CAPTURE = join(FILES, 'any.pcap');
const [, section = ''] = readFileSync(join(PROJECT, 'README.md'), 'utf8').split(
  '## A published port that does not answer\n',
);

const replayed = (hostPath: string) => replay({ hostPath, captures: [{ path: CAPTURE }] });

/** TEXT without the line in the snapshot, which is shortened here, and where it is. */
const comparable = (text: string) => text.replace(/\S*host\.txt(?::\d+)?/g, 'host.txt');

Walkthrough('the report is what the README shows', () => {
  const shown = /```\n\d+ packets in .*\n([^`]*)…\n```/.exec(section)?.[1] ?? '';
  assert.ok(shown.includes('DOCKER-USER 3'));
  const options = { style: styleOf({ isTTY: false }), top: 10, outDir: undefined, durationMs: 1, width: 120 };
  const report = comparable(formatReport(replayed(SNAPSHOT), options));
  assert.ok(report.includes(comparable(shown)), report);
});

Walkthrough('with the changed rule, the packets are forwarded', () => {
  const [, from, to] = /sed 's\/(.*)\/(.*)\/' host\.txt > fixed\.txt/.exec(section) ?? [];
  const text = readFileSync(SNAPSHOT, 'utf8');
  assert.is(text.split(from).length, 2, 'the rule stands in the snapshot once');
  const dir = mkdtempSync(join(tmpdir(), 'nfreplay-walkthrough-'));
  try {
    writeFileSync(join(dir, 'fixed.txt'), text.replace(from, to));
    const { packets } = replayed(join(dir, 'fixed.txt'));
    assert.equal([packets.forwarded, packets.dropped], [15, 0]);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

Walkthrough('the emulated host sends and counts what the real one sent and counted', () => {
  const summary = replay({
    hostPath: SNAPSHOT,
    captures: [{ path: CAPTURE }],
    expectCounters: [join(FILES, 'after.v4')],
  });
  const options = { style: styleOf({ isTTY: false }), top: 10, outDir: undefined, durationMs: 1, width: 120 };
  const shown = /^compared with what the host sent\n[^`]*/m.exec(section)?.[0] ?? '';
  const report = formatReport(summary, options).replaceAll(`${FILES}/`, '');
  assert.ok(shown.length > 0 && report.includes(shown.trimEnd()), report);
});

Walkthrough.run();
