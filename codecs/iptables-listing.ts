/**
 * Listings of rules (`iptables -L`, with or without -v, -n, -x and --line-numbers), split into chains, rows and
 * columns. Several listings may follow each other, with the commands that were typed, headings and other text between
 * them.
 */
import type { Word } from './iptables-save.js';

/** What iptables -L printed of one table, or of one chain of it. */
export interface Listing {
  /** The table that the command (`iptables -t nat -L`) or a heading (`Table: nat`) before it names. */
  readonly table: Word | undefined;
  /** What the command is; undefined if none was seen. */
  readonly family: 'ipv4' | 'ipv6' | undefined;
  readonly chains: readonly ListedChain[];
}

export interface ListedChain {
  readonly name: Word;
  /** Undefined for a chain that has references instead: one of the user's. */
  readonly policy: Word | undefined;
  /** The counters of the policy; undefined without -v. */
  readonly counters: ListedCounters | undefined;
  readonly rules: ListedRule[];
}

/** As printed: possibly abbreviated, as 12K. */
export interface ListedCounters {
  readonly packets: Word;
  readonly bytes: Word;
}

/** A row. Words have their `!` with them, as in `!lo`. */
export interface ListedRule {
  readonly line: number;
  readonly counters: ListedCounters | undefined;
  /** Undefined for a rule without a target. */
  readonly target: Word | undefined;
  readonly protocol: Word;
  /** `-f`, `!f` or `--`; undefined where there is no such column (ip6tables before 1.8.9). */
  readonly fragment: Word | undefined;
  /** Both undefined in a listing without -v. */
  readonly inDev: Word | undefined;
  readonly outDev: Word | undefined;
  readonly source: Word;
  readonly destination: Word;
  /** The line up to its end, of which what is from index `extensionsAt` on is the text of matches and the target. */
  readonly text: string;
  readonly extensionsAt: number;
}

/** What is no part of a listing where one has to be. */
export class ListingFault extends Error {
  override readonly name = 'ListingFault';
  readonly word: Word;
  readonly expected: string;

  constructor(word: Word, what: string, expected: string) {
    super(what);
    this.word = word;
    this.expected = expected;
  }
}

