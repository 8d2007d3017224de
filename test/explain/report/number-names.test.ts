// A report names the protocols, types and ports that its packets have, and no others, as iptables and /etc/services do.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { NumbersMet } from '../../../explain/report/number-names.js';

const Names = suite('names of numbers in a report');

Names('are those of what packets have', () => {
  const met = new NumbersMet();
  met.add(6, 51_515, 80);
  met.add(17, 53, 40_000);
  // Destination unreachable, by a host; 22 is no port here.
  met.add(1, 3, 1);
  met.add(50, -1, -1);
  const { protocols, icmp, services } = met.names;
  assert.equal(protocols, { icmp: 1, tcp: 6, udp: 17, esp: 50 });
  assert.equal(services, { http: 80, www: 80, domain: 53 });
  assert.is(icmp['host-unreachable'], '3/1');
  assert.is(icmp['destination-unreachable'], '3');
  assert.is(icmp['echo-request'], undefined);
});

Names('are none without packets', () => {
  assert.equal(new NumbersMet().names, { protocols: {}, icmp: {}, services: {} });
});

Names.run();
