/** One packet of a connection, in the few words of its line in a ladder. */
import { formatIcmpKind, icmpKindOf } from '../../codecs/sentence/icmp-kinds.js';
import { flagNames } from '../../codecs/sentence/tcp-flags.js';
import type { IcmpFields, PacketFields, TimedOutEvent, TrackedEvent, TranslatedEvent } from '../../core/events.js';
import { formatDecider } from '../story/decider.js';
import { endText } from '../story/packet-words.js';
import { rulesTried, type Story, stepsOf } from '../story/story.js';

export type Direction = NonNullable<TrackedEvent['direction']>;

/** What the packets before have left. */
export interface Course {
  /** The translation of the last packet in each direction. */
  readonly translated: Map<string, string>;
  /** The mark of the last packet in each direction as it left. */
  readonly marks: Map<string, number>;
}

export interface Rung {
  /** `eth0:4`. */
  readonly name: string;
  readonly story: Story;
  readonly direction: Direction | undefined;
  /** `SYN`, `PSH/ACK 120`, `echo-request`. */
  readonly what: string;
  /** What conntrack takes it for, and the state of its connection afterwards. */
  readonly state: string;
  readonly connectionState: string;
  readonly verdict: string;
  /** `rules.v4:41`. */
  readonly decider: string;
  /** What changes with it. */
  readonly notes: readonly string[];
}

/**
 * The rung of STORY, of the frame NAME, after what COURSE knows of its connection. KNOWN: the direction of its packet, where
 * conntrack does not say it.
 */
export function rungOf(name: string, story: Story, course: Course, known?: Direction): Rung {
  const { packet, tracked, verdict, decider, uncertain } = story;
  return {
    name,
    story,
    direction: tracked?.direction ?? known,
    what: packet === undefined ? '' : kindOf(packet),
    state: tracked?.ctstate ?? '',
    connectionState: tracked?.stateAfter ?? '',
    verdict: uncertain.length === 0 ? verdict : `${verdict}?`,
    decider: briefly(formatDecider(decider)),
    notes: notesOf(story, course),
  };
}

function icmpKind({ type, code }: IcmpFields, protocol: number): string {
  return formatIcmpKind(icmpKindOf(type, code, protocol), protocol);
}

/** Files are called by their names only: the first line of the trace of one of the packets tells their folder. */
function briefly(text: string): string {
  return text.replaceAll(/[^\s(]*\//g, '');
}

/** The kind of PACKET: flags and data, type, or length. */
function kindOf({ tcp, icmp, protocol, lengthBytes, fragment }: PacketFields): string {
  if (tcp !== undefined) return `${flagNames(tcp.flags)}${tcp.dataBytes === 0 ? '' : ` ${tcp.dataBytes}`}`;
  if (icmp !== undefined) return icmpKind(icmp, protocol);
  return fragment === undefined ? `${lengthBytes} bytes` : `fragment ${fragment.offsetBytes}`;
}

function notesOf(story: Story, course: Course): string[] {
  const { tracked, related, uncertain } = story;
  return [
    ...trackedNotes(tracked),
    ...translationNotes(story, course),
    ...markNotes(story, course),
    ...related.flatMap(answerNote),
    ...uncertain.map(({ reason }) => `uncertain: ${reason}`),
  ];
}

function trackedNotes(tracked: TrackedEvent | undefined): string[] {
  if (tracked === undefined) return [];
  const { remark, invalid, isReopened, stateBefore } = tracked;
  const by = byHowMuch(tracked);
  return [
    ...(isReopened ? [`the port is used again: a new connection in place of the one in ${stateBefore}`] : []),
    ...(remark === undefined ? (invalid === undefined ? [] : [`INVALID: ${CHECKS[invalid] ?? invalid}`]) : [remark]),
    ...(by === '' ? [] : [by]),
  ];
}

/** The checks of which the kernel logs nothing. */
const CHECKS: Partial<Record<NonNullable<TrackedEvent['invalid']>, string>> = {
  header: 'its header is cut short',
  'no-tuple': 'it has nothing to tell its connection by',
  'no-quoted-connection': 'what it quotes is of no known connection',
  'not-opening': 'no known connection, and it cannot open one',
};

function byHowMuch({ window, remark = '' }: TrackedEvent): string {
  if (window === undefined) return '';
  const { beyondWindowBytes, unseenBytes, belowAcknowledgedBytes } = window;
  if (remark.startsWith('SEQ is over')) return `sequence number ${window.sequence}: ${beyondWindowBytes} bytes beyond`;
  if (remark.startsWith('ACK is over')) return `acknowledges ${window.acknowledgment}: ${unseenBytes} bytes unseen`;
  if (remark.startsWith('SEQ is under') || remark === 'invalid rst')
    return belowAcknowledgedBytes === 0 ? '' : `${belowAcknowledgedBytes} bytes below what was acknowledged`;
  return '';
}

/** Translations, if they are not those of the packet before in the same direction. */
function translationNotes(story: Story, { translated }: Course): string[] {
  const { translations, tracked } = story;
  const direction = tracked?.direction ?? 'none';
  const words = translations.map((translation) => `${translationWords(translation)}${ruleOf(story, translation)}`);
  const ends = translations.map(translationWords).join();
  const before = translated.get(direction);
  if (tracked?.ctstate === 'INVALID') return translated.size === 0 ? [] : ['not translated'];
  if (tracked?.direction === undefined || tracked.ctstate === 'RELATED' || before === ends) return [];
  if (ends === '') {
    translated.delete(direction);
    return before === undefined ? [] : ['not translated'];
  }
  translated.set(direction, ends);
  return words;
}

function translationWords({ end, from, to }: TranslatedEvent): string {
  return `${end} ${endText(from)} → ${endText(to)}`;
}

function ruleOf(story: Story, translation: TranslatedEvent): string {
  const by = rulesTried(story).find(({ effects }) => effects.includes(translation));
  return by === undefined ? '' : ` by ${briefly(`${by.rule.file}:${by.rule.line}`)}`;
}

function markNotes({ left, tracked }: Story, { marks }: Course): string[] {
  if (left === undefined) return [];
  const direction = tracked?.direction ?? 'none';
  const { mark } = left.packet;
  const before = marks.get(direction) ?? 0;
  marks.set(direction, mark);
  return mark === before ? [] : [`mark ${hex(before)} → ${hex(mark)}`];
}

const hex = (mark: number): string => `0x${(mark >>> 0).toString(16)}`;

/** What the host sent because of the packet. */
function answerNote({ origin, packet, verdict, decider }: Story): string[] {
  if (origin !== 'answer' || packet === undefined) return [];
  const { tcp, icmp, protocol, destination } = packet;
  const what = icmp === undefined ? flagNames(tcp?.flags ?? 0) : `ICMP ${icmpKind(icmp, protocol)}`;
  const end =
    verdict === 'dropped' || verdict === 'rejected' ? `, ${verdict} by ${briefly(formatDecider(decider))}` : '';
  return [`answered: ${what} to ${destination}${end}`];
}

/** That the connection had timed out before the packet of STORY came, if conntrack still knew. */
export function timedOutOf(story: Story): TimedOutEvent | undefined {
  return stepsOf(story).find((step) => step.kind === 'timed-out');
}
