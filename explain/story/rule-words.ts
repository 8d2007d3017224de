/** Rules in words: as iptables-save prints them, shortened, and what a rule that a packet missed is about. */

import { IPPROTO_ICMP } from '../../codecs/layouts.js';
import { protocolName } from '../../codecs/protocol-names.js';
import { formatIcmpKind } from '../../codecs/sentence/icmp-kinds.js';
import type { FailedTest, Miss } from '../../core/events.js';
import { type FieldName, fieldRow } from '../../core/fields.js';
import { saveBase } from '../../core/rules/base-match.js';
import type { Match, Rule } from '../../core/rules/model.js';
import { saveRule, saveTarget } from '../../core/rules/save.js';
import type { RuleStep } from './story.js';

/** The text of RULE, as iptables-save prints it behind its chain. */
export function ruleText(rule: Rule): string {
  return saveRule(rule).trim();
}

/** A rule in parts, so that it can be shortened where there is little room. */
export interface RuleParts {
  /** What it asks, in order. */
  readonly tests: readonly string[];
  /** The test that must stay: the one that the packet failed. -1: none. */
  readonly kept: number;
  readonly target: string;
}

/** The option of a rule that tests a field. */
const BASE_OPTIONS: Partial<Record<FieldName, string>> = {
  source: '-s',
  destination: '-d',
  inDev: '-i',
  outDev: '-o',
  protocol: '-p',
  fragmentOffset: '-f',
};

/** The rule of STEP without what tells nothing: comments, and the `-m tcp` that follows from `-p tcp`. */
export function ruleParts({ rule, failures }: Pick<RuleStep, 'rule' | 'failures'>): RuleParts {
  const { base, matches, target, verbatim } = rule;
  if (verbatim !== undefined) return { tests: [verbatim], kept: 0, target: '' };
  const protocol = base.protocol?.negated === false ? protocolName(base.protocol.number) : undefined;
  const tests = saveBase(base)
    .split(/(?<!!) (?=(?:! )?-[a-z](?: |$))/)
    .filter((part) => part !== '');
  const [failed] = failures;
  let kept = -1;
  if (failed !== undefined && failed.match === undefined)
    kept = tests.findIndex((test) => test.replace('! ', '').startsWith(BASE_OPTIONS[failed.field ?? 'mark'] ?? '?'));
  for (const [i, { extension, params }] of matches.entries()) {
    if (extension.comment !== undefined) continue;
    if (failed?.match === i) kept = tests.length;
    const options = extension.save(params).trim();
    tests.push(extension.name === protocol ? options : `-m ${extension.name} ${options}`.trim());
  }
  return { tests, kept, target: saveTarget(target).trim() };
}

/** How a value of a field is said of a packet, where its label is not the best word. */
const OF_PACKET: Partial<Record<FieldName, (value: string) => string>> = {
  source: (value) => `from ${value}`,
  destination: (value) => `to ${value}`,
  inDev: (value) => (value === 'none' ? 'no input interface' : `in ${value}`),
  outDev: (value) => (value === 'none' ? 'no output interface' : `out ${value}`),
  protocol: (value) => value,
  ctinfo: (value) => value,
  ctstate: (value) => value,
  tcpFlags: (value) => `flags ${value}`,
  icmpType: (value) => `type ${icmpName(value)}`,
  fragmentOffset: (value) => (value === '0' ? 'no later fragment' : 'a later fragment'),
  sourceType: (value) => `source ${value}`,
  destinationType: (value) => `destination ${value}`,
};

/** Why the packet missed the rule of STEP, in a few words: the packet's value of the first condition that failed. */
export function missWords({ rule, failures, isMatched }: RuleStep): string {
  const [first] = failures;
  if (isMatched || first === undefined) return '';
  const { misses = [], text } = first;
  if (misses.length === 0) return setWords(rule, first) ?? text;
  return misses.map(packetValue).join(', ');
}

