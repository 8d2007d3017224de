/**
 * Claims that are derived at random from what the kernel did with the packets of golden cases are met, and each that
 * says something else is not. What decided is derived from the packets' stories, rule by rule.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { StoryWatch } from '../../../explain/capture/story-watch.js';
import { ruleText } from '../../../explain/story/rule-words.js';
import type { PolicyStep, RuleStep, Story } from '../../../explain/story/story.js';
import { casesIn, type GoldenCase, optionsOf } from '../../../replay/golden-case.js';
import { replay } from '../../../replay/replay.js';
import { pick, type Random, seededRandom, testSeed } from '../../random.js';
import { judgedWith } from './judged.js';
import { type CapturedPacket, type KernelFact, kernelFacts } from './kernel-facts.js';

const Kernel = suite('claims derived from the kernel');

/** A claim, the members in lines, and whether it is met. */
interface Derived {
  readonly members: readonly string[];
  readonly isMet: boolean;
}

const FLAGS = ['F', 'S', 'R', 'P', 'A', 'U', 'E', 'C'];

function endsText({ source, destination, ports }: CapturedPacket): string {
  return ports === undefined ? `${source} > ${destination}` : `${source}:${ports[0]} > ${destination}:${ports[1]}`;
}

/** The sentence for PACKET as it entered, which fits only packets that are the same to the eye. */
function entering(packet: CapturedPacket): string {
  const { dev, protocol, icmp, ttl, length } = packet;
  const from = dev === 'local' ? 'local' : `in ${dev}`;
  return `${from} ${protocol} ${endsText(packet)}${icmp === undefined ? '' : ` ${icmp}`} ttl ${ttl} len ${length}`;
}

function leaving(packet: CapturedPacket, more = ''): string {
  const { dev, protocol, flags, icmp, ttl } = packet;
  const kind = flags ? ` ${FLAGS.filter((_, i) => flags & (1 << i)).join('')}` : icmp === undefined ? '' : ` ${icmp}`;
  return `${protocol} ${endsText(packet)}${kind} ttl ${ttl}${dev === 'local' ? '' : ` out ${dev}`}${more}`;
}

/** A packet that is another one than PACKET in one way. */
function altered(random: Random, packet: CapturedPacket, devices: readonly string[]): CapturedPacket {
  const others = devices.filter((dev) => dev !== packet.dev && dev !== 'local');
  const changes: CapturedPacket[] = [
    { ...packet, ttl: packet.ttl ^ 1 },
    { ...packet, source: '198.18.0.1' },
    { ...packet, destination: '198.18.0.1' },
    ...(packet.ports === undefined ? [] : [{ ...packet, ports: [packet.ports[0], packet.ports[1] ^ 1] as const }]),
    ...(packet.ports === undefined ? [] : [{ ...packet, ports: [packet.ports[0] ^ 1, packet.ports[1]] as const }]),
    ...(packet.icmp === undefined ? [] : [{ ...packet, icmp: '77/1' }]),
    ...(others.length === 0 ? [] : [{ ...packet, dev: pick(random, others) }]),
  ];
  return pick(random, changes);
}

/** The packet of FACT where it left or reached the host. */
function itself({ entered, outs }: KernelFact): CapturedPacket[] {
  return outs.filter(
    ({ protocol, id, length }) => protocol === entered.protocol && id === entered.id && length === entered.length,
  );
}

const RST = 4;
const ICMP_ERRORS = ['3/', '4/', '5/', '11/', '12/'];

/** What went back to the sender of the packet of FACT, if it did not get through itself. */
function answerTo({ entered, outs }: KernelFact): CapturedPacket | undefined {
  return outs.find(
    ({ destination, icmp, flags }) =>
      destination === entered.source &&
      (icmp === undefined ? ((flags ?? 0) & RST) !== 0 : ICMP_ERRORS.some((type) => icmp.startsWith(type))),
  );
}

