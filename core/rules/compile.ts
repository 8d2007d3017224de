/**
 * hot (what it generates): a table as functions, one a chain, held to `interpretTable` by the tests.
 *
 * Generated code takes for granted that a packet's layer-4 header is whole (`isWhole`), as nearly every packet's is; those
 * whose is not go through the interpreter, which knows what each match makes of them.
 */
import { ICMP_LENGTH, IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP, TCP_LENGTH, UDP_LENGTH } from '../../codecs/layouts.js';
import { type Hook, Verdict } from '../hooks.js';
import type { Packet } from '../packet.js';
import { compileBase } from './base-match.js';
import {
  allOf,
  type Code,
  code,
  declareFields,
  FALSE,
  type FixedField,
  fieldCode,
  type Generator,
  identifier,
  joinCode,
  TRUE,
} from './codegen.js';
import type { RuleContext } from './context.js';
import { interpretTable, type TableProgram } from './interpret.js';
import type { Chain, Rule, Table, TableCounters } from './model.js';

/** V8 stops optimising a function past 60 KB of bytecode, some 1,200 rules: a longer chain is cut into pieces. */
const RULES_PER_PIECE = 400;

/** What multiport looks at, in bytes. */
const PORTS_LENGTH = 4;
const EMPTY = code``;
const { CONTINUE, ACCEPT, DROP, RETURN } = Verdict;

type ChainFunction = (packet: Packet) => Verdict;
type Closure = (packet: Packet) => boolean | Verdict;

/** TABLE, compiled; COUNTERS are the table's own. */
export function compileTable(table: Table, context: RuleContext, counters: TableCounters): TableProgram {
  const interpreted = interpretTable(table, context, counters);
  const chains = new TableCompiler(table, context).compile(counters.rules);
  const { policies } = counters;
  const byHook: ChainFunction[] = [];
  const policyByHook: Verdict[] = [];
  for (const chain of table.chains) {
    if (chain.hook === undefined) continue;
    byHook[chain.hook] = chains[chain.index];
    policyByHook[chain.hook] = chain.policy;
  }

  return {
    run(packet: Packet, hook: Hook): Verdict {
      if (!isWhole(packet)) return interpreted.run(packet, hook);
      packet.hotdrop = false;
      const verdict = byHook[hook](packet);
      if (verdict === ACCEPT || verdict === DROP) return verdict;
      policies[hook * 2] += 1;
      policies[hook * 2 + 1] += packet.length;
      return policyByHook[hook];
    },
  };
}

/** Whether all of the layer-4 header that matches look at is there: the fixed part of TCP, UDP and ICMP, else the ports. */
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
    default:
      return there >= PORTS_LENGTH;
  }
}

class TableCompiler {
  readonly #table: Table;
  readonly #context: RuleContext;
  readonly #closures: Closure[] = [];
  readonly #chainIndexes: ReadonlyMap<string, number>;
  readonly #functions: Code[] = [];
  #pieces = 0;

  constructor(table: Table, context: RuleContext) {
    this.#table = table;
    this.#context = context;
    this.#chainIndexes = new Map(table.chains.map(({ name, index }) => [name, index]));
  }

  /** The function of each chain, by its index. They say CONTINUE or RETURN where the packet came to the chain's end. */
  compile(ruleCounters: Float64Array): ChainFunction[] {
    for (const chain of this.#table.chains) this.#chain(chain);
    const closures = joinCode(
      this.#closures.map((_, i) => code`const ${identifier('f', i)} = closures[${i}];\n`),
      EMPTY,
    );
    const chains = joinCode(
      this.#table.chains.map(({ index }) => identifier('c', index)),
      code`, `,
    );
    const source = code`'use strict';\n${closures}${joinCode(this.#functions, EMPTY)}return [${chains}];`;
    const make = new Function('rules', 'closures', source.text) as (
      rules: Float64Array,
      closures: readonly Closure[],
    ) => ChainFunction[];
    return make(ruleCounters, this.#closures);
  }

  #chain(chain: Chain): void {
    const name = identifier('c', chain.index);
    if (chain.rules.length <= RULES_PER_PIECE) {
      this.#function(name, chain.rules);
      return;
    }
    const calls: Code[] = [];
    for (let at = 0; at < chain.rules.length; at += RULES_PER_PIECE) {
      const piece = identifier('p', this.#pieces++);
      this.#function(piece, chain.rules.slice(at, at + RULES_PER_PIECE));
      calls.push(code`verdict = ${piece}(packet);\nif (verdict !== ${CONTINUE}) return verdict;\n`);
    }
    const body = joinCode(calls, EMPTY);
    this.#functions.push(code`function ${name}(packet) {\nlet verdict;\n${body}return ${CONTINUE};\n}\n`);
  }

  #function(name: Code, rules: readonly Rule[]): void {
    const fields = new Set<FixedField>();
    const body = joinCode(
      rules.map((rule) => this.#rule(rule, fields)),
      EMPTY,
    );
    const declarations = declareFields(fields);
    this.#functions.push(
      code`function ${name}(packet) {\n${declarations}let verdict;\n${body}return ${CONTINUE};\n}\n`,
    );
  }

  #rule(rule: Rule, fields: Set<FixedField>): Code {
    if (rule.verbatim !== undefined) return EMPTY;
    let hotdrops = false;
    const gen: Generator = {
      field(name) {
        fields.add(name);
        return fieldCode(name);
      },
      mark: code`packet.mark`,
      call: (check) => code`${this.#closure(check)}(packet)`,
      mayHotdrop() {
        hotdrops = true;
      },
    };
    const conditions = compileBase(rule.base, this.#context, gen);
    for (const { extension, params } of rule.matches) {
      conditions.push(extension.compile(params, this.#context, gen));
    }
    const condition = allOf(conditions);
    if (condition === FALSE && !hotdrops) return EMPTY;
    const at = rule.index * 2;
    const count = code`rules[${at}] += 1;\nrules[${at + 1}] += packet.length;\n`;
    const body = code`${count}${this.#target(rule)}`;
    if (condition === TRUE) return code`{\n${body}}\n`;
    const otherwise = hotdrops ? code` else if (packet.hotdrop) return ${DROP};` : EMPTY;
    return code`if (${condition}) {\n${body}}${otherwise}\n`;
  }

  #target({ target }: Rule): Code {
    switch (target.kind) {
      case 'none':
        return EMPTY;
      case 'verdict':
        return code`return ${target.verdict};\n`;
      case 'extension': {
        const { extension, params } = target;
        const call = code`${this.#closure(extension.compile(params, this.#context))}(packet)`;
        return extension.terminates ? code`return ${call};\n` : code`${call};\n`;
      }
      case 'jump': {
        const chain = identifier('c', this.#chainIndexes.get(target.chain)!);
        return code`verdict = ${chain}(packet);\nif (verdict === ${ACCEPT} || verdict === ${DROP}) return verdict;\n`;
      }
      case 'goto': {
        // Its end is our end: what came by goto does not come back.
        const chain = identifier('c', this.#chainIndexes.get(target.chain)!);
        return code`verdict = ${chain}(packet);\nreturn verdict === ${CONTINUE} ? ${RETURN} : verdict;\n`;
      }
    }
  }

  #closure(closure: Closure): Code {
    this.#closures.push(closure);
    return identifier('f', this.#closures.length - 1);
  }
}
