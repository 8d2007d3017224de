import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TCP_SYN } from '../../codecs/layouts.js';
import { buildFrame, tcpPacket } from '../packets/packets.js';

const Readme = suite('README');

const PROJECT = fileURLToPath(new URL('../../../', import.meta.url));
const CASE = join(PROJECT, 'pcaps/docker');

/** The JavaScript of the section "As a library". */
function example(): string {
  const section = readFileSync(join(PROJECT, 'README.md'), 'utf8').split('## As a library')[1] ?? '';
  const code = /```js\n(.*?)```/s.exec(section)?.[1];
  if (code === undefined) throw new Error('README has no example for the library');
  return code;
}

/** A SYN from 203.0.113.7 to the published port of pcaps/docker. */
function syn(): Buffer {
  const packet = tcpPacket({
    source: '203.0.113.7',
    destination: '192.0.2.10',
    sport: 50_000,
    dport: 36_379,
    flags: TCP_SYN,
  });
  return buildFrame(Buffer.from('020000000010', 'hex'), Buffer.from('020000000001', 'hex'), packet);
}

Readme('the example for the library works', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'nfreplay-readme-'));
  try {
    writeFileSync(join(dir, 'frame.bin'), syn());
    const code = example()
      .replaceAll("'host.json', 'utf8'", `${JSON.stringify(join(CASE, 'host.json'))}, 'utf8'`)
      .replaceAll("'rules.v4', 'utf8'", `${JSON.stringify(join(CASE, 'rules.v4'))}, 'utf8'`)
      .replaceAll("'frame.bin'", JSON.stringify(join(dir, 'frame.bin')))
      .replaceAll("'nfreplay'", JSON.stringify(import.meta.resolve('nfreplay')))
      .replaceAll('console.log(', 'lines.push(');
    const path = join(dir, 'example.mjs');
    writeFileSync(path, `export const lines = [];\n${code}`);
    const { lines } = await import(pathToFileURL(path).href);
    // console.log separates its arguments by spaces; `push` does not.
    assert.equal(lines, ['out by', 'docker0']);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

Readme.run();
