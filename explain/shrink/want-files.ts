/**
 * The `want/` of a smaller case: what comes of it, with the one difference that it shows put back as it was wanted. What
 * else was wanted of the whole case says nothing about a part of it.
 */
import { MemorySink } from '../../codecs/byte-stream.js';
import { Linktype } from '../../codecs/linktypes.js';
import { PcapWriter } from '../../codecs/pcap-writer.js';
import { isThere } from '../../io/path.js';
import { readText } from '../../io/text-file.js';
import type { Difference } from '../../replay/compare.js';
import { LOG_FILE } from '../../replay/logged.js';
import { IPSET_FILE } from '../../replay/result-files.js';
import { devicesOf, type FramesByTime, framesOf, type ResultFrame } from '../../replay/result-folder.js';
import type { CaseFile } from '../../replay/write-case.js';
import { tupleOf, withoutCounters } from './difference-kinds.js';

/**
 * The files of `want/` that make the results in DIR differ as DIFFERENCE does. WANTED: the frames of its device at its
 * time. WANT_DIR: those of the whole case, whose lines are taken as they stand there.
 */
export function wantFiles(
  difference: Difference,
  wanted: readonly ResultFrame[],
  dir: string,
  wantDir: string,
): CaseFile[] {
  const texts = ['rules.v4', 'conntrack.txt', LOG_FILE, IPSET_FILE].filter(
    (name) => isThere(`${dir}/${name}`) || (difference.kind !== 'frame' && isThere(`${wantDir}/${name}`)),
  );
  const read = (folder: string, name: string): string =>
    isThere(`${folder}/${name}`) ? readText(`${folder}/${name}`) : '';
  return [
    ...captureFiles(difference, wanted, dir),
    ...texts
      .filter((name) => name === 'rules.v4' || name === 'conntrack.txt' || isThere(`${wantDir}/${name}`))
      .map((name): CaseFile => {
        const text = read(dir, name);
        const isAbout = difference.kind !== 'frame' && fileOf(difference) === name;
        return { name: `want/${name}`, bytes: isAbout ? patched(difference, text, read(wantDir, name)) : text };
      }),
  ];
}

function fileOf(difference: Exclude<Difference, { kind: 'frame' }>): string {
  return difference.kind === 'connection' ? 'conntrack.txt' : difference.file;
}

function captureFiles(difference: Difference, wanted: readonly ResultFrame[], dir: string): CaseFile[] {
  const ofFrame = difference.kind === 'frame' ? difference : undefined;
  const devices = new Set([...devicesOf(dir), ...(ofFrame === undefined ? [] : [ofFrame.device])]);
  return [...devices].sort().map((device) => {
    const frames: FramesByTime = framesOf(dir, device);
    const example = [...frames.values()].flat()[0] ?? wanted[0];
    if (device === ofFrame?.device) frames.set(ofFrame.tsNs, [...wanted]);
    const isRaw = device === 'local' || example?.ipAt === 0;
    return { name: `want/${device}.pcap`, bytes: pcapWith(frames, isRaw ? Linktype.RAW : Linktype.ETHERNET) };
  });
}

const NANOSECONDS = 1_000_000_000n;

function pcapWith(frames: FramesByTime, linktype: number): Uint8Array {
  const sink = new MemorySink();
  const writer = new PcapWriter(sink, linktype);
  const times = [...frames.keys()].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  for (const tsNs of times) {
    for (const { bytes } of frames.get(tsNs)!)
      writer.write(Number(tsNs / NANOSECONDS), Number(tsNs % NANOSECONDS), bytes, 0, bytes.length, bytes.length);
  }
  writer.close();
  return sink.bytes();
}

/** TEXT, what came out, as it was WANTED: the line of DIFFERENCE is another, is there, or is not. */
function patched(difference: Exclude<Difference, { kind: 'frame' }>, text: string, wantText: string): string {
  const { wanted, got } = difference;
  const lines = text.split('\n');
  // Compared lines leave out what each host chooses itself; in its place stands what the files say.
  const fits = (line: string, one: string | null): boolean => one !== null && isLineOf(difference, line, one);
  const whole = wantText.split('\n').find((line) => fits(line, wanted)) ?? wanted;
  const at = lines.findIndex((line) => fits(line, got));
  const inPlace =
    difference.kind === 'connection' && wanted !== null ? lines.findIndex((line) => isOther(line, wanted)) : at;
  if (wanted === null) return lines.filter((_, i) => i !== at).join('\n');
  if (inPlace >= 0) return lines.map((line, i) => (i === inPlace ? whole : line)).join('\n');
  if (difference.kind === 'rule') return withRule(lines, difference.table, whole!).join('\n');
  return `${[...lines.filter((line) => line !== ''), whole].join('\n')}\n`;
}

/** A connection with the same ends. */
function isOther(line: string, wanted: string): boolean {
  return line !== '' && tupleOf(line) === tupleOf(wanted);
}

function isLineOf(difference: Exclude<Difference, { kind: 'frame' }>, line: string, compared: string): boolean {
  if (line === '') return false;
  if (difference.kind === 'rule') return withoutCounters(line) === withoutCounters(compared);
  if (difference.kind !== 'connection') return line.includes(compared) || compared.startsWith(line);
  const words = new Set(line.split(/\s+/));
  return compared.split(' ').every((word) => words.has(word));
}

/** LINES of saved tables with the line RULE at the end of TABLE. */
function withRule(lines: readonly string[], table: string, rule: string): string[] {
  const start = lines.indexOf(`*${table}`);
  const end = start < 0 ? -1 : lines.indexOf('COMMIT', start);
  if (end < 0) return [...lines, `*${table}`, rule, 'COMMIT', ''];
  return [...lines.slice(0, end), rule, ...lines.slice(end)];
}
