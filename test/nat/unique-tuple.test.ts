/**
 * The ranges from which NAT chooses ports and ids, as in the kernel (nf_nat_l4proto_unique_tuple;
 * iptables-extensions(8), SNAT).
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { IPPROTO_GRE, IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE } from '../../codecs/layouts.js';
import { ConntrackTable } from '../../core/conntrack/table.js';
import { Tuple } from '../../core/conntrack/tuple.js';
import { Manip, type NatRange } from '../../core/nat/range.js';
import { portOf, UniqueTuple } from '../../core/nat/unique-tuple.js';
import { Random } from '../../core/random.js';

const Unique = suite('unique tuples');

const PORT_DRAWS = 20_000;
const RANGE: NatRange = { random: true, randomFully: false, persistent: false };

const swap = (port: number): number => ((port & 0xff) << 8) | (port >>> 8);

/** The lowest and highest of many ports (or ids) chosen for PORT at the end MANIP. */
function drawn(protocol: number, port: number, manip: Manip = Manip.SRC, range: NatRange = RANGE): [number, number] {
  const table = new ConntrackTable();
  const unique = new UniqueTuple(table, new Random(7));
  const entry = table.create(1, 2, 0, 0, protocol, 0);
  const tuple = new Tuple();
  const seen: number[] = [];
  for (let n = 0; n < PORT_DRAWS; n++) {
    tuple.source = 1;
    tuple.destination = 2;
    tuple.ports = swap(port) | (swap(port) << 16);
    tuple.protocol = protocol;
    unique.choose(tuple, range, manip, entry, 0);
    seen.push(portOf(tuple.ports, protocol === IPPROTO_ICMP ? Manip.SRC : manip));
  }
  return [Math.min(...seen), Math.max(...seen)];
}

Unique('a source port stays in its class', () => {
  for (const protocol of [IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE]) {
    for (const port of [0, 1, 511]) assert.equal(drawn(protocol, port), [1, 511], `${protocol} ${port}`);
    for (const port of [512, 1023]) assert.equal(drawn(protocol, port), [600, 1023], `${protocol} ${port}`);
  }
  const [lowest, highest] = drawn(IPPROTO_UDP, 1024);
  assert.ok(lowest >= 1024 && lowest < 1100 && highest > 65_450, `${lowest}-${highest}`);
});

Unique('a destination port is unchanged if the rule has no range', () => {
  assert.equal(drawn(IPPROTO_TCP, 80, Manip.DST), [80, 80]);
  assert.equal(drawn(IPPROTO_TCP, 80, Manip.DST, { ...RANGE, minPort: 8000, maxPort: 8003 }), [8000, 8003]);
  assert.equal(drawn(IPPROTO_TCP, 80, Manip.DST, { ...RANGE, minPort: 8003, maxPort: 8000 }), [8000, 8003]);
});

Unique('the id of an ICMP query may be any, whichever end changes; GRE has nothing to choose', () => {
  for (const manip of [Manip.SRC, Manip.DST]) {
    const [lowest, highest] = drawn(IPPROTO_ICMP, 77, manip);
    assert.ok(lowest < 100 && highest > 65_435, `${lowest}-${highest}`);
  }
  assert.equal(drawn(IPPROTO_GRE, 77), [77, 77]);
});

Unique.run();
