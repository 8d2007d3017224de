/** iptables-nft makes expressions of nf_tables of some matches, which behave in another way than the extensions. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { IPPROTO_TCP, IPPROTO_UDP } from '../../codecs/layouts.js';
import { EMULATOR_ENGINES } from '../../core/emulator.js';
import type { Backend } from '../../core/rules/model.js';
import { buildIpv4, buildTcp, buildUdp, udpPacket } from '../packets/packets.js';
import { MatchingHost } from './matching-host.js';

const nft = suite('matches of nft');

const TCP_RULES = [
  '-p tcp -m tcp --sport 1000',
  '-p tcp -m tcp ! --sport 7',
  '-p tcp -m tcp --dport 80',
  '-p tcp -m tcp ! --dport 7',
  '-p tcp -m tcp --sport 1000 --dport 80',
  '-p tcp -m tcp --tcp-flags SYN SYN',
  '-p tcp -m tcp ! --tcp-flags ACK ACK',
  '-p tcp -m tcp --dport 80 --tcp-flags SYN SYN',
  '',
];
const UDP_RULES = [
  '-p udp -m udp --sport 1000',
  '-p udp -m udp ! --dport 7',
  '-p udp -m udp --sport 1000 --dport 80',
  '',
];

/** Which rules matched, from so many bytes of the header on, on Linux 6.18. */
const KERNEL: Record<Backend, Record<'tcp' | 'udp', readonly (readonly [bytes: number, matched: string])[]>> = {
  legacy: {
    tcp: [
      [0, '.........'],
      [20, 'xxxxxxxxx'],
    ],
    udp: [
      [0, '....'],
      [8, 'xxxx'],
    ],
  },
  nft: {
    tcp: [
      [0, '........x'],
      [4, 'xxxxx...x'],
      [14, 'xxxxxxxxx'],
    ],
    udp: [
      [0, '...x'],
      [4, 'xxxx'],
    ],
  },
};

nft('a header that is cut short is missed as far as it is not there, where extensions drop the packet', () => {
  for (const backend of ['legacy', 'nft'] as const)
    for (const engine of EMULATOR_ENGINES)
      for (const protocol of ['tcp', 'udp'] as const) {
        const rules = (protocol === 'tcp' ? TCP_RULES : UDP_RULES).map((rule) => `-A PREROUTING ${rule}`);
        const l4 =
          protocol === 'tcp'
            ? buildTcp({ sport: 1000, dport: 80, flags: 2, window: 100 })
            : buildUdp(1000, 80, new Uint8Array(0));
        const host = new MatchingHost(['*raw', ...rules, 'COMMIT', ''].join('\n'), { backend, engine });
        for (let bytes = 0; bytes <= l4.length; bytes++) {
          // The kernel reads a source port without a destination port. Such packets are taken to have none.
          if (bytes === 2 || bytes === 3) continue;
          const ends = { source: '10.0.0.2', destination: '10.1.0.2' };
          const number = protocol === 'tcp' ? IPPROTO_TCP : IPPROTO_UDP;
          const matched = host.receive(0, buildIpv4({ ...ends, protocol: number }, l4.subarray(0, bytes)), 1);
          const wanted = KERNEL[backend][protocol].findLast(([from]) => bytes >= from)![1];
          const got = rules.map((_, i) => (matched.includes(i) ? 'x' : '.')).join('');
          assert.is(got, wanted, `${backend} ${engine} ${protocol} ${bytes}`);
        }
      }
});

nft('a limit counts nanoseconds: a burst of days is whole, and refills by the rate', () => {
  for (const engine of EMULATOR_ENGINES) {
    const matches = (rule: string, gapsMs: readonly number[]): string => {
      const host = new MatchingHost(`*filter\n-A FORWARD ${rule}\nCOMMIT\n`, { backend: 'nft', engine });
      const ends = { source: '10.0.0.2', destination: '10.1.0.2', sport: 4000, dport: 53 };
      return gapsMs.map((ms) => (host.receive(0, udpPacket(ends), ms).length > 0 ? 'x' : '.')).join('');
    };
    assert.is(matches('-m limit --limit 1/day --limit-burst 3', [1, 1, 1, 1, 1]), 'xxx..');
    const gapsMs = [0, 10, 10, 600, 10, 10, 1500, 10, 10];
    assert.is(matches('-m limit --limit 2/sec --limit-burst 2', gapsMs), 'xx.x..xx.');
  }
});

nft('the table security comes before nat in INPUT of x_tables, and behind it in nf_tables', () => {
  const rules = `*nat
-A INPUT -j SNAT --to-source 10.0.0.77
COMMIT
*security
:INPUT ACCEPT [0:0]
-A INPUT -s 10.0.0.2
-A INPUT -s 10.0.0.77
COMMIT
`;
  for (const backend of ['legacy', 'nft'] as const) {
    for (const engine of EMULATOR_ENGINES) {
      const host = new MatchingHost(rules, { backend, engine });
      host.receive(0, udpPacket({ source: '10.0.0.2', destination: '10.0.0.1', sport: 4000, dport: 9 }), 1);
      const [before, , behind] = host.counters.get('security')!.rules;
      assert.equal([before, behind], backend === 'legacy' ? [1, 0] : [0, 1], `${backend} ${engine}`);
    }
  }
});

nft.run();
