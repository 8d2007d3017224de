/**
 * Asks the real iptables-legacy about the cases in canonical/ that have no answer yet, or with `--all` about every one.
 * Arguments are parts of file names and choose among the files: `unshare -n node dist/test/rules/record-canonical.js
 * ttl` (as root, in its own network namespace, because it loads the rules).
 */
import { execSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import {
  answerCanonical,
  type CanonicalAnswer,
  type CanonicalCase,
  canonicalFile,
  canonicalFiles,
} from './canonical.js';

const env = { ...process.env, XTABLES_LOCKFILE: '/run/xtables-canonical.lock' };
const args = process.argv.slice(2);
const all = args.includes('--all');
const patterns = args.filter((arg) => arg !== '--all');

for (const { name, path, text } of canonicalFiles()) {
  if (patterns.length > 0 && !patterns.some((pattern) => name.includes(pattern))) continue;
  let asked = 0;
  const prepared: string[] = [];
  const ask = (one: CanonicalCase): CanonicalAnswer | undefined => {
    if (one.answer !== undefined && !all) return undefined;
    for (const command of prepared.splice(0)) execSync(command, { stdio: 'inherit' });
    asked++;
    return record(one);
  };
  const answered = answerCanonical(text, ask, (command) => prepared.push(command));
  if (asked === 0) continue;
  writeFileSync(path, answered);
  console.log(`${name}: ${asked} asked`);
}

function record(one: CanonicalCase): CanonicalAnswer {
  const tool = one.family === 'ipv4' ? 'iptables' : 'ip6tables';
  const restored = spawnSync(`${tool}-legacy-restore`, { input: canonicalFile(one), encoding: 'utf8', env });
  if (restored.status !== 0) {
    // So that a case that is refused by mistake is noticed when it is recorded.
    console.log(`${one.head}\n    ${(restored.stderr || String(restored.error)).trim().split('\n', 1)[0]}`);
    return 'refused';
  }
  const saved = spawnSync(`${tool}-legacy-save`, ['-t', one.table], { encoding: 'utf8', env });
  if (saved.status !== 0) throw new Error(saved.stderr);
  // What the rules made in the kernel (timers, estimators) must not be there for the next case.
  spawnSync(`${tool}-legacy-restore`, { input: `*${one.table}\nCOMMIT\n`, env });
  return saved.stdout.split('\n').filter((line) => line.startsWith('-A'));
}
