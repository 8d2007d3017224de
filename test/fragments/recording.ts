/** The kernel's results for packets that arrived one after another, as text (see record.ts). */
import { readFileSync, writeFileSync } from 'node:fs';

/** The host of all recordings: 192.0.2.10/24 on eth0 (MTU 9000), 10.0.0.1/8 on lan (MTU as recorded), no rules. */
export interface Recording {
  /** The generator of the packets. */
  seed: number;
  lanMtu: number;
  /** Packets arrive on eth0, or the host itself sends them. */
  isLocal: boolean;
  sysctl: Record<string, number>;
  packets: RecordedPacket[];
}

/** A packet in hex, and its outputs: `eth0:`, `lan:` or `local:` followed by a packet in hex. */
export interface RecordedPacket {
  in: string;
  out: string[];
}

function fileOf(name: string): URL {
  const folder = import.meta.url.includes('/dist/test/') ? '../../../test/fragments/recordings/' : 'recordings/';
  return new URL(`${folder}${name}.jsonl`, import.meta.url);
}

/** For each recording, a line with its parameters, then one line per packet. */
export function readRecordings(name: string): Recording[] {
  const recordings: Recording[] = [];
  for (const line of readFileSync(fileOf(name), 'utf8').trimEnd().split('\n')) {
    const value = JSON.parse(line) as RecordedPacket | Omit<Recording, 'packets'>;
    if ('seed' in value) recordings.push({ ...value, packets: [] });
    else recordings[recordings.length - 1].packets.push(value);
  }
  return recordings;
}

export function writeRecordings(name: string, recordings: readonly Recording[]): void {
  const values = recordings.flatMap(({ packets, ...head }) => [head, ...packets]);
  writeFileSync(fileOf(name), values.map((value) => `${JSON.stringify(value)}\n`).join(''));
}

const IP_ID = [8, 12] as const;
const IP_CHECKSUM = [20, 24] as const;

/** OUTPUT with the IP ID and checksum of the host's own ICMP errors blanked: the kernel chooses the ID at random. */
export function withoutDrawnId(output: string): string {
  const colon = output.indexOf(':') + 1;
  const packet = output.slice(colon);
  const headerDigits = Number.parseInt(packet[1], 16) * 8;
  const type = Number.parseInt(packet.slice(headerDigits, headerDigits + 2), 16);
  const isError = packet.slice(18, 20) === '01' && (type === 3 || type === 11 || type === 12);
  const isOwn = packet.slice(2, 3) === 'c' || packet.slice(2, 3) === 'd';
  if (!isError || !isOwn || packet.slice(12, 16) !== '0000') return output;
  return output.slice(0, colon) + blank(blank(packet, IP_ID), IP_CHECKSUM);
}

function blank(text: string, [from, to]: readonly [number, number]): string {
  return text.slice(0, from) + '0'.repeat(to - from) + text.slice(to);
}
