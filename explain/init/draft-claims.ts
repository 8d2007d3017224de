/** Claims about what became of captured packets, in the order of their importance. */
import type { CountedDecider, ExpectedDecider, ExpectedEnd } from '../../codecs/expectation/expectation.js';
import { IPPROTO_TCP, TCP_SYN } from '../../codecs/layouts.js';
import { fits } from '../../codecs/sentence/fits.js';
import { icmpKindOf } from '../../codecs/sentence/icmp-kinds.js';
import { ANY_PACKET, type Sentence, type SentencePacket } from '../../codecs/sentence/sentence.js';
import { counted } from '../../codecs/text.js';
import { type TableName, Verdict } from '../../core/hooks.js';
import type { Rule, Ruleset } from '../../core/rules/model.js';
import { type Decider, isAccepted } from '../story/story.js';
import { endOf, type FlowKind, flowKinds } from './flow-kinds.js';
import type { AddressNames } from './name-addresses.js';
import type { SeenEnd, SeenFlow, StrayPacket } from './seen-traffic.js';
import { type StrayKind, strayKinds } from './stray-kinds.js';
import { titleOf, titleOfStray } from './titles.js';
import { namedRule } from './words-of-rule.js';

export type Section = 'in' | 'through' | 'own' | 'rejected' | 'dropped' | 'never' | 'counters';

export interface ClaimDraft {
  readonly section: Section;
  /** Undefined: it is called by its sentence. */
  readonly it?: string;
  readonly kind: 'packet' | 'connection' | 'never' | 'counters';
  /** Of all but `counters`. */
  readonly sentence?: Sentence;
  readonly becomes?: Sentence;
  readonly ends?: ExpectedEnd;
  readonly by?: ExpectedDecider;
  readonly answer?: Sentence;
  /** The rule, and how many packets it has met: `>= 1 packet`. */
  readonly counter?: { readonly of: CountedDecider; readonly bound: string };
}

export interface Drafts {
  readonly claims: readonly ClaimDraft[];
  /** How many more of each section there are. */
  readonly more: ReadonlyMap<Section, number>;
  /** Connections that no claim is about, as they differ although nothing tells them apart, and uncertain ones. */
  readonly untold: number;
  readonly uncertain: number;
  /** Why some claims were left out: what becomes of their packets is uncertain. */
  readonly doubt?: string;
}

/** A rule that packets matched. */
export interface MetRule {
  readonly table: TableName;
  readonly rule: Rule;
  readonly packets: number;
}

export interface Traffic {
  readonly flows: readonly SeenFlow[];
  readonly strays: readonly StrayPacket[];
  readonly met: readonly MetRule[];
  readonly ruleset: Ruleset;
}

/** At most MOST claims of each section. */
export function draftClaims({ flows, strays, met, ruleset }: Traffic, names: AddressNames, most: number): Drafts {
  const certain = flows.filter(({ isUncertain }) => !isUncertain);
  const { kinds, untold } = flowKinds(certain, names);
  const shown = kinds.filter((kind) => kind.flows.some(({ isShown }) => isShown));
  const drafter = new Drafter(ruleset, names);
  const all = [
    ...shown.map((kind) => drafter.ofKind(kind)),
    ...strayKinds(strays, certain, names).map((kind) => drafter.ofStrays(kind)),
  ];
  const passed = certain.flatMap((flow) => passedOf(flow));
  const never = neverSentences(shown, passed, names).map(
    (sentence): ClaimDraft => ({ section: 'never', kind: 'never', sentence }),
  );
  // Rules of which only claims tell that are left out need counters.
  const told = bounded(all, most).claims;
  const decided = new Set(told.flatMap(({ by }) => (by === undefined ? [] : [keyOf(by)])));
  const counters = uniqueCounters(met.flatMap((one) => drafter.ofMet(one, met, decided)));
  const { claims, more } = bounded([...all, ...never, ...counters], most);
  return { claims, more, untold: untold.length, uncertain: flows.length - certain.length };
}

/** Rules that say the same are counted together, once. */
function uniqueCounters(claims: readonly ClaimDraft[]): ClaimDraft[] {
  return [...new Map(claims.map((claim) => [JSON.stringify(claim.counter), claim])).values()];
}

/** Whether RULE by itself does something to the packets that it matches. */
function hasEffect({ target }: Rule): boolean {
  if (target.kind === 'verdict') return target.verdict !== Verdict.RETURN;
  return target.kind === 'extension' || target.kind === 'none';
}

const SECTIONS: readonly Section[] = ['in', 'through', 'own', 'rejected', 'dropped', 'never', 'counters'];

function bounded(all: readonly ClaimDraft[], most: number): Pick<Drafts, 'claims' | 'more'> {
  const more = new Map<Section, number>();
  const names = new Set<string>();
  const claims = SECTIONS.flatMap((section) => {
    const here = all.filter((claim) => claim.section === section);
    if (here.length > most) more.set(section, here.length - most);
    return here.slice(0, most).map((claim) => unique(claim, names));
  });
  return { claims, more };
}

