/** What is told of each packet of a random case, compared with what the kernel does: one packet at a time. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Linktype } from '../../../codecs/linktypes.js';
import type { LeftEvent } from '../../../core/events.js';
import { altered } from '../../../explain/fate/altered.js';
import { attemptsIn } from '../../../explain/fate/attempt.js';
import { findChanges } from '../../../explain/fate/changes.js';
import { formatDecider } from '../../../explain/story/decider.js';
import { isAccepted } from '../../../explain/story/story.js';
import { Trial, type TrialPacket, type TrialResult, type TrialSetting } from '../../../explain/trial.js';
import { loadSetting } from '../../../replay/setting.js';
import type { Libc } from '../libc.js';
import { agreesWithItself, type LiveCase, playCase } from '../live-case.js';
import type { Profile } from '../profiles.js';
import { type InputFrame, readHost, readInputs, step } from '../replay.js';
import { LOCAL, type Output, Router } from '../router.js';
import { RefusedHost } from '../router-setup.js';
import { type Counts, countedSince, countsDifference, savedCounts, toldCounts } from './counters.js';

export interface TraceTally {
  packets: number;
  /** Packets by verdict, and by what decided. */
  verdicts: Map<string, number>;
  translated: number;
  /** Changes that the kernel confirmed. */
  changes: number;
  same: number;
  different: number;
  /** Cases in which the kernel does not agree with itself, or that it refuses. */
  leftOut: number;
}

const ETHERNET_LENGTH = 14;
const NANOSECONDS = 1_000_000_000n;
/** How many packets of a case are sent each by itself, with what would change its verdict. */
const CHANGED_PACKETS = 4;

