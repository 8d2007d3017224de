/**
 * Parses listings (`iptables -L`) into a `Ruleset`. Each row becomes the words of a rule, which the parser of rules
 * takes. What a listing does not show is not guessed: such rules are unsupported, each with what is hidden.
 */
import type { Family } from '../../../codecs/address.js';
import { DEFAULT_NAMES, type NamesDescription } from '../../../codecs/host/names.js';
import {
  type ListedChain,
  type ListedRule,
  type Listing,
  ListingFault,
  splitListings,
} from '../../../codecs/iptables-listing.js';
import { quoteWord, type Word } from '../../../codecs/iptables-save.js';
import { cutToBytes } from '../../../codecs/text.js';
import { HOOK_NAMES, TABLE_HOOKS, type TableName } from '../../hooks.js';
import type { Ruleset, RulesetWarning, Table } from '../model.js';
import type { WordFinder } from '../parse/check-table.js';
import { checkedRuleset } from '../parse/checked-ruleset.js';
import type { Command } from '../parse/command.js';
import { RuleFault, RulesetError } from '../parse/error.js';
import { KernelObjects } from '../parse/kernel-objects.js';
import { KNOWN_TARGETS } from '../parse/known-extensions.js';
import { parseCommand } from '../parse/parse-rule.js';
import type { ParseOptions } from '../parse/ruleset-reader.js';
import { type FileState, TableDraft } from '../parse/table-draft.js';
import type { UnsupportedPart } from '../unsupported.js';
import { ListedAddresses } from './listed-addresses.js';
import { tableOf } from './listed-table.js';
import { type HiddenPart, type RowContext, rowWords } from './row-words.js';

const VERDICTS: readonly string[] = ['ACCEPT', 'DROP', 'RETURN'];

export interface ListingOptions extends ParseOptions {
  /** The table of a listing that does not tell. */
  readonly table?: TableName;
  /** Addresses by the names of hosts, which a listing without -n has. */
  readonly hostNames?: ReadonlyMap<string, readonly string[]>;
}

/**
 * Parses TEXT, the content of FILE_NAME: listings, and whatever is between them.
 * @throws {RulesetError} at the first error, or with all that the listings do not show and all that is not supported
 */
export function parseListing(text: string, fileName: string, options: ListingOptions = {}): Ruleset {
  try {
    const { listings, strays } = splitListings(text);
    const reader = new ListingReader(fileName, listings, options);
    const tables = new Map<TableName, Table>();
    for (const listing of listings) {
      const table = tableOf(listing, options.table);
      const [{ name }] = listing.chains;
      if (tables.has(table)) throw new RuleFault(name, `a second listing of the table ${table}`, 'one of each table');
      tables.set(table, reader.read(listing, table));
    }
    for (const { line, column } of strays) {
      reader.warnings.push({ line, column, message: 'a rule behind other text is of no chain, and is not read' });
    }
    return checkedRuleset(fileName, [...tables.values()], reader, options);
  } catch (error) {
    if (error instanceof ListingFault) {
      throw new RulesetError(fileName, new RuleFault(error.word, error.message, error.expected));
    }
    throw error instanceof RuleFault ? new RulesetError(fileName, error) : error;
  }
}

class ListingReader implements FileState {
  readonly warnings: RulesetWarning[] = [];
  readonly unparsed: UnsupportedPart[] = [];
  readonly declared = new Set<string>();
  readonly objects = new KernelObjects();
  readonly family: Family;
  readonly names: NamesDescription;
  readonly #fileName: string;
  readonly #addresses: ListedAddresses;
  /** The rules that were read, by their lines. */
  readonly #commands = new Map<number, Command>();

  constructor(fileName: string, listings: readonly Listing[], options: ListingOptions) {
    this.#fileName = fileName;
    this.family = familyOf(listings, options.family) ?? options.family ?? 'ipv4';
    this.names = options.names ?? DEFAULT_NAMES;
    this.#addresses = new ListedAddresses(this.family, options.hostNames ?? new Map());
  }

