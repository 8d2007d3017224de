import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { progressLine } from '../../cli/progress.js';
import { formatReport } from '../../cli/report.js';
import { PLAIN, styleOf } from '../../explain/text/style.js';
import type { DroppedBy } from '../../replay/drops.js';
import type { Summary } from '../../replay/summary.js';

const Report = suite('report');

const byRule = {
  reason: 'rule',
  hook: 'INPUT',
  table: 'filter',
  chain: 'INPUT',
  number: 5,
  rule: '-j DROP',
  file: 'etc/rules.v4',
  line: 24,
} as const;
const byPolicy = {
  reason: 'policy',
  hook: 'FORWARD',
  table: 'filter',
  chain: 'FORWARD',
  file: 'etc/rules.v4',
  line: 3,
} as const;

const summary: Summary = {
  schema: 2,
  generator: 'nfreplay 0.0.0',
  run: {
    version: '0.0.0',
    options: { seed: 0, lax: false },
    rules: { path: 'etc/rules.v4' },
    host: { path: 'host.json' },
    captures: [{ path: 'wan.pcap' }],
  },
  inputs: [{ interface: 'eth0', file: 'wan.pcap', packets: 1234 }],
  packets: { read: 1234, skipped: 2, forwarded: 1199, sent: 1, delivered: 1, dropped: 30, rejected: 1, held: 0 },
  skipped: { arp: 1, ipv6: 1 },
  dropped: [
    {
      ...byRule,
      packets: 1035,
      services: {
        count: 4,
        listed: [
          {
            protocol: 17,
            port: 161,
            packets: 1000,
            sources: 1,
            destinations: 1,
            source: '203.0.113.7',
            destination: '192.0.2.10',
            translatedDestination: { address: '172.17.0.3', port: 1161 },
          },
          {
            protocol: 6,
            port: 23,
            packets: 31,
            sources: 12,
            destinations: 2,
            source: '203.0.113.8',
            destination: '192.0.2.10',
          },
          { protocol: 89, packets: 1, sources: 1, destinations: 1, source: '203.0.113.8', destination: '224.0.0.5' },
          { protocol: 6, port: 22, packets: 1, sources: 0, destinations: 0 },
        ],
      },
      replies: 2,
    },
  ],
  droppedFlows: {
    count: 2,
    listed: [
      {
        ...byRule,
        protocol: 17,
        source: '203.0.113.7',
        destination: '192.0.2.10',
        port: 161,
        translatedDestination: { address: '172.17.0.3', port: 1161 },
        packets: 30,
      },
      { ...byRule, protocol: 89, source: '203.0.113.8', destination: '224.0.0.5', packets: 1 },
    ],
  },
  outputs: [
    { file: 'eth0.pcap', packets: 2 },
    { file: 'local.pcap', packets: 1 },
  ],
  rules: [
    { table: 'filter', chain: 'FORWARD', number: 1, rule: '-j DOCKER', file: 'r', line: 1, packets: 1, bytes: 40 },
    {
      table: 'nat',
      chain: 'DOCKER',
      number: 2,
      rule: '-i docker0 -j RETURN',
      file: 'r',
      line: 2,
      packets: 1200,
      bytes: 72000,
    },
  ],
  ruleCount: 2,
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
  unread: { members: [], sysctls: [] },
  assumed: ['net.ipv4.ip_forward = 1', 'neighbour 192.0.2.53 on eth0 = 02:00:c0:00:02:35'],
  warnings: [],
};

Report('lists packets, connections, drops and rules in columns', () => {
  const text = formatReport(summary, { style: PLAIN, top: 3, outDir: 'out', durationMs: 12.1 });
  assert.is(
    text,
    `1,234 packets in 13 ms
  1,199  forwarded
      1  sent by the host itself
      1  delivered to the host
      1  rejected: dropped, and the sender was told
     30  dropped
      2  skipped: arp, ipv6

busiest connections
  tcp   203.0.113.7:51515 → 192.0.2.10:36379  ⇒ 172.17.0.3:6379  ESTABLISHED  3/126 ↔ 2/87
  icmp  172.17.0.3:77 → 1.1.1.1               as 192.0.2.10:77                1/84 → no answer
  and 37 more

dropped and rejected
  1,035  rules.v4:24  filter INPUT 5  -j DROP
         1,000  udp 161  203.0.113.7 → 192.0.2.10  ⇒ 172.17.0.3:1161
            31  tcp 23   203.0.113.8 and 11 more → 192.0.2.10 and 1 more
             1  ospf     203.0.113.8 → 224.0.0.5
             2  replies  to packets that were dropped
         and 1 more service

busiest rules
  1,200 packets  72,000 bytes  nat DOCKER 2      -i docker0 -j RETURN
       1 packet      40 bytes  filter FORWARD 1  -j DOCKER

assumed
  net.ipv4.ip_forward = 1, neighbour 192.0.2.53 on eth0 = 02:00:c0:00:02:35

out contains
  eth0.pcap (2), local.pcap (1), rules.v4, conntrack.txt, summary.json
`,
  );
});

