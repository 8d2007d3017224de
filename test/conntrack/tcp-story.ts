/**
 * Conversations as text, with the kernel's results:
 *
 *     # the name of the story
 *     sysctl tcp_loose=0                              any number of nf_conntrack_… settings
 *     > S   seq=100 win=1000 wscale=7 sackok        | NEW SYN_SENT 120 1/40 0/0
 *     < SA  seq=5000 ack=101                        | ESTABLISHED/R SYN_RECV 60 1/40 1/40
 *     or > S seq=200                                | …
 *
 * `>` is what the opener sends, `<` what the other side sends. Fields left out: seq 0, ack 0, win 1000, len 0; `x3`
 * sends the segment three times. A line with `or` follows the lines without it, in place of the other `or` lines.
 * Behind the bar is what is seen after that line: the ctstate of the packet (`/R`: of the reply's direction), then the
 * entry: state, time-out in seconds, packets/bytes of either direction, ASSURED, UNREPLIED; `-` where there is none.
 */

import {
  IPV4_DF,
  TCP_ACK,
  TCP_CWR,
  TCP_ECE,
  TCP_FIN,
  TCP_PSH,
  TCP_RST,
  TCP_SYN,
  TCP_URG,
} from '../../codecs/layouts.js';
import { tcpPacket } from '../packets/packets.js';

export interface Segment {
  direction: 0 | 1;
  flags: number;
  sequence: number;
  acknowledgment: number;
  window: number;
  lengthBytes: number;
  options: number[];
  times: number;
}

export interface Line {
  text: string;
  segment: Segment;
  isAlternative: boolean;
  seen: string;
}

export interface Story {
  name: string;
  sysctl: Record<string, number>;
  lines: Line[];
}

export const OPENER = [10, 1, 0, 2];
export const ANSWERER = [10, 2, 0, 2];
const ANSWERER_PORT = 80;

const FLAGS: Record<string, number> = {
  F: TCP_FIN,
  S: TCP_SYN,
  R: TCP_RST,
  P: TCP_PSH,
  A: TCP_ACK,
  U: TCP_URG,
  E: TCP_ECE,
  C: TCP_CWR,
};

export function parseStories(text: string): Story[] {
  const stories: Story[] = [];
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    const story = stories.at(-1);
    if (line === '') continue;
    if (line.startsWith('# ')) stories.push({ name: line.slice(2), sysctl: {}, lines: [] });
    else if (story === undefined) throw new Error(`a story starts with its name: ${line}`);
    else if (line.startsWith('sysctl ')) {
      const [name, value] = line.slice(7).split('=');
      story.sysctl[`net.netfilter.nf_conntrack_${name}`] = Number(value);
    } else story.lines.push(parseLine(line));
  }
  return stories;
}

/** The lines to play up to and including LINE, without alternatives. */
export function upTo(story: Story, line: Line): Line[] {
  const at = story.lines.indexOf(line);
  return [...story.lines.slice(0, at).filter((earlier) => !earlier.isAlternative), line];
}

/** SEGMENT as an IPv4 packet of the connection whose opener has PORT. */
export function packetOf(segment: Segment, port: number): Uint8Array {
  const isOpener = segment.direction === 0;
  const [source, destination] = isOpener ? [OPENER, ANSWERER] : [ANSWERER, OPENER];
  return tcpPacket({
    source: source.join('.'),
    destination: destination.join('.'),
    sport: isOpener ? port : ANSWERER_PORT,
    dport: isOpener ? ANSWERER_PORT : port,
    fragment: IPV4_DF,
    sequence: segment.sequence,
    acknowledgment: segment.acknowledgment,
    flags: segment.flags,
    window: segment.window,
    tcpOptions: Uint8Array.from(segment.options),
    data: Buffer.alloc(segment.lengthBytes, 'x'),
  });
}

function parseLine(line: string): Line {
  const [left, seen = ''] = line.split('|').map((part) => part.trim());
  const words = left.split(/ +/);
  const isAlternative = words[0] === 'or';
  if (isAlternative) words.shift();
  const [direction, flags, ...fields] = words;
  if (direction !== '>' && direction !== '<') throw new Error(`> or < is wanted: ${line}`);
  const segment: Segment = {
    direction: direction === '>' ? 0 : 1,
    flags: flags === '0' ? 0 : [...flags].reduce((sum, flag) => sum | FLAGS[flag], 0),
    sequence: 0,
    acknowledgment: 0,
    window: 1000,
    lengthBytes: 0,
    options: [],
    times: 1,
  };
  for (const field of fields) applyField(segment, field);
  while (segment.options.length % 4 !== 0) segment.options.push(0);
  return { text: left, segment, isAlternative, seen };
}

function applyField(segment: Segment, field: string): void {
  const [name, value = ''] = field.split('=');
  if (name === 'seq') segment.sequence = Number(value);
  else if (name === 'ack') segment.acknowledgment = Number(value);
  else if (name === 'win') segment.window = Number(value);
  else if (name === 'len') segment.lengthBytes = Number(value);
  else if (name === 'wscale') segment.options.push(3, 3, Number(value));
  else if (name === 'sackok') segment.options.push(4, 2);
  else if (name === 'sack') segment.options.push(1, 1, ...sackOption(value));
  else if (/^x\d+$/.test(field)) segment.times = Number(field.slice(1));
  else throw new Error(`no such field: ${field}`);
}

/** The SACK option of blocks like 100-200,300-400. */
function sackOption(blocks: string): number[] {
  const edges = blocks.split(/[-,]/).map(Number);
  const bytes = edges.flatMap((edge) => [edge >>> 24, (edge >>> 16) & 0xff, (edge >>> 8) & 0xff, edge & 0xff]);
  return [5, 2 + bytes.length, ...bytes];
}
