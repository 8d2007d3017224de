/** The tables in a ruleset of nft, as far as it takes to know whether they do anything to packets. */

export interface NftTable {
  /** `ip`, `ip6`, `inet`, `arp`, `bridge` or `netdev`. */
  readonly family: string;
  readonly name: string;
  /** From 1. */
  readonly line: number;
  /** The hooks of its chains that have rules, or drop by policy. */
  readonly hooks: readonly string[];
}

const TABLE = /^(?:add |create )?table (?:(ip6?|inet|arp|bridge|netdev) )?(\S+)$/;
const CHAIN = /^(?:add |create )?chain \S/;
const HOOK = /^type \S+ hook (\w+)/;
/** Statements of a chain that are no rules. */
const NO_RULE = /^(?:type \S+ hook|policy |comment |devices? |flags )/;

/** The tables in TEXT, which `nft list ruleset` printed, or which is written in the same language. */
export function nftTables(text: string): NftTable[] {
  const reader = new TableReader();
  for (const [i, line] of text.split('\n').entries())
    for (const statement of statementsIn(line)) reader.statement(statement, i + 1);
  return reader.tables;
}

/** The statements in LINE: with the brace that opens a block at the end, or the brace alone that closes one. */
function statementsIn(line: string): string[] {
  const bare = line.replace(/"[^"]*"?/g, (quoted) => (/[{};#]/.test(quoted) ? '""' : quoted)).replace(/#.*/, '');
  return (bare.match(/[^{};]*\{|\}|[^{};]+/g) ?? []).map((statement) => statement.trim()).filter((one) => one !== '');
}

class TableReader {
  readonly tables: (NftTable & { hooks: string[] })[] = [];
  /** How many blocks are open: 1 in a table, 2 in a chain, more in a set within a rule. */
  #depth = 0;
  #isChain = false;
  #hook: string | undefined;

  statement(statement: string, line: number): void {
    if (statement === '}') {
      this.#depth = Math.max(0, this.#depth - 1);
      return;
    }
    const isOpening = statement.endsWith('{');
    const text = isOpening ? statement.slice(0, -1).trim() : statement;
    if (this.#depth === 0) this.#top(text, line);
    else if (this.#depth === 1) this.#member(text);
    else if (this.#isChain) this.#ofChain(text);
    if (isOpening) this.#depth++;
  }

  #top(text: string, line: number): void {
    const [, family = 'ip', name] = TABLE.exec(text) ?? [];
    if (name !== undefined) this.tables.push({ family, name: name.replaceAll('"', ''), line, hooks: [] });
  }

  #member(text: string): void {
    this.#isChain = CHAIN.test(text);
    this.#hook = undefined;
  }

  #ofChain(text: string): void {
    this.#hook = HOOK.exec(text)?.[1] ?? this.#hook;
    const acts = /^policy drop\b/.test(text) || (this.#depth === 2 && !NO_RULE.test(text));
    const hooks = this.tables.at(-1)?.hooks;
    if (acts && this.#hook !== undefined && !hooks?.includes(this.#hook)) hooks?.push(this.#hook);
  }
}
