import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { progressLine } from '../../cli/progress.js';
import { formatReport } from '../../cli/report.js';
import { PLAIN, styleOf } from '../../cli/style.js';
import type { Summary } from '../../replay/summary.js';

const Report = suite('report');

const summary: Summary = {
  generator: 'nfreplay 0.0.0',
  inputs: [{ interface: 'eth0', file: 'wan.pcap', packets: 1234 }],
  packets: { read: 1234, skipped: 2, forwarded: 1200, local: 1, dropped: 30, rejected: 1, held: 0 },
  skipped: { arp: 1, ipv6: 1 },
  dropped: [{ reason: 'filter INPUT', packets: 31 }],
  droppedFlows: {
    count: 2,
    listed: [
      {
        reason: 'filter INPUT',
        protocol: 17,
        source: '203.0.113.7',
        destination: '192.0.2.10',
        port: 161,
        packets: 30,
      },
      { reason: 'filter INPUT', protocol: 89, source: '203.0.113.8', destination: '224.0.0.5', packets: 1 },
    ],
  },
  outputs: [
    { file: 'eth0.pcap', packets: 2 },
    { file: 'local.pcap', packets: 1 },
  ],
  rules: [
    { table: 'filter', chain: 'FORWARD', number: 1, rule: '-j DOCKER', packets: 1, bytes: 40 },
    { table: 'nat', chain: 'DOCKER', number: 2, rule: '-i docker0 -j RETURN', packets: 1200, bytes: 72000 },
  ],
  connections: {
    count: 40,
    listed: [
      {
        protocol: 'tcp',
        state: 'ESTABLISHED',
        source: { address: '203.0.113.7', port: 51515 },
        destination: { address: '192.0.2.10', port: 36379 },
        translatedDestination: { address: '172.17.0.3', port: 6379 },
        replied: true,
        assured: true,
        mark: 0,
        packets: [3, 2],
        bytes: [126, 87],
      },
      {
        protocol: 'icmp',
        source: { address: '172.17.0.3', port: 77 },
        destination: { address: '1.1.1.1' },
        translatedSource: { address: '192.0.2.10', port: 77 },
        replied: false,
        assured: false,
        mark: 0,
        packets: [1, 0],
        bytes: [84, 0],
      },
    ],
  },
  warnings: [],
};

Report('says what became of packets, connections and rules, in columns', () => {
  const text = formatReport(summary, { style: PLAIN, top: 3, outDir: 'out', durationMs: 12.1 });
  assert.is(
    text,
    `1,234 packets in 13 ms
  1,200  forwarded
      1  delivered to the host
      1  rejected: dropped, and the sender told
     30  dropped
      2  skipped: arp, ipv6

connections
  tcp   203.0.113.7:51515 → 192.0.2.10:36379  ⇒ 172.17.0.3:6379  ESTABLISHED  3/126 ↔ 2/87
  icmp  172.17.0.3:77 → 1.1.1.1               as 192.0.2.10:77                1/84 → no answer
  and 37 more

dropped
  30  udp  203.0.113.7 → 192.0.2.10:161  filter INPUT
   1  89   203.0.113.8 → 224.0.0.5       filter INPUT

busiest rules
  1,200 packets  72,000 bytes  nat DOCKER 2      -i docker0 -j RETURN
       1 packet      40 bytes  filter FORWARD 1  -j DOCKER

out holds eth0.pcap (2), local.pcap (1), rules.v4, conntrack.txt, summary.json
`,
  );
});

Report('leaves out what there is nothing of', () => {
  const nothing: Summary = {
    ...summary,
    packets: { read: 0, skipped: 0, forwarded: 0, local: 0, dropped: 0, rejected: 0, held: 0 },
    droppedFlows: { count: 0, listed: [] },
    rules: [],
    connections: { count: 0, listed: [] },
  };
  const text = formatReport(nothing, { style: PLAIN, top: 3, outDir: 'out', durationMs: 1500 });
  assert.is(
    text,
    '0 packets in 1.5 s\n\nout holds eth0.pcap (2), local.pcap (1), rules.v4, conntrack.txt, summary.json\n',
  );
});

Report('is coloured on a terminal only, and not where NO_COLOR is set', () => {
  assert.is(styleOf({ isTTY: true }, {}).bold('x'), '\x1b[1mx\x1b[22m');
  assert.is(styleOf({ isTTY: true }, { NO_COLOR: '1' }).bold('x'), 'x');
  assert.is(styleOf({ isTTY: true }, { TERM: 'dumb' }).bold('x'), 'x');
  assert.is(styleOf({ isTTY: false }, {}).bold('x'), 'x');
});

Report('progress: how much, how fast, how long still', () => {
  assert.is(progressLine(500_000, 40, 160, 2), '25 %   250,000 packets/s   6 s left');
  assert.is(progressLine(1000, 1, 100, 2), '1 %   500 packets/s   3:18 min left');
  assert.is(progressLine(1000, 1, -1, 2), '1,000 packets   500 packets/s');
});

Report.run();
