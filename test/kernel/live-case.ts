/** Plays a random case through the kernel: conversations first, then what they sent once more, to see whether it agrees with itself. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compareResults } from '../../replay/compare.js';
import type { Libc } from './libc.js';
import { Pacer } from './pacer.js';
import { Prng } from './prng.js';
import type { Profile } from './profiles.js';
import { randomCase, randomScenes } from './random-case.js';
import { ReplayRecord, replayKernel, step } from './replay.js';
import { LOCAL, type Output, Router } from './router.js';
import { remember, type Scene, type Shot, type Stage } from './scene.js';

/** A case on disk: host.json, rules.v4, in/IFACE.pcap, and want/ as the kernel left it. */
export interface CaseFolder {
  dir: string;
  hostPath: string;
  rulesPath: string;
  inputs: { iface: string; path: string }[];
  /** One capture of whole conversations instead of `inputs`. */
  stitchPath?: string;
  wantDir: string;
  /** Time must pass as the timestamps say. */
  pace?: boolean;
}

export interface LiveCase extends CaseFolder {
  packets: number;
  outcomes: Map<string, number>;
}

export interface PlayOptions {
  seed: number;
  profile: Profile;
  /** How many packets there are at most. */
  packets: number;
  /** How many conversations there are at most. */
  scenes?: number;
  dir: string;
}

/** Conversations of a case, at least and at most. */
const FEWEST_SCENES = 6;
const MOST_SCENES = 22;

const FIRST_NS = 1_700_000_000_000_000_000n;
const STEP_NS = 1_000_000n;
/** No multiple of it comes near the time-outs of a case with pauses. */
const PAUSE_NS = 600_000_000n;

/** The case's files under DIR. */
export function caseFolder(dir: string, ifaces: readonly string[]): CaseFolder {
  const inputs = ifaces.map((iface) => ({ iface, path: join(dir, 'in', `${iface}.pcap`) }));
  return {
    dir,
    hostPath: join(dir, 'host.json'),
    rulesPath: join(dir, 'rules.v4'),
    inputs,
    wantDir: join(dir, 'want'),
  };
}

/** Plays the case of a seed through the kernel and keeps it in DIR. */
export function playCase(libc: Libc, { seed, profile, packets, scenes = MOST_SCENES, dir }: PlayOptions): LiveCase {
  const prng = new Prng(seed);
  const { world, rules } = randomCase(prng, profile);
  const router = new Router(libc, world.host);
  try {
    router.load(rules);
    router.drain();
    const folder = caseFolder(dir, []);
    mkdirSync(dir, { recursive: true });
    writeFileSync(folder.hostPath, `${JSON.stringify(world.host, null, 2)}\n`);
    writeFileSync(folder.rulesPath, withoutComments(router.savedRules(false)));
    const record = new ReplayRecord(router.devices);
    const stage: Stage = { world, prng, seen: [], oddity: profile.oddity };
    const count = Math.min(scenes, prng.between(FEWEST_SCENES, MOST_SCENES));
    play(router, record, stage, randomScenes(stage, profile, count), packets, profile.pauses);
    record.write(folder.wantDir, router);
    return {
      ...folder,
      inputs: record.writeInputs(join(dir, 'in')),
      packets: record.count,
      outcomes: record.outcomes,
      pace: profile.pauses > 0,
    };
  } finally {
    router.close();
  }
}

/**
 * Lets SCENES go on in turns, a packet a millisecond, until all are over or LIMIT packets were sent. PAUSES: the chance
 * that time really passes before a packet.
 */
export function play(
  router: Router,
  record: ReplayRecord,
  stage: Stage,
  scenes: Scene[],
  limit: number,
  pauses = 0,
): void {
  const lastOutputs = new Map<Scene, Output[]>();
  const pacer = pauses > 0 ? new Pacer(FIRST_NS) : undefined;
  let running = [...scenes];
  let current: Scene | undefined;
  let tsNs = FIRST_NS;
  for (let sent = 0; sent < limit && running.length > 0; ) {
    if (current === undefined || !running.includes(current) || stage.prng.chance(0.3))
      current = stage.prng.pick(running);
    const scene = current;
    const { done, value } = scene.next(lastOutputs.get(scene) ?? []);
    if (done || !value) {
      running = running.filter((other) => other !== scene);
      continue;
    }
    pacer?.waitFor(tsNs);
    lastOutputs.set(scene, send(router, record, stage, value, tsNs));
    sent++;
    tsNs += pauses > 0 && stage.prng.chance(pauses) ? PAUSE_NS : STEP_NS;
  }
}

/** What a raw socket takes but no comparison can judge: a bare packet of another IP version is not IP to whoever reads it. */
function isUnjudged({ dev, frame }: Shot): boolean {
  return dev === LOCAL && frame[0] >> 4 !== 4;
}

function send(router: Router, record: ReplayRecord, stage: Stage, shot: Shot, tsNs: bigint): Output[] {
  if (isUnjudged(shot)) return [];
  const input = { tsNs, dev: shot.dev, frame: shot.frame, isBare: shot.dev === LOCAL };
  const { outcome, outputs } = step(router, input);
  record.add(input, outcome, outputs);
  remember(stage, outputs);
  return outputs;
}

/** Whether the kernel, given the same once more, does the same: what it draws at random it does not. */
export function agreesWithItself(libc: Libc, folder: CaseFolder): boolean {
  const again = join(folder.dir, 'again');
  replayKernel(libc, { ...folder, outDir: again });
  return compareResults(folder.wantDir, again).differences.length === 0;
}

function withoutComments(rules: string): string {
  return rules.replace(/^#.*\n/gm, '');
}
