/**
 * hot (the generated code): compiles a table into one function per chain. The tests compare it with `interpretTable`.
 *
 * Generated code assumes that a packet's layer-4 header is complete (`isWhole`), as it nearly always is. All other
 * packets are handled by the interpreter, which knows what each match does with them.
 */
import {
  AH_LENGTH,
  DCCP_LENGTH,
  ESP_LENGTH,
  ICMP_LENGTH,
  IPPROTO_AH,
  IPPROTO_DCCP,
  IPPROTO_ESP,
  IPPROTO_ICMP,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  PORTS_LENGTH,
  SCTP_LENGTH,
  TCP_LENGTH,
  UDP_LENGTH,
} from '../../../codecs/layouts.js';
import type { Observation } from '../../events.js';
import { type FieldCode, type FieldName, fieldRow } from '../../fields.js';
import { type Hook, Verdict } from '../../hooks.js';
import type { Packet } from '../../packet.js';
import { compileCondition } from '../condition.js';
import type { RuleContext } from '../context.js';
import { allHold, type ChainSurroundings, makeChainIndex } from '../index/chain-index.js';
import {
  checkStep,
  isCondition,
  isPredictable,
  lowerRule,
  mayDrop,
  predictStep,
  type SplitSteps,
  type Step,
  splitSteps,
} from '../lower.js';
import type { Chain, Rule, Table, TableCounters } from '../model.js';
import {
  allInOrder,
  allOf,
  type Code,
  code,
  declareFields,
  FALSE,
  fieldValueCode,
  type Generator,
  identifier,
  joinCode,
  TRUE,
} from './codegen.js';
import type { PerPacketTest, TableProgram } from './interpret.js';
import { DECISIVE, type Trace, TraceKind, traceEvent } from './trace.js';
import { logTracedEnd, logTracedRule } from './traced.js';

/**
 * V8 does not optimize functions with more than 60 KB of bytecode, about 300 rules, and is slow to optimize those
 * nearly as large, so longer chains are split into pieces.
 */
const RULES_PER_PIECE = 100;

/** Shorter chains are faster as code, rule by rule (measured with address and port rules). */
const RULES_TO_INDEX = 200;

/** Tables with more rules than this, not counting indexed chains, are compiled chain by chain as packets reach them. */
const RULES_AT_ONCE = 5000;

const EMPTY = code``;
const { CONTINUE, ACCEPT, DROP, RETURN } = Verdict;

type ChainFunction = (packet: Packet) => Verdict;

export interface CompileParts {
  readonly context: RuleContext;
  /** The table's own. */
  readonly counters: TableCounters;
  /** The same table, for packets that generated code is not made for, and for those that are observed. */
  readonly interpreted: TableProgram;
  readonly observation: Observation;
  /** Long chains become interval lists. */
  readonly isIndexed: boolean;
}

/** Compiles TABLE. */
export function compileTable(table: Table, parts: CompileParts): TableProgram {
  const { context, counters, interpreted, observation, isIndexed } = parts;
  const compiler = new TableCompiler(table, context, counters, isIndexed);
  const chains = compiler.compile();
  const { policies, trace } = counters;
  const firstPolicy = counters.firstId + table.rules.length;
  const byHook: ChainFunction[] = [];
  const policyByHook: Verdict[] = [];
  const chainByHook: Chain[] = [];
  for (const chain of table.chains) {
    if (chain.hook === undefined) continue;
    byHook[chain.hook] = chains[chain.index];
    policyByHook[chain.hook] = chain.policy;
    chainByHook[chain.hook] = chain;
  }

  return {
    perPacketTests: compiler.perPacketTests,
    run(packet: Packet, hook: Hook): Verdict {
      const isPlain = !packet.isTraced && observation.emit === undefined && isWhole(packet);
      if (!isPlain) return interpreted.run(packet, hook);
      packet.hotdrop = false;
      const verdict = byHook[hook](packet);
      if (verdict === ACCEPT || verdict === DROP) return verdict;
      policies[hook * 2] += 1;
      policies[hook * 2 + 1] += packet.length;
      const event = traceEvent(firstPolicy + hook, TraceKind.POLICY);
      trace[++trace[0]] = event;
      trace[DECISIVE] = event;
      if (packet.isTraced) logTracedEnd(context, packet, table, chainByHook[hook]);
      return policyByHook[hook];
    },
  };
}