/** The lines of the report below `dropped and rejected`, for the causes in LISTED. */
function droppedBlock(listed: readonly DroppedBy[], width?: number): string[] {
  const flow = { protocol: 6, source: '203.0.113.7', destination: '192.0.2.10', port: 80, sources: 1, destinations: 1 };
  const services = { count: 1, listed: [{ ...flow, packets: 2 }] };
  const dropped = listed.map((by) => ({ ...by, packets: 2, services }));
  const text = formatReport({ ...summary, dropped }, { style: PLAIN, top: 9, outDir: 'out', durationMs: 1, width });
  const lines = text.split('\n');
  const from = lines.indexOf('dropped and rejected') + 1;
  return lines.slice(from, lines.indexOf('', from));
}

Report('names the rule, policy or reason that dropped a packet', () => {
  const flow = '     2  tcp 80  203.0.113.7 → 192.0.2.10';
  const noFile = { reason: 'policy', hook: 'FORWARD', table: 'filter', chain: 'FORWARD' } as const;
  assert.equal(
    droppedBlock([
      byPolicy,
      noFile,
      { ...byRule, comment: 'no "telnet"' },
      { ...byRule, reason: 'rule-header', rule: '-p tcp' },
      { reason: 'rule', hook: 'INPUT', table: 'filter' },
      { reason: 'hook-entry', hook: 'INPUT', entry: 'own' },
      { reason: 'martian-source' },
    ]),
    [
      'policy of filter FORWARD (rules.v4:3)',
      'policy of filter FORWARD',
      'rules.v4:24  filter INPUT 5  "no "telnet""',
      'rules.v4:24  filter INPUT 5  its header is too short or malformed for a rule that looks at it  -p tcp',
      'filter INPUT',
      'own INPUT',
      'martian source',
    ].flatMap((cause) => [`  2  ${cause}`, flow]),
  );
});

Report('escapes control characters from a ruleset', () => {
  const [cause] = droppedBlock([{ ...byRule, comment: 'a\x1b[2Jb\tc\x9b' }]);
  assert.is(cause, '  2  rules.v4:24  filter INPUT 5  "a\\x1b[2Jb\\x09c\\u009b"');
});

Report('is at most as wide as the terminal', () => {
  const long = { ...byRule, comment: 'X'.repeat(300) };
  const wide = {
    ...summary.rules[0],
    rule: '-s 172.17.0.0/16 ! -o docker0 -m comment --comment "a long one" -j MASQUERADE',
  };
  const [{ packets, services }] = summary.dropped;
  const whole = { ...summary, rules: [wide], dropped: [{ ...long, packets, services }] };
  for (const width of [60, 80, 120, 200]) {
    const text = formatReport(whole, { style: PLAIN, top: 3, outDir: 'out', durationMs: 1, width });
    for (const line of text.split('\n')) assert.ok(line.length <= width, `${line.length}: ${line}`);
    // Nothing is left out.
    const joined = text.replace(/\n +/g, ' ');
    assert.ok(joined.includes(wide.rule), joined);
    assert.is(text.match(/X/g)?.length, 300);
    for (const part of ['203.0.113.7 → 192.0.2.10', '⇒ 172.17.0.3:1161', '3/126 ↔ 2/87', 'as 192.0.2.10:77'])
      assert.ok(text.includes(part), `${part} at ${width}`);
  }
});

