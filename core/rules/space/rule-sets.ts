/** Rules as sets of packets: which ones meet all conditions of a rule, as far as conditions can say. */
import { FIELDS, type FieldName, fieldRow } from '../../fields.js';
import { CtInfo } from '../../packet.js';
import { lowerBase } from '../base-match.js';
import type { ChainCalls } from '../chain-calls.js';
import { type Condition, conditionFields, holdsFor } from '../condition.js';
import { effectOf } from '../effect.js';
import { askedMatches, type HeaderNeed, isCondition, type NativeStep, type Step, stepsOfMatch } from '../lower.js';
import type { Chain, Match, Rule, Table } from '../model.js';
import { ALL_PACKETS, NO_PACKETS, type PacketSet } from './diagrams.js';
import type { PacketSpace } from './packet-space.js';

/** The packets that a rule matches and those that it drops because their header is cut short (hotdrop). */
export interface RulePackets {
  readonly matching: PacketSet;
  readonly cut: PacketSet;
  /** Whether that is all that the rule tests: no limit, no search in contents, nothing that is not supported. */
  readonly isExact: boolean;
}

/** What targets may set a packet's state to (-j CT, NOTRACK). */
const SET_STATES = [CtInfo.NEW, CtInfo.UNTRACKED];
const NOTHING: Fields = new Set();

/** A first fragment that starts here would overwrite TCP's flags. */
const OVERLAP_AT = 8;

/** The steps of RULE, each with the match that it comes from; without what is not supported and what comes after it. */
export function* stepsOfRule(
  rule: Rule,
  devices: readonly string[],
): Generator<[step: Step, match: Match | undefined]> {
  for (const condition of lowerBase(rule.base, devices)) yield [condition, undefined];
  for (const match of rule.matches.slice(0, askedMatches(rule)))
    for (const step of stepsOfMatch(match)) yield [step, match];
}

/** The fields that the conditions of TABLE test. */
export function testedFields(tables: readonly Table[]): Set<FieldName> {
  const fields = new Set<FieldName>();
  for (const { rules } of tables)
    for (const rule of rules)
      for (const [step] of stepsOfRule(rule, []))
        if (isCondition(step)) for (const field of conditionFields(step)) fields.add(field);
  return fields;
}

const PACKET_FIELDS = (Object.keys(FIELDS) as FieldName[]).filter((name) => {
  const { fixedBy } = fieldRow(name);
  return fixedBy === 'packet' && !['sourceMac', 'packetType', 'bridgePort'].includes(name);
});
const CONNECTION_FIELDS = (Object.keys(FIELDS) as FieldName[]).filter((name) => name.startsWith('ct'));

/** The fields that RULE may change in packets that go on behind it. */
function changedBy(rule: Rule): readonly FieldName[] {
  const { target, matches } = rule;
  const setsMark = matches.some(({ extension, params }) => extension.lower(params).native?.setsMark === true);
  const mark: readonly FieldName[] = setsMark ? ['mark'] : [];
  // A target that ends the table changes nothing for the rules behind it.
  if (target.kind !== 'extension' || target.extension.terminates) return mark;
  const { extension } = target;
  const state = extension.changesState === true ? [...CONNECTION_FIELDS, 'socket' as const] : [];
  switch (effectOf(rule)) {
    case 'mark':
      return ['mark', ...state];
    case 'packet':
      return [...PACKET_FIELDS, 'mark', ...state];
    case 'connection':
      return ['ctmark', 'ctlabels', 'ctstatus', ...mark, ...state];
    case 'outside':
      // Without an effect of its own, it may do anything.
      return extension.effect === undefined ? [...PACKET_FIELDS, ...CONNECTION_FIELDS, 'mark'] : [...mark, ...state];
    default:
      return [...mark, ...state];
  }
}

type Fields = ReadonlySet<FieldName>;

interface OrderedChains {
  readonly calls: ChainCalls;
  /** The chains that hooks lead to, each after those that it calls. */
  readonly order: readonly Chain[];
}

/**
 * For each rule of a table, by its index, the fields that rules may have changed before a packet reaches it.
 */
function changedBefore({ calls, order }: OrderedChains): Fields[] {
  const inside = new Map<Chain, Fields>();
  for (const chain of order)
    inside.set(
      chain,
      new Set(chain.rules.flatMap((rule) => [...changedBy(rule), ...(inside.get(calls.calledBy(rule)!) ?? [])])),
    );
  const entering = new Map<Chain, Set<FieldName>>();
  const before: Fields[] = [];
  for (const chain of [...order].reverse()) {
    let changed: Fields = entering.get(chain) ?? new Set();
    for (const rule of chain.rules) {
      // Its own matches may, too, before its later ones are asked.
      const own = changedBy(rule);
      before[rule.index] =
        own.includes('mark') && !changed.has('mark') ? new Set([...changed, ...markOf(rule)]) : changed;
      const called = calls.calledBy(rule);
      if (called !== undefined) entering.set(called, new Set([...(entering.get(called) ?? []), ...changed]));
      const more = [...own, ...(inside.get(called!) ?? [])].filter((field) => !changed.has(field));
      if (more.length > 0) changed = new Set([...changed, ...more]);
    }
  }
  return before;
}