/** Claims about the packet of FACT, of which all that fit the same sentence have come to the same. */
function claimsAbout(random: Random, fact: KernelFact, devices: readonly string[]): Derived[] {
  const { entered, outs } = fact;
  const packet = `packet: ${entering(entered)}`;
  const never = { members: [`never: ${entering(entered)}`], isMet: true };
  const [it] = itself(fact);
  if (it !== undefined) {
    const ends = it.dev === 'local' ? 'delivered' : entered.dev === 'local' ? 'sent' : 'forwarded';
    // A packet that the host sends to itself is both.
    const isBoth = entered.dev === 'local' && it.dev === 'local';
    const other = pick(random, ['dropped', 'rejected', 'held', 'skipped', ...(isBoth ? [] : [otherEnd(ends)])]);
    return [
      { members: [packet, `becomes: ${leaving(it)}`], isMet: true },
      { members: [packet, `becomes: ${leaving(altered(random, it, devices))}`], isMet: false },
      { members: [packet, `ends: ${isBoth ? 'accepted' : pick(random, ['accepted', ends])}`], isMet: true },
      { members: [packet, `ends: ${other}`], isMet: false },
      { ...never, isMet: false },
    ];
  }
  const answer = answerTo(fact);
  const answered: Derived[] = answer === undefined ? [] : answerClaims(random, packet, answer, devices);
  // Else something left of which this does not tell what it is: the pieces of a packet, or what SYNPROXY makes.
  if (outs.length > 0 && answer === undefined) return [];
  return [
    ...answered,
    never,
    { members: [packet, `ends: ${pick(random, ['accepted', 'forwarded', 'sent', 'delivered'])}`], isMet: false },
    { members: [packet, `becomes: ip * > *`], isMet: false },
    ...(answer === undefined ? [{ members: [packet, 'answer: ip'], isMet: false }] : []),
  ];
}

const otherEnd = (ends: string): string => (ends === 'delivered' ? 'forwarded' : 'delivered');

function answerClaims(random: Random, packet: string, answer: CapturedPacket, devices: readonly string[]): Derived[] {
  const short = answer.icmp === undefined ? 'tcp R' : `icmp ${answer.icmp}`;
  return [
    { members: [packet, `answer: ${random(2) === 0 ? leaving(answer) : short}`], isMet: true },
    { members: [packet, `answer: ${leaving(altered(random, answer, devices))}`], isMet: false },
  ];
}

/** The facts of each sentence, if the kernel did the same each time. */
function alike(facts: readonly KernelFact[]): KernelFact[][] {
  const groups = new Map<string, KernelFact[]>();
  for (const fact of facts) {
    const sentence = entering(fact.entered);
    groups.set(sentence, [...(groups.get(sentence) ?? []), fact]);
  }
  const outcome = (fact: KernelFact): string =>
    JSON.stringify([itself(fact), answerTo(fact), fact.outs.length], (key, value) => (key === 'id' ? 0 : value));
  return [...groups.values()].filter((group) => {
    const [first] = group;
    return group.every(
      (fact) => !fact.entered.isFragment && itself(fact).length <= 1 && outcome(fact) === outcome(first),
    );
  });
}

/** The stories of all packets, by their time. */
class Stories extends StoryWatch {
  readonly byTime = new Map<bigint, Story>();

  wants(): boolean {
    return true;
  }

  told(story: Story | undefined): void {
    if (story !== undefined) this.byTime.set(BigInt(story.tsSec) * 1_000_000_000n + BigInt(story.tsNsec), story);
  }
}

/**
 * What decided about the packet of STORY, of what stands in it rule by rule: the last that matched in a filter hook.
 */
