/** Captures that were taken on a host itself, replayed and compared with what that host counted and sent. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ReplayOptionsError } from '../../replay/errors.js';
import { type ReplayOptions, replay } from '../../replay/replay.js';
import type { Summary } from '../../replay/summary.js';

const HostCapture = suite('captures taken on the host');

/**
 * A Docker host with FORWARD's policy DROP, recorded with `tcpdump -i any`: a client asks for the published port twice
 * and gets nothing, the container asks the client, the host asks the container, and its own published port.
 * counters-real.txt and conntrack-real.txt are what its kernel said afterwards; its raw table was not zeroed before.
 */
const DOCKER24 = 'test/replay/hosts/docker24';
const dir = mkdtempSync(join(tmpdir(), 'nfreplay-host-capture-'));

let hosts = 0;

HostCapture.after(() => rmSync(dir, { recursive: true }));

/** The host of DOCKER24 with some members changed. */
function hostPath(change: (host: Record<string, unknown>) => void = () => {}): string {
  const host = JSON.parse(readFileSync(join(DOCKER24, 'host.json'), 'utf8'));
  change(host);
  const path = join(dir, `host-${hosts++}.json`);
  writeFileSync(path, JSON.stringify(host));
  return path;
}

function replayed(options: Partial<ReplayOptions> = {}): Summary {
  return replay({
    rulesPath: join(DOCKER24, 'iptables-save.txt'),
    hostPath: hostPath(),
    captures: [{ path: join(DOCKER24, 'any.pcap') }],
    outDir: join(dir, 'out'),
    expectEgress: true,
    ...options,
  });
}

