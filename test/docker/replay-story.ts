/** The whole of a recorded story as a replay of its capture, with its commands at their times. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { BlockList } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JsonObject } from '../../codecs/host/json-values.js';
import { replay } from '../../replay/replay.js';
import type { Summary } from '../../replay/summary.js';
import { connectionDifferences } from './compare-connections.js';
import { counterDifferences } from './compare-counters.js';
import { startStory } from './emulated-story.js';
import type { RecordedSnapshot, Recording } from './recording.js';
import { type TypedLine, typedLines } from './script.js';

export interface ReplayedStory {
  /** A line each, which begins with the snapshot's name. */
  readonly differences: readonly string[];
  readonly summary: Summary;
}

/** Replays RECORDING, and compares counters and connections with what the kernel had at each snapshot. */
export function replayStory(recording: Recording): ReplayedStory {
  const dir = mkdtempSync(join(tmpdir(), 'nfreplay-story-'));
  try {
    return replayIn(recording, dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function replayIn(recording: Recording, dir: string): ReplayedStory {
  const started = recording.steps.findIndex(({ verb }) => verb === 'start');
  writeHost(recording, started, join(dir, 'host'));
  const capture = join(dir, 'any.pcap');
  writeFileSync(capture, recording.capture);
  const later = recording.steps.slice(started + 1);
  const commands = typedLines(later).flatMap(timedCommands);
  const snapshots = recording.snapshots.map(({ step }) => ({
    time: step.rulesAt ?? step.at,
    change: `snapshot:${join(dir, 'got', step.rest)}`,
  }));
  const changes = [...commands, ...snapshots].sort((a, b) => a.time - b.time);
  mkdirSync(join(dir, 'got'));
  const summary = replay({
    hostPath: join(dir, 'host'),
    captures: [{ path: capture }],
    backend: recording.backend,
    // What came before met other rules, or none.
    from: `@${recording.steps[started].until.toFixed(6)}`,
    changes: changes.map(({ time, change }) => `@${time.toFixed(6)}=${change}`),
  });
  const differences = recording.snapshots.flatMap((snapshot) =>
    replayedDifferences(recording, snapshot, join(dir, 'got', snapshot.name), summary).map(
      (line) => `${snapshot.name}: ${line}`,
    ),
  );
  return { differences, summary };
}

/** Writes the host as it is when its engine has started into DIR: what `--host DIR` reads. */
function writeHost(recording: Recording, started: number, dir: string): void {
  const { host, engine } = startStory(recording, recording.steps.slice(0, started + 1));
  mkdirSync(dir);
  writeFileSync(join(dir, 'host.json'), JSON.stringify(host.network.json));
  writeFileSync(join(dir, 'rules.v4'), host.saveRules());
  writeFileSync(join(dir, 'docker.json'), JSON.stringify(engine.state));
}

function replayedDifferences(
  recording: Recording,
  snapshot: RecordedSnapshot,
  dir: string,
  summary: Summary,
): string[] {
  const read = (file: string): string => readFileSync(join(dir, file), 'utf8');
  const bridged = summary.skipped.bridged ?? 0;
  // iptables-legacy 1.8.9, as commands are followed, sets policies' counters back where that of later engines does not.
  const countsPolicies = recording.engine === '20.10' || recording.backend === 'nft';
  const subnets = snapshot.list('networks.json').flatMap(subnetOf);
  const isBridged = (source: string, destination: string): boolean =>
    bridged > 0 && subnets.some((subnet) => subnet.contains(source) && subnet.contains(destination));
  const isTranslated = summary.assumed.some((line) => line.includes('captured after NAT'));
  const translated = new Set(isTranslated ? snapshot.list('addr.json').flatMap(addressesOf) : []);
  return [
    ...counterDifferences(snapshot.text('iptables-save.txt') ?? '', read('rules.v4'), { bridged, countsPolicies }),
    ...connectionDifferences(snapshot.text('conntrack.txt') ?? '', read('conntrack.txt'), {
      isTracked: recording.snapshots.slice(0, recording.snapshots.indexOf(snapshot) + 1).every(asksConntrack),
      secondsLater: Math.max(0, (snapshot.step.rulesAt ?? snapshot.step.at) - lastSecond(recording.capture)),
      isBridged,
      translated,
    }),
  ];
}

/** Whether the rules of SNAPSHOT ask for connections, as NAT does, too. */
function asksConntrack(snapshot: RecordedSnapshot): boolean {
  return /-m (?:conntrack|state) |-j (?:DNAT|SNAT|MASQUERADE|REDIRECT)/.test(snapshot.text('iptables-save.txt') ?? '');
}

const PCAP_HEADER_LENGTH = 24;
const RECORD_HEADER_LENGTH = 16;

/** When the last packet of a pcap file was captured, to the second. */
function lastSecond(capture: Uint8Array): number {
  const view = new DataView(capture.buffer, capture.byteOffset, capture.length);
  let last = 0;
  for (let at = PCAP_HEADER_LENGTH; at + RECORD_HEADER_LENGTH <= capture.length; ) {
    last = view.getUint32(at, true);
    at += RECORD_HEADER_LENGTH + view.getUint32(at + 8, true);
  }
  return last;
}

function addressesOf({ addr_info: addresses }: JsonObject): string[] {
  return (addresses as { local: string }[]).map(({ local }) => local);
}

/** The subnet of an inspected NETWORK. */
function subnetOf(network: JsonObject): { contains(address: string): boolean }[] {
  const { Config } = network.IPAM as { Config: { Subnet: string }[] | null };
  return (Config ?? []).map(({ Subnet }) => {
    const [base, length] = Subnet.split('/');
    const list = new BlockList();
    list.addSubnet(base, Number(length));
    return { contains: (address) => list.check(address) };
  });
}

/** How long after the beginning of its restart an engine has stopped its containers, where nothing tells it. */
const STOPPING_SECONDS = 0.3;

/** What a command does stands at its end; a restart takes seconds, and begins with the end of containers. */
function timedCommands({ text, step }: TypedLine): { time: number; change: string }[] {
  // A replay ends where a command of iptables fails that somebody has typed.
  if (step.verb === 'host' && step.status !== 0) return [];
  if (text !== 'systemctl restart docker') return [{ time: step.until, change: text }];
  const { at, until, stopped = at + STOPPING_SECONDS } = step;
  return [
    { time: stopped, change: 'systemctl stop docker' },
    { time: until, change: 'systemctl start docker' },
  ];
}