function decidedBy({ stages, verdict, drop }: Story): { by: string[]; words: string[]; others: string[] } | undefined {
  if (drop !== undefined && drop.reason !== 'rule' && drop.reason !== 'policy')
    return {
      by: [drop.reason],
      words: [],
      others: ['none', 'filter OTHER', 'forwarding-off'].filter((by) => by !== drop.reason),
    };
  const isThrough = verdict === 'forwarded' || verdict === 'delivered' || verdict === 'sent';
  const steps = stages
    .flatMap((stage) => stage.steps)
    .filter((step): step is RuleStep | PolicyStep => step.kind === 'policy' || (step.kind === 'rule' && step.isMatched))
    .filter(({ table }) => !isThrough || table === 'filter');
  const last = steps[steps.length - 1];
  if (last === undefined) return undefined;
  if (last.kind === 'policy') {
    const chain = `${last.table} ${last.chain.name}`;
    return { by: [`${chain} policy`, chain], words: [], others: [`${chain} 1`, 'none', 'martian-source'] };
  }
  const { table, rule } = last;
  const chain = `${table} ${rule.chain}`;
  return {
    by: [`${chain} ${rule.number}`, chain],
    words: [chain, ruleText(rule)],
    others: [`${chain} ${rule.number + 1}`, `${chain} policy`, `${table} OTHER`, 'none', 'martian-source'],
  };
}

const WORD = /(?:"(?:[^"\\]|\\.)*"|[^\s"])+/g;

/** Some words in a row of TEXT. */
function someWords(random: Random, text: string): string {
  const words = text.match(WORD)!;
  const any = random(words.length);
  // A `!` belongs to what it negates.
  const option = words.findLastIndex((word, i) => i <= any && /^-/.test(word));
  const from = words[option - 1] === '!' ? option - 1 : any;
  return words.slice(from, from + 1 + random(words.length - from)).join(' ');
}

/** TEXT in single quotes for YAML. */
const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;
const inWords = (chain: string, words: string): string => quoted(`${chain} "${words.replace(/["\\]/g, '\\$&')}"`);

/** Claims about what decided about FACTS, of which that is told by STORIES. */
function deciderClaims(random: Random, [fact, ...same]: readonly KernelFact[], stories: Stories): Derived[] {
  const [decided, ...others] = [fact, ...same].map(({ tsNs }) => {
    const story = stories.byTime.get(tsNs);
    // Of what comes back over the loopback interface, the last story decides.
    const isClear = story?.uncertain.length === 0 && !story.related.some(({ origin }) => origin === 'loopback');
    return isClear ? decidedBy(story) : undefined;
  });
  if (decided === undefined || others.some((other) => JSON.stringify(other) !== JSON.stringify(decided))) return [];
  const packet = `packet: ${entering(fact.entered)}`;
  const { by, words, others: wrong } = decided;
  const forms = words.length === 0 ? by : [...by, inWords(words[0], someWords(random, words[1]))];
  return [
    { members: [packet, `by: ${pick(random, forms)}`], isMet: true },
    { members: [packet, `by: ${pick(random, wrong)}`], isMet: false },
  ];
}

/** What the kernel's rules have counted, of one chain: rules in order. */
interface CountedChain {
  readonly name: string;
  readonly policy: readonly [packets: number, bytes: number] | undefined;
  readonly rules: { readonly text: string; readonly packets: number; readonly bytes: number }[];
}

function countedChains(file: string): CountedChain[] {
  const chains = new Map<string, CountedChain>();
  let table = '';
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const [, name, policy, packets, bytes] = /^:(\S+) (\S+) \[(\d+):(\d+)\]$/.exec(line) ?? [];
    const rule = /^\[(\d+):(\d+)\] -A (\S+) ?(.*)$/.exec(line);
    if (line.startsWith('*')) table = line.slice(1);
    else if (name !== undefined) {
      const counters = policy === '-' ? undefined : ([Number(packets), Number(bytes)] as const);
      chains.set(`${table} ${name}`, { name: `${table} ${name}`, policy: counters, rules: [] });
    } else if (rule !== null)
      chains
        .get(`${table} ${rule[3]}`)!
        .rules.push({ text: rule[4], packets: Number(rule[1]), bytes: Number(rule[2]) });
  }
  return [...chains.values()];
}

