/**
 * hot: an index for a long chain, so that a packet is only tested against the rules it may match.
 *
 * Each rule is in the interval lists of one field: the one by which the fewest packets reach it. A packet has one list
 * per field. The rules in its lists are merged in chain order and compared with the packet, and the first match acts.
 * If the packet continues after that, so does the merge.
 */
import { toHostOrder } from '../../../codecs/byte-order.js';
import type { IndexedField } from '../../fields.js';
import { Verdict } from '../../hooks.js';
import type { Packet } from '../../packet.js';
import { checkCondition } from '../condition.js';
import type { RuleContext } from '../context.js';
import { checkStep, type Step } from '../lower.js';
import type { Chain, Rule, TableCounters } from '../model.js';
import { DECISIVE, type Trace, TraceKind, traceEvent } from '../run/trace.js';
import { type FieldLists, indexChain, type Split } from './index-fields.js';
import { ENTRY_WORDS } from './interval-lists.js';
import {
  DESTINATION,
  DPORT,
  IN_DEV,
  LAST_WORD,
  type LeftToCheck,
  OUT_DEV,
  type PackedRules,
  PROTOCOL,
  packedRulesOf,
  RULE_SHIFT,
  SOURCE,
  SPORT,
  STATES,
} from './packed-rules.js';

const { CONTINUE, ACCEPT, DROP, RETURN } = Verdict;

/** The fields that `#walk` compares, one by one. A newly indexed field must be added there. */
const COMPARED = {
  destination: true,
  source: true,
  dport: true,
  sport: true,
  protocol: true,
  inDev: true,
  outDev: true,
} as const satisfies Record<IndexedField, true>;

/** Offset of the cursors in a visit, after the values. */
const CURSORS = 2 * Object.keys(COMPARED).length;

/** Index in `#checks` of the remaining tests of a rule; 0 if none. */
const CHECK = LAST_WORD;

const Action = { COUNT: 0, VERDICT: 1, TARGET: 2, JUMP: 3, GOTO: 4 } as const;

/** The index does not pay off if more than this share of the rules is listed under no field. */
const MAX_UNINDEXED = 1 / 8;

type ChainFunction = (packet: Packet) => Verdict;
type Check = (packet: Packet) => boolean;

/** What a chain needs from its table. */
export interface ChainSurroundings {
  readonly context: RuleContext;
  readonly counters: TableCounters;
  readonly chainIndexes: ReadonlyMap<string, number>;
  /** The functions of the table's chains, by index. Filled in before the first packet. */
  readonly chains: readonly ChainFunction[];
  /** The per-packet test of RULE: whether all STEPS hold. */
  perPacketTest(rule: Rule, steps: readonly Step[]): Check;
}

/** Converts CHAIN to interval lists. Returns undefined if a packet would gain too little. */
export function makeChainIndex(chain: Chain, around: ChainSurroundings): ChainIndex | undefined {
  const words = packedRulesOf(chain.rules, around.context);
  const split = indexChain(words);
  if (split.unindexed.length > chain.rules.length * MAX_UNINDEXED * ENTRY_WORDS) return undefined;
  return new ChainIndex(chain, words, split, around);
}

/** Whether all STEPS hold, tested in order. */
export function allHold(steps: readonly Step[], context: RuleContext): Check {
  if (steps.length === 1) return (packet) => checkStep(steps[0], packet, context);
  return (packet) => {
    for (const step of steps) if (!checkStep(step, packet, context)) return false;
    return true;
  };
}

export class ChainIndex {
  readonly #byField: readonly FieldLists[];
  /** The list entries of each field. The last one is the list of unindexed rules. */
  readonly #lists: readonly Int32Array[];
  /** The second field tested by the entries of each list. */
  readonly #seconds: Int32Array;
  readonly #words: Int32Array;
  readonly #length: number;
  readonly #firstIndex: number;
  readonly #firstId: number;
  readonly #counters: Float64Array;
  readonly #trace: Trace;
  readonly #checks: Check[] = [() => true];
  /** By position. */
  readonly #perPacketTests: (Check | undefined)[];
  readonly #actions: Uint8Array;
  /** For each action: a verdict, an index into `#targets`, or a chain index. */
  readonly #operands: Int32Array;
  readonly #targets: ChainFunction[] = [];
  readonly #chains: readonly ChainFunction[];
  /**
   * A packet in the chain: its values by field number, then the current position and the end for each list. The same
   * follows for a packet that reaches the chain while the first one is still in it (an answer from the host).
   */
  #visits: Int32Array;
  readonly #visitWords: number;
  #depth = 0;

