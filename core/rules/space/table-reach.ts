/**
 * Which packets reach each rule of a table, and which of them it matches: exactly, as sets. Rules are only looked at,
 * so the sets hold for every packet that there can be.
 *
 * Each chain is examined once, as a function of the packets that enter it, however many rules call it.
 */
import { type Hook, Verdict } from '../../hooks.js';
import { type Call, ChainCalls } from '../chain-calls.js';
import type { Chain, Rule, Table } from '../model.js';
import { ALL_PACKETS, NO_PACKETS, type PacketSet } from './diagrams.js';
import type { PacketSpace } from './packet-space.js';
import { type RulePackets, RuleSets } from './rule-sets.js';

/** What becomes of the packets that enter a chain. */
export interface ChainOutcome {
  /** Those that return to where the chain was called. */
  readonly returned: PacketSet;
  /** Those that a rule accepts, or may accept. */
  readonly accepted: PacketSet;
  /** Those that are dropped or rejected. */
  readonly refused: PacketSet;
}

/** Whether a packet that matches RULE is refused: dropped or rejected. */
export function refuses({ target }: Rule): boolean {
  if (target.kind === 'verdict') return target.verdict === Verdict.DROP;
  return target.kind === 'extension' && target.extension.refuses === true;
}

export class TableReach {
  readonly table: Table;
  readonly space: PacketSpace;
  /** By the index of rules: what each rule matches of all packets. */
  readonly packets: readonly RulePackets[];
  /** By the index of rules: the packets that reach a rule, of those that enter its chain. */
  readonly #reaching: PacketSet[] = [];
  readonly #outcomes = new Map<Chain, ChainOutcome>();
  readonly #entering = new Map<Chain, PacketSet>();
  readonly #callsOf = new Map<Chain, Call[]>();
  readonly #calls: ChainCalls;

