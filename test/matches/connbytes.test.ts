/** connbytes: the packet itself is counted already. The numbers are worked out by hand. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EMULATOR_ENGINES } from '../../core/emulator.js';
import { udpPacket } from '../packets/packets.js';
import { MatchingHost } from './matching-host.js';

const connbytes = suite('connbytes');

const ACCT = 'net.netfilter.nf_conntrack_acct';

/** A datagram of LENGTH bytes in IP between a client and its server. */
function datagram(isReply: boolean, length: number): Uint8Array {
  const ends = { source: '10.0.0.2', destination: '10.1.0.2', sport: 4000, dport: 53 };
  const back = { source: ends.destination, destination: ends.source, sport: 53, dport: 4000 };
  return udpPacket({ ...(isReply ? back : ends), data: new Uint8Array(length - 28) });
}

/** Which of RULES the last of PACKETS matches: `>100` and `<50` are datagrams of the client and of the server. */
function matches(packets: string, rules: readonly string[], sysctl = {}): number[][] {
  return EMULATOR_ENGINES.map((engine) => {
    const text = rules.map((rule) => `-A FORWARD -m connbytes ${rule}`).join('\n');
    const host = new MatchingHost(`*filter\n${text}\nCOMMIT\n`, { engine, sysctl });
    let matched: number[] = [];
    for (const packet of packets.split(' ')) {
      const isReply = packet[0] === '<';
      matched = host.receive(isReply ? 1 : 0, datagram(isReply, Number(packet.slice(1))), 5);
    }
    return matched;
  });
}

const same = (matched: number[]): number[][] => EMULATOR_ENGINES.map(() => matched);

connbytes('counts packets and bytes of either direction or both, with the packet itself', () => {
  const rules = [
    ...['--connbytes 3:3', '! --connbytes 3:4', '--connbytes 4'].map(
      (range) => `${range} --connbytes-mode packets --connbytes-dir original`,
    ),
    '--connbytes 1:1 --connbytes-mode packets --connbytes-dir reply',
    '--connbytes 4:4 --connbytes-mode packets --connbytes-dir both',
    '--connbytes 300:300 --connbytes-mode bytes --connbytes-dir original',
    '--connbytes 0:49 --connbytes-mode bytes --connbytes-dir reply',
    '--connbytes 350:350 --connbytes-mode bytes --connbytes-dir both',
    // 350 / 4 rounded down.
    '--connbytes 87:87 --connbytes-mode avgpkt --connbytes-dir both',
    '--connbytes 100:100 --connbytes-mode avgpkt --connbytes-dir original',
  ];
  assert.equal(matches('>100 <50 >100 >100', rules), same([0, 3, 4, 5, 7, 8, 9]));
});

connbytes('the average of no packets is 0; ranges reach to the largest number', () => {
  const rules = [
    '--connbytes 0:0 --connbytes-mode avgpkt --connbytes-dir reply',
    '--connbytes 0:18446744073709551615 --connbytes-mode bytes --connbytes-dir reply',
    '! --connbytes 0 --connbytes-mode bytes --connbytes-dir both',
    // Of a range of one number the negation is lost.
    '! --connbytes 18446744073709551615 --connbytes-mode bytes --connbytes-dir both',
    '! --connbytes 1:1 --connbytes-mode packets --connbytes-dir both',
  ];
  assert.equal(matches('>100', rules), same([0, 1, 4]));
});

connbytes('turns accounting on, whatever the sysctl says', () => {
  const rules = ['--connbytes 2:2 --connbytes-mode packets --connbytes-dir both'];
  assert.equal(matches('>100 >100', rules, { [ACCT]: 0 }), same([0]));
});

connbytes('does not match packets without a connection, nor does its negation', () => {
  const rules = ['--connbytes 1', '! --connbytes 1'].map((range) => {
    return `-A PREROUTING -m connbytes ${range} --connbytes-mode packets --connbytes-dir both`;
  });
  const host = new MatchingHost(['*raw', ...rules, 'COMMIT', ''].join('\n'));
  assert.equal(host.receive(0, datagram(false, 100), 1), []);
});

connbytes.run();
