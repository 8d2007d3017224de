/** What a replay of whole conversations tells about itself. */
import type { Stitcher } from './stitcher.js';

/** `stitched` of the summary. */
export interface StitchSummary {
  /** Captured packets that would not have been sent, as what they follow from was dropped, and their connections. */
  notSent: { connections: number; packets: number };
  /** Connections that were under way: the captures do not show how they were opened. */
  underWay: number;
}

export function summarizeStitching({ conversations, underWay }: Stitcher): StitchSummary {
  const { connections, packets } = conversations;
  return { notSent: { connections, packets }, underWay };
}

/** What was assumed about the captures, a line each. */
export function assumedByStitching({ conversations, underWay, earlyFragments }: Stitcher): string[] {
  const lines: string[] = [];
  if (underWay > 0) lines.push(`${connections(underWay)} without an opener in the capture: already under way`);
  if (conversations.packets > 0)
    lines.push('an endpoint that gets no answer sends nothing else than the capture shows');
  if (conversations.suppressesDatagrams) lines.push('datagrams and queries are sent whether or not they are answered');
  if (earlyFragments > 0) lines.push(`${fragments(earlyFragments)} before the first of a packet: not translated back`);
  return lines;
}

const connections = (count: number): string => (count === 1 ? '1 connection' : `${count} connections`);
const fragments = (count: number): string => (count === 1 ? '1 fragment' : `${count} fragments`);