/**
 * Whether the part of the layer-4 header that matches read is complete: its fixed part, or the four bytes of UDP-Lite's
 * ports and of IPComp's header.
 */
export function isWhole(packet: Packet): boolean {
  if (packet.fragmentOffset !== 0) return false;
  const there = packet.available - packet.headerLength;
  switch (packet.protocol) {
    case IPPROTO_TCP:
      return there >= TCP_LENGTH;
    case IPPROTO_UDP:
      return there >= UDP_LENGTH;
    case IPPROTO_ICMP:
      return there >= ICMP_LENGTH;
    case IPPROTO_SCTP:
      return there >= SCTP_LENGTH;
    case IPPROTO_DCCP:
      return there >= DCCP_LENGTH;
    case IPPROTO_AH:
      return there >= AH_LENGTH;
    case IPPROTO_ESP:
      return there >= ESP_LENGTH;
    default:
      return there >= PORTS_LENGTH;
  }
}

class TableCompiler {
  readonly #table: Table;
  readonly #context: RuleContext;
  readonly #chainIndexes: ReadonlyMap<string, number>;
  readonly #counters: TableCounters;
  readonly #firstId: number;
  readonly #isIndexed: boolean;
  /** A packet may be marked by TRACE while it traverses the table. */
  readonly #isTraceable: boolean;
  /** Whether a target changes the state of connections, which code and index otherwise read only once. */
  readonly #changesState: boolean;
  /** Indexed by chain. Filled in before the first packet. */
  readonly #chains: ChainFunction[] = [];
  /** The unit being compiled: its chains by index, their functions, and what these access. */
  #unit: ReadonlySet<number> = new Set();
  #functions: Code[] = [];
  #constants: unknown[] = [];
  #pieces = 0;
  /**
   * The per-packet tests of rules, by their ID in the trace. Absent for rules whose tests cannot be run separately.
   */
  readonly perPacketTests = new Map<number, PerPacketTest>();

