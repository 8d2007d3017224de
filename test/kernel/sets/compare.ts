/** One random set, in the kernel and here: what each operation answers, and what is saved in the end. */
import { spawnSync } from 'node:child_process';
import { DEFAULT_CREATE_OPTIONS } from '../../../core/sets/create-options.js';
import type { Element } from '../../../core/sets/element.js';
import type { IpSet } from '../../../core/sets/ip-set.js';
import { SetFault } from '../../../core/sets/set-fault.js';
import { SetStore } from '../../../core/sets/store.js';
import { setTypeOf } from '../../../core/sets/types.js';
import { createOptions, createWords, elementOf, elementWord, extensionWords, savedWord } from './element-words.js';
import { MEMBERS, type SetCase, type SetOperation } from './random-set.js';

/** What an operation answers: `ok`, `in`, `out`, or the code of a fault. */
export interface SetAnswers {
  readonly answers: readonly string[];
  /** The elements in the order of `ipset save`, with what they carry. */
  readonly saved: readonly string[];
}

const SLEEP_MS = 1500;
const NAME = 's';

/** What the kernel's messages, as ipset prints them, are about. */
const MESSAGES: readonly (readonly [part: string, code: string])[] = [
  ["it's already added", 'exists'],
  ["it's not added", 'exists'],
  ['Hash is full', 'hash-full'],
  ['Null-valued element', 'hash-element'],
  ['CIDR parameter', 'invalid-cidr'],
  ['netmask parameter', 'invalid-netmask'],
  ['mutually exclusive', 'netmask-and-bitmask'],
  ['without timeout support', 'no-timeout-support'],
  ['without counter support', 'no-counter-support'],
  ['without comment support', 'no-comment-support'],
  ['without skbinfo support', 'no-skbinfo-support'],
  ['covers the whole address space', 'hash-range'],
  ['out of the range of the set', 'bitmap-range'],
  ['exceeds the size limit', 'bitmap-range-size'],
  ['Set to be added/deleted/tested as element does not exist', 'list-name'],
  ['Sets with list:set type cannot be added', 'list-loop'],
  ["referred with 'before' or 'after' does not exist", 'list-nameref'],
  ["referred with 'before' or 'after' is not added", 'list-ref-exists'],
  ['The set with the given name does not exist', 'no-such-set'],
  ['is in set', 'in'],
  ['is NOT in set', 'out'],
  ['Invalid protocol', 'invalid-proto'],
  ['Kernel error received: Invalid argument', 'invalid-argument'],
];

/** The first difference between the kernel and nfreplay; undefined: none. `unknown type`: the kernel lacks it. */
export function compareCase(set: SetCase): string | undefined {
  const kernel = askKernel(set);
  if (kernel === undefined) return 'unknown type';
  const ours = askOurs(set);
  const at = kernel.answers.findIndex((answer, i) => answer !== ours.answers[i]);
  if (at >= 0) {
    const what = at === 0 ? createLine(set) : operationLine(set, set.operations[at - 1]);
    return `${at}: ${what}: kernel ${kernel.answers[at]}, nfreplay ${ours.answers[at]}`;
  }
  return differenceOf(kernel.saved, ours.saved);
}

/** Time runs while the kernel is asked, so that a time-out may be two seconds less. */
function differenceOf(kernel: readonly string[], ours: readonly string[]): string | undefined {
  const length = Math.max(kernel.length, ours.length);
  for (let i = 0; i < length; i++) {
    const [theirs = '', left = '0'] = splitTimeout(kernel[i] ?? '');
    const [mine = '', wanted = '0'] = splitTimeout(ours[i] ?? '');
    const isLate = Number(wanted) - Number(left);
    if (theirs !== mine || isLate < 0 || isLate > 2) return `saved ${i}: kernel "${kernel[i]}", nfreplay "${ours[i]}"`;
  }
  return undefined;
}

function splitTimeout(line: string): string[] {
  const [, before, timeout, after] = /^(.*) timeout (\d+)(.*)$/.exec(line) ?? [];
  return before === undefined ? [line] : [before + after, timeout];
}

function createLine({ type, options }: SetCase): string {
  const described = setTypeOf(type);
  if (described === undefined) throw new Error(`there is no type ${type}`);
  return `create ${NAME} ${createWords(described, options)}`;
}

