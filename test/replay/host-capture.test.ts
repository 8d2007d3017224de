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

HostCapture('the counters and connections are the kernel’s, but for what OUTPUT translated before the capture', () => {
  replayed();
  const kernel = countersIn(join(DOCKER24, 'counters-real.txt'));
  const own = countersIn(join(dir, 'out', 'rules.v4'));
  const others = kernel.filter((line) => !own.includes(line));
  assert.equal(others, [
    ':OUTPUT ACCEPT [1:60]',
    '[1:60] -A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER',
    '[5:300] -A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80',
  ]);
  const tuples = (path: string) =>
    readFileSync(path, 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.replace(/^(\S+\s+\d+ \S+\s+\d+) \d+/, '$1').replace(/packets=\d+ bytes=\d+ /g, ''));
  const listed = tuples(join(dir, 'out', 'conntrack.txt'));
  const missing = tuples(join(DOCKER24, 'conntrack-real.txt')).filter((line) => !listed.includes(line));
  assert.is(missing.length, 1);
  assert.match(missing[0], 'src=192.168.1.10 dst=192.168.1.10');
});

HostCapture('the bridge’s view of a packet is taken, that of its port is counted', () => {
  // Counted in the capture: frames of interfaces 5 and 6, which are ports of docker0 and br-3f1e2a4b5c6d.
  assert.equal(replayed().skipped, { 'bridge-port': 37 });
});

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

HostCapture.run();
