/**
 * `npm run filters:record`: writes random captures of every link type, and what tcpdump chooses from them by random
 * filters, to test/filter/recorded, where a test without tcpdump reads them.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pcapOf } from '../../filter/filter-case.js';
import { FILTERED_LINKTYPES } from '../../filter/random-frames.js';
import { BATCH_FILTERS, choiceOfTcpdump, randomBatch } from './compare.js';
import { loadLibpcap } from './libpcap.js';

const FOLDER = 'test/filter/recorded';
const SEED = 20_000;
const BATCHES = 3;

const libpcap = loadLibpcap();
if (libpcap === undefined) throw new Error('there is no libpcap.so.0.8; install tcpdump');
for (const name of Object.keys(FILTERED_LINKTYPES)) {
  const { linktype, frames } = randomBatch(SEED, name);
  const path = join(FOLDER, `${name}.pcap`);
  writeFileSync(path, pcapOf(linktype, frames));
  const lines: string[] = [];
  for (let batch = 0; batch < BATCHES; batch++) {
    for (const filter of randomBatch(SEED + batch * BATCH_FILTERS, name).filters) {
      const choice = choiceOfTcpdump(path, filter, frames.length);
      const plain = libpcap.choose(path, filter, false);
      if ('refused' in choice) continue;
      // Which short packets are chosen may depend on the optimizer.
      if ('refused' in plain || plain.chosen.some((is, number) => is !== choice.chosen[number])) continue;
      lines.push(`${choice.chosen.map((is) => (is ? '1' : '0')).join('')} ${filter}`);
    }
  }
  writeFileSync(join(FOLDER, `${name}.txt`), `${lines.join('\n')}\n`);
}