/** The mark, if a match of RULE sets it. */
function markOf({ matches }: Rule): FieldName[] {
  const setsMark = matches.some(({ extension, params }) => extension.lower(params).native?.setsMark === true);
  return setsMark ? ['mark'] : [];
}

/** Turns the rules of one table into sets. */
export class RuleSets {
  readonly #space: PacketSpace;
  /** By the index of rules. */
  readonly #changedBefore: readonly Fields[];
  /** The sets of ipset that targets of the table change. */
  readonly #changedSets: ReadonlySet<string>;
  /** Tests of which nothing is known but that they say the same about the same packet, by what they test. */
  readonly #tests = new Map<string, PacketSet>();

  constructor(table: Table, chains: OrderedChains, space: PacketSpace) {
    this.#space = space;
    this.#changedBefore = changedBefore(chains);
    this.#changedSets = new Set(
      table.rules.flatMap(({ target }) =>
        target.kind === 'extension' ? (target.extension.sets?.(target.params) ?? []).map(({ name }) => name) : [],
      ),
    );
  }

  packetsOf(rule: Rule): RulePackets {
    const { sets, encoding } = this.#space;
    let matching = ALL_PACKETS;
    let cut = NO_PACKETS;
    let isExact = rule.unsupported === undefined;
    const changed = this.#changedBefore[rule.index] ?? NOTHING;
    for (const [step, match] of stepsOfRule(rule, this.#space.devices)) {
      if (step.kind === 'header') {
        const { has, drops } = this.#header(step);
        cut = sets.or(cut, sets.and(matching, drops));
        matching = sets.and(matching, has);
        continue;
      }
      const known = this.#known(step, match, changed);
      isExact &&= known.isExact;
      matching = sets.and(matching, known.set);
    }
    if (rule.unsupported !== undefined) matching = sets.and(matching, encoding.freshTest());
    return { matching, cut, isExact };
  }

  #header({ bytes, isStrict, dropsShort, dropsOverlap }: HeaderNeed): { has: PacketSet; drops: PacketSet } {
    const { sets } = this.#space;
    const first = isStrict ? this.#space.having('fragmentOffset', 0) : ALL_PACKETS;
    const long = this.#space.withHeader(bytes);
    const short = dropsShort ? sets.minus(first, long) : NO_PACKETS;
    const overlapping = dropsOverlap ? this.#space.having('fragmentOffset', OVERLAP_AT) : NO_PACKETS;
    return { has: sets.and(first, long), drops: sets.or(short, overlapping) };
  }

  #known(
    step: Exclude<Step, HeaderNeed>,
    match: Match | undefined,
    changed: Fields,
  ): { set: PacketSet; isExact: boolean } {
    if (!isCondition(step)) return { set: this.#native(step, match, changed), isExact: false };
    if (conditionFields(step).some((name) => changed.has(name)))
      return { set: this.#afterChange(step), isExact: false };
    return { set: this.#space.meeting(step), isExact: true };
  }

  /** The packets for which CONDITION may hold after a rule has changed what it tests. */
  #afterChange(condition: Condition): PacketSet {
    const { encoding, sets } = this.#space;
    const test = encoding.freshTest();
    const isState = condition.kind === 'field' && condition.field === 'ctinfo';
    // Targets take packets out of conntrack, or give them a template, but no other state.
    const mayBegin = isState && SET_STATES.some((state) => holdsFor(condition, state));
    return isState && !mayBegin ? sets.and(this.#space.meeting(condition), test) : test;
  }

  /** The packets for which a test holds that conditions cannot say. Tests that say the same are the same set. */
  #native(step: NativeStep, match: Match | undefined, changed: Fields): PacketSet {
    const { encoding, sets } = this.#space;
    const key = match && this.#keyOf(step, match, changed);
    if (key === undefined) return encoding.freshTest();
    const { name, isNegated } = key;
    const test = this.#tests.get(name) ?? encoding.freshTest();
    this.#tests.set(name, test);
    return isNegated ? sets.not(test) : test;
  }

  /** What a test is about, if it says the same about a packet wherever in the table; undefined if it may not. */
  #keyOf(
    { native }: NativeStep,
    { extension, params }: Match,
    changed: Fields,
  ): { name: string; isNegated: boolean } | undefined {
    const text = extension.save(params);
    const isChanged = native.reads.some((name) => changed.has(name));
    if (isChanged || native.setsMark === true || native.mayDrop === true) return undefined;
    const mentioned = extension.sets?.(params);
    if (mentioned !== undefined) {
      // With more options, looking changes the set's counters, or depends on them.
      const isPlain = text.split(' --').length === 2;
      if (!isPlain || mentioned.some(({ name }) => this.#changedSets.has(name))) return undefined;
      const isNegated = text.startsWith(' ! ');
      return { name: `${extension.name}${isNegated ? text.slice(2) : text}`, isNegated };
    }
    if (native.check === undefined) return undefined;
    const isSame = native.reads.every((name) => !['history', 'sets'].includes(fieldRow(name).fixedBy));
    return isSame ? { name: `${extension.name}${text}`, isNegated: false } : undefined;
  }
}
