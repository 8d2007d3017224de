/**
 * What can be said of the rules of a table whose sets of packets are too complex together: each rule is examined by
 * itself, and against single earlier rules of its chain.
 */
import { HOOK_NAMES, type Hook } from '../../core/hooks.js';
import type { Host } from '../../core/host/host.js';
import { ChainCalls } from '../../core/rules/chain-calls.js';
import type { Chain, Rule, Ruleset, Table } from '../../core/rules/model.js';
import { saveAppended } from '../../core/rules/save.js';
import { arrivingAt } from '../../core/rules/space/arrivals.js';
import { NO_PACKETS, type PacketSet, TooManyNodes } from '../../core/rules/space/diagrams.js';
import type { PacketSpace } from '../../core/rules/space/packet-space.js';
import { RuleSets, stepsOfRule } from '../../core/rules/space/rule-sets.js';
import { refuses } from '../../core/rules/space/table-reach.js';
import { type Finding, formatPlace, placeOf } from '../findings.js';
import { deliversOwnOnly } from './host-addresses.js';
import { fateBy } from './takers.js';

/** With how many earlier rules, the last ones, the sets of a rule are compared. */
const MOST_COMPARED = 64;

interface Taker {
  readonly rule: Rule;
  readonly tokens: readonly string[];
  readonly matching: PacketSet;
}

/** Examines the rules of one table. */
export class OneByOne {
  /** The rules about which nothing could be said. */
  readonly unexamined: Rule[] = [];
  readonly #table: Table;
  readonly #makeSpace: () => PacketSpace;
  readonly #isPlain: boolean;
  readonly #calls: ChainCalls;
  readonly #order: readonly Chain[];
  /** The chains that call a chain, by their way from a hook. */
  readonly #callers = new Map<Chain, Set<Chain>>();
  /** The packets at each hook. */
  readonly #arriving = new Map<Hook, PacketSet>();
  #space: PacketSpace;
  #sets: RuleSets;
  /** Of the chain at hand: the earlier rules that take packets, of which the sets are those of the space at hand. */
  #recent: Taker[] = [];
  /** All of them that conditions describe in full, by the longest of their conditions, which few others have. */
  #takers = new Map<string, Taker[]>();

