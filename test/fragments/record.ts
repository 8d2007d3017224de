/**
 * Records how the kernel of this machine handles fragments and IP options, for the tests here and in test/answers.
 * Root: `node build.mjs && node dist/test/fragments/record.js [SEED]`.
 */
import type { HostDescription } from '../kernel/host-description.js';
import { loadLibc } from '../kernel/libc.js';
import { Prng } from '../kernel/prng.js';
import { LOCAL, Router } from '../kernel/router.js';
import { type Recording, writeRecordings } from './recording.js';
import { fragmentTrains, optionPackets } from './traffic.js';

const ETHERNET_LENGTH = 14;
const libc = loadLibc();
const firstSeed = Number(process.argv[2] ?? 1);

function record(head: Omit<Recording, 'packets'>, packets: readonly Buffer[]): Recording {
  const router = new Router(libc, describe(head));
  try {
    router.load(undefined);
    router.drain(50);
    const recorded = packets.map((packet) => {
      router.inject(head.isLocal ? LOCAL : 'eth0', packet, true);
      const outputs = router.drain();
      const out = outputs.map(({ dev, frame }) => {
        const ip = dev === LOCAL ? frame : frame.subarray(ETHERNET_LENGTH);
        return `${dev}:${Buffer.from(ip).toString('hex')}`;
      });
      return { in: packet.toString('hex'), out };
    });
    return { ...head, packets: recorded };
  } finally {
    router.close();
  }
}

function describe({ lanMtu, sysctl }: Omit<Recording, 'packets'>): HostDescription {
  const inet = (local: string, prefixlen: number) => [{ family: 'inet', local, prefixlen }];
  return {
    addr: [
      { ifname: 'eth0', address: '02:00:00:00:00:10', mtu: 9000, addr_info: inet('192.0.2.10', 24) },
      { ifname: 'lan', address: '02:00:00:00:00:20', mtu: lanMtu, addr_info: inet('10.0.0.1', 8) },
    ],
    route: [{ dst: 'default', gateway: '192.0.2.1', dev: 'eth0' }],
    sysctl,
  };
}

function trains(seed: number, lanMtu: number, isLocal: boolean, sysctl: Record<string, number>): Recording {
  const head = { seed, lanMtu, isLocal, sysctl };
  return record(head, fragmentTrains(new Prng(seed), 30, lanMtu, isLocal));
}

writeRecordings('forwarded', [
  trains(firstSeed, 1500, false, {}),
  trains(firstSeed + 1, 576, false, {}),
  trains(firstSeed + 2, 300, false, {}),
]);
writeRecordings('sent', [trains(firstSeed + 3, 1500, true, {}), trains(firstSeed + 4, 576, true, {})]);
writeRecordings('limits', [
  trains(firstSeed + 5, 1500, false, { 'net.ipv4.ipfrag_max_dist': 2 }),
  trains(firstSeed + 6, 576, false, { 'net.ipv4.ipfrag_low_thresh': 8000, 'net.ipv4.ipfrag_high_thresh': 16000 }),
]);
writeRecordings(
  'options',
  [0, 1].map((i) => {
    const seed = firstSeed + 7 + i;
    return record({ seed, lanMtu: 576, isLocal: false, sysctl: {} }, optionPackets(new Prng(seed), 100));
  }),
);