/** CLAIM, with a name that is not among NAMES. */
function unique(claim: ClaimDraft, names: Set<string>): ClaimDraft {
  if (claim.it === undefined) return claim;
  let it = claim.it;
  for (let i = 2; names.has(it); i++) it = `${claim.it} (${i})`;
  names.add(it);
  return { ...claim, it };
}

const keyOf = (decider: ExpectedDecider): string => JSON.stringify(decider);

/** Packets of FLOW that got through, as they enter. */
function passedOf({ entered, first, reply }: SeenFlow): SentencePacket[] {
  return [...(isAccepted(first) ? [entered] : []), ...(reply === undefined ? [] : [reply])];
}

/** What nothing of got through, about addresses if no packet to them did, else about the same ports as the claims. */
function neverSentences(
  kinds: readonly FlowKind[],
  passed: readonly SentencePacket[],
  names: AddressNames,
): Sentence[] {
  const blocked = kinds.filter(({ sentence, outcome, flows: [{ first }], isReversed }) => {
    const isByRules = first.decider.kind === 'rule' || first.decider.kind === 'policy';
    const isBlocked = outcome === 'rejected' || outcome === 'dropped';
    return isBlocked && isByRules && !isReversed && !sentence.isLocal && sentence.ends?.source.ports === undefined;
  });
  const placeOf = ({ sentence, flows }: FlowKind) => `${sentence.input?.name} ${flows[0].entered.destination}`;
  const found = blocked.flatMap((kind) => {
    const { sentence, flows } = kind;
    const host = names.hostOf(flows[0].entered.destination);
    const ends = { source: endOf(undefined, undefined), destination: endOf(host, undefined) };
    const wide: Sentence = { ...sentence, icmp: undefined, ends };
    // Of a single service that is blocked, nobody knows whether all of the address is meant.
    const isSeveral = blocked.filter((other) => placeOf(other) === placeOf(kind)).length > 1;
    const candidates = [...(isSeveral ? [{ ...wide, protocol: undefined }, wide] : []), sentence];
    return candidates.find((one) => !passed.some((packet) => fits(one, packet))) ?? [];
  });
  const all = [...new Map(found.map((sentence) => [JSON.stringify(sentence), sentence])).values()];
  // One that another includes says nothing more.
  return all.filter((one) => !all.some((other) => other !== one && isWider(other, one)));
}

/** Whether WIDE, about any packet to an address, includes NARROW. */
function isWider(wide: Sentence, narrow: Sentence): boolean {
  const end = ({ ends }: Sentence) => ends?.destination;
  return (
    (wide.protocol === undefined ||
      (wide.protocol === narrow.protocol && end(wide)?.ports === undefined && wide.icmp === undefined)) &&
    wide.ends?.source.host === undefined &&
    (narrow.protocol !== undefined || wide.protocol === undefined) &&
    JSON.stringify(wide) !== JSON.stringify(narrow) &&
    wide.input?.name === narrow.input?.name &&
    String(end(wide)?.host?.addresses[0]) === String(end(narrow)?.host?.addresses[0])
  );
}

class Drafter {
  readonly #ruleset: Ruleset;
  readonly #names: AddressNames;
  /** Rules that `becomes` is the effect of. */
  readonly #translating = new Set<string>();

  constructor(ruleset: Ruleset, names: AddressNames) {
    this.#ruleset = ruleset;
    this.#names = names;
  }

  /** Whether a claim is about what RULE of TABLE does. */
  isTold(table: TableName, rule: Rule): boolean {
    return this.#translating.has(`${table} ${rule.chain} ${rule.number}`);
  }

