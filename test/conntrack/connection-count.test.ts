/** What connlimit counts takes no more memory than the connections that are open. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ConnectionCount } from '../../core/conntrack/connection-count.js';
import { ConntrackTable } from '../../core/conntrack/table.js';
import { packetOf } from '../packets/packet-of.js';
import { udpPacket } from '../packets/packets.js';

const counting = suite('connection count');

const NETWORKS = 200_000;

counting('networks whose packets never became connections are forgotten in a flood', () => {
  const count = new ConnectionCount(new ConntrackTable());
  const packet = packetOf(udpPacket({ source: '10.0.0.2', destination: '10.1.0.2', sport: 4000, dport: 53 }));
  let most = 0;
  for (let network = 0; network < NETWORKS; network++) {
    assert.is(count.count(packet, network), 1);
    most = Math.max(most, count.networks);
  }
  assert.ok(most <= 2 ** 16, `${most} networks were remembered`);
});

counting.run();
