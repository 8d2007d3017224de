/** What is said about a line beside the story of its packet. */
import type { LogEvidence, TracedStep, TraceEvidence } from '../../codecs/evidence/evidence.js';
import { IPPROTO_TCP, TCP_SYN } from '../../codecs/layouts.js';
import { nearest } from '../../codecs/nearest.js';
import { counted } from '../../codecs/text.js';
import type { Rule, Ruleset } from '../../core/rules/model.js';
import { saveRule } from '../../core/rules/save.js';
import type { Play } from '../fate/attempt.js';
import { formatPlace, placeOf } from '../findings.js';
import { formatDecider } from '../story/decider.js';
import { rulesTried, type Story } from '../story/story.js';
import type { TrialResult } from '../trial.js';
import type { Reenactment } from './reenactment.js';
import type { Suspect } from './suspects.js';
import { isTraced, type Logged, type PrefixedRule, type ToldStep, toldSteps } from './written.js';

/** Some lines of text about one thing. */
export interface EvidenceNote {
  readonly label: string;
  readonly lines: readonly string[];
}

/** What was found out about a line. */
export interface Finding {
  /** What is behind the line; or if it is not found, what becomes of such a packet. */
  readonly result: TrialResult;
  /** Sends its packet, and what came before it, through another host. */
  readonly play: Play;
  /** The rules do what the line tells. */
  readonly isFound: boolean;
  /** Said before the story, as it is not that of the line. */
  readonly lead: string | undefined;
  readonly notes: readonly EvidenceNote[];
  /** What was chosen where the line says nothing. */
  readonly chosen: readonly string[];
  /** For programs: `docs/schema/trace.schema.json`, `evidence`. */
  readonly json: Readonly<Record<string, unknown>>;
}

const MOST_RULES = 5;

interface LogFinding {
  readonly evidence: LogEvidence;
  readonly prefix: string | undefined;
  readonly rules: readonly PrefixedRule[];
  readonly main: Reenactment;
  /** What wrote the line. */
  readonly found: Logged | undefined;
  /** Who else would have caused it. */
  readonly others: readonly Suspect[];
}

export function logNotes({ evidence, prefix, rules, main, found, others }: LogFinding): Finding {
  const { result, play, planned, suspect, times } = main;
  const json = { kind: 'log', prefix: prefix ?? null, connection: suspect.connection };
  if (found === undefined) {
    return {
      ...{ result, play, isFound: false, chosen: planned.chosen },
      lead: 'These rules do not write this line. What would become of its packet:',
      notes: [{ label: 'not found', lines: missing(evidence, prefix, rules, result.story) }],
      json: { ...json, writtenBy: null, alternatives: [] },
    };
  }
  const { rule } = found.step;
  const alternatives = alternativesTo(suspect, others);
  const because = conditions(suspect);
  if (times > 1)
    because.push(`it is packet ${times} of its kind in a row: rules that count packets do not log the first`);
  return {
    ...{ result, play, isFound: true, lead: undefined, chosen: planned.chosen },
    notes: [
      { label: 'written by', lines: [`${wordsOf(found)}   ${saveRule(rule).trim()}`] },
      { label: 'then', lines: after(result.story, found) },
      { label: 'if', lines: because },
      ...(alternatives.length === 0 ? [] : [{ label: 'or if', lines: alternatives }]),
      ...unknownNotes(evidence),
    ],
    json: { ...json, writtenBy: placeOf(rule), times, alternatives },
  };
}

/** What else could have been so, in words. */
function alternativesTo({ connection }: Suspect, others: readonly Suspect[]): string[] {
  const words = others.map((one) =>
    one.connection === connection ? 'it was sent as the line has it, and nothing translated it' : one.connection,
  );
  return [...new Set(words)];
}

/** `rule 2 of ufw-logging-deny in filter INPUT (rules.v4:22)`. */
function wordsOf({ stage, step: { table, rule } }: Logged): string {
  const chain = rule.chain === stage.hook ? '' : ` of ${rule.chain}`;
  return `rule ${rule.number}${chain} in ${table} ${stage.hook} (${formatPlace(rule)})`;
}

/** What the packet met behind the rule that logged it. */
function after(story: Story, { step }: Logged): string[] {
  const told = toldSteps(story).map((one) => one.step);
  const behind = told.slice(told.indexOf(step) + 1);
  const rules = behind.flatMap((next) => (next.kind === 'rule' ? [next] : []));
  const listed = rules
    .slice(0, MOST_RULES)
    .map(({ rule }) => `${formatPlace(rule)}  -A ${rule.chain} ${saveRule(rule).trim()}`);
  const more = rules.length > MOST_RULES ? [`${counted(rules.length - MOST_RULES, 'more rule')}`] : [];
  return [...listed, ...more, `${story.verdict}: ${formatDecider(story.decider)}`];
}

/** What the line does not tell and the answer may depend on. */
function unknownNotes({ packet }: LogEvidence): EvidenceNote[] {
  const { protocol, flags = 0, sequence } = packet;
  const lines: string[] = [];
  if (protocol === IPPROTO_TCP && (flags & TCP_SYN) === 0 && sequence === undefined) {
    lines.push('whether it was in the window of its connection: there are no sequence numbers (--log-tcp-sequence)');
  }
  return lines.length === 0 ? [] : [{ label: 'not known', lines }];
}