  read({ chains }: Listing, name: TableName): Table {
    const table = new TableDraft(name, undefined, this);
    const builtIn = TABLE_HOOKS[name].map((hook): string => HOOK_NAMES[hook]);
    for (const chain of chains) {
      table.declareChain(chain.name, chain.policy ?? { ...chain.name, text: '-' });
    }
    for (const missing of builtIn) {
      const isOld = name === 'nat' && missing === 'INPUT';
      const isListed = chains.some((chain) => chain.name.text === missing);
      if (!isOld && !isListed) unlistedChain(table, { ...chains[0].name, text: missing });
    }
    const rows = chains.flatMap(({ rules }) => rules);
    for (const { target } of rows) {
      if (target === undefined || isTarget(target.text, this.family) || table.chainKind(target.text)) continue;
      table.declareChain(target, { ...target, text: '-' });
      unlistedChain(table, target);
    }
    for (const chain of chains) for (const row of chain.rules) this.#rule(table, chain, row);
    const wordOf: WordFinder = ({ line }, match) => this.#wordOf(line, match);
    return table.finish(this.#fileName, wordOf);
  }

  #rule(table: TableDraft, chain: ListedChain, row: ListedRule): void {
    const start: Word = { text: row.text, line: row.line, column: 1 };
    const isChain = (text: string): boolean => table.chainKind(text) === 'user';
    const context: RowContext = { chain: chain.name, addresses: this.#addresses, isChain };
    try {
      const { words, hidden } = rowWords(row, context);
      const command = parseCommand(words, start, table)!;
      this.#commands.set(row.line, command);
      const all = row.inDev === undefined ? [hiddenDevices(row), ...hidden] : hidden;
      table.run(all.length === 0 ? command : withHidden(command, all));
    } catch (fault) {
      if (!(fault instanceof RuleFault)) throw fault;
      // The tool has printed it: what is a fault in a rule may be a name that only its host knows.
      const part = new RuleFault(fault.word, fault.message, '', 'unsupported');
      table.appendInert(chain.name, unreadComment(row.text), row.line, part);
    }
  }

  #wordOf(line: number, match: number | undefined): Word {
    const command = this.#commands.get(line);
    const word = match === undefined ? command?.targetWord : command?.matchWords[match];
    return word ?? { text: '', line, column: 1 };
  }
}

/** The family that LISTINGS are of; undefined if nothing says so. Throws a RuleFault if that is not GIVEN. */
function familyOf(listings: readonly Listing[], given: Family | undefined): Family | undefined {
  const rules = listings.flatMap(({ chains }) => chains.flatMap((chain) => chain.rules));
  const isIpv6 = rules.some(
    // Before 1.8.9, ip6tables leaves the column of fragments empty.
    ({ source, destination, fragment }) => fragment === undefined || /:/.test(source.text + destination.text),
  );
  const seen = listings.find(({ family }) => family !== undefined)?.family ?? (isIpv6 ? 'ipv6' : undefined);
  if (seen === undefined || given === undefined || seen === given) return seen;
  const [is, wanted] = seen === 'ipv6' ? ['ip6tables', 'iptables'] : ['iptables', 'ip6tables'];
  const { name } = listings[0].chains[0];
  throw new RuleFault(name, `a listing of ${is}, where rules of ${wanted} are read`, '', 'unsupported');
}

/** The name of what is hidden of each rule in a listing without -v. */
export const HIDDEN_DEVICES = 'the interfaces';

/** What is hidden of each rule in a listing without -v. */
function hiddenDevices({ line, protocol }: ListedRule): HiddenPart {
  const message =
    'a listing without -v does not show the interfaces (-i, -o) of rules: use iptables -L -v -n; ' +
    'or, for rules of Docker or of Red Hat, --guess docker or --guess rhel fills them in';
  return { what: HIDDEN_DEVICES, message, word: { ...protocol, line } };
}

function withHidden(command: Command, hidden: readonly HiddenPart[]): Command {
  const parts = hidden.map(({ what, message, word }): UnsupportedPart => {
    return { part: 'hidden', name: what, message, word };
  });
  const rules = command.rules.map((rule) => ({ ...rule, unsupported: [...(rule.unsupported ?? []), ...parts] }));
  return { ...command, rules };
}

function isTarget(name: string, family: Family): boolean {
  return VERDICTS.includes(name) || KNOWN_TARGETS[family].has(name);
}

/** The chain NAME, which the listing leaves out, has rules that nobody knows. */
export function unlistedChain(table: TableDraft, name: Word): void {
  const what = `the listing has no chain ${name.text}, so its rules in the table ${table.name} are not known`;
  const fault = new RuleFault(name, what, 'a listing of all chains', 'unsupported');
  table.appendInert(name, unreadComment(`the chain ${name.text}`), name.line, fault);
}

const MAX_COMMENT_BYTES = 200;

/** What a rule that could not be read is saved as: a rule that does nothing, with TEXT in a comment. */
function unreadComment(text: string): string {
  const shown = cutToBytes(text.trim().replace(/\s+/g, ' '), MAX_COMMENT_BYTES);
  return `-m comment --comment ${quoteWord(`not read: ${shown}`)}`;
}
