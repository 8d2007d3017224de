/** The story of one packet as text: the verdict and what decided first, then its way, then what came of it. */
import { shown, shownPath } from '../../codecs/text.js';
import type { ChangedThing, TranslatedEvent } from '../../core/events.js';
import { VERDICT_NAMES } from '../../core/hooks.js';
import { REASONS, type Reason } from '../../core/reasons.js';
import type { Rule } from '../../core/rules/model.js';
import type { UncertainCause } from '../../core/uncertainty.js';
import type { Names } from '../../replay/names.js';
import { wrapAfter, wrapCommand } from '../text/columns.js';
import type { Style } from '../text/style.js';
import { formatDecider } from './decider.js';
import { LEAD, layout } from './layout.js';
import { arrivalWords, endWords, packetWords } from './packet-words.js';
import { type RowOptions, rowsOf } from './rows.js';
import { ruleText } from './rule-words.js';
import { type Decider, isAccepted, rulesTried, type Story, stepsOf } from './story.js';

export interface StoryTextOptions extends RowOptions {
  readonly width: number;
  readonly style: Style;
  /** Only the verdict, what was changed, and what came of it. */
  readonly isMinimal?: boolean;
  /** What else is said, between what was sent and what was assumed: a word or two, and lines of text. */
  readonly notes?: readonly StoryNote[];
  /** What this packet depended on that nobody said. */
  readonly assumed?: readonly string[];
}

export interface StoryNote {
  readonly label: string;
  readonly lines: readonly string[];
  /** Which of the lines are commands: indented, and wrapped so that a shell takes each for one. */
  readonly commands?: ReadonlySet<string>;
  /** Also with `isMinimal`. */
  readonly isMinimal?: boolean;
}

/** STORY as lines. */
export function storyLines(story: Story, options: StoryTextOptions): string[] {
  const { width, style, names, isMinimal = false, notes = [], assumed = [] } = options;
  const way = isMinimal ? [] : layout(rowsOf(story, options), width, style);
  const below: StoryNote[] = [
    ...(isMinimal ? changedNotes(story, names) : []),
    ...sentNotes(story, names),
    ...notes.filter((note) => !isMinimal || note.isMinimal),
    ...uncertainNotes(story),
    ...(isMinimal || assumed.length === 0 ? [] : [{ label: 'assumed', lines: assumed }]),
  ];
  return [
    ...headline(story, options),
    ...(way.length === 0 && below.length === 0 ? [] : ['']),
    ...way,
    ...below.flatMap((note) => noteLines(note, width, style)),
  ];
}

/** The verdict, what decided, and the packet. */
function headline(story: Story, { width, style, names, isMinimal = false }: StoryTextOptions): string[] {
  const { verdict, decider, uncertain } = story;
  const word = uncertain.length === 0 ? verdict : `${verdict}?`;
  const lead = `${word}  `;
  const emphasize =
    uncertain.length > 0
      ? style.yellow
      : isAccepted(story)
        ? style.green
        : verdict === 'held' || verdict === 'skipped'
          ? style.yellow
          : style.red;
  const by = deciderWords(decider, story);
  const rule = shown(deciderText(decider));
  const first =
    rule === '' || lead.length + by.length + 3 + rule.length <= width
      ? wrapAfter(lead, rule === '' ? by : `${by}   ${rule}`, width)
      : [...wrapAfter(lead, by, width), ...wrapAfter(' '.repeat(lead.length), rule, width)];
  const below = [arrivalWords(story, names), ...(isMinimal ? [] : groundLines(story, names))];
  const packet = below.flatMap((line) => wrapAfter(' '.repeat(lead.length), shown(line), width));
  const [start, ...rest] = first;
  return [style.bold(emphasize(start.slice(0, word.length))) + start.slice(word.length), ...rest, ...packet];
}

/**
 * What the decision rests on that was done to the packet before: the destination that NAT chose, and the marks that the
 * rule that decided asks for.
 */
function groundLines(story: Story, names: Names): string[] {
  const { decider } = story;
  const asked = new Set(decider.kind === 'rule' ? decider.rule.matches.map(({ extension }) => extension.name) : []);
  const isAsked = (what: ChangedThing): boolean =>
    (what === 'mark' && asked.has('mark')) || (what === 'connection mark' && asked.has('connmark'));
  const grounds = new Map<string, string>();
  for (const step of stepsOf(story)) {
    if (step.kind === 'translated' && step.end === 'destination')
      grounds.set('destination', `${translationWords(step, names)}, as for the first packet of the connection`);
    if (step.kind !== 'rule') continue;
    const by = `by ${targetName(step.rule)} in ${shownPath(step.rule.file)}:${step.rule.line}`;
    for (const effect of step.effects) {
      if (effect.kind === 'translated' && effect.end === 'destination')
        grounds.set('destination', `${translationWords(effect, names)} ${by}`);
      if (effect.kind === 'changed' && isAsked(effect.what))
        grounds.set(effect.what, `${effect.what} ${effect.from ?? 'none'} → ${effect.to ?? 'none'} ${by}`);
    }
  }
  return [...grounds.values()];
}

function translationWords({ end, from, to }: TranslatedEvent, names: Names): string {
  return `${end} ${endWords(from, names)} → ${endWords(to, names)}`;
}

const targetName = ({ target }: Rule): string => (target.kind === 'extension' ? target.extension.name : 'the rule');

