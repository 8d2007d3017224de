/** Shares of connections, and bridges. */
import { hostWith, rulesOf } from '../clinic.js';
import { type DoctorCase, PUBLISH, sysctl } from './common.js';

const share = (chances: readonly string[]) =>
  rulesOf({
    nat: [
      ...PUBLISH.slice(0, 4),
      ...chances.map(
        (chance, i) => `-A PREROUTING -p tcp -m tcp --dport 80 ${chance}-j DNAT --to-destination 172.17.0.${i + 2}:80`,
      ),
    ],
  });
const random = (probability: string) => `-m statistic --mode random --probability ${probability} `;
const nth = (every: number, packet: number) => `-m statistic --mode nth --every ${every} --packet ${packet} `;

const SHARES: DoctorCase[] = [
  {
    name: 'three times a third of what is left',
    host: hostWith(),
    rules: share([random('0.33333333349'), random('0.33333333349'), '']),
    finds: 'unequal-statistic',
    lines: [6, 7, 8],
    change: /--probability 0\.33333333333, --probability 0\.5, no statistic in the last/,
  },
  {
    name: 'every third of what is left',
    host: hostWith(),
    rules: share([nth(3, 0), nth(3, 1), nth(3, 2)]),
    finds: 'unequal-statistic',
    lines: [6, 7, 8],
    change: /--every 3 --packet 0, --every 2 --packet 0, no statistic in the last/,
  },
  {
    name: 'a third, half of the rest, the rest',
    host: hostWith(),
    rules: share([random('0.33333333349'), random('0.50000000000'), '']),
  },
  { name: 'a tenth for a trial', host: hostWith(), rules: share([random('0.10000000009'), '']) },
];

const BRIDGED = (settings: Record<string, number>) => ({
  ...hostWith({ eth0: '192.0.2.10/24', br0: '' }, sysctl(settings)),
  link: [
    { ifname: 'eth0', linkinfo: { info_kind: 'veth' } },
    { ifname: 'br0', linkinfo: { info_kind: 'bridge' } },
  ],
});
const CALLS = 'net.bridge.bridge-nf-call-iptables';
const CLOSED = [':INPUT ACCEPT [0:0]', ':FORWARD DROP [0:0]', ':OUTPUT ACCEPT [0:0]'];

const BRIDGES: DoctorCase[] = [
  {
    name: 'what a bridge carries meets a policy of FORWARD',
    host: BRIDGED({ [CALLS]: 1 }),
    rules: rulesOf({ filter: CLOSED }),
    finds: 'bridge-netfilter',
    lines: [3],
    change: /^iptables -I FORWARD -i br0 -o br0 -j ACCEPT/,
  },
  { name: 'a bridge that rules do not see', host: BRIDGED({ [CALLS]: 0 }), rules: rulesOf({ filter: CLOSED }) },
  {
    name: 'a bridge with a rule of its own',
    host: BRIDGED({ [CALLS]: 1 }),
    rules: rulesOf({ filter: [...CLOSED, '-A FORWARD -i br0 -o br0 -j ACCEPT'] }),
  },
];

export const SHARES_CASES: readonly DoctorCase[] = [...SHARES, ...BRIDGES];
