/**
 * Runs a random case through the kernel: first the conversations, then the packets they sent once more, to check
 * whether the kernel agrees with itself.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Backend } from '../../core/rules/model.js';
import { compareResults } from '../../replay/compare.js';
import { formatIpv4 } from './address.js';
import { type CaseChanges, type Change, type ChangeText, writeChanges } from './change.js';
import type { Libc } from './libc.js';
import { Pacer } from './pacer.js';
import { Prng } from './prng.js';
import type { Profile } from './profiles.js';
import { type QueueVerdict, queueVerdictOf } from './queue-verdict.js';
import { randomCase, randomScenes } from './random-case.js';
import { type ChangePlace, RandomChanges } from './random-change.js';
import { ReplayRecord, replayKernel, step } from './replay.js';
import { LOCAL, type Output, Router } from './router.js';
import { remember, type Scene, type Shot, type Stage } from './scene.js';
import { tracedDifference } from './traced.js';
import type { World } from './world.js';

/** A case on disk: host.json, rules.v4, in/IFACE.pcap, and the kernel's results in want/. */
export interface CaseFolder extends CaseChanges {
  dir: string;
  hostPath: string;
  rulesPath: string;
  inputs: { iface: string; path: string }[];
  /** One capture of whole conversations instead of `inputs`. */
  stitchPath?: string;
  wantDir: string;
  /** The host and its rules as a snapshot, to be given in place of both as well. */
  snapshotPath?: string;
  /** Real time must pass between packets as in the timestamps. */
  pace?: boolean;
  /** What the captures hold was left to network cards: checksums, and cutting into segments. */
  isOffloaded?: boolean;
  /** The verdict of the program that listens to the queues of NFQUEUE; left out: none does. */
  nfqueue?: QueueVerdict;
}

export interface LiveCase extends CaseFolder {
  packets: number;
  outcomes: Map<string, number>;
}

export interface PlayOptions {
  seed: number;
  profile: Profile;
  /** The maximum number of packets. */
  packets: number;
  /** How many conversations there are at most. */
  scenes?: number;
  /** The extensions of the families (extensions/) to try; left out: all. */
  only?: ReadonlySet<string>;
  /** The backend of a case with changes; left out: by the seed. */
  backend?: Backend;
  dir: string;
}

/** How many cases there are for one whose host is described by a snapshot as well. */
const SNAPSHOT_SHARE = 8;
/** Conversations of a case, at least and at most. */
const FEWEST_SCENES = 6;
const MOST_SCENES = 22;

/** Changes are chosen apart from all else. */
const CHANGES_SEED = 0x5ca1ab1e;

const FIRST_NS = 1_700_000_000_000_000_000n;
const STEP_NS = 1_000_000n;
/** No multiple of it is close to the time-outs of a case with pauses. */
const PAUSE_NS = 600_000_000n;

/** The files of the case in DIR. */
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

/** Runs the case of a seed through the kernel and saves it in DIR. */
export function playCase(libc: Libc, options: PlayOptions): LiveCase {
  const { seed, profile, packets, only, dir } = options;
  const prng = new Prng(seed);
  const { world, rules, moreRules } = randomCase(prng, profile, only);
  const isOffloaded = (profile.offload ?? 0) > 0;
  const backend = profile.hasChanges ? (options.backend ?? (seed % 2 === 0 ? 'legacy' : 'nft')) : undefined;
  const router = new Router(libc, world.host, isOffloaded, backend);
  try {
    // A program gets coalesced packets in segments, which is not followed.
    const nfqueue = profile.scenes.coalescedTcp === undefined ? queueVerdictOf(seed) : undefined;
    router.load(rules, nfqueue);
    router.drain();
    const folder = { ...caseFolder(dir, []), ...(nfqueue === undefined ? {} : { nfqueue }) };
    mkdirSync(dir, { recursive: true });
    writeFileSync(folder.hostPath, `${JSON.stringify(world.host, null, 2)}\n`);
    writeFileSync(folder.rulesPath, withoutComments(router.savedRules(false)));
    // A snapshot does not say who owns sockets.
    const isShown = seed % SNAPSHOT_SHARE === 0 && world.host.sockets === undefined;
    const snapshotPath = isShown ? join(dir, 'snapshot.txt') : undefined;
    if (snapshotPath !== undefined) writeFileSync(snapshotPath, router.snapshot());
    const record = new ReplayRecord(router.devices, router.bareDevices);
    const stage: Stage = { world, prng, seen: [], oddity: profile.oddity, offload: profile.offload ?? 0, coalesced: 0 };
    const count = Math.min(options.scenes ?? MOST_SCENES, prng.between(FEWEST_SCENES, MOST_SCENES));
    // Of a copy by TEE that arrives where the packet itself does not, only its ends know the MSS.
    const scenesOf = rules.includes('-j TEE') ? withoutCoalesced(profile) : profile;
    const scenes = randomScenes(stage, scenesOf, count, only);
    const random =
      backend === undefined
        ? undefined
        : new RandomChanges(changePlace(router, world, { seed, backend, newRules: moreRules }), packets);
    const changes = play(router, record, { stage, scenes, limit: packets, profile, random });
    record.write(folder.wantDir, router);
    const changed = backend === undefined ? {} : { backend, changes };
    const at = writeChanges(dir, changed, record.times);
    return {
      ...folder,
      ...changed,
      at,
      ...(snapshotPath === undefined ? {} : { snapshotPath }),
      inputs: record.writeInputs(join(dir, 'in')),
      packets: record.count,
      outcomes: record.outcomes,
      pace: profile.pauses > 0 || profile.stepMs !== undefined,
      isOffloaded,
    };
  } finally {
    router.close();
  }
}