function counterClaims(random: Random, chains: readonly CountedChain[]): Derived[] {
  const chain = pick(random, chains);
  const { name, policy, rules } = chain;
  const claims = (key: string, packets: number, bytes: number): Derived[] => [
    { members: [`counters: { ${key}: "${packets} packets, >= ${bytes} bytes" }`], isMet: true },
    { members: [`counters: { ${key}: "> ${packets} packets" }`], isMet: false },
    { members: [`counters: { ${key}: "${bytes + 1} bytes" }`], isMet: false },
  ];
  if (rules.length === 0) return policy === undefined ? [] : claims(`${name} policy`, ...policy);
  const at = random(rules.length);
  const { text, packets, bytes } = rules[at];
  if (random(2) === 0 || text === '') return claims(`${name} ${at + 1}`, packets, bytes);
  const words = someWords(random, text);
  const isOption = /^[-!]/.test(words);
  const negated = isOption ? /(?:^| )!$/ : /(?:^| )! -\S+(?: [^-]\S*)*$/;
  const says = (rule: string): boolean =>
    ` ${rule} `
      .split(` ${words} `)
      .slice(0, -1)
      .some((before) => !negated.test(before));
  const those = rules.filter((rule) => says(rule.text) || (!isOption && commentOf(rule.text).includes(words)));
  const sum = (unit: 'packets' | 'bytes'): number => those.reduce((all, rule) => all + rule[unit], 0);
  return claims(inWords(name, words), sum('packets'), sum('bytes'));
}

/** The comment of the rule TEXT, without quotes. */
function commentOf(text: string): string {
  const [, quotedText, plain] = /--comment (?:"((?:[^"\\]|\\.)*)"|(\S+))/.exec(text) ?? [];
  return quotedText?.replace(/\\(.)/g, '$1') ?? plain ?? '';
}

const CASES = ['pcaps', 'test/golden/regressions', 'test/golden/protocols', 'test/golden/sets', 'test/golden/changes']
  .flatMap(casesIn)
  .filter(({ inputs, stitchPaths, captures }) => inputs.length > 0 && stitchPaths.length + captures.length === 0);
/** How many cases are taken at a time, and how many claims of each kind about each. */
const MOST_CASES = 25;
const MOST = 10;

function derivedClaims(random: Random, golden: GoldenCase): Derived[] {
  const devices = golden.inputs.map(({ iface }) => iface);
  const groups = alike(kernelFacts(golden.dir, devices));
  const stories = new Stories();
  replay({ ...optionsOf(golden), watch: () => stories });
  const chains = countedChains(join(golden.dir, 'want/rules.v4'));
  return Array.from({ length: MOST }, () => {
    const same = groups.length === 0 ? undefined : pick(random, groups);
    return [
      ...(same === undefined ? [] : claimsAbout(random, same[0], devices)),
      ...(same === undefined ? [] : deciderClaims(random, same, stories)),
      ...(chains.length === 0 ? [] : counterClaims(random, chains)),
    ];
  }).flat();
}

/** MOST_CASES of ALL. */
function some<T>(random: Random, all: readonly T[]): T[] {
  const left = [...all];
  return Array.from({ length: MOST_CASES }, () => left.splice(random(left.length), 1)).flat();
}

Kernel('what the kernel did is met, and what it did not do is not', () => {
  const seed = testSeed();
  const random = seededRandom(seed);
  let met = 0;
  let unmet = 0;
  let uncertain = 0;
  for (const golden of some(random, CASES)) {
    const derived = derivedClaims(random, golden);
    if (derived.length === 0) continue;
    const text = derived.map(({ members }, i) => `  - it: c${i}\n    ${members.join('\n    ')}\n`).join('');
    const results = judgedWith(optionsOf(golden), text);
    for (const [i, { isMet, problems }] of results.entries()) {
      const about = `SEED=${seed} ${golden.dir}\n${derived[i].members.join('\n')}\n${JSON.stringify(problems)}`;
      // What the kernel knows, such as a SYN cookie, the emulation may not.
      if (problems.some(({ member }) => member === 'uncertain')) uncertain++;
      else assert.is(isMet, derived[i].isMet, about);
      if (isMet) met++;
      else unmet++;
    }
  }
  assert.ok(met > 150 && unmet > 150 && uncertain < met / 20, `${met} ${unmet} ${uncertain}`);
});

Kernel.run();
