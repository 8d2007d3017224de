// Measures how long a ruleset takes to get ready, in a separate process: `ready-once.js RULES HOST` prints the
// milliseconds from parsing the text in memory until the first packet has been forwarded.
import { readFileSync } from 'node:fs';
import { TCP_SYN } from '../codecs/layouts.js';
import { createEmulator, Outcome } from '../core/emulator.js';
import { loadHost } from '../core/host/host.js';
import { Frame } from '../core/link/frame.js';
import { parseRuleset } from '../core/rules/parse/parse.js';
import { fromClient } from './est64.js';
import { FrameBuilder } from './frame-builder.js';

const [rulesPath, hostPath] = process.argv.slice(2);
const text = readFileSync(rulesPath, 'utf8');
const host = loadHost(readFileSync(hostPath, 'utf8'), hostPath);
const made = new FrameBuilder();
made.tcp(fromClient(0), 1, TCP_SYN, 1, 0, 0);

const startedMs = performance.now();
const ruleset = parseRuleset(text, rulesPath);
const emulator = createEmulator({ ruleset, host }, { egress() {}, local() {}, dropped() {} });
emulator.receive(new Frame({ bytes: made.bytes.subarray(0, made.length), dev: host.interfaceIndex('eth0') }));
const durationMs = performance.now() - startedMs;
if (emulator.outcome !== Outcome.FORWARDED)
  throw new Error(`the packet was not forwarded: ${emulator.dropCause?.reason}`);
process.stdout.write(`${durationMs}\n`);