  /** ARRIVING: the packets that there can be at each hook. */
  constructor(table: Table, space: PacketSpace, arriving: (hook: Hook) => PacketSet) {
    this.table = table;
    this.space = space;
    this.#calls = new ChainCalls(table);
    const hooked = table.chains.filter(({ hook }) => hook !== undefined);
    const order = this.#calls.calleesFirst(hooked, (called, call) => this.#noteCall(called, call));
    const rules = new RuleSets(table, { calls: this.#calls, order }, space);
    this.packets = table.rules.map((rule) => rules.packetsOf(rule));
    for (const chain of order) this.#examine(chain);
    for (const { chain, hook } of table.chains.map((chain) => ({ chain, hook: chain.hook })))
      if (hook !== undefined) this.#enter(chain, chain.isAbsent === true ? NO_PACKETS : arriving(hook));
    for (const chain of order.reverse()) this.#callFrom(chain);
  }

  /** The chain that RULE calls; undefined if it calls none. */
  calledBy(rule: Rule): Chain | undefined {
    return this.#calls.calledBy(rule);
  }

  chainOf(rule: Rule): Chain {
    return this.#calls.chainNamed(rule.chain)!;
  }

  /** The rules that call CHAIN and can be reached from a hook, whatever they match. */
  callsOf(chain: Chain): readonly Call[] {
    return this.#callsOf.get(chain) ?? [];
  }

  /** Whether some call leads from a hook to CHAIN. */
  isCalled(chain: Chain): boolean {
    return chain.hook !== undefined || this.callsOf(chain).length > 0;
  }

  /** The packets that enter CHAIN. */
  entering(chain: Chain): PacketSet {
    return this.#entering.get(chain) ?? NO_PACKETS;
  }

  /** What becomes of all packets if they enter CHAIN. */
  outcomeOf(chain: Chain): ChainOutcome {
    return this.#outcomes.get(chain)!;
  }

  /** The packets that reach RULE, of all packets if they enter its chain. */
  reachingInChain({ index }: Rule): PacketSet {
    return this.#reaching[index];
  }

  /** The packets that reach RULE and match it, of PACKETS. */
  matched(rule: Rule, packets: PacketSet = ALL_PACKETS): PacketSet {
    const { sets } = this.space;
    const matching = sets.and(this.packets[rule.index].matching, packets);
    return sets.and(this.entering(this.chainOf(rule)), sets.and(this.#reaching[rule.index], matching));
  }

  /** Whether RULE ever matches a packet, or one of PACKETS. */
  matches(rule: Rule, packets: PacketSet = ALL_PACKETS): boolean {
    const { sets } = this.space;
    const { matching } = this.packets[rule.index];
    return sets.meet(packets, matching, this.#reaching[rule.index], this.entering(this.chainOf(rule)));
  }

  /** Whether the policy of base chain CHAIN ever decides. */
  leavesToPolicy(chain: Chain): boolean {
    return this.space.sets.meet(this.entering(chain), this.outcomeOf(chain).returned);
  }

  /** The packets about which the policy of base chain CHAIN decides. */
  leftToPolicy(chain: Chain): PacketSet {
    return this.space.sets.and(this.entering(chain), this.outcomeOf(chain).returned);
  }

  /** The packets of PACKETS that do not come out of RULE to the rule behind it, if they reach it. */
  takenBy(rule: Rule, packets: PacketSet): PacketSet {
    const { sets } = this.space;
    const { matching, cut } = this.packets[rule.index];
    return sets.or(sets.and(packets, cut), sets.minus(sets.and(packets, matching), this.#passing(rule)));
  }

  /** The packets that go on behind RULE although they match it. */
  #passing(rule: Rule): PacketSet {
    const { target } = rule;
    if (target.kind === 'none') return ALL_PACKETS;
    if (target.kind === 'jump') return this.outcomeOf(this.#calls.chainNamed(target.chain)!).returned;
    if (target.kind === 'extension') return target.extension.terminates ? NO_PACKETS : ALL_PACKETS;
    return NO_PACKETS;
  }

  #noteCall(called: Chain, call: Call): void {
    const calls = this.#callsOf.get(called);
    if (calls === undefined) this.#callsOf.set(called, [call]);
    else calls.push(call);
  }

  #examine(chain: Chain): void {
    const { sets } = this.space;
    let rest = ALL_PACKETS;
    let returned = NO_PACKETS;
    let accepted = NO_PACKETS;
    let refused = NO_PACKETS;
    for (const rule of chain.rules) {
      this.#reaching[rule.index] = rest;
      const { matching, cut } = this.packets[rule.index];
      if (rest === NO_PACKETS) continue;
      const { target } = rule;
      const matched = sets.and(rest, matching);
      if (target.kind === 'verdict' && target.verdict === Verdict.RETURN) returned = sets.or(returned, matched);
      else if (target.kind === 'jump' || target.kind === 'goto') {
        const outcome = this.outcomeOf(this.#calls.chainNamed(target.chain)!);
        if (target.kind === 'goto') returned = sets.or(returned, sets.and(matched, outcome.returned));
        accepted = sets.or(accepted, sets.and(matched, outcome.accepted));
        refused = sets.or(refused, sets.and(matched, outcome.refused));
      } else if (refuses(rule)) refused = sets.or(refused, matched);
      else if (target.kind === 'verdict' || (target.kind === 'extension' && target.extension.terminates))
        accepted = sets.or(accepted, matched);
      refused = sets.or(refused, sets.and(rest, cut));
      rest = sets.minus(rest, this.takenBy(rule, rest));
    }
    this.#outcomes.set(chain, { returned: sets.or(returned, rest), accepted, refused });
  }

  #enter(chain: Chain, packets: PacketSet): void {
    this.#entering.set(chain, this.space.sets.or(this.entering(chain), packets));
  }

  #callFrom(chain: Chain): void {
    const entering = this.entering(chain);
    if (entering === NO_PACKETS) return;
    for (const rule of chain.rules) {
      const called = this.calledBy(rule);
      if (called !== undefined && this.matches(rule)) this.#enter(called, this.matched(rule));
    }
  }
}
