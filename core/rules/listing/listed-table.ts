/** Which table a listing is of: what its command or a heading says, or the built-in chains that it has. */
import type { Listing } from '../../../codecs/iptables-listing.js';
import type { Word } from '../../../codecs/iptables-save.js';
import { HOOK_NAMES, TABLE_HOOKS, TABLE_NAMES, type TableName } from '../../hooks.js';
import { RuleFault, unknownName } from '../parse/error.js';

/** The built-in chains that tell a table apart, in the order of hooks. A listing of security names its table. */
export const BY_CHAINS: ReadonlyMap<string, TableName> = new Map([
  ['INPUT FORWARD OUTPUT', 'filter'],
  ['PREROUTING INPUT OUTPUT POSTROUTING', 'nat'],
  // Before Linux 2.6.36.
  ['PREROUTING OUTPUT POSTROUTING', 'nat'],
  ['PREROUTING INPUT FORWARD OUTPUT POSTROUTING', 'mangle'],
  ['PREROUTING OUTPUT', 'raw'],
]);

/** The table that LISTING is of; GIVEN, if it is known from elsewhere. Throws a RuleFault if nothing says which. */
export function tableOf({ table, chains }: Listing, given: TableName | undefined): TableName {
  const names = chains.map(({ name }) => name.text);
  const builtIn = HOOK_NAMES.filter((name) => names.includes(name));
  const said = given ?? (table && namedTable(table));
  if (said !== undefined) {
    const stray = chains.find(
      ({ name, policy }) => policy !== undefined && !TABLE_HOOKS[said].some((hook) => HOOK_NAMES[hook] === name.text),
    );
    if (stray === undefined) return said;
    throw new RuleFault(stray.name, `the table ${said} has no built-in chain ${stray.name.text}`, 'another table');
  }
  const found = BY_CHAINS.get(builtIn.join(' '));
  if (found !== undefined) return found;
  const has = builtIn.length === 0 ? 'no built-in chain' : `of the built-in chains only ${builtIn.join(', ')}`;
  const expected = 'the command (iptables -t nat -L) before it, or --rules nat=FILE';
  const what = `nothing says which table this listing is of: it has ${has}`;
  throw new RuleFault(chains[0].name, what, expected, 'unsupported');
}

function namedTable(word: Word): TableName {
  const table = TABLE_NAMES.find((name) => name === word.text);
  if (table === undefined) throw unknownName(word, 'table', word.text, TABLE_NAMES);
  return table;
}
