/** Sets of ipset in a replay: from the host and from files, in the results, and compared. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Linktype } from '../../codecs/linktypes.js';
import { IpsetError } from '../../core/ipset/ipset-error.js';
import { RulesetError } from '../../core/rules/parse/error.js';
import { createPcapFile } from '../../io/capture-file.js';
import { compareResults } from '../../replay/compare.js';
import { type ReplayOptions, replay } from '../../replay/replay.js';
import { tcpPacket } from '../packets/packets.js';

const Sets = suite('sets in a replay');
let dir: string;

const HOST_SETS = 'create banned hash:ip family inet timeout 600\nadd banned 203.0.113.9 timeout 0\n';

function writeHost(ipset?: string): void {
  const link = (ifname: string, local: string, last: string) => ({
    ifname,
    address: `02:00:00:00:00:${last}`,
    addr_info: [{ family: 'inet', local, prefixlen: 24 }],
  });
  const addr = [link('eth0', '203.0.113.1', '01'), link('eth1', '10.0.0.1', '02')];
  writeFileSync(join(dir, 'host.json'), JSON.stringify({ addr, ...(ipset === undefined ? {} : { ipset }) }));
}

Sets.before(() => {
  dir = mkdtempSync(join(tmpdir(), 'nfreplay-sets-'));
  const writer = createPcapFile(join(dir, 'eth0.pcap'), Linktype.ETHERNET);
  // Four clients knock, then ask.
  for (const [i, [client, dport]] of [7, 8, 9, 10]
    .flatMap((one) => [[one, 23] as const, [one, 80] as const])
    .entries()) {
    const fields = { source: `203.0.113.${client}`, destination: '10.0.0.2', sport: 1000 + i, dport, id: 7 };
    const packet = tcpPacket({ ...fields, flags: 2, sequence: 1, acknowledgment: 0, window: 8000 });
    const frame = Buffer.concat([Buffer.from('020000000001' + '020000000099' + '0800', 'hex'), packet]);
    writer.write(1_700_000_000 + i, 0, frame, 0, frame.length, frame.length);
  }
  writer.close();
});

Sets.before.each(() => writeHost(HOST_SETS));

Sets.after(() => rmSync(dir, { recursive: true, force: true }));

function file(name: string, text: string): string {
  writeFileSync(join(dir, name), text);
  return join(dir, name);
}

function run(rules: readonly string[], options: Partial<ReplayOptions> = {}, name = 'out') {
  const rulesPath = file('rules.v4', `*filter\n${rules.join('\n')}\nCOMMIT\n`);
  const inputs = [{ iface: 'eth0', path: join(dir, 'eth0.pcap') }];
  const outDir = join(dir, name);
  const summary = replay({ hostPath: join(dir, 'host.json'), rulesPath, inputs, outDir, ...options });
  const path = join(outDir, 'ipset.txt');
  return { summary, outDir, ipset: existsSync(path) ? readFileSync(path, 'utf8').split('\n') : undefined };
}

const BAN = '-A FORWARD -m set --match-set banned src -j DROP';
const KNOCK = '-A FORWARD -p tcp -m tcp --dport 23 -j SET --add-set banned src --exist --timeout 60';

Sets('the initial value of a set that brings none is drawn with the seed', () => {
  const initial = (seed: number) => / initval (\S+)/.exec(run([BAN], { seed }).ipset!.join())?.[1];
  assert.ok(initial(1));
  assert.is(initial(1), initial(1));
  assert.is.not(initial(1), initial(2));
});

Sets('rules ask the sets of the host, and the sets at the end are a result', () => {
  const { summary, ipset } = run([BAN]);
  assert.is(summary.packets.dropped, 2);
  assert.match(ipset?.[0] ?? '', /^create banned hash:ip family inet hashsize 1024 maxelem 65536 timeout 600/);
  assert.equal(ipset?.slice(1), ['add banned 203.0.113.9 timeout 0', '']);
  assert.equal(summary.sets, [{ name: 'banned', type: 'hash:ip', entries: [1, 1], added: 0, deleted: 0 }]);
  assert.equal(summary.unread.members, []);
});

Sets('--ipset adds to the sets of the host, or does without; the run says which files', () => {
  const more = file('more.txt', 'add banned 203.0.113.8\ncreate other hash:net\nadd other 203.0.113.0/29\n');
  const { summary, ipset } = run([BAN, '-A FORWARD -m set --match-set other src -j REJECT'], { ipsetPaths: [more] });
  assert.equal([summary.packets.dropped, summary.packets.rejected, summary.packets.forwarded], [4, 2, 2]);
  assert.is(ipset?.filter((line) => line.startsWith('create ')).length, 2);
  assert.equal(
    summary.run.ipset?.map(({ path }) => path),
    [more],
  );
  assert.ok(
    summary.run.ipset?.every(({ sizeBytes, sha256 }) => sizeBytes === 70 && /^[0-9a-f]{64}$/.test(sha256 ?? '')),
  );
  writeHost();
  assert.throws(
    () => run([BAN], { ipsetPaths: [more] }),
    (error: unknown) => error instanceof IpsetError,
  );
  assert.is(run([BAN], { ipsetPaths: [file('own.txt', HOST_SETS)] }).summary.packets.dropped, 2);
});

Sets('SET adds while packets pass; the summary counts, and entries expire by packet time', () => {
  const { summary, ipset } = run([KNOCK, BAN]);
  // Each knock itself is dropped, too, and what comes a second later.
  assert.is(summary.packets.dropped, 8);
  assert.equal(summary.sets, [{ name: 'banned', type: 'hash:ip', entries: [1, 4], added: 4, deleted: 0 }]);
  const left = ipset
    ?.filter((line) => line.startsWith('add '))
    .map((line) => line.replace('add banned 203.0.113.', ''));
  assert.equal(left?.sort(), ['10 timeout 59', '7 timeout 53', '8 timeout 55', '9 timeout 57']);
  const short = run([KNOCK.replace('60', '1'), BAN]);
  assert.equal(short.summary.sets?.[0].entries, [1, 1]);
});

Sets('a rule that names a set which is not there is refused as iptables does, or with lax uncertain', () => {
  const rules = ['-A FORWARD -p udp -m set --match-set nope src -j DROP', '-A FORWARD -j SET --add-set gone src', BAN];
  const refused = (error: unknown): boolean => {
    assert.instance(error, RulesetError);
    const message = (error as RulesetError).message.replaceAll(dir, '');
    const hint =
      'there are: banned; expected: what `ipset save` prints on the host, by --ipset FILE or as ipset of host.json';
    assert.equal(message.split('\n'), [
      `/rules.v4:2:38: Set nope doesn't exist; ${hint}`,
      `/rules.v4:3:29: Set gone doesn't exist; ${hint}`,
    ]);
    return (error as RulesetError).code === 'invalid';
  };
  assert.throws(() => run(rules), refused);
  const { summary } = run(rules, { lax: true });
  assert.is(summary.uncertain?.packets, 8);
  assert.match(summary.warnings.join('\n'), /Set nope doesn't exist/);
  writeHost('create banned hash:ip family inet6\n');
  assert.throws(() => run([BAN]), /The protocol family of set banned is IPv6, which is not applicable/);
});

Sets('a comparison looks at sets, but not at their order, their seconds and the initial values of hashes', () => {
  const got = run([KNOCK, BAN], {}, 'got').outDir;
  const wanted = run([KNOCK, BAN], {}, 'wanted').outDir;
  const path = join(wanted, 'ipset.txt');
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  const [created, ...added] = lines.map((line) => line.replace('timeout 5', 'timeout 4'));
  const other = created.replace(/initval \S+/, 'initval 0x12345678');
  assert.is.not(other, created);
  writeFileSync(path, `${[other, ...added.reverse()].join('\n')}\n`);
  assert.equal(compareResults(wanted, got).differences, []);
  writeFileSync(path, `${[other, ...added.slice(1)].join('\n')}\n`);
  const [difference, ...more] = compareResults(wanted, got).differences;
  assert.equal(more, []);
  assert.is(difference.kind, 'set');
  rmSync(join(got, 'ipset.txt'));
  assert.is(compareResults(wanted, got).differences.length, 4);
});

Sets.run();