function operationLine({ type }: SetCase, { command, isExist, element: fields }: SetOperation): string {
  if (command === 'sleep') return 'sleep';
  if (command === 'flush') return `flush ${NAME}`;
  const described = setTypeOf(type);
  if (described === undefined) throw new Error(`there is no type ${type}`);
  const element = elementOf(fields);
  const word = elementWord(described, element);
  return `${command} ${isExist ? '-exist ' : ''}${NAME} ${word}${extensionWords(element)}`;
}

/** Asks the real ipset in a network namespace of its own; undefined: the kernel lacks the type. */
function askKernel(set: SetCase): SetAnswers | undefined {
  const lines = [createLine(set), ...set.operations.map((operation) => operationLine(set, operation))];
  const script = [
    ...MEMBERS.map((name) => `ipset create ${name} hash:ip`),
    ...lines.map((line) => (line === 'sleep' ? `sleep ${SLEEP_MS / 1000}; echo '@ 0 '` : `ask ${line}`)),
    `ipset save ${NAME}`,
  ];
  const ask = 'ask() { said=$(ipset "$@" 2>&1); echo "@ $? $said"; }';
  const { stdout } = spawnSync('unshare', ['-n', 'sh', '-c', `${ask}\n${script.join('\n')}`], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (stdout.includes('set type not supported')) return undefined;
  const output = stdout.split('\n');
  const answers = output.filter((line) => line.startsWith('@')).map(answerOf);
  const saved = output.filter((line) => line.startsWith('add ')).map((line) => line.slice(`add ${NAME} `.length));
  return { answers, saved };
}

function answerOf(line: string): string {
  const [, code] = MESSAGES.find(([part]) => line.includes(part)) ?? [];
  return code ?? (line.startsWith('@ 0') ? 'ok' : line);
}

/** For ipset, an element that cannot be in a set is not in it. */
const NOWHERE: readonly string[] = ['hash-element', 'bitmap-range', 'list-name', 'list-nameref', 'invalid-argument'];

function testAnswer(set: IpSet, element: Element): string {
  try {
    return set.test(element) ? 'in' : 'out';
  } catch (error) {
    if (error instanceof SetFault && NOWHERE.includes(error.code)) return 'out';
    throw error;
  }
}

/** The same of nfreplay's sets. */
function askOurs(set: SetCase): SetAnswers {
  const clock = { nowMs: 0 };
  const store = new SetStore({ clock, interfaceNames: [], randomWord: () => 0 });
  const memberType = setTypeOf('hash:ip');
  const type = setTypeOf(set.type);
  if (memberType === undefined || type === undefined) throw new Error(`there is no type ${set.type}`);
  for (const name of MEMBERS) store.create(name, memberType, DEFAULT_CREATE_OPTIONS, false);
  const answers: string[] = [];
  const attempt = (work: () => string): void => {
    try {
      answers.push(work());
    } catch (error) {
      if (!(error instanceof SetFault)) throw error;
      answers.push(error.code);
    }
  };
  let made: IpSet | undefined;
  attempt(() => {
    made = store.create(NAME, type, createOptions(set.options), false);
    return 'ok';
  });
  for (const operation of set.operations) {
    attempt(() => {
      if (operation.command === 'sleep') clock.nowMs += SLEEP_MS;
      else if (made === undefined) throw new SetFault('no-such-set');
      else return answer(made, operation);
      return 'ok';
    });
  }
  return { answers, saved: made === undefined ? [] : savedElements(made) };
}

function answer(set: IpSet, { command, isExist, element: fields }: SetOperation): string {
  const element = elementOf(fields);
  if (command === 'add') set.add(element, isExist);
  else if (command === 'del') set.del(element, isExist);
  else if (command === 'test') return testAnswer(set, element);
  else set.flush();
  return 'ok';
}

const PROTOCOLS: Readonly<Record<string, string>> = {
  ...{ 'icmpv6:': 'ipv6-icmp:', '6:': 'tcp:', '17:': 'udp:', '132:': 'sctp:', '136:': 'udplite:', '47:': 'gre:' },
};

function savedElements(set: IpSet): string[] {
  const lines: string[] = [];
  const hostBits = set.options.family === 'ipv6' ? 128 : 32;
  set.forEach((element: Element) => {
    let word = savedWord(set.type, element, hostBits);
    if (set.type.dimensions.includes('mac')) word = word.toUpperCase();
    else if (element.proto > 0) word = word.replace(/(?<=,)(\d+|icmpv6):/, (proto) => PROTOCOLS[proto]);
    lines.push(word + extensionWords(element));
  });
  return lines;
}
