/** Reads expect.yaml (docs/expectations.md). */
import { type Address, parseAddress } from '../address.js';
import { withNearest } from '../nearest.js';
import { FOLLOW_WORDS } from '../sentence/follow-words.js';
import { parseSentence, type SentenceNames } from '../sentence/parse.js';
import type { Sentence } from '../sentence/sentence.js';
import { SentenceError } from '../sentence/sentence-error.js';
import { wordsOf } from '../sentence/words.js';
import { checkAfter } from './claim-order.js';
import {
  type Claim,
  type CountersClaim,
  EXPECTED_ENDS,
  type Expectation,
  type ExpectedCounter,
  type ExpectedDecider,
  type ExpectedEnd,
  type Member,
  type NeverClaim,
  type PacketClaim,
} from './expectation.js';
import { ExpectationError } from './expectation-error.js';
import { ALL_MEMBERS, MEMBERS, SUBJECTS, type Subject } from './members.js';
import { errorIn, errorInSentence, type PlacedText, PlacedYaml, type YamlEntry, type YamlNode } from './placed-yaml.js';
import { readBounds, readCounted, readDecider } from './read-decider.js';

/** What ends only connections, and what no connection consists of. */
const OF_CONNECTIONS: readonly ExpectedEnd[] = ['expired'];
const OF_PACKETS: readonly ExpectedEnd[] = ['held', 'skipped'];

const EXAMPLE = '"- packet: eth0 tcp * > 192.0.2.10:22"';
const FORM = `expected \`expect:\`, a list of claims such as ${EXAMPLE}, and perhaps \`names:\``;
const CLAIM_FORM = `expected a claim, such as ${EXAMPLE}`;
const SUBJECT_FORM = `expected one of ${SUBJECTS.join(', ')}`;
const NAMES_FORM = 'expected addresses by name, such as { client: 203.0.113.7 }';

/**
 * Parses TEXT, the content of FILE.
 *
 * @param names the addresses of names that are known without it
 * @param reasons the codes that `by` may name; undefined: not checked
 * @throws {ExpectationError} at whatever is not as docs/expectations.md says
 */
export function readExpectation(
  text: string,
  file: string,
  names: SentenceNames,
  reasons?: readonly string[],
): Expectation {
  const yaml = new PlacedYaml(text, file);
  const root = yaml.read(FORM);
  const members = new Map<string, YamlEntry>();
  for (const entry of yaml.entries(root, FORM)) {
    const { text: name } = entry.key;
    if (name !== 'names' && name !== 'expect')
      throw errorIn(entry.key, `${withNearest(`unknown member "${name}"`, name, ['names', 'expect'])}; ${FORM}`);
    members.set(name, entry);
  }
  const own = readNames(yaml, members.get('names')?.value);
  const known = new Map([...names, ...[...own].map(([name, address]) => [name, [String(address)]] as const)]);
  const list = members.get('expect')?.value;
  if (list === undefined) throw yaml.at(root, `there are no claims; ${FORM}`);
  const reader = new ClaimReader(yaml, known, reasons);
  const claims = allOf(yaml.items(list, `${CLAIM_FORM}, a "- " before each`), (item) => reader.read(item));
  if (claims.length === 0) throw yaml.at(list, `there are no claims; ${FORM}`);
  checkAfter(claims);
  return { names: own, claims };
}

/** More mistakes than people look at together. */
const MOST_ERRORS = 20;

/** What READ makes of each of ITEMS; the mistakes of all of them are told at once. */
function allOf<T>(items: readonly YamlNode[], read: (item: YamlNode) => T): T[] {
  const errors: ExpectationError[] = [];
  const results: T[] = [];
  for (const item of items) {
    try {
      results.push(read(item));
    } catch (error) {
      if (!(error instanceof ExpectationError)) throw error;
      errors.push(error);
      if (errors.length === MOST_ERRORS) break;
    }
  }
  if (errors.length > 0) throw errors[0].with(errors.slice(1));
  return results;
}

