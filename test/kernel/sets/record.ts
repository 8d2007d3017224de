/**
 * `npm run sets:record`: writes random sets of each type, and what the ipset and the kernel of this machine make of
 * them, to test/sets/recorded, where a test without root reads them.
 */
import { writeFileSync } from 'node:fs';
import { askKernel, commandsOf } from './compare.js';
import { randomSetCase, TYPE_NAMES } from './random-set.js';

const FILE = 'test/sets/recorded/commands.jsonl';
const SEED = 40_000;
const CASES = 5;
/** Longer saved sets would only repeat what shorter ones show. */
const MOST_LINES = 100;

const lines: string[] = [];
for (const type of TYPE_NAMES) {
  let recorded = 0;
  for (let seed = SEED; recorded < CASES; seed++) {
    const commands = commandsOf(randomSetCase(seed, type));
    const kernel = askKernel(commands);
    if (kernel === undefined) break;
    if (kernel.saved.length > MOST_LINES) continue;
    lines.push(JSON.stringify({ type, seed, commands, ...kernel }));
    recorded++;
  }
}
writeFileSync(FILE, `${lines.join('\n')}\n`);
