/**
 * Plays the stories through the kernel and records its results after their bars:
 *
 *     node dist/test/conntrack/record-tcp-stories.js test/conntrack/tcp-stories.ts ORACLE
 *
 * ORACLE is a command that takes --host, --rules, two --in and --out, and replays the captures through the kernel's
 * netfilter (verdicts.jsonl: one line per packet, with the frames that left; conntrack.txt: `conntrack -L -o
 * extended`).
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ANSWERER, type Line, OPENER, packetOf, parseStories, type Story, upTo } from './tcp-story.js';

const FIRST_PORT = 10_000;
const LINKTYPE_RAW = 101;

/** The TOS by which a rule marks forwarded packets of each ctstate. */
const STATES = [
  { name: 'NEW', tos: 0x04, match: '--ctstate NEW' },
  { name: 'ESTABLISHED', tos: 0x08, match: '--ctstate ESTABLISHED --ctdir ORIGINAL' },
  { name: 'ESTABLISHED/R', tos: 0x0c, match: '--ctstate ESTABLISHED --ctdir REPLY' },
  { name: 'INVALID', tos: 0x10, match: '--ctstate INVALID' },
];
const RULES = `*mangle
${STATES.map(({ tos, match }) => `-A FORWARD -m conntrack ${match} -j TOS --set-tos ${tos}`).join('\n')}
COMMIT
`;

interface Run {
  line: Line;
  port: number;
  packets: { direction: number; bytes: Uint8Array }[];
}

const [file, ...oracle] = process.argv.slice(2);
if (file === undefined || oracle.length === 0) throw new Error('give the file of the stories and the oracle');
const text = readFileSync(file, 'utf8');
const head = text.indexOf('`') + 1;
const recorded = parseStories(text.slice(head, text.lastIndexOf('`'))).map((story) => `\n${record(story)}`);
writeFileSync(file, `${text.slice(0, head)}${recorded.join('')}\`;\n`);

/** STORY as text, with the kernel's results. */
function record(story: Story): string {
  const runs = story.lines.map((line, index): Run => {
    const port = FIRST_PORT + index;
    const packets = upTo(story, line).flatMap(({ segment }) =>
      Array.from({ length: segment.times }, () => ({
        direction: segment.direction,
        bytes: packetOf(segment, port),
      })),
    );
    return { line, port, packets };
  });
  const seen = play(story, runs);
  const width = Math.max(...story.lines.map(({ text, isAlternative }) => text.length + (isAlternative ? 0 : 1)));
  const lines = story.lines.map(({ text }, index) => `${text.padEnd(width)} | ${seen[index]}`);
  const sysctl = Object.entries(story.sysctl).map(
    ([name, value]) => `sysctl ${name.split('nf_conntrack_')[1]}=${value}`,
  );
  return `${[`# ${story.name}`, ...sysctl, ...lines].join('\n')}\n`;
}

/** For each run, the ctstate of its last packet and the entry after it. */
function play(story: Story, runs: Run[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'stories-'));
  const path = (name: string): string => join(folder, name);
  const packets = runs.flatMap((run) => run.packets);
  const timed = packets.map(({ direction, bytes }, index) => ({ direction, bytes, seconds: index + 1 }));
  writeFileSync(path('host.json'), JSON.stringify(hostOf(story)));
  writeFileSync(path('rules.v4'), RULES);
  for (const direction of [0, 1]) {
    writeFileSync(path(`in${direction}.pcap`), pcapOf(timed.filter((packet) => packet.direction === direction)));
  }
  const inputs = ['--in', `o0=${path('in0.pcap')}`, '--in', `a0=${path('in1.pcap')}`];
  const where = ['--host', path('host.json'), '--rules', path('rules.v4'), '--out', path('out')];
  execFileSync(oracle[0], [...oracle.slice(1), ...where, ...inputs]);
  const states = readFileSync(path('out/verdicts.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => stateOf(JSON.parse(line).out[0]?.hex ?? ''));
  const entries = readFileSync(path('out/conntrack.txt'), 'utf8').split('\n');
  rmSync(folder, { recursive: true });
  let at = 0;
  return runs.map(({ port, packets }) => {
    at += packets.length;
    const entry = entries.find((line) => new RegExp(`[sd]port=${port} `).test(line));
    return `${states[at - 1]} ${entry === undefined ? '-' : entryOf(entry)}`;
  });
}

/** State, time-out, counters and flags in a line of `conntrack -L`. One second has passed when it is listed. */
function entryOf(line: string): string {
  const [seconds, state] = line.split(/ +/).slice(4);
  const counters = [...line.matchAll(/packets=(\d+) bytes=(\d+)/g)].map(([, packets, bytes]) => `${packets}/${bytes}`);
  const flags = [...line.matchAll(/\[(\w+)\]/g)].map(([, flag]) => flag).filter((flag) => flag !== 'OFFLOAD');
  return [state, Number(seconds) + 1, ...counters, ...flags.sort()].join(' ');
}

function stateOf(frameHex: string): string {
  const tos = Number.parseInt(frameHex.slice(30, 32), 16);
  return STATES.find((state) => state.tos === tos)?.name ?? 'DROPPED';
}

function hostOf(story: Story): object {
  const link = (ifname: string, last: number, [a, b]: number[]): object => ({
    ifname,
    address: `02:00:00:00:00:0${last}`,
    mtu: 65535,
    addr_info: [{ family: 'inet', local: `${a}.${b}.0.1`, prefixlen: 16 }],
  });
  return { addr: [link('o0', 1, OPENER), link('a0', 2, ANSWERER)], sysctl: story.sysctl };
}

function pcapOf(packets: { bytes: Uint8Array; seconds: number }[]): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b23c4d, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(262_144, 16);
  header.writeUInt32LE(LINKTYPE_RAW, 20);
  const records = packets.map(({ bytes, seconds }) => {
    const record = Buffer.alloc(16);
    record.writeUInt32LE(seconds, 0);
    record.writeUInt32LE(bytes.length, 8);
    record.writeUInt32LE(bytes.length, 12);
    return Buffer.concat([record, bytes]);
  });
  return Buffer.concat([header, ...records]);
}
