// What stitching remembers of conversations stays bounded, however many there are.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RecentTuples } from '../../replay/stitch/recent-tuples.js';
import { link } from '../host/host-file.js';
import { udpPacket } from '../packets/packets.js';
import { StitchedHost } from './stitched-host.js';

const Memory = suite('memory of stitching');

Memory('the tuples used last are remembered, and no more than twice as many', () => {
  const recent = new RecentTuples(1, 1000);
  for (let n = 0; n < 300_000; n++) {
    const inserted = recent.insert(n, 0, 0, 1);
    recent.words[inserted] = n;
    // The first one is used again and again.
    assert.ok(recent.find(0, 0, 0, 1) >= 0);
    if (n % 1000 === 999) {
      for (const old of [n - 998, n - 500, n]) {
        const at = recent.find(old, 0, 0, 1);
        assert.is(recent.words[at], old);
      }
    }
  }
  assert.is(recent.find(250_000, 0, 0, 1), -1);
  // A slot has four words of key and one of value; the table is at most half full.
  assert.ok(recent.words.length <= 8192 * 5, `${recent.words.length} words`);
});

Memory('many thousand flows, translated or dropped, leave a table of those that are alive', () => {
  const rules = `*nat
-A PREROUTING -d 192.0.2.10 -p udp --dport 53 -j DNAT --to-destination 172.17.0.3:5353
COMMIT
*filter
-A FORWARD -d 172.17.0.3 -p udp --sport 7 -j DROP
COMMIT
`;
  const host = new StitchedHost(rules, {
    addr: [link('wan', '192.0.2.10/24'), link('lan', '172.17.0.1/16')],
    route: [{ dst: 'default', gateway: '192.0.2.1', dev: 'wan' }],
  });
  const FLOWS = 60_000;
  for (let n = 0; n < FLOWS; n++) {
    const client = `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`;
    const sport = n % 2 === 0 ? 4000 : 7;
    const ask = { source: client, destination: '192.0.2.10', sport, dport: 53 };
    const answer = { source: '192.0.2.10', destination: client, sport: 53, dport: sport };
    host.take(udpPacket(ask), n / 10);
    host.take(udpPacket(answer), n / 10);
  }
  // Of 30,000 translated flows, those of the last 30 s are alive; the sweep follows close behind.
  assert.ok(host.emulator.connections.usedRecords < 2000, `${host.emulator.connections.usedRecords} records`);
  assert.equal([host.stitcher.conversations.connections, host.stitcher.conversations.packets], [FLOWS / 2, FLOWS / 2]);
});

Memory.run();
