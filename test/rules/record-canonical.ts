/**
 * Records the expectations in canonical.txt again from the real iptables-legacy: `unshare -n node
 * dist/test/rules/record-canonical.js` (as root, in its own network namespace, because it loads the rules).
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type CanonicalCase, canonicalFile, formatCanonical, parseCanonical } from './canonical.js';

const env = { ...process.env, XTABLES_LOCKFILE: '/run/xtables-canonical.lock' };
const path = fileURLToPath(new URL('../../../test/rules/canonical.txt', import.meta.url));
const cases = parseCanonical(readFileSync(path, 'utf8'));
writeFileSync(path, formatCanonical(cases.map((one) => ({ ...one, saved: record(one) }))));

function record(one: CanonicalCase): string[] | undefined {
  const restored = spawnSync('iptables-legacy-restore', { input: canonicalFile(one), encoding: 'utf8', env });
  if (restored.status !== 0) return undefined;
  const saved = spawnSync('iptables-legacy-save', ['-t', one.table], { encoding: 'utf8', env });
  if (saved.status !== 0) throw new Error(saved.stderr);
  return saved.stdout.split('\n').filter((line) => line.startsWith('-A'));
}