/** The lines with counters of a saved ruleset, without those of the raw table. */
function countersIn(path: string): string[] {
  const text = readFileSync(path, 'utf8').replace(/\*raw\n[^*]*/, '');
  return text.split('\n').filter((line) => /^\[|^:\S+ [A-Z]/.test(line));
}

HostCapture('a departure has been sent by the emulated host too, or is one of the host itself', () => {
  const { egress, packets } = replayed();
  const { matched, missing, extra, different, own } = egress!;
  // Counted in the capture: 25 packets that left by eth0 and docker0, 13 of them in the host's own two connections.
  assert.equal(
    { matched, missing, extra, different, own },
    { matched: 25, missing: 0, extra: 0, different: 0, own: 13 },
  );
  assert.is(packets.departed, 12);
});

HostCapture(
  'the counters and connections are the kernel’s, also of what OUTPUT translated before it was captured',
  () => {
    const { assumed } = replayed();
    const kernel = countersIn(join(DOCKER24, 'counters-real.txt'));
    assert.equal(countersIn(join(dir, 'out', 'rules.v4')).sort(), kernel.sort());
    const connections = (path: string) =>
      readFileSync(path, 'utf8')
        .trim()
        .split('\n')
        .map((line) => line.replace(/^(\S+\s+\d+ \S+\s+\d+) \d+/, '$1').replace(/packets=\d+ bytes=\d+ /g, ''))
        .sort();
    assert.equal(connections(join(dir, 'out', 'conntrack.txt')), connections(join(DOCKER24, 'conntrack-real.txt')));
    // Its connection to its own published port, which left by docker0, and that to the container.
    assert.equal(
      assumed.filter((line) => line.includes('captured after NAT')),
      [
        '1 own connection of the host, captured after NAT: sent as it left',
        '1 own connection of the host, captured after NAT: taken back by the rules',
      ],
    );
  },
);

HostCapture('a rule that the host does not have shows in what is missing, with the rule', () => {
  const rulesPath = join(dir, 'rules.v4');
  const rules = readFileSync(join(DOCKER24, 'iptables-save.txt'), 'utf8');
  writeFileSync(rulesPath, rules.replace('-A FORWARD -j DOCKER-USER', '-A FORWARD -d 192.168.1.50/32 -j DROP\n$&'));
  const { egress } = replayed({ rulesPath });
  // The container's connection to the client is all that was forwarded: its packets and their answers.
  assert.is(egress!.missing, 12);
  assert.is(egress!.extra + egress!.different, 0);
  const [first] = egress!.listed;
  assert.is(first.kind, 'missing');
  assert.is(first.captured?.interface, 'eth0');
  assert.is(first.droppedBy?.rule, '-d 192.168.1.50/32 -j DROP');
  // Frame 7 is frame 6 after masquerading.
  assert.is(first.captured?.frame.number, 7);
  assert.is(first.cause?.number, 6);
});

HostCapture('expected counters: the first that differs is named with its line in both files', () => {
  const counters = join(dir, 'counters.v4');
  const real = readFileSync(join(DOCKER24, 'counters-real.txt'), 'utf8');
  writeFileSync(counters, real.replace('[1:60] -A OUTPUT', '[2:120] -A OUTPUT'));
  const { same, different, listed } = replayed({ expectCounters: [counters] }).counters!;
  // 2 policies of raw, which were not zeroed before, and the rule.
  assert.is(different, 3);
  assert.is(same, 32);
  const lineOf = (path: string, text: string): number =>
    readFileSync(path, 'utf8')
      .split('\n')
      .findIndex((line) => line.includes(text)) + 1;
  const nat = listed.filter(({ table }) => table === 'nat');
  const rule = '! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER';
  assert.is(nat.length, 1);
  assert.equal(nat[0], {
    ...{ table: 'nat', chain: 'OUTPUT', number: 1, rule },
    file: join(DOCKER24, 'iptables-save.txt'),
    line: lineOf(join(DOCKER24, 'iptables-save.txt'), `-A OUTPUT ${rule}`),
    found: { packets: 1, bytes: 60 },
    expectedFile: counters,
    expectedLine: lineOf(counters, `-A OUTPUT ${rule}`),
    expected: { packets: 2, bytes: 120 },
  });
});

HostCapture('expected counters: of two files, the first is subtracted from the second', () => {
  const counters = join(DOCKER24, 'counters-real.txt');
  const before = join(dir, 'before.v4');
  const text = readFileSync(counters, 'utf8');
  // As if the host had counted 70 packets of 10,023 bytes in raw PREROUTING, and 26 of 1,694 in OUTPUT, before.
  writeFileSync(
    before,
    text
      .replaceAll(/\[\d+:\d+\]/g, '[0:0]')
      .replace('PREROUTING ACCEPT [0:0]', 'PREROUTING ACCEPT [70:10023]')
      .replace('OUTPUT ACCEPT [0:0]', 'OUTPUT ACCEPT [26:1694]'),
  );
  assert.equal(replayed({ expectCounters: [before, counters] }).counters!.listed, []);
  assert.throws(() => replayed({ expectCounters: [counters, before] }), /lower than in .*counters-real.txt/);
});

HostCapture('expected counters: a rule that only one side has, and policies without counters', () => {
  const other = join(dir, 'other.v4');
  const text = readFileSync(join(DOCKER24, 'counters-real.txt'), 'utf8');
  writeFileSync(
    other,
    text
      .replace(/^(:\S+ \S+) \[\d+:\d+\]$/gm, '$1 [0:0]')
      .replace(
        '[0:0] -A INPUT -p tcp -m tcp --dport 8080 -j ACCEPT',
        '[7:70] -A INPUT -p tcp -m tcp --dport 81 -j ACCEPT',
      ),
  );
  const { policiesLeftOut, listed } = replayed({ expectCounters: [other] }).counters!;
  // Two policies of raw, three of filter, four of nat.
  assert.is(policiesLeftOut, 9);
  const own = listed.filter(({ chain }) => chain === 'INPUT');
  assert.equal(
    own.map(({ rule, expected, found }) => [rule, expected?.packets, found?.packets]),
    [
      ['-p tcp -m tcp --dport 8080 -j ACCEPT', undefined, 0],
      ['-p tcp -m tcp --dport 81 -j ACCEPT', 7, undefined],
    ],
  );
});

HostCapture('a capture means nothing without the indexes of interfaces, and is refused where none of them fits', () => {
  const withoutIndexes = hostPath((host) => {
    for (const link of host.addr as { ifindex?: number }[]) delete link.ifindex;
  });
  assert.throws(
    () => replayed({ hostPath: withoutIndexes }),
    (error: unknown) =>
      error instanceof ReplayOptionsError && /needs the whole output of `ip -j addr`/.test(error.message),
  );
  const ofAnotherHost = hostPath((host) => {
    for (const link of host.addr as { ifindex: number }[]) if (link.ifindex > 1) link.ifindex += 100;
  });
  assert.throws(
    () => replayed({ hostPath: ofAnotherHost }),
    (error: unknown) => error instanceof ReplayOptionsError && /none of its interfaces/.test(error.message),
  );
});

HostCapture('a capture of the host is no capture of arrivals', () => {
  const inputs = [{ iface: 'eth0', path: join(DOCKER24, 'any.pcap') }];
  assert.throws(() => replayed({ inputs }), /--capture and --in cannot be combined/);
});

HostCapture('what decided about a packet that differs is told whether somebody watches the packets or not', () => {
  const rulesPath = join(dir, 'other.v4');
  // Without the rule that masquerades.
  const rules = readFileSync(join(DOCKER24, 'iptables-save.txt'), 'utf8');
  writeFileSync(rulesPath, rules.replace(/^-A POSTROUTING -s 172\.17\.0\.0.*\n/m, ''));
  const { listed } = replayed({ rulesPath }).egress!;
  assert.ok(listed.some(({ decidedBy }) => decidedBy !== undefined));
  for (const isWanted of [true, false]) {
    const watch = { observer: () => {}, isDone: false, wants: () => isWanted, finished: () => {} };
    assert.equal(replayed({ rulesPath, watch }).egress!.listed, listed);
  }
});

HostCapture.run();
