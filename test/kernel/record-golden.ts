/**
 * `npm run golden:record [-- NAME …]`: builds the inputs of all golden cases, or those with the given names, and
 * records the kernel's results. Needs root.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { replaceWant } from '../../replay/check-case.js';
import { writeChanges } from './change.js';
import { CHANGE_STORIES } from './golden/change-stories.js';
import { COUNT_STORIES } from './golden/count-stories.js';
import { DOCKER_STORIES } from './golden/docker-stories.js';
import { FACT_STORIES } from './golden/fact-stories.js';
import { GALLERY_STORIES } from './golden/gallery-stories.js';
import { MANGLE_STORIES } from './golden/mangle-stories.js';
import { MARK_STORIES } from './golden/mark-stories.js';
import { checkMended } from './golden/mended.js';
import { METER_STORIES } from './golden/meter-stories.js';
import { errorsAndEnds, natChoices, onePortByState } from './golden/nat-stories.js';
import { NETFILTER_STORIES } from './golden/netfilter-stories.js';
import { OUTPUT_STORIES } from './golden/output-stories.js';
import { PROTOCOL_STORIES } from './golden/protocol-stories.js';
import { sctpStates } from './golden/sctp-states.js';
import { SET_STORIES } from './golden/set-stories.js';
import { SETTINGS_STORIES } from './golden/settings-stories.js';
import type { GoldenStory } from './golden/story.js';
import { SYNPROXY_STORIES } from './golden/synproxy-stories.js';
import { TRACKING_STORIES } from './golden/tracking-stories.js';
import { type Libc, loadLibc } from './libc.js';
import { agreesWithItself, caseFolder, play } from './live-case.js';
import { Prng } from './prng.js';
import { ReplayRecord } from './replay.js';
import { Router } from './router.js';
import type { Stage } from './scene.js';
import { worldOf } from './world.js';

const MOST_PACKETS = 10_000;

function record(libc: Libc, story: GoldenStory): string {
  const folder = caseFolder(join(story.folder ?? 'pcaps', story.name), []);
  const scratch = mkdtempSync(join(tmpdir(), 'nfreplay-golden-'));
  const { backend } = story;
  const router = new Router(libc, story.host, false, backend);
  try {
    router.load(story.rules);
    router.drain();
    const recorded = new ReplayRecord(router.devices, router.bareDevices);
    const stage: Stage = {
      world: worldOf(story.host),
      prng: new Prng(1),
      seen: [],
      oddity: 0,
      offload: 0,
      coalesced: 0,
      isPaced: story.isPaced === true,
    };
    const changes = play(router, recorded, { stage, scenes: [story.tell(stage)], limit: MOST_PACKETS });
    clear(folder.dir);
    writeReadme(folder.dir, story);
    writeFileSync(folder.hostPath, `${JSON.stringify(story.host, null, 2)}\n`);
    writeFileSync(folder.rulesPath, story.rules);
    const inputs = recorded.writeInputs(join(folder.dir, 'in'));
    const ofCase = { ...(backend === undefined ? {} : { backend }), changes };
    writeChanges(folder.dir, ofCase, recorded.times);
    const want = join(scratch, 'want');
    recorded.write(want, router);
    const live = { ...folder, ...ofCase, inputs, pace: story.isPaced === true };
    if (!agreesWithItself(libc, { ...live, dir: scratch, wantDir: want }))
      throw new Error(`${story.name}: the kernel does not agree with itself`);
    tidy(want);
    replaceWant(folder.wantDir, want);
    const outcomes = [...recorded.outcomes].map(([outcome, n]) => `${outcome} ${n}`);
    const isMended = checkMended(libc, live, recorded.times, scratch);
    const mended = isMended ? ['mended as the kernel mends it'] : [];
    return [`${story.name}: ${recorded.count} packets`, ...outcomes, ...mended].join(', ');
  } finally {
    router.close();
    rmSync(scratch, { recursive: true, force: true });
  }
}

/**
 * Removes what a recording writes from DIR; what else is there, such as expect.yaml and the rules that mend it, stays.
 */
function clear(dir: string): void {
  mkdirSync(dir, { recursive: true });
  const written = /^(?:in|want|host\.json|case\.json|rules(?:-\d+)?\.v4|sets-\d+\.ipset)$/;
  for (const name of readdirSync(dir)) if (written.test(name)) rmSync(join(dir, name), { recursive: true });
}

/** Writes a README with one line, unless there is one that says more. */
function writeReadme(dir: string, { name, protects }: GoldenStory): void {
  const path = join(dir, 'README.md');
  const text = `# ${name}\n\nProtects ${protects}.\n`;
  if (!existsSync(path) || !readFileSync(path, 'utf8').startsWith(text)) writeFileSync(path, text);
}

/** Removes what differs between recordings: dates, and the order in which connections are listed. */
function tidy(want: string): void {
  const rules = join(want, 'rules.v4');
  writeFileSync(rules, readFileSync(rules, 'utf8').replace(/^#.*\n/gm, ''));
  const conntrack = join(want, 'conntrack.txt');
  const lines = readFileSync(conntrack, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  writeFileSync(
    conntrack,
    lines
      .sort()
      .map((line) => `${line}\n`)
      .join(''),
  );
}

const libc = loadLibc();
const wanted = process.argv.slice(2);
for (const story of [
  ...CHANGE_STORIES,
  ...COUNT_STORIES,
  ...DOCKER_STORIES,
  ...FACT_STORIES,
  ...GALLERY_STORIES,
  ...MANGLE_STORIES,
  ...MARK_STORIES,
  ...METER_STORIES,
  ...NETFILTER_STORIES,
  ...OUTPUT_STORIES,
  ...PROTOCOL_STORIES,
  natChoices,
  onePortByState,
  errorsAndEnds,
  sctpStates,
  ...SET_STORIES,
  ...SETTINGS_STORIES,
  ...SYNPROXY_STORIES,
  ...TRACKING_STORIES,
])
  if (wanted.length === 0 || wanted.includes(story.name)) console.log(record(libc, story));