/** Why no rule writes the line. */
function missing(
  { before }: LogEvidence,
  prefix: string | undefined,
  rules: readonly PrefixedRule[],
  story: Story,
): string[] {
  if (prefix === undefined) {
    const prefixes = [...new Set(rules.map((one) => one.prefix))].filter((one) => one.trim() !== '');
    const given = before.trim().slice(-30);
    const close = nearest(given, prefixes);
    const known =
      prefixes.length === 0
        ? 'none has a prefix'
        : `they have ${prefixes
            .slice(0, MOST_RULES)
            .map((one) => `"${one}"`)
            .join(', ')}`;
    if (rules.length === 0) return ['no rule logs anything'];
    return [
      `no rule logs with what stands before IN=, "${given}": ${close === undefined ? known : `"${close}" is close`}`,
    ];
  }
  const tried = rulesTried(story);
  return rules
    .filter((one) => one.prefix === prefix)
    .slice(0, MOST_RULES)
    .map(({ rule }) => {
      const step = tried.find((one) => one.rule === rule);
      const why =
        step === undefined
          ? 'the packet does not come to it'
          : (step.failures[0]?.text ?? 'it matches, but tells otherwise');
      return `${formatPlace(rule)} logs with this prefix: ${why}`;
    });
}

interface RemarkFinding {
  readonly remark: string;
  readonly main: Reenactment;
  readonly isFound: boolean;
  readonly others: readonly Suspect[];
}

export function remarkNotes({ remark, main, isFound, others }: RemarkFinding): Finding {
  const { result, play, planned, suspect } = main;
  const { story } = result;
  const here = story.tracked?.remark;
  return {
    ...{ result, play, isFound, chosen: planned.chosen },
    lead: isFound ? undefined : 'Conntrack does not say this of any such packet that was tried. What becomes of one:',
    notes: [
      ...(isFound
        ? [
            { label: 'written by', lines: [`conntrack, with nf_conntrack_log_invalid: ${remark}`] },
            { label: 'then', lines: [`${story.verdict}: ${formatDecider(story.decider)}`] },
          ]
        : [
            {
              label: 'not found',
              lines: [`here, conntrack says ${here === undefined ? 'nothing' : `"${here}"`} of it`],
            },
          ]),
      { label: 'if', lines: conditions(suspect) },
      ...(others.length === 0 ? [] : [{ label: 'or if', lines: others.flatMap(conditions) }]),
    ],
    json: { kind: 'invalid', remark, connection: suspect.connection },
  };
}

/** What is taken to be so about the packet. */
function conditions({ connection, translation }: Suspect): string[] {
  return [connection, ...(translation === undefined ? [] : [translation])];
}

interface TraceFinding {
  readonly evidence: TraceEvidence;
  readonly main: Reenactment;
  /** How many of its steps come in the story. */
  readonly common: number;
  readonly ruleset: Ruleset;
}

export function traceNotes({ evidence, main, common, ruleset }: TraceFinding): Finding {
  const { result, play, planned, suspect } = main;
  const { steps } = evidence;
  const isFound = common === steps.length;
  const because = conditions(suspect);
  return {
    ...{ result, play, isFound, chosen: planned.chosen },
    lead: isFound ? undefined : 'These rules do not do what the trace tells. What would become of its packet:',
    notes: [
      { label: 'traced', lines: [pathWords(evidence, common)] },
      ...(isFound ? [] : [{ label: 'they part', lines: partWords(steps[common], result.story, ruleset) }]),
      { label: 'if', lines: because },
    ],
    json: { kind: 'trace', writer: evidence.writer, steps: steps.length, common, connection: suspect.connection },
  };
}

function pathWords({ steps, writer }: TraceEvidence, common: number): string {
  const of = counted(steps.length, 'step');
  const by = writer === 'kernel' ? "the kernel's line" : writer;
  if (common === steps.length) return `all that ${by} tells, ${of}, is so here`;
  const which = common === 0 ? 'none is' : common === 1 ? 'the first is' : `the first ${common} are`;
  return `of the ${of} that ${by} tells, ${which} so here`;
}

/** The step of the trace that does not come in STORY, and why. */
function partWords(traced: TracedStep, story: Story, ruleset: Ruleset): string[] {
  const { table, chain, what, number, text } = traced;
  const told = `${table} ${chain} ${what === 'rule' ? (text ?? `rule ${number}`) : what}`;
  if (what !== 'rule') return [`on the host: ${told}`];
  const rules = ruleset.tables.find(({ name }) => name === table)?.rules.filter((rule) => rule.chain === chain) ?? [];
  const fitting = rules.find((rule) => isTraced(asStep(traced, rule), traced));
  if (fitting === undefined)
    return [`on the host: ${told}`, 'there is no such rule in the ruleset: it is not the one that the host had'];
  const step = rulesTried(story).find(({ rule }) => rule === fitting);
  const why = step === undefined ? 'the packet does not come to it' : (step.failures[0]?.text ?? 'it comes elsewhere');
  return [`on the host: ${told}`, `here (${formatPlace(fitting)}): ${why}`];
}

/** RULE as a step that matched, only to compare it. */
function asStep({ table }: TracedStep, rule: Rule): ToldStep {
  return {
    kind: 'rule',
    table,
    rule,
    level: 0,
    isMatched: true,
    failures: [],
    unknown: 0,
    isHotdrop: false,
    effects: [],
  } as unknown as ToldStep;
}
