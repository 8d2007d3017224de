/** The texts of a result folder: counted rules, connections, and the summary. */
import { join } from 'node:path';
import { AsciiWriter } from '../codecs/ascii-writer.js';
import { writeConnection } from '../codecs/conntrack-list.js';
import { shownJson } from '../codecs/text.js';
import { listConnection } from '../core/conntrack/list.js';
import type { Emulator } from '../core/emulator.js';
import type { TableName } from '../core/hooks.js';
import { saveSets } from '../core/ipset/index.js';
import { addCounters } from '../core/rules/loaded-counters.js';
import type { SavedCounters } from '../core/rules/model.js';
import { saveRuleset } from '../core/rules/save.js';
import { writeText } from '../io/text-file.js';
import { IPSET_FILE, SUMMARY_FILE } from './result-files.js';
import type { Summary } from './summary.js';

/** The list of connections is written in pieces of at least this size. */
const LIST_PIECE_BYTES = 1 << 18;

/** The counters at the end, which start from those LOADED. */
export function finalCounters(
  { counters }: Emulator,
  loaded: ReadonlyMap<TableName, SavedCounters> | undefined,
): ReadonlyMap<TableName, SavedCounters> {
  return loaded === undefined ? counters : addCounters(counters, loaded);
}

/** Writes the texts of the results, in steps. COUNTERS: those of the rules at the end. */
export function* writeTexts(
  dir: string,
  emulator: Emulator,
  summary: Summary,
  counters: ReadonlyMap<TableName, SavedCounters>,
): Generator<void> {
  writeText(join(dir, 'rules.v4'), saveRuleset(emulator.ruleset, counters));
  // An empty store would be an empty file.
  for (const _ of emulator.sets) {
    writeText(join(dir, IPSET_FILE), saveSets(emulator.sets));
    break;
  }
  yield* writeConnections(join(dir, 'conntrack.txt'), emulator);
  writeText(join(dir, SUMMARY_FILE), `${shownJson(summary)}\n`);
}

/** Writes the list in pieces: a million connections are 250 MB of text. */
export function* writeConnections(
  path: string,
  { connections, nowMs }: Pick<Emulator, 'connections' | 'nowMs'>,
): Generator<void> {
  const writer = new AsciiWriter();
  let next = 0;
  do {
    for (; next >= 0 && writer.length <= LIST_PIECE_BYTES; next++) {
      next = connections.next(nowMs, next);
      if (next < 0) break;
      writeConnection(writer, listConnection(connections, next, nowMs));
      writer.text('\n');
    }
    writeText(path, writer.bytes, 'a');
    writer.clear();
    yield;
  } while (next >= 0);
}
