/** What Linux 6.18 and ipset 7.17 made of random sets: answers, messages, and the saved elements in their order. */
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readSets, saveSets } from '../../core/ipset/index.js';
import type { Packet } from '../../core/packet.js';
import { PLAIN_LOOKUP, type SetLookup } from '../../core/sets/ip-set.js';
import { SetStore } from '../../core/sets/store.js';
import { packetOf } from '../packets/packet-of.js';
import { answersHere, differenceOf, type SetAnswers } from './set-answers.js';

const recorded = suite('recorded sets');

const linesOf = (name: string): string[] => readFileSync(`test/sets/recorded/${name}`, 'utf8').trimEnd().split('\n');

interface RecordedCommands extends SetAnswers {
  readonly type: string;
  readonly seed: number;
  readonly commands: readonly string[];
}

for (const line of linesOf('commands.jsonl')) {
  const { type, seed, commands, answers, saved }: RecordedCommands = JSON.parse(line);
  recorded(`commands on a ${type}, seed ${seed}`, () => {
    assert.is(differenceOf(commands, { answers, saved }, answersHere(commands)), undefined);
  });
}

/** A rule of mangle PREROUTING, without conntrack, and how many packets it counted. */
interface RecordedRule {
  readonly rule: string;
  readonly what: 'test' | 'add' | 'del' | 'map' | 'mark';
  readonly set: string;
  readonly lookup: Partial<SetLookup>;
  readonly isInverted?: boolean;
  readonly mark?: number;
  readonly packets: number;
}

interface RecordedPackets {
  readonly seed: number;
  readonly sets: readonly string[];
  readonly rules: readonly RecordedRule[];
  readonly frames: readonly string[];
  readonly saved: readonly string[];
}

for (const line of linesOf('packets.jsonl')) {
  const { seed, sets, rules, frames, saved }: RecordedPackets = JSON.parse(line);
  recorded(`packets asked for by rules, seed ${seed}`, () => {
    const store = new SetStore({ clock: { nowMs: 0 }, interfaceNames: ['lo', 'eth0', 'eth1'], randomWord: () => 0 });
    readSets(`${sets.join('\n')}\n`, 'sets', store);
    const asked = rules.map(({ lookup, ...rule }) => ({ ...rule, lookup: { ...PLAIN_LOOKUP, ...lookup } }));
    const counts = asked.map(() => 0);
    for (const frame of frames) {
      const packet = arrived(Buffer.from(frame, 'hex'));
      for (const [i, rule] of asked.entries()) if (meets(store, packet, rule)) counts[i]++;
    }
    for (const [i, { rule, packets }] of rules.entries()) assert.is(counts[i], packets, rule);
    const elements = (lines: readonly string[]): string[] =>
      lines.filter((saved) => saved.startsWith('add')).map((saved) => saved.replace(/ timeout \d+/, ''));
    assert.equal(elements(saveSets(store).split('\n')), elements(saved));
  });
}

const ETHERNET_LENGTH = 14;

/** The packet of FRAME, which came by eth0. */
function arrived(frame: Buffer): Packet {
  const packet = packetOf(Uint8Array.from(frame.subarray(ETHERNET_LENGTH)));
  packet.inDev = 1;
  packet.sourceMac = frame.readUIntBE(6, 6);
  packet.destinationMacHigh = frame.readUInt16BE(0);
  packet.destinationMacLow = frame.readInt32BE(2);
  return packet;
}

/** Whether PACKET meets a rule; SET does what it does. */
function meets(
  store: SetStore,
  packet: Packet,
  { what, set: name, lookup, isInverted, mark }: Omit<RecordedRule, 'lookup'> & { readonly lookup: SetLookup },
): boolean {
  if (what === 'mark') return (packet.mark & 7) === mark;
  const set = store.get(name);
  assert.ok(set, name);
  if (what === 'test') return set.testPacket(packet, lookup) !== isInverted;
  if (what === 'add') set.addPacket(packet, lookup);
  else if (what === 'del') set.delPacket(packet, lookup);
  else {
    store.found.clear();
    if (set.testPacket(packet, lookup)) packet.mark = (packet.mark & ~store.found.markMask) ^ store.found.mark;
  }
  return true;
}

recorded.run();