/** `(policy ACCEPT)`, `(policy DROP 12 packets, 34K bytes)`, `(2 references)`. */
const POLICY = /policy (\S+?)(?: (\d+[KMGT]?) packets, (\d+[KMGT]?) bytes)?/;
const REFERENCES = /-?\d+ references?|ERROR obtaining refs/;
const CHAIN = new RegExp(`^\\s*Chain (\\S+) \\((?:${POLICY.source}|${REFERENCES.source})\\)\\s*$`, 'd');
const COLUMNS = /^\s*(num\s+)?(pkts\s+bytes\s+)?target\s+prot\s+opt\s+(in\s+out\s+)?source\s+destination\s*$/;
/** A heading over a listing: `Table: nat` of `service iptables status`, `nat table`, `# nat`. */
const HEADING = /^[\s#*=[-]*(?:table:?\s+)?[`'"]?(filter|nat|mangle|raw|security)[`'"]?(?:\s+table)?[\s#*=:\]-]*$/di;
/** iptables as a command, perhaps behind a prompt, with its options. */
const COMMAND = /(?:^|[\s;|&#$%>`'"])(?:\/[^\s;|&#$%>`'"]*\/)?(ip6?)tables(?:-legacy|-nft)?((?:\s+[^\s;|&#<>`'"]+)+)/d;
/** The end of a chain's rows if no empty line comes before it: a shell's prompt, or the end of a block of code. */
const PROMPT = /^\s*(?:```|~~~|--+\s*$|#|[^\s@]*@\S*[#$%>]|\[[^\]]*\]\s*[#$%]|\S*[#$%>](?:\s|$))/;

/** A text with listings in it. */
export interface ListedText {
  /** Each of at least one chain. */
  readonly listings: readonly Listing[];
  /** What looks like rows of a listing, but stands behind other text: nothing says which chain they are of. */
  readonly strays: readonly Word[];
}

/**
 * The listings in TEXT.
 * @throws {ListingFault} at what is no row of a listing where only one can be
 */
export function splitListings(text: string): ListedText {
  const splitter = new Splitter();
  for (const [index, line] of text.split('\n').entries()) {
    // -m bpf prints a NUL behind its instructions.
    splitter.line(line.replace(/\r$/, '').replaceAll('\0', ' '), index + 1);
  }
  return splitter.finish();
}

/**
 * The counters that the listings in TEXT have, by line: of rules, and in the headings of chains those of policies.
 * Undefined in a listing without -v.
 */
export function listedCounters(text: string): ReadonlyMap<number, ListedCounters | undefined> {
  const found = new Map<number, ListedCounters | undefined>();
  for (const { chains } of splitListings(text).listings) {
    for (const { name, counters, rules } of chains) {
      found.set(name.line, counters);
      for (const rule of rules) found.set(rule.line, rule.counters);
    }
  }
  return found;
}

/** Which columns the rows of a chain have. */
interface Columns {
  readonly hasNumbers: boolean;
  readonly hasCounters: boolean;
  readonly hasDevices: boolean;
}

type OpenListing = { -readonly [Key in keyof Listing]: Key extends 'chains' ? ListedChain[] : Listing[Key] };

const NO_COLUMNS: Columns = { hasNumbers: false, hasCounters: false, hasDevices: false };

class Splitter {
  readonly #listings: OpenListing[] = [];
  readonly #strays: Word[] = [];
  /** The listing that is being read. */
  #open: OpenListing | undefined;
  /** What the next listing is of. */
  #table: Word | undefined;
  #family: Listing['family'];
  #chain: ListedChain | undefined;
  #columns: Columns | undefined;
  /** The line before belongs to the chain, so that this one has to. */
  #isWithin = false;

  line(line: string, number: number): void {
    if (line.trim() === '') this.#isWithin = false;
    else if (!this.#startChain(line, number) && !this.#header(line, number) && !this.#row(line, number)) {
      this.#other(line, number);
    }
  }

  finish(): ListedText {
    this.#needColumns();
    return { listings: this.#listings, strays: this.#strays };
  }

  #startChain(line: string, number: number): boolean {
    const found = CHAIN.exec(line);
    if (found === null) return false;
    this.#needColumns();
    const wordOf = (group: number): Word | undefined => groupWord(found, group, number);
    const [name, policy, packets, bytes] = [wordOf(1)!, wordOf(2), wordOf(3), wordOf(4)];
    // A table has each chain once.
    if (this.#open?.chains.some((chain) => chain.name.text === name.text)) this.#open = undefined;
    if (this.#open === undefined) {
      this.#open = { table: this.#table, family: this.#family, chains: [] };
      this.#table = undefined;
      this.#listings.push(this.#open);
    }
    const counters = packets && bytes && { packets, bytes };
    this.#chain = { name, policy, counters, rules: [] };
    this.#open.chains.push(this.#chain);
    this.#columns = undefined;
    this.#isWithin = true;
    return true;
  }

  #header(line: string, number: number): boolean {
    const found = COLUMNS.exec(line);
    if (found === null) return false;
    if (this.#chain === undefined || this.#columns !== undefined) {
      const word = { text: line.trim(), line: number, column: line.search(/\S/) + 1 };
      throw new ListingFault(word, 'the columns of a chain that is not named', 'Chain NAME (…) in the line before');
    }
    const [, hasNumbers, hasCounters, hasDevices] = found.map((group) => group !== undefined);
    this.#columns = { hasNumbers, hasCounters, hasDevices };
    this.#isWithin = true;
    return true;
  }

  #row(line: string, number: number): boolean {
    if (this.#chain === undefined || this.#columns === undefined) return false;
    const rule = splitRow(line, number, this.#columns);
    if (rule === undefined) return false;
    this.#chain.rules.push(rule);
    this.#isWithin = true;
    return true;
  }

  /** A line between listings. */
  #other(line: string, number: number): void {
    if (this.#isWithin && !PROMPT.test(line) && !COMMAND.test(line)) {
      const word = { text: line.trim(), line: number, column: line.search(/\S/) + 1 };
      const [what, expected] =
        this.#columns === undefined
          ? ['a line that does not name the columns of the chain', 'target prot opt source destination']
          : ['a line that is no rule of the listing', 'target, protocol, opt, source, destination'];
      throw new ListingFault(word, what, expected);
    }
    this.#close();
    if (splitRow(line, number, NO_COLUMNS)?.fragment !== undefined) {
      this.#strays.push({ text: line.trim(), line: number, column: line.search(/\S/) + 1 });
    }
    this.#readCommand(line, number);
    const table = groupWord(HEADING.exec(line), 1, number);
    if (table !== undefined) this.#startListing({ ...table, text: table.text.toLowerCase() }, this.#family);
  }

  #readCommand(line: string, number: number): void {
    const found = COMMAND.exec(line);
    if (found === null) return;
    const at = found.indices![2]![0];
    const words = [...found[2].matchAll(/\S+/g)].map(
      ({ 0: word, index }): Word => ({ text: word, line: number, column: at + index + 1 }),
    );
    if (!words.some(({ text }) => /^-[a-zA-Z]*L|^--list$/.test(text))) return;
    const table = tableOption(words) ?? { text: 'filter', line: number, column: found.indices![1]![0] + 1 };
    this.#startListing(table, found[1] === 'ip6' ? 'ipv6' : 'ipv4');
  }

  #startListing(table: Word, family: Listing['family']): void {
    this.#table = table;
    this.#family = family;
    this.#open = undefined;
  }

  /** Ends the chain that is being read. */
  #close(): void {
    this.#needColumns();
    this.#isWithin = false;
    this.#chain = undefined;
    this.#columns = undefined;
  }

  /** Throws if the chain before has no line that names its columns. */
  #needColumns(): void {
    if (this.#chain === undefined || this.#columns !== undefined) return;
    const what = `the listing ends in the chain ${this.#chain.name.text}`;
    throw new ListingFault(this.#chain.name, what, 'a line that names its columns: target prot opt source destination');
  }
}

/** The value of -t among the WORDS of a command. */
function tableOption(words: readonly Word[]): Word | undefined {
  for (const [i, word] of words.entries()) {
    const attached = /^(?:-[a-zA-Z]*?t|--table=)(.+)$/.exec(word.text)?.[1];
    if (attached !== undefined) {
      return { ...word, text: attached, column: word.column + word.text.length - attached.length };
    }
    if (/^(?:-[a-zA-Z]*t|--table)$/.test(word.text)) return words[i + 1];
  }
  return undefined;
}

function groupWord(found: RegExpExecArray | null, group: number, line: number): Word | undefined {
  const range = found?.indices?.[group];
  if (found === null || range === undefined) return undefined;
  return { text: found[group], line, column: range[0] + 1 };
}

const COUNT = /^\d+[KMGT]?$/;
const FRAGMENT = /^(?:--|-f|!f)$/;
const IPV6 = /^!?(?:anywhere|[0-9a-f]*:[0-9a-f:.]*(?:\/\S+)?)$/i;
/** How wide the column of targets is with the blank behind it. Before ip6tables 1.8.9, only that tells an empty one. */
const TARGET_WIDTH = 10;

/** The columns of LINE; undefined if it is no row. */
function splitRow(line: string, number: number, columns: Columns): ListedRule | undefined {
  const words: Word[] = [];
  const most = 10;
  for (const { 0: text, index } of line.matchAll(/\S+/g)) {
    words.push({ text, line: number, column: index + 1 });
    if (words.length === most) break;
  }
  let at = 0;
  if (columns.hasNumbers && !/^\d+$/.test(words[at++]?.text ?? '')) return undefined;
  let counters: ListedCounters | undefined;
  if (columns.hasCounters) {
    const [packets, bytes] = words.slice(at);
    if (bytes === undefined || !COUNT.test(packets.text) || !COUNT.test(bytes.text)) return undefined;
    counters = { packets, bytes };
    at += 2;
  }
  const isFragment = (index: number): boolean => FRAGMENT.test(words[index]?.text ?? '');
  const hasFragment = isFragment(at + 1) || isFragment(at + 2);
  const target = hasTarget(words, at) ? words[at++] : undefined;
  const protocol = words[at++];
  const fragment = hasFragment ? words[at++] : undefined;
  const [inDev, outDev] = columns.hasDevices ? words.slice(at) : [];
  if (columns.hasDevices) at += 2;
  const [source, destination] = words.slice(at);
  if (destination === undefined) return undefined;
  // Before 1.8.9, ip6tables leaves the column empty.
  if (!hasFragment && ![source, destination].some(({ text }) => IPV6.test(text))) return undefined;
  const extensionsAt = destination.column - 1 + destination.text.length;
  return {
    line: number,
    counters,
    target,
    protocol,
    fragment,
    inDev,
    outDev,
    source,
    destination,
    text: line.trimEnd(),
    extensionsAt,
  };
}

/** Whether the word at AT is a target: what is at one or two words before the fragments' column says so. */
function hasTarget(words: readonly Word[], at: number): boolean {
  if (FRAGMENT.test(words[at + 1]?.text ?? '')) return false;
  if (FRAGMENT.test(words[at + 2]?.text ?? '')) return true;
  const before = words[at - 1];
  const start = before === undefined ? 0 : before.column + before.text.length;
  return words[at] !== undefined && words[at].column - 1 - start < TARGET_WIDTH;
}