/** The rule that decided, or the command that would set the policy that did; '' if neither did. */
export function deciderText(decider: Decider): string {
  if (decider.kind === 'rule') return ruleText(decider.rule);
  if (decider.kind !== 'policy') return '';
  return `-P ${decider.chain.name} ${VERDICT_NAMES[decider.chain.policy]}`;
}

/** `in filter INPUT by rule 6 (rules.v4:41)`. */
export function deciderWords(decider: Decider, { verdict, left }: Story): string {
  switch (decider.kind) {
    case 'rule': {
      const { hook, table, rule, reason } = decider;
      const chain = rule.chain === hook ? '' : ` of ${shown(rule.chain)}`;
      const place = `in ${table} ${hook} by rule ${rule.number}${chain} (${shownPath(rule.file)}:${rule.line})`;
      return reason === undefined ? place : `${place}: ${REASONS[reason]}`;
    }
    case 'policy':
      return `by ${shown(formatDecider(decider))}`;
    case 'host':
      return `${AREAS[decider.reason] ?? 'by the host'}: ${REASONS[decider.reason]}`;
    case 'entry':
      return `by ${shown(decider.entry)}`;
    case 'link':
      return `not followed: ${decider.skip}`;
    default:
      if (verdict === 'held') return 'until the rest of its packet arrives';
      return left === undefined ? 'by no rule' : 'by no rule: no filter table decides about it';
  }
}

/** What of the host dropped a packet, where no rule did. */
const AREAS: Partial<Record<Reason, string>> = {
  'martian-source': 'by routing',
  'martian-destination': 'by routing',
  'rp-filter': 'by routing',
  'forwarding-off': 'by routing',
  'no-route': 'by routing',
  'unreachable-route': 'by routing',
  'prohibit-route': 'by routing',
  'blackhole-route': 'by routing',
  'multicast-not-joined': 'by routing',
  'link-layer-broadcast': 'by routing',
  'source-not-local': 'by routing',
  'socket-not-local': 'by routing',
  'conntrack-full': 'by conntrack',
  'conntrack-clash': 'by conntrack',
  'nat-header': 'by NAT',
  'nat-icmp-error': 'by NAT',
  'nat-other-interface': 'by NAT',
};

/** What was changed on the way. */
function changedNotes(story: Story, names: Names): StoryNote[] {
  const changes = rulesTried(story).flatMap(({ rule, effects }) =>
    effects.flatMap((effect) => {
      const at = ` (${shownPath(rule.file)}:${rule.line})`;
      if (effect.kind === 'changed') return [`${effect.what} ${effect.from ?? 'none'} → ${effect.to ?? 'none'}${at}`];
      if (effect.kind !== 'translated') return [];
      return [`${translationWords(effect, names)}${at}`];
    }),
  );
  const bound = stepsOf(story).flatMap((step) => (step.kind === 'translated' ? [translationWords(step, names)] : []));
  const lines = [...changes, ...bound];
  return lines.length === 0 ? [] : [{ label: 'changed', lines }];
}

/** What left the host because of the packet. */
function sentNotes(story: Story, names: Names): StoryNote[] {
  const sent: string[] = [];
  const stopped: string[] = [];
  const back: string[] = [];
  const tell = (one: Story): void => {
    const { left, packet, origin } = one;
    if (origin === 'broadcast' || origin === 'loopback') {
      if (packet !== undefined)
        back.push(`${packetWords(packet, {}, names)}: ${one.verdict} ${deciderWords(one.decider, one)}`);
    } else if (left !== undefined && (left.dev !== undefined || one !== story)) {
      const words = packetWords(left.packet, left.dev === undefined ? {} : { outDev: left.dev }, names);
      sent.push(
        `${words}${left.dev === undefined ? ', to the host itself' : ''}${origin === 'copy' ? ', a copy' : ''}`,
      );
    } else if (one !== story && packet !== undefined) {
      stopped.push(`${packetWords(packet, {}, names)}: ${one.verdict} ${deciderWords(one.decider, one)}`);
    }
    for (const related of one.related) tell(related);
  };
  tell(story);
  return [
    ...(sent.length === 0 ? [] : [{ label: 'sent', lines: sent, isMinimal: true }]),
    ...(back.length === 0 ? [] : [{ label: 'came back', lines: back, isMinimal: true }]),
    ...(stopped.length === 0 ? [] : [{ label: 'not sent', lines: stopped, isMinimal: true }]),
  ];
}

function uncertainNotes({ uncertain }: Story): StoryNote[] {
  if (uncertain.length === 0) return [];
  return [{ label: 'uncertain', lines: uncertain.map(uncertainWords), isMinimal: true }];
}

/** Why a packet is uncertain, with the rule that is the cause. */
export function uncertainWords({ reason, table, rule }: UncertainCause): string {
  if (rule === undefined) return reason;
  return `${table} ${rule.chain} ${rule.number} (${shownPath(rule.file)}:${rule.line}): ${reason}`;
}

function noteLines({ label, lines, commands = new Set() }: StoryNote, width: number, style: Style): string[] {
  return lines.flatMap((line, i) => {
    const lead = (i === 0 ? label : '').padEnd(LEAD);
    const texts = commands.has(line)
      ? wrapCommand(`${lead}  `, shown(line), width)
      : wrapAfter(lead, shown(line), width);
    return texts.map((text, j) =>
      i === 0 && j === 0 ? style.bold(text.slice(0, label.length)) + text.slice(label.length) : text,
    );
  });
}
