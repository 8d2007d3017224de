/**
 * `npm run language:record -- [--add N]`: records the answers in test/rules/language.jsonl again from the
 * iptables-legacy of this machine, and adds N random files. Needs root.
 */
import { randomInt } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { formatCases, parseCases, withoutEmptyTables } from '../../rules/language-cases.js';
import { loadLibc } from '../libc.js';
import { Namespace } from '../namespace.js';
import { randomFile } from './generator.js';
import { RealIptables } from './real-iptables.js';

const { values } = parseArgs({ options: { add: { type: 'string', default: '0' } } });
const path = fileURLToPath(new URL('../../../../test/rules/language.jsonl', import.meta.url));
const known = parseCases(readFileSync(path, 'utf8')).map(({ text }) => text);
const added = Array.from({ length: Number(values.add) }, () => randomFile(randomInt(2 ** 32)));
const namespace = Namespace.create(loadLibc());
const cases = namespace.run(() => {
  const real = new RealIptables('ipv4');
  return [...new Set([...known, ...added])].map((text) => {
    const saved = real.answer(text);
    return { text, saved: saved === undefined ? null : withoutEmptyTables(saved) };
  });
});
namespace.close();
writeFileSync(path, formatCases(cases));
console.log(`${cases.length} cases in ${path}`);