/** Compares the case of SEED, and adds to TALLY. REPORT is called with each difference. */
export function compareTraced(
  libc: Libc,
  seed: number,
  profile: Profile,
  packets: number,
  tally: TraceTally,
  report: (difference: string) => void,
): void {
  const dir = mkdtempSync(join(tmpdir(), 'nfreplay-trace-'));
  try {
    const played = playCase(libc, { seed, profile, packets, dir });
    if (played.inputs.length === 0 || !agreesWithItself(libc, played)) tally.leftOut++;
    else {
      const setting = settingOf(played);
      const inputs = readInputs(played);
      comparePackets(libc, { played, setting, inputs, tally, report });
      for (const input of inputs.slice(0, CHANGED_PACKETS))
        compareChanges(libc, { played, setting, inputs: [input], tally, report });
    }
  } catch (error) {
    if (!(error instanceof RefusedHost)) throw error;
    tally.leftOut++;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

interface Compared {
  readonly played: LiveCase;
  readonly setting: TrialSetting;
  readonly inputs: readonly InputFrame[];
  readonly tally: TraceTally;
  readonly report: (difference: string) => void;
}

function settingOf({ hostPath, rulesPath, nfqueue }: LiveCase): TrialSetting {
  const options = {
    ...{ hostPath, rulesPath, checksums: 'verify' as const },
    ...(nfqueue === undefined ? {} : { nfqueue }),
  };
  return { setting: loadSetting(options), options };
}

function withRouter<T>(libc: Libc, { hostPath, rulesPath, nfqueue }: LiveCase, run: (router: Router) => T): T {
  const router = new Router(libc, readHost(hostPath));
  try {
    router.load(readFileSync(rulesPath, 'utf8'), nfqueue);
    router.drain();
    return run(router);
  } finally {
    router.close();
  }
}

function comparePackets(libc: Libc, { played, setting, inputs, tally, report }: Compared): void {
  withRouter(libc, played, (router) => {
    const trial = new Trial(setting);
    let before = savedCounts(router.savedRules());
    inputs.forEach((input, i) => {
      const { outputs } = step(router, input);
      const after = savedCounts(router.savedRules());
      const result = trial.send(packetOf(input));
      const difference = packetDifference(result, countedSince(before, after), outputs);
      before = after;
      note(tally, result);
      if (difference === undefined) tally.same++;
      else {
        tally.different++;
        report(`packet ${i + 1}, ${result.story.verdict} by ${formatDecider(result.story.decider)}: ${difference}`);
      }
    });
  });
}

function note(tally: TraceTally, { story }: TrialResult): void {
  const { verdict, decider, translations } = story;
  const key = `${verdict} by ${decider.kind}`;
  tally.verdicts.set(key, (tally.verdicts.get(key) ?? 0) + 1);
  tally.packets++;
  if (translations.length > 0) tally.translated++;
}

function packetOf({ tsNs, dev, frame, isBare }: InputFrame): TrialPacket {
  return {
    bytes: frame,
    linktype: isBare ? Linktype.RAW : Linktype.ETHERNET,
    dev: dev === LOCAL ? undefined : dev,
    tsSec: Number(tsNs / NANOSECONDS),
    tsNsec: Number(tsNs % NANOSECONDS),
  };
}

/** How RESULT differs from what the kernel COUNTED and sent out. */
function packetDifference(result: TrialResult, counted: Counts, outputs: readonly Output[]): string | undefined {
  const { story, sent, delivered } = result;
  const byCounters = countsDifference(toldCounts(story), counted);
  if (byCounters !== undefined) return byCounters;
  const devs = [...sent.map(({ dev }) => dev), ...delivered.map(() => LOCAL)].sort().join(' ');
  const kernelDevs = outputs
    .map(({ dev }) => dev)
    .sort()
    .join(' ');
  if (devs !== kernelDevs) return `out by ${devs || 'none'}, in the kernel by ${kernelDevs || 'none'}`;
  const { left } = story;
  if (left === undefined) return undefined;
  const there = outputs.filter(({ dev }) => dev === (left.dev ?? LOCAL));
  if (there.some((output) => isLike(output, left))) return undefined;
  return `left as ${toldEnds(left)}, in the kernel as ${there.map(endsOf).join('; ')}`;
}

const isLike = (output: Output, left: LeftEvent): boolean => endsOf(output) === toldEnds(left);

function toldEnds({ packet: { source, destination, sport, dport } }: LeftEvent): string {
  return endsText(source, destination, sport, dport);
}

const endsText = (source: string, destination: string, sport?: number, dport?: number): string =>
  `${source}:${sport ?? ''} > ${destination}:${dport ?? ''}`;

const WITH_PORTS = [6, 17, 33, 132, 136];

function endsOf({ frame, dev }: Output): string {
  const packet = dev === LOCAL ? frame : frame.subarray(ETHERNET_LENGTH);
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  const address = (at: number): string => packet.subarray(at, at + 4).join('.');
  const l4 = (packet[0] & 15) * 4;
  const isFirst = (view.getUint16(6) & 0x1fff) === 0;
  const hasPorts = WITH_PORTS.includes(packet[9]) && isFirst && packet.length >= l4 + 4;
  const port = (at: number): number | undefined => (hasPorts ? view.getUint16(l4 + at) : undefined);
  return endsText(address(12), address(16), port(0), port(2));
}

/** Whether what would change the verdict of the first packet does so in the kernel. */
function compareChanges(libc: Libc, { played, setting, inputs, tally, report }: Compared): void {
  const [input] = inputs;
  const play = (trial: Trial): TrialResult[] => [trial.send(packetOf(input))];
  const before = play(new Trial(setting));
  const isAcceptedBefore = isAccepted(before[0].story);
  for (const { words, commands } of findChanges({ results: before, ...setting.setting }, attemptsIn(setting, play))) {
    // The sysctls of a namespace are those of its host file.
    if (commands.some((command) => !command.startsWith('iptables '))) continue;
    const [{ story }] = play(new Trial(setting, altered(setting, commands)));
    const { left = before[0].story.left } = story;
    const isAcceptedAfter = withRouter(libc, played, (router) => {
      for (const text of commands) router.change({ kind: 'command', text });
      const { outputs } = step(router, input);
      return left !== undefined && outputs.some((output) => output.dev === (left.dev ?? LOCAL) && isLike(output, left));
    });
    tally.changes++;
    if (isAcceptedAfter !== isAcceptedBefore) tally.same++;
    else {
      tally.different++;
      const packet = `${input.dev} ${Buffer.from(input.frame).toString('hex')}`;
      report(`${packet}, after ${words}: ${isAcceptedAfter ? 'let through' : 'stopped'} by the kernel as well`);
    }
  }
}
