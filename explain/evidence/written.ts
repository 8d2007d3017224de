/** Whether what happened to a packet is what a line tells. */
import type { EvidencePacket, LogEvidence, TracedStep, TraceEvidence } from '../../codecs/evidence/evidence.js';
import { readKernelLine } from '../../codecs/evidence/kernel-line.js';
import type { LoggedEvent, PacketFields } from '../../core/events.js';
import { asKernelText } from '../../core/log-line.js';
import type { Rule, Ruleset } from '../../core/rules/model.js';
import { saveAppended, saveRule } from '../../core/rules/save.js';
import type { PolicyStep, RuleStep, Stage, Story } from '../story/story.js';

/** A rule that told somebody about the packet. */
export interface Logged {
  readonly stage: Stage;
  readonly step: RuleStep;
  readonly event: LoggedEvent;
}

/** All that rules told of the packet of STORY, in order; also where it came back by lo. */
function loggedIn(story: Story): Logged[] {
  const own = story.stages.flatMap((stage) =>
    stage.steps.flatMap((step) =>
      step.kind !== 'rule'
        ? []
        : step.effects.flatMap((event) => (event.kind === 'logged' ? [{ stage, step, event }] : [])),
    ),
  );
  const again = story.related.filter(({ origin }) => origin === 'loopback').flatMap(loggedIn);
  return [...own, ...again];
}

/** What wrote the line of EVIDENCE about the packet of STORY; undefined: nothing did. */
export function writerOf(
  { before, packet, input, output }: LogEvidence,
  prefix: string,
  story: Story,
): Logged | undefined {
  return loggedIn(story).find(({ stage, event }) => {
    if (event.line === undefined) {
      const isSame = event.prefix !== undefined && event.prefix.trimEnd() === prefix.trimEnd();
      return isSame && stage.packet !== undefined && isSamePacket(packet, stage.packet);
    }
    const own = readKernelLine(event.line);
    if (own.kind !== 'log' || own.before.trimEnd() !== prefix.trimEnd() || !before.trimEnd().endsWith(prefix.trimEnd()))
      return false;
    return own.input === input && own.output === output && isSameInLines(packet, own.packet);
  });
}

/** Whether two lines tell of the same packet: what only one of them tells is not compared. */
function isSameInLines(line: EvidencePacket, own: EvidencePacket): boolean {
  const members = ['protocol', 'source', 'destination', 'sport', 'dport', 'flags', 'ttl', 'mark'] as const;
  if (members.some((name) => line[name] !== undefined && own[name] !== undefined && line[name] !== own[name]))
    return false;
  return line.icmp === undefined || own.icmp === undefined || line.icmp.type === own.icmp.type;
}

function isSamePacket(line: EvidencePacket, { protocol, source, destination, sport, dport }: PacketFields): boolean {
  const isSameEnd = (a: number | undefined, b: number | undefined): boolean =>
    a === undefined || b === undefined || a === b;
  if (line.protocol !== undefined && line.protocol !== protocol) return false;
  const isSameHosts = line.source === source && line.destination === destination;
  return isSameHosts && isSameEnd(line.sport, sport) && isSameEnd(line.dport, dport);
}

/**
 * The prefix that the line of EVIDENCE begins with: the longest of the rules' that stands before IN=; undefined if no
 * rule has one that does.
 */
export function prefixOf({ before }: LogEvidence, rules: readonly PrefixedRule[]): string | undefined {
  const text = before.trimEnd();
  const fitting = rules
    .map(({ prefix }) => prefix)
    .filter((prefix) => prefix.trim() !== '' && text.endsWith(prefix.trimEnd()));
  const longest = fitting.reduce<string | undefined>(
    (best, prefix) => (prefix.length > (best?.length ?? 0) ? prefix : best),
    undefined,
  );
  if (longest !== undefined) return longest;
  const isBare = /(?:^|kernel:|\d\]|<\d+>)$/.test(text);
  return isBare && rules.some(({ prefix }) => prefix.trim() === '') ? '' : undefined;
}

export interface PrefixedRule {
  readonly table: string;
  readonly rule: Rule;
  readonly prefix: string;
}

const PREFIX = /--(?:log|nflog|ulog)-prefix (?:"((?:[^"\\]|\\.)*)"|(\S+))/;

/** The rules of RULESET that log, with their prefixes. */
export function loggingRules({ tables }: Ruleset): PrefixedRule[] {
  return tables.flatMap(({ name, rules }) =>
    rules.flatMap((rule) => {
      const { target } = rule;
      const logs = target.kind === 'extension' && ['LOG', 'NFLOG', 'ULOG'].includes(target.extension.name);
      if (!logs) return [];
      const prefix = PREFIX.exec(saveRule(rule));
      const text = (prefix?.[1] ?? prefix?.[2] ?? '').replace(/\\(.)/g, '$1');
      return [{ table: name, rule, prefix: asKernelText(text) }];
    }),
  );
}

/** A step of a story of which a trace tells: a rule that matched, or a policy. */
export type ToldStep = RuleStep | PolicyStep;

/** The steps of STORY of which a trace tells, in order, with the hooks where they were. */
export function toldSteps(story: Story): { readonly stage: Stage; readonly step: ToldStep }[] {
  return story.stages.flatMap((stage) =>
    stage.steps.flatMap((step) =>
      step.kind === 'policy' || (step.kind === 'rule' && step.isMatched) ? [{ stage, step }] : [],
    ),
  );
}

/** Whether STEP is what TRACED tells. */
export function isTraced(step: ToldStep, { what, table, chain, number, text }: TracedStep): boolean {
  if (step.table !== table) return false;
  if (step.kind === 'policy') return what === 'policy' && step.chain.name === chain;
  const { rule } = step;
  if (what !== 'rule' || rule.chain !== chain) return false;
  if (number !== undefined) return rule.number === number;
  // What nft prints of a rule is in another language.
  return text === undefined || !text.startsWith('-A ') || text === saveAppended(rule);
}

/**
 * Whether a story of RULESET need not have the step of a trace: the end of a chain, the rule that asks for the trace,
 * which people add for it, and policies of tables that this rule has brought.
 */
export function isBesides({ what, table, text = '' }: TracedStep, { tables }: Ruleset): boolean {
  if (what === 'return') return true;
  if (what === 'policy') return !tables.some(({ name }) => name === table);
  return /-j TRACE\b|meta nftrace set 1/.test(text);
}

/** How many of the steps of EVIDENCE come in STORY, of RULESET, in their order, before the first that does not. */
export function commonSteps({ steps }: TraceEvidence, story: Story, ruleset: Ruleset): number {
  const told = toldSteps(story);
  let at = 0;
  for (const [i, traced] of steps.entries()) {
    const found = told.findIndex(({ step }, j) => j >= at && isTraced(step, traced));
    if (found >= 0) at = found + 1;
    else if (!isBesides(traced, ruleset)) return i;
  }
  return steps.length;
}
