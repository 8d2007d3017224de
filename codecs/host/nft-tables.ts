/** The tables in the text of `nft list ruleset`, as far as it takes to know whether they do anything to packets. */

export interface NftTable {
  /** `ip`, `ip6`, `inet`, `arp`, `bridge` or `netdev`. */
  readonly family: string;
  readonly name: string;
  /** From 1. */
  readonly line: number;
  /** The hooks of its chains that have rules, or drop by policy. */
  readonly hooks: readonly string[];
}

const TABLE = /^\s*(?:add |create )?table (?:(\w+) )?("[^"]*"|\S+) ?\{/;
const BASE_CHAIN = /^\s*type \S+ hook (\w+)/;
/** Lines of a chain that are no rules. */
const NO_RULE = /^\s*(?:$|#|\}|type \S+ hook|policy |comment "|devices? )/;

/** The tables in TEXT. */
export function nftTables(text: string): NftTable[] {
  const tables: { family: string; name: string; line: number; hooks: Set<string> }[] = [];
  let hook: string | undefined;
  let isChain = false;
  for (const [i, line] of text.split('\n').entries()) {
    const found = TABLE.exec(line);
    if (found) {
      tables.push({ family: found[1] ?? 'ip', name: found[2].replaceAll('"', ''), line: i + 1, hooks: new Set() });
      hook = undefined;
      isChain = false;
      continue;
    }
    const table = tables.at(-1);
    if (table === undefined) continue;
    if (/^\s*chain \S+ \{/.test(line)) isChain = true;
    else if (/^\s*(?:set|map|flowtable|counter|quota|ct|limit|secmark|synproxy|meter)\b.*\{\s*$/.test(line))
      isChain = false;
    else if (isChain) {
      hook = BASE_CHAIN.exec(line)?.[1] ?? (/^\t?\}/.test(line) ? undefined : hook);
      const isRule = hook !== undefined && !NO_RULE.test(line);
      if (hook !== undefined && (isRule || /policy drop;/.test(line))) table.hooks.add(hook);
    }
  }
  return tables.map(({ family, name, line, hooks }) => ({ family, name, line, hooks: [...hooks] }));
}