/** What a set answered, if FAILED is of a match that asks one. */
function setWords(rule: Rule, { match, text }: FailedTest): string | undefined {
  const found = match === undefined ? undefined : rule.matches[match];
  const [set] = found?.extension.sets?.(found.params) ?? [];
  return set === undefined ? undefined : `${text.includes(' not ') ? 'not ' : ''}in set ${set.name}`;
}

function packetValue({ field, value }: Miss): string {
  const { label } = fieldRow(field);
  if (value === undefined) return `no ${label}`;
  return OF_PACKET[field]?.(value) ?? `${label} ${value}`;
}

const IN = 'in';
const OUT = 'out';

/** How a value that a rule wants is said, in a list of values of the same kind. */
const OF_RULE: Partial<Record<FieldName, string>> = {
  source: 'from',
  destination: 'to',
  inDev: IN,
  outDev: OUT,
  protocol: '',
  ctinfo: 'state',
  ctstate: 'state',
  tcpFlags: 'flags',
  icmpType: 'icmp',
  sourceType: 'source',
  destinationType: 'destination',
};

/** What a rule is about, as far as a packet missed it: `tcp dport`, and `22`. */
interface Topic {
  readonly kind: string;
  readonly value: string;
}

/** What the rule of STEP, which the packet missed, is about. */
function topicOf({ rule, failures }: RuleStep): Topic {
  const [first] = failures;
  const [miss] = first?.misses ?? [];
  if (first === undefined) return { kind: '', value: 'nothing' };
  if (miss === undefined) return { kind: '', value: matchName(rule, first) };
  const { field, isNegated } = miss;
  const protocol = rule.base.protocol;
  const isPort = field === 'sport' || field === 'dport';
  const kinds = [
    isNegated ? 'not' : '',
    isPort && protocol !== undefined ? protocolName(protocol.number) : '',
    OF_RULE[field] ?? fieldRow(field).label,
  ];
  const value =
    field === 'icmpType' && miss.expected ? icmpName(miss.expected) : (miss.expected ?? deviceOf(rule, field));
  return { kind: kinds.filter((kind) => kind !== '').join(' '), value };
}

/** What RULE asks for an interface that the host does not have. */
function deviceOf({ base }: Rule, field: FieldName): string {
  const device = field === 'inDev' ? base.inDev : field === 'outDev' ? base.outDev : undefined;
  return device?.name ?? 'none';
}

/** The match of RULE that FAILED is of: `limit`, `set blocklist`. */
function matchName(rule: Rule, { match, text }: FailedTest): string {
  const found: Match | undefined = match === undefined ? undefined : rule.matches[match];
  if (found === undefined) return text;
  const [set] = found.extension.sets?.(found.params) ?? [];
  return set === undefined ? found.extension.name : `set ${set.name}`;
}

function icmpName(value: string): string {
  const [, type, code] = /^(\d+)\/(\d+)$/.exec(value) ?? [];
  if (type === undefined) return value;
  const kind = { type: Number(type), code: Number(code) };
  const name = formatIcmpKind(kind, IPPROTO_ICMP);
  return name === value && code === '0' ? formatIcmpKind({ ...kind, code: undefined }, IPPROTO_ICMP) : name;
}

/** Values of one kind that are listed, at most. */
const MOST_VALUES = 6;

/** What the rules of STEPS, which the packet missed, are about: `icmp, lo, tcp dport 22, 80`. */
export function topicsOf(steps: readonly RuleStep[]): string {
  const kinds = new Map<string, Set<string>>();
  for (const { kind, value } of steps.map(topicOf)) {
    const values = kinds.get(kind) ?? new Set();
    kinds.set(kind, values.add(value));
  }
  const isAboutOut = [...kinds.keys()].some((kind) => kind.endsWith(OUT));
  return [...kinds]
    .map(([given, values]) => {
      // An interface alone is one that packets come in by.
      const kind = given === IN && !isAboutOut ? '' : given;
      const all = [...values];
      const listed = all.length > MOST_VALUES ? all.slice(0, MOST_VALUES - 1) : all;
      const more = all.length > listed.length ? ` and ${all.length - listed.length} more` : '';
      return `${kind === '' ? '' : `${kind} `}${listed.join(', ')}${more}`;
    })
    .join(', ');
}
