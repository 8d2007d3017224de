/**
 * `npm run ipset:record -- [--add N]`: records the answers in test/ipset/commands.jsonl again from the ipset of this
 * machine, and adds N random cases. Needs root, and a kernel with the types of sets that the cases are about.
 */
import { randomInt } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { formatCases, parseCases, type RecordedCase } from '../../ipset/recorded-cases.js';
import { loadLibc } from '../libc.js';
import { Namespace } from '../namespace.js';
import { isUnfollowed, typesOf } from './compare.js';
import { randomSteps } from './generator.js';
import { RealIpset } from './real-ipset.js';

/** Cases with more text are left out, to keep the file small. */
const MOST_CHARACTERS = 12_000;

const { values } = parseArgs({ options: { add: { type: 'string', default: '0' } } });
const path = fileURLToPath(new URL('../../../../test/ipset/commands.jsonl', import.meta.url));
const known = existsSync(path) ? parseCases(readFileSync(path, 'utf8')).map(({ steps }) => steps) : [];
const namespace = Namespace.create(loadLibc());
const cases = namespace.run(() => {
  const real = new RealIpset();
  const types = typesOf(real);
  const recorded = (steps: RecordedCase['steps']): RecordedCase => {
    real.clear();
    const answers = steps.map((step) => real.answer(step));
    const end = answers.findIndex((answer) => answer.exitCode > 2 || isUnfollowed(answer));
    const count = end === -1 ? steps.length : end;
    return { steps: steps.slice(0, count), answers: answers.slice(0, count) };
  };
  const all = known.map(recorded);
  for (let left = Number(values.add); left > 0; ) {
    const one = recorded(randomSteps(randomInt(2 ** 32), types));
    if (one.steps.length === 0 || formatCases([one]).length > MOST_CHARACTERS) continue;
    all.push(one);
    left--;
  }
  real.clear();
  return all;
});
namespace.close();
writeFileSync(path, formatCases(cases));
console.log(`${cases.length} cases in ${path}`);