  ofKind(kind: FlowKind): ClaimDraft {
    const { sentence, outcome, flows } = kind;
    const [flow] = kind.flows;
    const isMixed = outcome === 'mixed';
    const { first, left } = flow;
    const by = this.#by(first.decider);
    const becomes = left === undefined ? undefined : this.#becomes(kind);
    if (isAccepted(first)) for (const key of flow.translatedBy) this.#translating.add(key);
    return {
      section: sectionOf(kind, this.#names),
      it: titleOf(kind, this.#names),
      // Of a connection of which something was stopped, only the first packet is as it should be.
      kind: isMixed ? 'packet' : 'connection',
      sentence: isMixed && sentence.protocol === IPPROTO_TCP ? { ...sentence, flags: flagsOf(flow) } : sentence,
      ...(becomes === undefined ? {} : { becomes }),
      ends: endOfKind(first),
      ...(by === undefined ? {} : { by }),
      ...answerMember(flows.map((one) => one.first)),
    };
  }

  ofStrays({ sentence, packets }: StrayKind): ClaimDraft {
    const [{ end, entered }] = packets;
    const by = this.#by(end.decider);
    return {
      section: isAccepted(end)
        ? entered.isLocal
          ? 'own'
          : 'through'
        : end.verdict === 'rejected'
          ? 'rejected'
          : 'dropped',
      it: titleOfStray(sentence, end),
      kind: 'packet',
      sentence,
      ends: endOfKind(end),
      ...(by === undefined ? {} : { by }),
      ...answerMember(packets.map((one) => one.end)),
    };
  }

  /** That the rule of ONE among MET is met, unless other claims fail without it; DECIDED: the rules that they name. */
  ofMet({ table, rule, packets }: MetRule, met: readonly MetRule[], decided: ReadonlySet<string>): ClaimDraft[] {
    if (!hasEffect(rule) || this.isTold(table, rule)) return [];
    const { decider, rules } = namedRule(rule, table, this.#ruleset);
    const isAlone = decider.kind === 'words' && rules.length === 1;
    if (isAlone && decided.has(keyOf(decider))) return [];
    // Only the number tells whether one of several rules is gone.
    const others = met.filter((other) => other.table === table && other.rule !== rule && rules.includes(other.rule));
    const sum = others.reduce((all, other) => all + other.packets, packets);
    return [
      {
        section: 'counters',
        kind: 'counters',
        counter: { of: decider, bound: isAlone ? '>= 1 packet' : counted(sum, 'packet') },
      },
    ];
  }

  #by(decider: Decider): ExpectedDecider | undefined {
    switch (decider.kind) {
      case 'rule':
        return namedRule(decider.rule, decider.table, this.#ruleset).decider;
      case 'policy':
        return { kind: 'policy', table: decider.table, chain: decider.chain.name };
      case 'host':
        return { kind: 'reason', reason: decider.reason };
      default:
        return undefined;
    }
  }

  /** How the first packets of KIND left; undefined: as they came, to the host itself. */
  #becomes({ sentence, flows, isReversed }: FlowKind): Sentence | undefined {
    const lefts = flows.flatMap(({ left }) => (left === undefined ? [] : [left]));
    const [{ outDev, protocol }] = lefts;
    const isChanged = flows.some(
      ({ entered, left }) =>
        left?.destination !== entered.destination || left?.dport !== entered.dport || left?.source !== entered.source,
    );
    const { ends } = sentence;
    if (ends === undefined || (outDev === undefined && !isChanged)) return undefined;
    const marks = new Set(lefts.map(({ mark = 0 }) => mark >>> 0));
    const mark = marks.size === 1 ? [...marks][0] : 0;
    const end = (which: 'source' | 'destination', port: 'sport' | 'dport', isClient: boolean) => {
      const isKept = flows.every(
        ({ entered, left }) => left?.[which] === entered[which] && left[port] === entered[port],
      );
      if (isKept) return ends[which];
      const addresses = new Set(lefts.map((left) => left[which]));
      const ports = new Set(lefts.map((left) => left[port]));
      const host = addresses.size === 1 ? this.#names.hostOf([...addresses][0]) : undefined;
      return endOf(host, isClient || ports.size > 1 ? undefined : [...ports][0]);
    };
    return {
      ...ANY_PACKET,
      protocol,
      ends: { source: end('source', 'sport', !isReversed), destination: end('destination', 'dport', isReversed) },
      output: outDev === undefined ? undefined : { name: outDev, isNegated: false },
      mark: mark === 0 ? undefined : mark,
    };
  }
}

function flagsOf({ entered: { flags } }: SeenFlow): number | undefined {
  return flags === undefined || (flags & TCP_SYN) === 0 ? undefined : flags & 0x3f;
}

function endOfKind({ verdict }: SeenEnd): ExpectedEnd {
  return verdict === 'forwarded' || verdict === 'sent' ? 'accepted' : verdict;
}

/** What the host told the senders of packets with these ENDS, if that was the same for all: it limits how often. */
function answerMember(ends: readonly SeenEnd[]): { answer?: Sentence } {
  const [first, ...others] = ends.map(({ answer }) => (answer === undefined ? undefined : answerOf(answer)));
  const isSame = others.every((other) => JSON.stringify(other) === JSON.stringify(first));
  return first === undefined || !isSame ? {} : { answer: first };
}

function answerOf({ protocol, flags, icmp }: SentencePacket): Sentence {
  return {
    ...ANY_PACKET,
    protocol,
    flags: protocol === IPPROTO_TCP ? flags : undefined,
    icmp: icmp && icmpKindOf(icmp.type, icmp.code, protocol),
  };
}

function sectionOf({ outcome, flows: [{ entered, left }] }: FlowKind, names: AddressNames): Section {
  if (outcome === 'rejected' || outcome === 'dropped') return outcome;
  if (entered.isLocal === true) return 'own';
  const isTranslated = left !== undefined && left.destination !== entered.destination;
  return left?.outDev === undefined || isTranslated || names.isOwn(entered.destination) ? 'in' : 'through';
}