  /** MAKE_SPACE makes an empty space for the table. */
  constructor(table: Table, ruleset: Ruleset, host: Host | undefined, makeSpace: () => PacketSpace) {
    this.#table = table;
    this.#makeSpace = makeSpace;
    this.#isPlain = host !== undefined && deliversOwnOnly(host, ruleset);
    this.#calls = new ChainCalls(table);
    const hooked = table.chains.filter(({ hook }) => hook !== undefined);
    this.#order = this.#calls.calleesFirst(hooked, (called, { chain }) => {
      this.#callers.set(called, (this.#callers.get(called) ?? new Set()).add(chain));
    });
    this.#space = makeSpace();
    this.#sets = this.#setsIn(this.#space);
  }

  find(): Finding[] {
    return this.#order.flatMap((chain) => {
      this.#recent = [];
      this.#takers = new Map();
      return chain.rules.flatMap((rule) => this.#examine(chain, rule) ?? []);
    });
  }

  /** Whether some call leads from a hook to CHAIN. */
  isCalled(chain: Chain): boolean {
    return chain.hook !== undefined || this.#callers.has(chain);
  }

  #setsIn(space: PacketSpace): RuleSets {
    return new RuleSets(this.#table, { calls: this.#calls, order: this.#order }, space);
  }

  /** What ASK returns; in a new space, if the one at hand is full. Undefined if that is too small as well. */
  #within<Result>(rule: Rule, ask: () => Result): Result | undefined {
    for (let attempt = 0; attempt < 2; attempt++) {
      try {
        return ask();
      } catch (error) {
        if (!(error instanceof TooManyNodes)) throw error;
        this.#recent = [];
        this.#arriving.clear();
        this.#space = this.#makeSpace();
        this.#sets = this.#setsIn(this.#space);
      }
    }
    this.unexamined.push(rule);
    return undefined;
  }

  #examine(chain: Chain, rule: Rule): Finding | undefined {
    return this.#within(rule, () => {
      const { matching, isExact } = this.#sets.packetsOf(rule);
      const { sets, valid } = this.#space;
      const isPossible = sets.meet(matching, valid);
      const tokens = isExact ? this.#tokensOf(rule) : undefined;
      const found = isPossible
        ? (this.#atWrongHook(chain, rule, matching) ?? this.#shadowed(rule, matching, tokens))
        : this.#impossible(rule, matching);
      if (isPossible && takes(rule)) this.#note({ rule, tokens: tokens ?? [], matching }, isExact);
      return found;
    });
  }

  #tokensOf(rule: Rule): string[] {
    return [...new Set([...stepsOfRule(rule, this.#space.devices)].map(([step]) => JSON.stringify(step)))].sort(
      (a, b) => a.length - b.length || (a < b ? -1 : 1),
    );
  }

  #note(taker: Taker, isExact: boolean): void {
    this.#recent.push(taker);
    if (this.#recent.length > MOST_COMPARED) this.#recent.shift();
    if (!isExact) return;
    const last = taker.tokens.at(-1) ?? '';
    const known = this.#takers.get(last);
    if (known === undefined) this.#takers.set(last, [taker]);
    else known.push(taker);
  }

  #impossible(rule: Rule, matching: PacketSet): Finding | undefined {
    if (matching === NO_PACKETS) return never(rule, 'contradiction', 'its own conditions exclude each other');
    // What only guards against packets that conntrack and reassembly leave out anyway does no harm.
    return refuses(rule) ? undefined : never(rule, 'no-such-packet', 'no packet is like that where rules see it');
  }

  #atWrongHook(chain: Chain, rule: Rule, matching: PacketSet): Finding | undefined {
    const bases = new Set([chain]);
    for (const one of bases) for (const caller of this.#callers.get(one) ?? []) bases.add(caller);
    const hooks = [...bases].flatMap(({ hook }) => (hook === undefined ? [] : [hook]));
    const arrives = hooks.some((hook) => this.#space.sets.meet(this.#arrivingAt(hook), matching));
    if (arrives || (refuses(rule) && this.#isPlain)) return undefined;
    const code = this.#table.name === 'nat' ? 'no-translation' : 'no-such-packet';
    const names = hooks.map((hook) => HOOK_NAMES[hook]).join(', ');
    return never(rule, code, `no packet in ${this.#table.name} ${names} is like that`);
  }

  #arrivingAt(hook: Hook): PacketSet {
    const known = this.#arriving.get(hook);
    if (known !== undefined) return known;
    const packets = arrivingAt(this.#space, this.#table.name, hook, this.#isPlain);
    this.#arriving.set(hook, packets);
    return packets;
  }

  /** The finding about RULE if a single earlier rule takes all that it is MATCHING. TOKENS: its conditions, if they are all. */
  #shadowed(rule: Rule, matching: PacketSet, tokens: readonly string[] | undefined): Finding | undefined {
    const taker =
      this.#recent.find((earlier) => this.#space.sets.isWithin(matching, earlier.matching)) ??
      (tokens === undefined ? undefined : this.#widerThan(tokens));
    if (taker === undefined || (refuses(rule) && refuses(taker.rule))) return undefined;
    const fate = fateBy(taker.rule);
    const change = fate === fateBy(rule) ? 'remove it' : `remove it, or move it before ${formatPlace(taker.rule)}`;
    return { ...never(rule, 'shadowed', `all of it is ${fate} before`, taker.rule), change };
  }

  /** The first rule known of which the conditions are all among TOKENS. */
  #widerThan(tokens: readonly string[]): Taker | undefined {
    const own = new Set(tokens);
    for (const last of ['', ...tokens])
      for (const taker of this.#takers.get(last) ?? []) if (taker.tokens.every((token) => own.has(token))) return taker;
    return undefined;
  }
}

/** Whether no packet that matches RULE comes to the rule behind it. */
function takes({ target }: Rule): boolean {
  return (
    target.kind === 'verdict' || target.kind === 'goto' || (target.kind === 'extension' && target.extension.terminates)
  );
}

function never(rule: Rule, code: Finding['code'], why: string, taker?: Rule): Finding {
  const by = taker === undefined ? [] : [taker];
  return {
    code,
    message: `never matches: ${saveAppended(rule)}: ${why}`,
    rules: [rule, ...by].map(placeOf),
    packets: [],
    change: null,
    never: { rule, why, by },
  };
}
