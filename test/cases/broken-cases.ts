/**
 * Small random cases that show a failure: what the kernel made of a recorded case (test/recorded), and one thing
 * changed in its rules, so that something else comes out.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkCase } from '../../replay/check-case.js';
import { readCase } from '../../replay/golden-case.js';
import { queueVerdictOf } from '../kernel/queue-verdict.js';
import { pick, type Random } from '../random.js';
import { ARCHIVE_SUFFIX, type RecordedCase, unpackCases, writeCaseFolder } from '../recorded/case-archive.js';

const FOLDER = 'test/recorded';

/** Profiles whose cases need options of replay that a case without them would not have. */
const OTHER: readonly string[] = ['offload', 'outputs'];

/** All recorded cases that are replayed as golden cases are, with their profiles. */
export function recordedCases(): { readonly profile: string; readonly recorded: RecordedCase }[] {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith(ARCHIVE_SUFFIX))
    .map((name) => name.slice(0, -ARCHIVE_SUFFIX.length))
    .filter((profile) => !OTHER.includes(profile))
    .flatMap((profile) =>
      unpackCases(readFileSync(join(FOLDER, `${profile}${ARCHIVE_SUFFIX}`))).map((recorded) => ({ profile, recorded })),
    );
}

const MOST_CHANGES = 12;

/**
 * Writes RECORDED to DIR and changes its rules at random until something else comes out than the kernel made of it.
 * Returns what was changed; undefined if no change made a difference.
 */
export function breakCase(recorded: RecordedCase, dir: string, random: Random): string | undefined {
  writeCaseFolder(recorded, dir);
  const nfqueue = queueVerdictOf(recorded.seed);
  if (nfqueue !== undefined) writeFileSync(join(dir, 'case.json'), JSON.stringify({ options: ['--nfqueue', nfqueue] }));
  const path = join(dir, 'rules.v4');
  const text = readFileSync(path, 'utf8');
  const lines = text.split('\n');
  const rules = lines.flatMap((line, i) => (/^(?:\[\d+:\d+\] )?-A /.test(line) ? [i] : []));
  for (let tried = 0; tried < MOST_CHANGES && rules.length > 0; tried++) {
    const at = pick(random, rules);
    const changed = changedLine(lines[at], random);
    writeFileSync(path, lines.flatMap((line, i) => (i === at ? changed : [line])).join('\n'));
    if (differs(dir)) return `${lines[at]} → ${changed[0] ?? 'left out'}`;
  }
  return undefined;
}

/** Another line in place of a rule, or none. */
function changedLine(line: string, random: Random): string[] {
  if (random(2) === 0) return [];
  const target = /-j (?:ACCEPT|DROP|RETURN)$/.exec(line)?.[0];
  if (target === undefined) return [];
  return [line.slice(0, -target.length) + (target === '-j DROP' ? '-j ACCEPT' : '-j DROP')];
}

function differs(dir: string): boolean {
  try {
    const [first] = checkCase(readCase(dir)).differences;
    // The text of a rule differs wherever one was changed; what it does is of interest.
    return first !== undefined && first.kind !== 'rule';
  } catch {
    return false;
  }
}
