/** What a filter asks of the rows of a result, as tests. */
import { IPPROTO_ICMP } from '../../../codecs/assigned-numbers.js';
import { fitsFlags } from '../../../codecs/sentence/tcp-flags.js';
import type { Column } from '../../../explain/report/format/columns.js';
import type { Filter } from '../../selection.js';
import type { PacketColumns, Result, TupleColumns } from '../result.js';
import { fitsEnd } from './filter-end.js';
import { type FilterText, type InterfaceTest, type PlainWord, readFilterText } from './filter-text.js';
import { asksTraversals, fitsTraversal } from './fits-traversal.js';
import { contains, flagsWith, traversalsWith, tuplesWith } from './plain-text.js';
import { type Lookup, type RowTest, tableOf } from './row-test.js';
import type { Slices } from './slices.js';

/** Values of `inDev` and `outDev` that are no interfaces: -1, and -2. */
const NO_DEVS = 2;

export async function filterTests(result: Result, filter: Filter, slices: Slices): Promise<RowTest[]> {
  const text = readFilterText(filter.text ?? '', knownNames(result));
  const [packets, traversals, rules] = await Promise.all([result.packets(), result.traversals(), result.rules()]);
  const tests: RowTest[] = [];
  if (filter.time) tests.push({ column: packets.timeNs, min: filter.time[0], max: filter.time[1] });
  for (const name of ['connection', 'inDev', 'outDev'] as const) {
    const value = filter[name];
    if (value !== undefined) tests.push({ column: packets[name], min: value, max: value });
  }
  if (asksTraversals(filter) || text.state !== undefined) {
    const table = tableOf(0, traversals.length, (number) => {
      const traversal = traversals[number];
      return (text.state ?? traversal.ctstate) === traversal.ctstate && fitsTraversal(filter, traversal, rules);
    });
    tests.push({ lookups: [{ column: packets.traversal, table, base: 0 }], isNegated: false });
  }
  tests.push(...headTests(packets, text, result.index.host.interfaces.length));
  if (asksTuple(text)) {
    const tuples = await result.tuples();
    tests.push({ lookups: ofBothTuples(packets, await fittingTuples(text, tuples, slices)), isNegated: false });
  }
  for (const word of text.words) tests.push(await wordTest(word, result, slices));
  return tests;
}

/** What names in the text of a filter of RESULT can stand for. */
export function knownNames({ index: { names, numberNames, host } }: Result): Parameters<typeof readFilterText>[1] {
  return { hosts: names, ...numberNames, interfaces: host.interfaces.map(({ name }) => name) };
}

/** What TEXT asks of columns that have the values themselves. DEVS: how many interfaces there are. */
function headTests(packets: PacketColumns, text: FilterText, devs: number): RowTest[] {
  const { isLocal, input, output, length, flags } = text;
  const tests: RowTest[] = [];
  if (isLocal) tests.push({ column: packets.inDev, min: -1, max: -1 });
  if (input) tests.push({ lookups: [ofDevs(packets.inDev, input, devs)], isNegated: false });
  if (output) tests.push({ lookups: [ofDevs(packets.outDev, output, devs)], isNegated: false });
  if (length) tests.push({ column: packets.length, ...length });
  if (flags !== undefined) {
    const table = tableOf(1, 256, (value) => value >= 0 && fitsFlags(flags, value));
    tests.push({ lookups: [{ column: packets.flags, table, base: 1 }], isNegated: false });
  }
  return tests;
}

function ofDevs(column: Column, { devs, isNegated }: InterfaceTest, count: number): Lookup {
  return { column, table: tableOf(NO_DEVS, count, (dev) => devs.includes(dev) !== isNegated), base: NO_DEVS };
}

const asksTuple = ({ protocol, source, destination, icmp }: FilterText): boolean =>
  protocol !== undefined || source !== undefined || destination !== undefined || icmp !== undefined;

/** The table of the tuples, from -1, that fit TEXT. */
async function fittingTuples(text: FilterText, tuples: TupleColumns, slices: Slices): Promise<Uint8Array> {
  const { protocol, source, destination, icmp } = text;
  const count = tuples.protocol.length;
  const table = new Uint8Array(count + 1);
  await slices.each(count, (from, to) => {
    for (let i = from; i < to; i++) {
      if (protocol !== undefined && tuples.protocol[i] !== protocol) continue;
      const isIcmp = tuples.protocol[i] === IPPROTO_ICMP;
      const [sport, dport] = [tuples.sport[i], tuples.dport[i]];
      if (icmp !== undefined && !(isIcmp && sport === icmp.type && (icmp.code ?? dport) === dport)) continue;
      if (source !== undefined && !fitsEnd(source, tuples.source[i], isIcmp ? -1 : sport)) continue;
      if (destination !== undefined && !fitsEnd(destination, tuples.destination[i], isIcmp ? -1 : dport)) continue;
      table[i + 1] = 1;
    }
  });
  return table;
}

/** Packets as they arrived, and as they left. */
function ofBothTuples({ tuple, after }: PacketColumns, table: Uint8Array): Lookup[] {
  return [tuple, after].map((column) => ({ column, table, base: 1 }));
}

async function wordTest({ text, isNegated }: PlainWord, result: Result, slices: Slices): Promise<RowTest> {
  const [packets, tuples, traversals, rules] = await Promise.all([
    result.packets(),
    result.tuples(),
    result.traversals(),
    result.rules(),
  ]);
  const { host } = result.index;
  const devs = host.interfaces.map(({ name }) => contains(name.toLowerCase(), text));
  const ofInterfaces = tableOf(NO_DEVS, devs.length, (dev) => (dev === -1 ? text === 'local' : devs[dev]));
  return {
    lookups: [
      ...ofBothTuples(packets, await tuplesWith(text, tuples, result.index, slices)),
      { column: packets.traversal, table: traversalsWith(text, traversals, rules), base: 0 },
      { column: packets.inDev, table: ofInterfaces, base: NO_DEVS },
      { column: packets.outDev, table: tableOf(NO_DEVS, devs.length, (dev) => devs[dev] === true), base: NO_DEVS },
      { column: packets.flags, table: flagsWith(text), base: 1 },
    ],
    isNegated,
  };
}
