/** What a replay of whole conversations tells about itself. */
import { counted, shownPath } from '../../codecs/text.js';
import { ReplayOptionsError } from '../errors.js';
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

/**
 * Refuses captures that were taken behind the NAT.
 * @throws {ReplayOptionsError} if all connections in CAPTURES were opened there
 */
export function refuseBehindNat({ behindNat }: Stitcher, captures: readonly string[]): void {
  if (behindNat.behind === 0 || behindNat.behind < behindNat.opened) return;
  const what = `${captures.join(', ')}: taken behind the NAT: ${describeBehind(behindNat)}`;
  const todo =
    'give a capture of the client side with --stitch, the captures of both sides with --in, or one taken on the host ' +
    'with --capture';
  throw new ReplayOptionsError(`${what}; ${todo}`);
}

/** Connections that were opened behind the NAT, besides others. */
export function warningsOfStitching({ behindNat }: Stitcher): string[] {
  if (behindNat.behind === 0) return [];
  const share = `${behindNat.behind} of ${counted(behindNat.opened, 'connection')}`;
  return [`${share} are captured behind the NAT, and meet no DNAT rule: ${describeBehind(behindNat)}`];
}

/** `203.0.113.7 connects to 172.17.0.3:6379, to which rules.v4:14 translates` */
function describeBehind({ example }: Stitcher['behindNat']): string {
  if (example === undefined) return '';
  const { client, server, rule } = example;
  return `${client} connects to ${server}, to which ${shownPath(rule.file)}:${rule.line} translates`;
}

/** ANSWERED: how many SYNs SYNPROXY answered. The servers that it then connects to are not in the capture. */
export function warningsOfProxy(answered: number): string[] {
  if (answered === 0) return [];
  const todo = 'give the captures of both sides with --in';
  return [`SYNPROXY answered ${counted(answered, 'SYN')}: connections through it cannot be stitched; ${todo}`];
}

/** What was assumed about the captures, a line each. */
export function assumedByStitching({ conversations, underWay, earlyFragments, behindNat }: Stitcher): string[] {
  const lines: string[] = [];
  if (underWay > 0)
    lines.push(`${counted(underWay, 'connection')} without an opener in the capture: already under way`);
  if (behindNat.translatesSources && behindNat.fromHost > 0)
    lines.push(
      `${counted(behindNat.fromHost, 'connection')} from the host's addresses: its own, none that it translated`,
    );
  if (conversations.packets > 0)
    lines.push('an endpoint that gets no answer sends nothing else than the capture shows');
  if (conversations.suppressesDatagrams) lines.push('datagrams and queries are sent whether or not they are answered');
  if (earlyFragments > 0)
    lines.push(`${counted(earlyFragments, 'fragment')} before the first of a packet: not translated back`);
  return lines;
}
