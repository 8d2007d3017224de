/**
 * `npm run cases:record -- [--seed S] [--count N] [PROFILE …]`: records small random cases with what the kernel made of
 * them in test/recorded/, N of each profile or of these. They then run without root (test/recorded/recorded.test.ts). A
 * case in which kernel and emulator disagree is told and kept in a folder, but not recorded. Needs root.
 */
import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ARCHIVE_SUFFIX, packCases, type RecordedCase, readCaseFolder } from '../recorded/case-archive.js';
import { judge } from './judge.js';
import { type Libc, loadLibc } from './libc.js';
import { agreesWithItself, type LiveCase, type PlayOptions, playCase } from './live-case.js';
import { Prng } from './prng.js';
import { PROFILES } from './profiles.js';
import { RefusedHost } from './router-setup.js';

const FOLDER = 'test/recorded';
const MOST_PACKETS = 25;
/** With more, no conversation comes far in so few packets. */
const MOST_SCENES = 5;
/** Cases that show next to nothing are not worth their place. */
const FEWEST_PACKETS = 8;
const FEWEST_SEEN = 4;
/** The kernel must agree with itself each time: what it draws at random from few may be the same by chance. */
const RUNS = 2;

/** The case of SEED; null where it shows too little or something random. */
async function recordCase(libc: Libc, profile: string, seed: number): Promise<RecordedCase | null> {
  const dir = mkdtempSync(join(tmpdir(), `nfreplay-record-${profile}-`));
  const options = { seed, profile: PROFILES[profile], packets: MOST_PACKETS, scenes: MOST_SCENES, dir };
  const played = playable(libc, options);
  if (played === undefined) return null;
  const seen = (played.outcomes.get('forward') ?? 0) + (played.outcomes.get('local') ?? 0);
  const isWorthIt = played.packets >= FEWEST_PACKETS && seen >= FEWEST_SEEN;
  const recorded = isWorthIt
    ? readCaseFolder(
        dir,
        seed,
        played.inputs.map(({ iface }) => iface),
      )
    : null;
  let isStable = isWorthIt;
  for (let run = 0; run < RUNS && isStable; run++) isStable = agreesWithItself(libc, played);
  if (isStable) {
    const disagreement = await judge(played);
    if (disagreement !== null) {
      console.log(`DISAGREEMENT: ${profile} ${seed}, kept in ${dir}, ${disagreement.engine}`);
      console.log(disagreement.lines.join('\n'));
      process.exitCode = 1;
      return null;
    }
  }
  rmSync(dir, { recursive: true, force: true });
  return isStable ? recorded : null;
}

/** Undefined if the kernel refuses the host. */
function playable(libc: Libc, options: PlayOptions): LiveCase | undefined {
  try {
    return playCase(libc, options);
  } catch (error) {
    if (error instanceof RefusedHost) return undefined;
    throw error;
  }
}

async function recordProfile(libc: Libc, profile: string, seed: number, count: number): Promise<void> {
  const seeds = new Prng(seed);
  const cases: RecordedCase[] = [];
  let tried = 0;
  for (; cases.length < count; tried++) {
    const recorded = await recordCase(libc, profile, seeds.word());
    if (recorded !== null) cases.push(recorded);
  }
  const archive = packCases(cases);
  writeFileSync(join(FOLDER, `${profile}${ARCHIVE_SUFFIX}`), archive);
  console.log(`${profile}: seed ${seed}, ${cases.length} of ${tried} cases, ${archive.length} bytes`);
}

const { values, positionals } = parseArgs({
  options: { seed: { type: 'string' }, count: { type: 'string', default: '30' } },
  allowPositionals: true,
});
const libc = loadLibc();
// An archive has no room for changes.
const recordable = Object.keys(PROFILES).filter((name) => !PROFILES[name].hasChanges);
for (const profile of positionals.length > 0 ? positionals : recordable) {
  const seed = values.seed === undefined ? randomInt(2 ** 32) : Number(values.seed);
  await recordProfile(libc, profile, seed, Number(values.count));
}