  constructor(table: Table, context: RuleContext, counters: TableCounters, isIndexed: boolean) {
    this.#table = table;
    this.#context = context;
    this.#counters = counters;
    this.#firstId = counters.firstId;
    this.#isTraceable = table.rules.some(
      ({ target }) => target.kind === 'extension' && target.extension.marksTraced === true,
    );
    this.#changesState = table.rules.some(
      ({ target }) => target.kind === 'extension' && target.extension.changesState === true,
    );
    this.#isIndexed = isIndexed && !this.#isTraceable && !this.#changesState;
    this.#chainIndexes = new Map(table.chains.map(({ name, index }) => [name, index]));
  }

  /**
   * Returns the function of each chain, by index. It returns CONTINUE or RETURN if the packet reached the end of the
   * chain.
   */
  compile(): readonly ChainFunction[] {
    const left = this.#table.chains.filter((chain) => !this.#index(chain));
    const rules = left.reduce((sum, chain) => sum + chain.rules.length, 0);
    if (rules <= RULES_AT_ONCE) this.#makeCode(left);
    else for (const chain of left) this.#chains[chain.index] = this.#makeCodeLater(chain);
    return this.#chains;
  }

  /** Converts CHAIN to interval lists. Returns false if it is too short or would gain too little. */
  #index(chain: Chain): boolean {
    if (!this.#isIndexed || chain.rules.length < RULES_TO_INDEX) return false;
    const index = makeChainIndex(chain, this.#surroundings());
    if (index === undefined) return false;
    this.#chains[chain.index] = (packet) => index.run(packet);
    return true;
  }

  /** A large table has chains that no packet reaches, so CHAIN is compiled by the first packet that does. */
  #makeCodeLater(chain: Chain): ChainFunction {
    for (const rule of chain.rules) this.#noteTest(rule, this.#split(rule).perPacket);
    let made: ChainFunction | undefined;
    return (packet) => {
      made ??= this.#makeCode([chain])[0];
      return made(packet);
    };
  }

  /** Compiles CHAINS as a unit: they call each other directly. */
  #makeCode(chains: readonly Chain[]): ChainFunction[] {
    this.#unit = new Set(chains.map(({ index }) => index));
    this.#functions = [];
    this.#constants = [];
    this.#pieces = 0;
    for (const chain of chains) this.#chain(chain);
    const constants = joinCode(
      this.#constants.map((_, i) => code`const ${identifier('f', i)} = constants[${i}];\n`),
      EMPTY,
    );
    const names = joinCode(
      chains.map(({ index }) => identifier('c', index)),
      code`, `,
    );
    const source = code`'use strict';\n${constants}${joinCode(this.#functions, EMPTY)}return [${names}];`;
    const make = new Function('rules', 'trace', 'context', 'constants', source.text) as (
      rules: Float64Array,
      trace: Trace,
      context: RuleContext,
      constants: readonly unknown[],
    ) => ChainFunction[];
    const made = make(this.#counters.rules, this.#counters.trace, this.#context, this.#constants);
    chains.forEach(({ index }, i) => {
      this.#chains[index] = made[i];
    });
    return made;
  }

  #chain(chain: Chain): void {
    const name = identifier('c', chain.index);
    if (chain.rules.length <= RULES_PER_PIECE) {
      this.#function(name, chain.rules, this.#end(chain));
      return;
    }
    const calls: Code[] = [];
    for (let at = 0; at < chain.rules.length; at += RULES_PER_PIECE) {
      const piece = identifier('p', this.#pieces++);
      this.#function(piece, chain.rules.slice(at, at + RULES_PER_PIECE), EMPTY);
      calls.push(code`verdict = ${piece}(packet);\nif (verdict !== ${CONTINUE}) return verdict;\n`);
    }
    const body = joinCode(calls, EMPTY);
    this.#functions.push(
      code`function ${name}(packet) {\nlet verdict;\n${body}${this.#end(chain)}return ${CONTINUE};\n}\n`,
    );
  }

  /** The code for a packet that reaches the end of CHAIN. */
  #end(chain: Chain): Code {
    if (!this.#isTraceable || chain.hook !== undefined) return EMPTY;
    return this.#ifTraced((packet) => logTracedEnd(this.#context, packet, this.#table, chain));
  }

  #ifTraced(log: (packet: Packet) => void): Code {
    return code`if (packet.isTraced) ${this.#constant(log)}(packet);\n`;
  }

  /** The expression by which code calls the chain NAME. */
  #reference(name: string): Code {
    const index = this.#chainIndexes.get(name)!;
    return this.#unit.has(index) ? identifier('c', index) : this.#constant(this.#chains[index]);
  }

  #surroundings(): ChainSurroundings {
    return {
      context: this.#context,
      counters: this.#counters,
      chainIndexes: this.#chainIndexes,
      chains: this.#chains,
      perPacketTest: (rule, steps) => {
        this.#noteTest(rule, steps);
        return allHold(steps, this.#context);
      },
    };
  }

  /** END: the code behind RULES. */
  #function(name: Code, rules: readonly Rule[], end: Code): void {
    const fields = new Set<FieldName>();
    const body = joinCode(
      rules.map((rule) => this.#rule(rule, fields)),
      EMPTY,
    );
    const declarations = declareFields([...fields].map((name) => this.#codeOf(name)));
    this.#functions.push(
      code`function ${name}(packet) {\n${declarations}let verdict;\n${body}${end}return ${CONTINUE};\n}\n`,
    );
  }

  #rule(rule: Rule, fields: Set<FieldName>): Code {
    const { fixed, perPacket } = this.#split(rule);
    if (fixed === undefined) return EMPTY;
    const gen: Generator = {
      field: (name) => {
        fields.add(name);
        return fieldValueCode(this.#codeOf(name));
      },
      call: (check) => code`${this.#constant(check)}(packet)`,
    };
    const isReached = allOf(fixed.map((step) => this.#step(step, gen)));
    const passes = allInOrder(perPacket.map((step) => this.#step(step, gen)));
    if (isReached === FALSE) return EMPTY;
    const at = rule.index * 2;
    const id = this.#firstId + rule.index;
    const count = code`rules[${at}] += 1;\nrules[${at + 1}] += packet.length;\n${event(id, TraceKind.MATCHED)}`;
    const traced = this.#isTraceable ? this.#ifTraced((packet) => this.#logTraced(packet, rule)) : EMPTY;
    const counted = code`${count}${traced}`;
    const dropped = decisive(id, TraceKind.MATCHED);
    let body = code`${counted}${this.#target(rule, dropped)}`;
    if (perPacket.some(mayDrop)) {
      const dropping = code`${counted}${this.#effectOnly(rule)}${dropped}return ${DROP};\n`;
      body = code`if (packet.hotdrop) {\n${dropping}}\n${body}`;
    }
    if (perPacket.length > 0) {
      this.#noteTest(rule, perPacket);
      const hotdrop = code`if (packet.hotdrop) {\n${decisive(id, TraceKind.FAILED)}return ${DROP};\n}\n`;
      const otherwise = perPacket.some(mayDrop) ? hotdrop : EMPTY;
      const failed = code`${event(id, TraceKind.FAILED)}${otherwise}`;
      body = code`if (${passes}) {\n${event(id, TraceKind.PASSED)}${body}} else {\n${failed}}\n`;
    }
    return isReached === TRUE ? code`{\n${body}}\n` : code`if (${isReached}) {\n${body}}\n`;
  }

  #logTraced(packet: Packet, rule: Rule): void {
    const chain = this.#table.chains[this.#chainIndexes.get(rule.chain)!];
    logTracedRule(this.#context, packet, this.#table, chain, rule);
  }

  #split(rule: Rule): SplitSteps {
    return splitSteps(lowerRule(rule, this.#context.interfaceNames));
  }

  /** The code for STEP. Anything except a condition is a call. */
  #step(step: Step, gen: Generator): Code {
    const context = this.#context;
    if (isCondition(step)) return compileCondition(step, context, gen);
    return gen.call((packet) => checkStep(step, packet, context));
  }

  #noteTest(rule: Rule, steps: readonly Step[]): void {
    if (steps.length === 0 || !steps.every(isPredictable)) return;
    const context = this.#context;
    const predict = (packet: Packet): boolean => steps.every((step) => predictStep(step, packet, context));
    this.perPacketTests.set(this.#firstId + rule.index, { steps, predict });
  }

  /** What the target of RULE does to a packet that is dropped after it. */
  #effectOnly({ target }: Rule): Code {
    if (target.kind !== 'extension') return EMPTY;
    return code`${this.#constant(target.extension)}.apply(${this.#constant(target.params)}, packet, context);\n`;
  }

  /** DROPPED: what is to be done where the target drops the packet. */
  #target({ target }: Rule, dropped: Code): Code {
    switch (target.kind) {
      case 'none':
        return EMPTY;
      case 'verdict':
        return code`${target.verdict === DROP ? dropped : EMPTY}return ${target.verdict};\n`;
      case 'extension': {
        const { extension, params } = target;
        // V8 sees which target each call refers to, and inlines it.
        const call = code`${this.#constant(extension)}.apply(${this.#constant(params)}, packet, context)`;
        if (!extension.terminates && extension.mayDrop !== true) return code`${call};\n`;
        if (!extension.terminates) return code`if (${call} === ${DROP}) {\n${dropped}return ${DROP};\n}\n`;
        return code`verdict = ${call};\nif (verdict === ${DROP}) {\n${dropped}}\nreturn verdict;\n`;
      }
      case 'jump': {
        const chain = this.#reference(target.chain);
        return code`verdict = ${chain}(packet);\nif (verdict === ${ACCEPT} || verdict === ${DROP}) return verdict;\n`;
      }
      case 'goto': {
        // Its end is the end of this chain: goto does not come back.
        const chain = this.#reference(target.chain);
        return code`verdict = ${chain}(packet);\nreturn verdict === ${CONTINUE} ? ${RETURN} : verdict;\n`;
      }
    }
  }

  /** The code for a field that has one. */
  #codeOf(name: FieldName): FieldCode {
    const { code: fieldCode } = fieldRow(name);
    if (fieldCode === undefined) throw new Error(`the field ${name} has no code`);
    return name === 'ctinfo' && this.#changesState ? { value: fieldCode.value } : fieldCode;
  }

  /** The name of VALUE in generated code. */
  #constant(value: unknown): Code {
    this.#constants.push(value);
    return identifier('f', this.#constants.length - 1);
  }
}

/** The statement that adds an event to the trace. */
function event(id: number, kind: TraceKind): Code {
  return code`trace[++trace[0]] = ${traceEvent(id, kind)};\n`;
}

/** The statement that records which event dropped the packet. */
function decisive(id: number, kind: TraceKind): Code {
  return code`trace[${DECISIVE}] = ${traceEvent(id, kind)};\n`;
}
