/**
 * From a line that a host has written about a packet to the story of that packet: the packets that may have caused it
 * are sent through the rules until one of them does what the line tells. What was assumed for that, and what else would
 * have had the same effect, is said.
 */
import {
  EvidenceError,
  type EvidencePlace,
  type LogEvidence,
  type TraceEvidence,
} from '../../codecs/evidence/evidence.js';
import { readEvidence } from '../../codecs/evidence/read-evidence.js';
import { noInterface } from '../../core/host/interfaces.js';
import type { Ruleset } from '../../core/rules/model.js';
import type { TrialSetting } from '../trial.js';
import { investigateConnection } from './connection.js';
import { investigateMartian } from './martian.js';
import { type Finding, logNotes, remarkNotes, traceNotes } from './notes.js';
import { type Reenactment, reenact } from './reenactment.js';
import { type Suspect, suspectsOf } from './suspects.js';
import {
  commonSteps,
  isBesides,
  isTraced,
  type Logged,
  loggingRules,
  prefixOf,
  toldSteps,
  writerOf,
} from './written.js';

/** How many suspects are tried, and how many of those that are found are told. */
const MOST_SUSPECTS = 60;
const MOST_ALTERNATIVES = 4;

/**
 * Finds out what is behind TEXT, a line or several about one packet or connection.
 * @throws {EvidenceError} if TEXT is not understood, or not about a packet that can get into the host
 * @throws as `Trial`
 */
export function investigate(setting: TrialSetting, text: string): Finding {
  const evidence = readEvidence(text);
  if (evidence.kind === 'conntrack') return investigateConnection(setting, evidence);
  checkPlace(setting, evidence.kind === 'martian' ? { input: evidence.input, output: '' } : evidence);
  switch (evidence.kind) {
    case 'log':
      return evidence.remark === undefined
        ? investigateLog(setting, evidence)
        : investigateRemark(setting, evidence, evidence.remark);
    case 'trace':
      return investigateTrace(setting, evidence);
    case 'martian':
      return investigateMartian(setting, evidence);
  }
}

function checkPlace({ setting: { host } }: TrialSetting, { input, output }: EvidencePlace): void {
  for (const [key, name] of [
    ['IN', input],
    ['OUT', output],
  ] as const) {
    if (name === undefined || name === '' || host.interfaceIndex(name) >= 0) continue;
    throw new EvidenceError(`${key}=${name}: ${noInterface(name, host.interfaceNames)}`);
  }
  if (input === '' && output === '') throw new EvidenceError('the line has neither an input nor an output interface');
}

interface Hit<T> {
  readonly played: Reenactment;
  readonly found: T;
}

function investigateLog(setting: TrialSetting, evidence: LogEvidence): Finding {
  const { ruleset, host } = setting.setting;
  const rules = loggingRules(ruleset);
  const prefix = prefixOf(evidence, rules);
  const question = { packet: known(evidence), place: evidence };
  let plain: Reenactment | undefined;
  const hits: Hit<Logged>[] = [];
  for (const suspect of suspectsOf(evidence, ruleset, host).slice(0, MOST_SUSPECTS)) {
    if (isSimilar(suspect, hits)) continue;
    const find = (story: Reenactment['result']): Logged | undefined =>
      prefix === undefined ? undefined : writerOf(evidence, prefix, story.story);
    const played = reenact(setting, suspect, question, (result) => find(result) !== undefined);
    if (played === undefined) continue;
    plain = suspect.history === 'none' && suspect.translation === undefined ? played : (plain ?? played);
    const found = find(played.result);
    if (found !== undefined) hits.push({ played, found });
    if (hits.length > MOST_ALTERNATIVES || prefix === undefined) break;
  }
  const main = hits[0]?.played ?? plain;
  if (main === undefined) throw cannotBe();
  const others = hits.slice(1).map(({ played }) => played.suspect);
  return logNotes({ evidence, prefix, rules, main, found: hits[0]?.found, others });
}

/** The protocol is what the packet of a line cannot do without. */
function known({ packet }: LogEvidence | TraceEvidence): LogEvidence['packet'] {
  if (packet.protocol === undefined) {
    throw new EvidenceError(
      'the protocol of the packet is not known: the line does not say it, and neither does a rule',
    );
  }
  if (packet.isLaterFragment)
    throw new EvidenceError('the line is about a later fragment, which comes only with the others of its packet', true);
  return packet;
}

/** Whether a hit has the same history as SUSPECT: then it is only told whether the packet could do without NAT, too. */
function isSimilar({ connection, translation }: Suspect, hits: readonly Hit<unknown>[]): boolean {
  return hits.some(({ played: { suspect } }) => {
    const isNewWithoutNat = translation === undefined && suspect.translation !== undefined;
    return suspect.connection === connection && !isNewWithoutNat;
  });
}

/** A line of conntrack about a packet that it does not follow. */
function investigateRemark(setting: TrialSetting, evidence: LogEvidence, remark: string): Finding {
  const { ruleset, host } = setting.setting;
  const question = { packet: known(evidence), place: evidence };
  let plain: Reenactment | undefined;
  const hits: Reenactment[] = [];
  for (const suspect of suspectsOf(evidence, ruleset, host).slice(0, MOST_SUSPECTS)) {
    const played = reenact(setting, suspect, question, () => true);
    if (played === undefined) continue;
    plain ??= played;
    if (isSaid(played, remark)) hits.push(played);
    if (hits.length > MOST_ALTERNATIVES) break;
  }
  const main = hits[0] ?? plain;
  if (main === undefined) throw cannotBe();
  return remarkNotes({ remark, main, isFound: hits.length > 0, others: hits.slice(1).map(({ suspect }) => suspect) });
}

/** Whether conntrack says REMARK of the packet, but for the numbers in it. */
function isSaid({ result }: Reenactment, remark: string): boolean {
  const withoutNumbers = (text: string): string => text.replace(/\d+/g, '#');
  const said = result.story.tracked?.remark;
  return said !== undefined && withoutNumbers(said) === withoutNumbers(remark);
}

function investigateTrace(setting: TrialSetting, evidence: TraceEvidence): Finding {
  const { ruleset, host } = setting.setting;
  const question = { packet: known(evidence), place: evidence };
  let best: Hit<number> | undefined;
  for (const suspect of suspectsOf(evidence, ruleset, host).slice(0, MOST_SUSPECTS)) {
    const played = reenact(setting, suspect, question, () => true);
    if (played === undefined) continue;
    const found = isAt(evidence, played, ruleset) ? commonSteps(evidence, played.result.story, ruleset) : 0;
    if (best === undefined || found > best.found) best = { played, found };
    if (found === evidence.steps.length) break;
  }
  if (best === undefined) throw cannotBe();
  return traceNotes({ evidence, main: best.played, common: best.found, ruleset });
}

/** Whether the packet looked as EVIDENCE tells when it came to its first step. */
function isAt({ steps, packet }: TraceEvidence, { result }: Reenactment, ruleset: Ruleset): boolean {
  const first = steps.find((step) => !isBesides(step, ruleset));
  if (first === undefined) return true;
  const told = toldSteps(result.story).find(({ step }) => isTraced(step, first));
  const seen = told?.stage.packet;
  if (seen === undefined) return false;
  return seen.source === packet.source && (steps.length > 1 || seen.destination === packet.destination);
}

function cannotBe(): EvidenceError {
  return new EvidenceError('no such packet can get into the host: see its interfaces and routes');
}
