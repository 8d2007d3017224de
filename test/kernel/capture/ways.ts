/** The ways to capture on a host, and what a replay of such captures must come to. */
import { join } from 'node:path';
import { replay } from '../../../replay/replay.js';
import type { Summary } from '../../../replay/summary.js';

/** Interfaces of the host that are captured one by one. */
const DEVICES = ['eth0', 'eth1', 'docker0', 'lo'];

/** A way to capture on a host: programs that write FILES, which are replayed together. */
export interface Way {
  readonly name: string;
  readonly files: readonly string[];
  readonly commands: (path: (file: string) => string) => string[][];
}

export const WAYS: readonly Way[] = [
  { name: 'any', files: ['any.pcap'], commands: (path) => [['tcpdump', '-i', 'any', '-w', path('any.pcap')]] },
  {
    name: 'SLL',
    files: ['sll.pcap'],
    commands: (path) => [['tcpdump', '-i', 'any', '-y', 'LINUX_SLL', '-w', path('sll.pcap')]],
  },
  {
    name: 'one by one',
    files: DEVICES.map((device) => `${device}.pcap`),
    commands: (path) => DEVICES.map((device) => ['tcpdump', '-i', device, '-w', path(`${device}.pcap`)]),
  },
  {
    name: 'dumpcap',
    files: ['several.pcapng'],
    commands: (path) => [['dumpcap', ...DEVICES.flatMap((device) => ['-i', device]), '-w', path('several.pcapng')]],
  },
];

/**
 * Replays what WAY has captured in DIR, and returns what differs from what the host sent and counted. HOST is host.json
 * or, with its own rules, snapshot.txt.
 */
export function replayWay({ name, files }: Way, dir: string, host = 'host.json'): string[] {
  const path = (file: string): string => join(dir, file);
  const summary = replay({
    ...(host === 'host.json' ? { rulesPath: path('rules.v4') } : {}),
    hostPath: path(host),
    captures: files.map((file) => ({ path: path(file) })),
    expectEgress: true,
    expectCounters: [path('counters.v4')],
  });
  return problemsOf(summary).map((problem) => `${name}: ${problem}`);
}

function problemsOf({ egress, counters, warnings, assumed }: Summary): string[] {
  const problems: string[] = [];
  if (egress === undefined || counters === undefined) return ['no comparison'];
  const { missing, extra, unjudged, listed } = egress;
  if (missing + extra + egress.different > 0)
    problems.push(`missing ${missing}, extra ${extra}, different ${egress.different}`);
  for (const { kind, captured, cause, droppedBy } of listed.slice(0, 3)) {
    const frame = captured === undefined ? '' : ` frame ${captured.frame.number} ${captured.interface}`;
    problems.push(
      `${kind}${frame}, cause ${cause?.number} ${cause?.outcome} ${droppedBy?.rule ?? droppedBy?.reason ?? ''}`,
    );
  }
  const left = Object.entries(unjudged).filter(([, packets]) => packets > 0);
  if (left.length > 0) problems.push(`not judged: ${left.map(([why, packets]) => `${why} ${packets}`).join(', ')}`);
  // Of several ways to come to what was captured, the rules of nat differ.
  const isCertain = !assumed.some((line) => line.includes('several ways'));
  const different = counters.listed.filter(({ table }) => isCertain || table !== 'nat');
  for (const { table, chain, rule = 'policy', expected, found } of different.slice(0, 3))
    problems.push(`${table} ${chain} ${rule}: kernel ${countsText(expected)}, emulated ${countsText(found)}`);
  if (different.length > 3) problems.push(`${different.length} counters differ`);
  problems.push(...warnings.filter((warning) => !warning.includes('sysctl')));
  return problems;
}

function countsText(counts: { packets: number; bytes: number } | undefined): string {
  return counts === undefined ? 'nothing' : `${counts.packets}/${counts.bytes}`;
}