  constructor(
    { rules }: Chain,
    { words, leftToCheck }: PackedRules,
    { byField, unindexed, unindexedSecond }: Split,
    around: ChainSurroundings,
  ) {
    const { counters } = around;
    this.#byField = byField;
    this.#lists = [...byField.map(({ lists }) => lists.data), unindexed];
    this.#seconds = Int32Array.of(...byField.map(({ second }) => second), unindexedSecond);
    this.#words = words;
    this.#length = rules.length;
    this.#firstIndex = rules[0].index;
    this.#firstId = counters.firstId + this.#firstIndex;
    this.#counters = counters.rules;
    this.#trace = counters.trace;
    this.#actions = new Uint8Array(rules.length);
    this.#operands = new Int32Array(rules.length);
    this.#chains = around.chains;
    this.#visitWords = CURSORS + 2 * this.#lists.length;
    this.#visits = new Int32Array(this.#visitWords);
    this.#perPacketTests = leftToCheck.map((one, position) => {
      if (one === undefined) return undefined;
      this.#setCheck(position, one, around.context);
      return one.perPacket.length === 0 ? undefined : around.perPacketTest(rules[position], one.perPacket);
    });
    rules.forEach((rule, position) => {
      if (words[(position << RULE_SHIFT) + STATES] !== 0) this.#setAction(position, rule, around);
    });
  }

  /** Runs the chain for PACKET, whose header must be complete. Returns CONTINUE or RETURN if it reached the end. */
  run(packet: Packet): Verdict {
    const base = this.#depth * this.#visitWords;
    if (this.#visits.length <= base) {
      const more = new Int32Array(base * 2);
      more.set(this.#visits);
      this.#visits = more;
    }
    this.#depth++;
    const verdict = this.#walk(packet, this.#visits, base);
    this.#depth--;
    return verdict;
  }

  #walk(packet: Packet, visits: Int32Array, base: number): Verdict {
    const words = this.#words;
    const lists = this.#lists;
    const seconds = this.#seconds;
    const count = lists.length;
    const length = this.#length;
    const destination = toHostOrder(packet.destination) | 0;
    const source = toHostOrder(packet.source) | 0;
    const { dport, sport, protocol } = packet;
    const inDev = packet.inDev + 1;
    const outDev = packet.outDev + 1;
    const state = 1 << packet.ctinfo;
    visits[base + DESTINATION] = destination;
    visits[base + SOURCE] = source;
    visits[base + DPORT] = dport;
    visits[base + SPORT] = sport;
    visits[base + PROTOCOL] = protocol;
    visits[base + IN_DEV] = inDev;
    visits[base + OUT_DEV] = outDev;
    this.#findLists(visits, base);
    for (;;) {
      let best = length;
      let bestList = -1;
      for (let list = 0; list < count; list++) {
        const entries = lists[list];
        const second = visits[base + seconds[list]];
        const cursor = base + CURSORS + 2 * list;
        const end = visits[cursor + 1];
        let at = visits[cursor];
        for (; at < end; at += ENTRY_WORDS) {
          const position = entries[at];
          if (position >= best) break;
          if ((second - entries[at + 1]) >>> 0 > entries[at + 2] >>> 0) continue;
          const rule = position << RULE_SHIFT;
          if (
            (destination - words[rule + DESTINATION]) >>> 0 <= words[rule + DESTINATION + 1] >>> 0 &&
            (source - words[rule + SOURCE]) >>> 0 <= words[rule + SOURCE + 1] >>> 0 &&
            (dport - words[rule + DPORT]) >>> 0 <= words[rule + DPORT + 1] >>> 0 &&
            (sport - words[rule + SPORT]) >>> 0 <= words[rule + SPORT + 1] >>> 0 &&
            (protocol - words[rule + PROTOCOL]) >>> 0 <= words[rule + PROTOCOL + 1] >>> 0 &&
            (inDev - words[rule + IN_DEV]) >>> 0 <= words[rule + IN_DEV + 1] >>> 0 &&
            (outDev - words[rule + OUT_DEV]) >>> 0 <= words[rule + OUT_DEV + 1] >>> 0 &&
            (words[rule + STATES] & state) !== 0
          ) {
            best = position;
            bestList = list;
            break;
          }
        }
        visits[cursor] = at;
      }
      if (bestList < 0) return CONTINUE;
      visits[base + CURSORS + 2 * bestList] += ENTRY_WORDS;
      const check = words[(best << RULE_SHIFT) + CHECK];
      if (check !== 0 && !this.#checks[check](packet)) continue;
      const verdict = this.#act(best, packet);
      if (verdict !== CONTINUE) return verdict;
    }
  }

  #findLists(visits: Int32Array, base: number): void {
    const byField = this.#byField;
    let cursor = base + CURSORS;
    for (let i = 0; i < byField.length; i++, cursor += 2) {
      const { field, lists } = byField[i];
      const found = lists.find(visits[base + field]);
      visits[cursor] = lists.data[found];
      visits[cursor + 1] = lists.data[found + 1];
    }
    visits[cursor] = 0;
    visits[cursor + 1] = this.#lists[byField.length].length;
  }

  /** The rule at POSITION matches, except for its per-packet test. */
  #act(position: number, packet: Packet): Verdict {
    const trace = this.#trace;
    const id = this.#firstId + position;
    const passes = this.#perPacketTests[position];
    if (passes !== undefined) {
      if (!passes(packet)) {
        const failed = traceEvent(id, TraceKind.FAILED);
        trace[++trace[0]] = failed;
        return packet.hotdrop ? this.#drop(failed) : CONTINUE;
      }
      trace[++trace[0]] = traceEvent(id, TraceKind.PASSED);
    }
    const counter = (this.#firstIndex + position) * 2;
    this.#counters[counter] += 1;
    this.#counters[counter + 1] += packet.length;
    const event = traceEvent(id, TraceKind.MATCHED);
    trace[++trace[0]] = event;
    const operand = this.#operands[position];
    if (packet.hotdrop) {
      if (this.#actions[position] === Action.TARGET) this.#targets[operand](packet);
      return this.#drop(event);
    }
    switch (this.#actions[position]) {
      case Action.VERDICT:
        return operand === DROP ? this.#drop(event) : (operand as Verdict);
      case Action.TARGET: {
        const verdict = this.#targets[operand](packet);
        return verdict === DROP ? this.#drop(event) : verdict;
      }
      case Action.JUMP: {
        const verdict = this.#chains[operand](packet);
        return verdict === ACCEPT || verdict === DROP ? verdict : CONTINUE;
      }
      case Action.GOTO: {
        // Its end is the end of this chain: goto does not come back.
        const verdict = this.#chains[operand](packet);
        return verdict === CONTINUE ? RETURN : verdict;
      }
      default:
        return CONTINUE;
    }
  }

  /** EVENT, which is in the trace, drops the packet. */
  #drop(event: number): Verdict {
    this.#trace[DECISIVE] = event;
    return DROP;
  }

  #setCheck(position: number, { several, checks }: LeftToCheck, context: RuleContext): void {
    if (several.length === 0 && checks.length === 0) return;
    this.#words[(position << RULE_SHIFT) + CHECK] = this.#checks.length;
    const others = allHold(checks, context);
    this.#checks.push((packet) => {
      for (const condition of several) if (!checkCondition(condition, packet, context)) return false;
      return checks.length === 0 || others(packet);
    });
  }

  #setAction(position: number, { target }: Rule, { context, chainIndexes }: ChainSurroundings): void {
    switch (target.kind) {
      case 'none':
        this.#actions[position] = Action.COUNT;
        break;
      case 'verdict':
        this.#actions[position] = Action.VERDICT;
        this.#operands[position] = target.verdict;
        break;
      case 'extension':
        this.#actions[position] = Action.TARGET;
        this.#operands[position] = this.#targets.length;
        this.#targets.push((packet) => target.extension.apply(target.params, packet, context));
        break;
      case 'jump':
      case 'goto':
        this.#actions[position] = target.kind === 'jump' ? Action.JUMP : Action.GOTO;
        this.#operands[position] = chainIndexes.get(target.chain)!;
    }
  }
}