function readNames(yaml: PlacedYaml, node: YamlNode | undefined): Map<string, Address> {
  const names = new Map<string, Address>();
  if (node === undefined) return names;
  for (const { key, value } of yaml.entries(node, NAMES_FORM)) {
    const name = key.text;
    if (!/^[^\s,:;/!<>→⟶[\](){}"'*]+$/u.test(name))
      throw errorIn(key, `"${name}" cannot be a name in a sentence; expected letters, digits, -, _ and dots`);
    if (parseAddress(name) !== undefined || /^[\d.]+$/.test(name))
      throw errorIn(key, `"${name}" is an address; expected a name, and its address behind the colon`);
    if (value === undefined) throw errorIn(key, `no address for "${name}"; ${NAMES_FORM}`);
    const text = yaml.text(value, NAMES_FORM);
    const address = parseAddress(text.text);
    if (address === undefined) throw errorIn(text, `"${text.text}" is not an address; ${NAMES_FORM}`);
    names.set(name, address);
  }
  return names;
}

/** The column of `out` in TEXT, a sentence that has it. */
function columnOfOutput(text: string): number {
  const words = wordsOf(text);
  const behind = words.slice(words.findIndex(({ isArrow }) => isArrow) + 2);
  const isWord = (at: number, keyword: string): boolean => behind[at]?.text.toLowerCase() === keyword;
  return behind.find((_, i) => isWord(i, 'out') && !isWord(i - 1, 'in'))?.column ?? 1;
}

function unknownMember(key: PlacedText, subject: Subject | undefined): ExpectationError {
  const [, known] = /^(\w+):/.exec(key.text) ?? [];
  if (known !== undefined && ALL_MEMBERS.includes(known)) return errorIn(key, `a blank is missing behind "${known}:"`);
  const problem = `unknown member "${key.text}"`;
  if (subject === undefined) return errorIn(key, `${withNearest(problem, key.text, ALL_MEMBERS)}; ${SUBJECT_FORM}`);
  const members = MEMBERS[subject];
  return errorIn(key, `${withNearest(problem, key.text, members)}; with ${subject} go ${members.join(', ')}`);
}

/** What people call ends that have other names here. */
const OTHER_NAMES: readonly (readonly [names: readonly string[], meant: string])[] = [
  [['blocked', 'denied', 'deny', 'filtered', 'stopped', 'lost', 'closed'], 'dropped or rejected'],
  [['refused', 'reset', 'unreachable', 'reject'], 'rejected'],
  [['discarded', 'drop', 'silent'], 'dropped'],
  [['allowed', 'allow', 'open', 'passed', 'pass', 'accept', 'ok', 'through'], 'accepted'],
];

class ClaimReader {
  readonly #yaml: PlacedYaml;
  readonly #names: SentenceNames;
  readonly #reasons: readonly string[] | undefined;

  constructor(yaml: PlacedYaml, names: SentenceNames, reasons: readonly string[] | undefined) {
    this.#yaml = yaml;
    this.#names = names;
    this.#reasons = reasons;
  }

  read(node: YamlNode): Claim {
    const entries = this.#yaml.entries(node, CLAIM_FORM);
    const subjects = entries.filter(({ key }) => SUBJECTS.some((name) => name === key.text));
    const [subject, second] = subjects;
    for (const { key } of entries)
      if (!ALL_MEMBERS.includes(key.text)) throw unknownMember(key, subject?.key.text as Subject | undefined);
    if (subject === undefined) throw this.#yaml.at(node, `the claim is about nothing; ${SUBJECT_FORM}`);
    if (second !== undefined)
      throw errorIn(
        second.key,
        `a claim is about one thing, but this one has both ${subject.key.text} and ${second.key.text}; ` +
          'write two claims',
      );
    const kind = subject.key.text as Subject;
    for (const { key } of entries)
      if (key !== subject.key && !MEMBERS[kind].includes(key.text))
        throw errorIn(key, `"${key.text}" does not go with ${kind}; expected ${MEMBERS[kind].join(', ')}`);
    return this.#claim(kind, subject, new Map(entries.map((entry) => [entry.key.text, entry])));
  }

  #claim(kind: Subject, subject: YamlEntry, members: ReadonlyMap<string, YamlEntry>): Claim {
    const [first] = members.values();
    const { file, line, column } = first.key;
    const it = this.#text(members.get('it'), 'expected a text, such as "the published Redis answers"');
    const base = { file, line, column, isNamed: it !== undefined };
    if (it?.text.trim() === '') throw errorIn(it, 'the name of the claim is empty');
    const name = it?.text.trim();
    if (kind === 'counters') return this.#counters({ ...base, name }, subject);
    if (kind === 'never') return this.#never({ ...base, name }, subject);
    return this.#packet({ ...base, kind, name }, subject, members);
  }

  #packet(
    base: Pick<PacketClaim, 'kind' | 'file' | 'line' | 'column' | 'isNamed'> & { name: string | undefined },
    entry: YamlEntry,
    members: ReadonlyMap<string, YamlEntry>,
  ): PacketClaim {
    const after = this.#text(members.get('after'), 'expected captures, or the name of a send claim');
    const text = this.#text(entry, 'expected a sentence, such as eth0 tcp * > 192.0.2.10:22')!;
    const isWord = base.kind === 'send' && FOLLOW_WORDS.some((word) => word === text.text.trim());
    const sentence = isWord ? undefined : this.#entering(text);
    const subject = { ...text, value: sentence };
    const becomes = this.#leaving(members.get('becomes'), false);
    const answer = this.#leaving(members.get('answer'), true);
    const ends = this.#ends(members.get('ends'), base.kind);
    const by = this.#by(members.get('by'));
    return {
      ...base,
      ...{ name: base.name ?? text.text, text: text.text, sentence, subject },
      ...(becomes === undefined ? {} : { becomes }),
      ...(answer === undefined ? {} : { answer }),
      ...(ends === undefined ? {} : { ends }),
      ...(by === undefined ? {} : { by }),
      ...(after === undefined ? {} : { after: { ...after, value: after.text.trim() } }),
    };
  }

  #never(
    base: Pick<NeverClaim, 'file' | 'line' | 'column' | 'isNamed'> & { name: string | undefined },
    entry: YamlEntry,
  ): NeverClaim {
    const text = this.#text(entry, 'expected a sentence, such as tcp * > 172.17.0.0/16:* in eth0')!;
    const sentence = this.#entering(text);
    const name = base.name ?? `never: ${text.text}`;
    return { ...base, kind: 'never', name, text: text.text, sentence, subject: { ...text, value: sentence } };
  }

  #counters(
    base: Pick<CountersClaim, 'file' | 'line' | 'column' | 'isNamed'> & { name: string | undefined },
    { key, value }: YamlEntry,
  ): CountersClaim {
    const form = 'expected counters of rules, such as { filter FORWARD 3: ">= 1 packet" }';
    if (value === undefined) throw errorIn(key, `nothing behind "counters:"; ${form}`);
    const counters = this.#yaml.entries(value, form).map((entry): ExpectedCounter => {
      const of = { ...entry.key, value: readCounted(entry.key) };
      const bounds = this.#text(entry, 'expected such as "3 packets" or ">= 1 packet"')!;
      return { of, bounds: { ...bounds, value: readBounds(bounds) } };
    });
    if (counters.length === 0) throw this.#yaml.at(value, `there are no counters; ${form}`);
    const text = counters.map(({ of, bounds }) => `${of.text}: ${bounds.text}`).join(', ');
    return { ...base, kind: 'counters', name: base.name ?? `counters: ${text}`, text, counters };
  }

  /** The text of ENTRY, if there is that member. */
  #text(entry: YamlEntry | undefined, expected: string): PlacedText | undefined {
    if (entry === undefined) return undefined;
    if (entry.value === undefined) throw errorIn(entry.key, `nothing behind "${entry.key.text}:"; ${expected}`);
    return this.#yaml.text(entry.value, expected);
  }

  #sentence(text: PlacedText, endsOptional: boolean): Sentence {
    try {
      return parseSentence(text.text, { names: this.#names, endsOptional });
    } catch (error) {
      if (!(error instanceof SentenceError)) throw error;
      const { message, column, isUnsupported } = error;
      const problem = message.replace('--names FILE gives names', '`names:` in this file and --names FILE give names');
      throw errorInSentence(new SentenceError(column, problem.replace(/^column \d+: /, ''), isUnsupported), text);
    }
  }

  /** TEXT is about a packet as it enters the host. */
  #entering(text: PlacedText): Sentence {
    const sentence = this.#sentence(text, false);
    if (sentence.output === undefined) return sentence;
    throw errorIn(
      text,
      'the sentence is about packets as they enter the host; say where they leave in `becomes:`',
      columnOfOutput(text.text),
    );
  }

  /** ENTRY is about a packet as it left. */
  #leaving(entry: YamlEntry | undefined, endsOptional: boolean): Member<Sentence> | undefined {
    const example = endsOptional ? 'icmp host-prohibited' : 'tcp * > 172.17.0.3:6379 out docker0';
    const text = this.#text(entry, `expected a sentence, such as ${example}`);
    if (text === undefined) return undefined;
    const value = this.#sentence(text, endsOptional);
    if (value.input !== undefined || value.isLocal)
      throw errorIn(
        text,
        `the sentence is about a packet as it left; expected no interface where it comes in, but perhaps "out IFACE"`,
      );
    return { ...text, value };
  }

  #ends(entry: YamlEntry | undefined, kind: PacketClaim['kind']): Member<ExpectedEnd> | undefined {
    const isConnection = kind === 'connection';
    const known = EXPECTED_ENDS.filter((end) => !(isConnection ? OF_PACKETS : OF_CONNECTIONS).includes(end));
    const list = `expected ${known.slice(0, -1).join(', ')} or ${known.at(-1)}`;
    const text = this.#text(entry, list);
    if (text === undefined) return undefined;
    const value = known.find((end) => end === text.text);
    if (value !== undefined) return { ...text, value };
    if (EXPECTED_ENDS.some((end) => end === text.text))
      throw errorIn(text, `only ${isConnection ? 'a packet' : 'a connection'} can end so; ${list}`);
    const [, meant] = OTHER_NAMES.find(([names]) => names.includes(text.text.toLowerCase())) ?? [];
    if (meant !== undefined) throw errorIn(text, `"${text.text}" is no end; did you mean ${meant}? ${list}`);
    throw errorIn(text, `${withNearest(`"${text.text}" is no end`, text.text, known)}; ${list}`);
  }

  #by(entry: YamlEntry | undefined): Member<ExpectedDecider> | undefined {
    const text = this.#text(entry, 'expected what decided, such as filter DOCKER "--dport 6379"');
    return text === undefined ? undefined : { ...text, value: readDecider(text, this.#reasons) };
  }
}
