/** A flow cache that finds no memory does without: the results are the same. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Linktype } from '../../codecs/linktypes.js';
import { createEmulator } from '../../core/emulator.js';
import { PATH } from '../../core/flow/records.js';
import { Frame } from '../../core/link/frame.js';
import { Memory, MemoryFullError } from '../../core/memory.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { saveRuleset } from '../../core/rules/save.js';
import { wanLanHost } from '../host/host-file.js';
import { udpPacket } from '../packets/packets.js';

const fullMemory = suite('full memory');

const HOST = wanLanHost([]);
/** A long chain, which the data plane would probe, and a rule that would be tested for each packet of a path. */
const RULES = [
  '*filter',
  ...Array.from({ length: 300 }, (_, i) => `-A FORWARD -s 10.0.${i % 250}.0/24 -p udp -m udp --dport ${i} -j DROP`),
  '-A FORWARD -m ttl --ttl-lt 20',
  'COMMIT',
  '',
].join('\n');

/** Uses up what PREPARE leaves of the memory of a host before its first packet. Returns the counters at the end. */
function play(prepare: (memory: Memory) => void): { saved: string; slow: number } {
  const memory = new Memory();
  const ruleset = parseRuleset(RULES, 'rules.v4');
  const emulator = createEmulator({ ruleset, host: HOST, memory }, { egress() {}, local() {}, dropped() {} });
  prepare(memory);
  for (let i = 0; i < 400; i++) {
    const ends = { source: '172.17.0.2', destination: '192.0.2.20', sport: 1024 + (i % 40), dport: 5000 };
    const back = { source: ends.destination, destination: ends.source, sport: ends.dport, dport: ends.sport };
    const isReply = i % 80 >= 40;
    const bytes = udpPacket({ ...(isReply ? back : ends), ttl: i % 7 === 0 ? 10 : 64 });
    emulator.receive(new Frame({ bytes, dev: isReply ? 1 : 2, linktype: Linktype.RAW, tsSec: 1, tsNsec: i }));
  }
  return { saved: saveRuleset(ruleset, emulator.counters), slow: emulator.slowPathPackets };
}

function fill(memory: Memory): void {
  while (memory.allocate(2 ** 20) !== undefined);
  try {
    for (;;) memory.allocateRecords(PATH, 1024);
  } catch (error) {
    assert.instance(error, MemoryFullError);
  }
}

fullMemory('buffers leave room for what rules and the flow cache remember', () => {
  const memory = new Memory();
  while (memory.allocate(2 ** 20) !== undefined);
  for (let i = 0; i < 1000; i++) memory.allocateRecords(PATH, 1024);
});

fullMemory('without memory nothing is learned, and every result is the same', () => {
  const usual = play(() => {});
  const full = play(fill);
  assert.is(full.saved, usual.saved);
  assert.ok(usual.slow < full.slow, `${usual.slow} and ${full.slow} packets took the slow path`);
});

fullMemory.run();
