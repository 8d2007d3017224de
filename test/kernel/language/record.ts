/**
 * `npm run language:record -- [--add N]`: records the answers in test/rules/language.jsonl again from the
 * iptables-legacy and ip6tables-legacy of this machine, and adds N random files for each. Needs root.
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
const known = parseCases(readFileSync(path, 'utf8'));
const added = (['ipv4', 'ipv6'] as const).flatMap((family) =>
  Array.from({ length: Number(values.add) }, () => ({ family, text: randomFile(randomInt(2 ** 32), family) })),
);
const namespace = Namespace.create(loadLibc());
const cases = namespace.run(() => {
  const real = { ipv4: new RealIptables('ipv4'), ipv6: new RealIptables('ipv6') };
  return [...known, ...added].map(({ family, text }) => {
    const saved = real[family].answer(text);
    return { family, text, saved: saved === undefined ? null : withoutEmptyTables(saved) };
  });
});
namespace.close();
writeFileSync(path, formatCases(cases));
console.log(`${cases.length} cases in ${path}`);