function withoutCoalesced(profile: Profile): Profile {
  const { coalescedTcp, ...scenes } = profile.scenes;
  return coalescedTcp === undefined ? profile : { ...profile, scenes };
}

function changePlace(
  router: Router,
  { parties, host }: World,
  { seed, backend, newRules }: { seed: number; backend: Backend; newRules(): string },
): ChangePlace {
  return {
    prng: new Prng(seed ^ CHANGES_SEED),
    backend,
    newRules,
    savedRules: () => withoutComments(router.savedRules(false)),
    make: (change) => router.change(change),
    addresses: [...new Set(parties.map(({ address }) => formatIpv4(address)))],
    sets: [...(host.ipset ?? '').matchAll(/^create (\S+)/gm)].map(([, name]) => name),
  };
}

/** What is played. */
export interface Performance {
  stage: Stage;
  scenes: readonly Scene[];
  /** The maximum number of packets. */
  limit: number;
  profile?: Pick<Profile, 'pauses' | 'stepMs'>;
  /** Changes besides those of the scenes. */
  random?: RandomChanges | undefined;
}

/**
 * Advances the scenes in turn until all have ended or the limit is reached: a packet each millisecond or, in real time,
 * as the profile says. Returns the changes that were made.
 */
export function play(router: Router, record: ReplayRecord, performance: Performance): Change[] {
  const { stage, scenes, limit, profile: { pauses, stepMs } = { pauses: 0 }, random } = performance;
  const lastOutputs = new Map<Scene, Output[]>();
  const changes: Change[] = [];
  const isPaced = pauses > 0 || stepMs !== undefined || stage.isPaced === true;
  const pacer = isPaced ? new Pacer(FIRST_NS) : undefined;
  const stepNs = stepMs === undefined ? STEP_NS : BigInt(stepMs) * 1_000_000n;
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
    tsNs += BigInt(value.afterMs ?? 0) * STEP_NS;
    pacer?.waitFor(tsNs);
    sent++;
    for (const change of value.changes ?? []) router.change(change);
    const made: ChangeText[] = [...(value.changes ?? []), ...(random?.before(sent) ?? [])];
    changes.push(...made.map((change) => ({ ...change, tsNs })));
    lastOutputs.set(scene, send(router, record, stage, value, tsNs));
    tsNs += pauses > 0 && stage.prng.chance(pauses) ? PAUSE_NS : stepNs;
  }
  return changes;
}

/**
 * Packets that a raw socket accepts but a comparison cannot judge: no reader recognises a bare packet of another IP
 * version as IP, and a raw socket has no ports that could choose among several next hops.
 */
function isUnjudged({ dev, frame }: Shot, { host }: World): boolean {
  const isByPorts = host.sysctl?.['net.ipv4.fib_multipath_hash_policy'] === 1;
  return dev === LOCAL && (frame[0] >> 4 !== 4 || isByPorts);
}

function send(router: Router, record: ReplayRecord, stage: Stage, shot: Shot, tsNs: bigint): Output[] {
  if (isUnjudged(shot, stage.world)) return [];
  const input = { tsNs, dev: shot.dev, frame: shot.frame, isBare: shot.dev === LOCAL };
  const { outcome, outputs } = step(router, input);
  record.add(input, outcome, outputs);
  remember(stage, outputs);
  return outputs;
}

/** Whether the kernel does the same for the same input again, which is not so for random choices. */
export function agreesWithItself(libc: Libc, folder: CaseFolder): boolean {
  const again = join(folder.dir, 'again');
  replayKernel(libc, { ...folder, outDir: again });
  const isTracedTheSame = tracedDifference(folder.wantDir, again) === undefined;
  return isTracedTheSame && compareResults(folder.wantDir, again).differences.length === 0;
}

function withoutComments(rules: string): string {
  return rules.replace(/^#.*\n/gm, '');
}