Report('leaves out empty sections', () => {
  const nothing: Summary = {
    ...summary,
    packets: { read: 0, skipped: 0, forwarded: 0, sent: 0, delivered: 0, dropped: 0, rejected: 0, held: 0 },
    dropped: [],
    rules: [],
    connections: { count: 0, listed: [] },
    assumed: [],
  };
  const text = formatReport(nothing, { style: PLAIN, top: 3, outDir: 'out', durationMs: 1500 });
  assert.is(
    text,
    '0 packets in 1.5 s\n\nout contains\n  eth0.pcap (2), local.pcap (1), rules.v4, conntrack.txt, summary.json\n',
  );
});

Report('shows all assumptions, but of neighbours only the first ones', () => {
  const settings = Array.from({ length: 5 }, (_, i) => `net.ipv4.setting${i} = 0`);
  const neighbours = Array.from({ length: 5 }, (_, i) => `neighbour 192.0.2.${i} on eth0 = 02:00:c0:00:02:0${i}`);
  const assumed = [...neighbours, 'no connections to begin with', ...settings];
  const text = formatReport({ ...summary, assumed }, { style: PLAIN, top: 3, outDir: 'out', durationMs: 1 });
  for (const line of [...neighbours.slice(0, 3), ...assumed.slice(5)]) assert.ok(text.includes(line), line);
  assert.not.ok(text.includes(neighbours[3]));
  assert.match(text, /^assumed\n(?: .*\n)* {2}and 2 more$/m);
});

Report('says that there were no rules', () => {
  const text = formatReport({ ...summary, ruleCount: 0 }, { style: PLAIN, top: 3, outDir: 'out', durationMs: 1500 });
  assert.match(text, /^ {2}there were no rules: only the policies of the chains decided$/m);
});

Report('is coloured on a terminal, unless NO_COLOR is set; FORCE_COLOR and --color decide otherwise', () => {
  assert.is(styleOf({ isTTY: true }, 'auto', {}).bold('x'), '\x1b[1mx\x1b[22m');
  assert.is(styleOf({ isTTY: true }, 'auto', { NO_COLOR: '1' }).bold('x'), 'x');
  assert.is(styleOf({ isTTY: true }, 'auto', { TERM: 'dumb' }).bold('x'), 'x');
  assert.is(styleOf({ isTTY: true }, 'auto', { NO_COLOR: '' }).bold('x'), '\x1b[1mx\x1b[22m');
  assert.is(styleOf({ isTTY: false }, 'auto', {}).bold('x'), 'x');
  assert.is(styleOf({ isTTY: false }, 'auto', { FORCE_COLOR: '1', NO_COLOR: '1' }).bold('x'), '\x1b[1mx\x1b[22m');
  assert.is(styleOf({ isTTY: true }, 'auto', { FORCE_COLOR: '0' }).bold('x'), 'x');
  assert.is(styleOf({ isTTY: false }, 'always', { NO_COLOR: '1' }).bold('x'), '\x1b[1mx\x1b[22m');
  assert.is(styleOf({ isTTY: true }, 'never', { FORCE_COLOR: '1' }).bold('x'), 'x');
});

Report('the progress line shows the share done, the rate and the time left', () => {
  assert.is(progressLine(500_000, 40, 160, 2), '25 %   250,000 packets/s   6 s left');
  assert.is(progressLine(1000, 1, 100, 2), '1 %   500 packets/s   3:18 min left');
  assert.is(progressLine(1000, 1, -1, 2), '1,000 packets   500 packets/s');
});

Report('says how many packets are uncertain, and why', () => {
  const uncertain = {
    packets: 5,
    causes: [
      {
        reason: '`-m socket` was not asked',
        table: 'filter',
        chain: 'FORWARD',
        number: 4,
        rule: '-m socket',
        file: 'etc/rules.v4',
        line: 41,
        packets: 4,
        frames: [],
      },
      { reason: 'something else', packets: 1, frames: [] },
    ],
  };
  const text = formatReport({ ...summary, uncertain }, { style: PLAIN, top: 10, outDir: undefined, durationMs: 1 });
  const expected = [
    '5 packets uncertain: what becomes of them depends on what could not be followed',
    '  4 packets  rules.v4:41  filter FORWARD 4  `-m socket` was not asked',
    '   1 packet                                 something else',
  ];
  assert.ok(text.includes(`\n${expected.join('\n')}\n`), text);
});

Report.run();
