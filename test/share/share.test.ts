// Shared cases: nothing of the original is left in them, and they show the same.
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MemorySink } from '../../codecs/byte-stream.js';
import { Direction } from '../../codecs/capture.js';
import { Linktype } from '../../codecs/linktypes.js';
import { PcapngWriter } from '../../codecs/pcapng-writer.js';
import { openCaptureFile } from '../../io/capture-file.js';
import { checkCase } from '../../replay/check-case.js';
import { casesIn } from '../../replay/golden-case.js';
import { shareCase } from '../../replay/share/share-case.js';
import { recordedCases } from '../cases/broken-cases.js';
import { faultsOfSharing } from '../cases/share-case.js';
import { pick, seededRandom, testSeed } from '../random.js';

interface Context {
  parent: string;
}

const Share = suite<Context>('share');

Share.before.each((context) => {
  context.parent = mkdtempSync(join(tmpdir(), 'nfreplay-share-test-'));
});

Share.after.each(({ parent }) => {
  rmSync(parent, { recursive: true, force: true });
});

/** All bytes of the files in DIR, by their names. */
function filesIn(dir: string): Map<string, Buffer> {
  const names = readdirSync(dir, { recursive: true, encoding: 'utf8', withFileTypes: true });
  return new Map(
    names
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => [path.slice(dir.length), readFileSync(path)]),
  );
}

function share(name: string, dir: string, seed = 'a') {
  const [golden] = casesIn(`pcaps/${name}`);
  const result = shareCase(golden, dir, { seed });
  return { golden, shared: casesIn(dir)[0], result };
}

for (const name of ['fragments', 'log', 'netmap', 'sctp', 'ban-while-connected']) {
  Share(`${name}: the shared case expects what comes out`, ({ parent }) => {
    const { shared } = share(name, join(parent, 'shared'));
    assert.equal(checkCase(shared).differences, []);
  });
}

const RANDOM_CASES = 20;

Share('random cases: they show the same, and no address of the original is left', ({ parent }) => {
  const seed = testSeed();
  const random = seededRandom(seed);
  const all = recordedCases();
  for (let i = 0; i < RANDOM_CASES; i++) {
    const { profile, recorded } = pick(random, all);
    const secret = String(random(2 ** 30));
    const faults = faultsOfSharing(recorded, join(parent, String(i)), secret);
    assert.is(faults.length, 0, `SEED=${seed}, ${profile} ${recorded.seed}, secret ${secret}: ${faults.join('; ')}`);
  }
});

Share('addresses and MAC addresses of the original are in no file', ({ parent }) => {
  share('article', join(parent, 'shared'));
  const files = filesIn(join(parent, 'shared'));
  const addresses = [
    [192, 0, 2, 10],
    [172, 18, 0, 1],
    [172, 17, 0, 3],
  ];
  for (const [name, content] of files) {
    for (const bytes of addresses) {
      assert.not(content.includes(bytes.join('.')), name);
      assert.not(content.includes(Buffer.from(bytes)), name);
    }
  }
});

/** A copy of pcaps/docker in DIR with names, comments and times of its owner. */
function ownedCase(dir: string): void {
  cpSync('pcaps/docker', dir, { recursive: true });
  rmSync(join(dir, 'want'), { recursive: true });
  const rules = readFileSync(join(dir, 'rules.v4'), 'utf8');
  const own = [
    '-A INPUT -i acme-+ -m comment --comment "ACME Corp, ticket 4711" -j LOG --log-prefix "acme-in: "',
    '-A INPUT -s 81.2.69.0/28 -m recent --name acme-clients --set',
    '-A INPUT -p tcp -m string --string "GET /acme" --algo bm -j acme-web',
    '-A INPUT -p tcp -m time --datestart 2023-11-14T00:00:00 --datestop 2023-11-15T00:00:00 -j acme-web',
  ];
  writeFileSync(
    join(dir, 'rules.v4'),
    rules
      .replace(/^:DOCKER-ISOLATION .*$/m, '$&\n:acme-web - [0:0]')
      .replace(/^-A INPUT -i lo/m, `${own.join('\n')}\n$&`),
  );
  const host = JSON.parse(readFileSync(join(dir, 'host.json'), 'utf8'));
  host.addr.push({
    ...{ ifname: 'acme-vpn', ifalias: 'uplink of acme', address: '00:1b:21:aa:bb:cc', mtu: 1500 },
    addr_info: [{ family: 'inet', local: '81.2.69.1', prefixlen: 28 }],
  });
  host.containers = [{ Name: '/acme-redis', NetworkSettings: { IPAddress: '172.17.0.3' } }];
  host.sysctl = { 'net.ipv4.conf.acme-vpn.rp_filter': 1, 'kernel.hostname': 'fw.acme.example' };
  writeFileSync(join(dir, 'host.json'), JSON.stringify(host));
  writeFileSync(join(dir, 'names.txt'), '# of acme\n203.0.113.7 bobs-acme-laptop\n');
  const at = "n20=iptables -I INPUT -i acme-vpn -m comment --comment 'not acme' -j DROP";
  writeFileSync(join(dir, 'case.json'), JSON.stringify({ options: ['--names', 'names.txt', '--at', at] }));
}

Share('names, comments, prefixes, patterns and dates are replaced everywhere', ({ parent }) => {
  const given = join(parent, 'given');
  ownedCase(given);
  const shared = join(parent, 'shared');
  shareCase(casesIn(given)[0], shared, { seed: 'a' });
  const files = filesIn(shared);
  for (const [name, content] of files)
    assert.not.match(content.toString('latin1').toLowerCase(), /acme|4711|bob/, name);
  const rules = String(files.get('/rules.v4'));
  const [, wildcard] = /-A INPUT -i (\S+)\+ -m comment --comment "comment 1" -j LOG --log-prefix "prefix 1: "/.exec(
    rules,
  )!;
  assert.match(String(files.get('/host.json')), new RegExp(`"ifname": "${wildcard}`), 'the wildcard matches as before');
  // The captures begin on 14 November 2023, at 22:13:20, and in the shared case in the first week of 2020.
  const [, start, stop] = /--datestart (\S+) --datestop (\S+)/.exec(rules)!;
  assert.is(Date.parse(`${stop}Z`) - Date.parse(`${start}Z`), 86_400_000);
  assert.is(start.slice(0, 7), '2020-01');
});

Share('a pcapng keeps interfaces and directions, and loses comments', ({ parent }) => {
  const given = join(parent, 'given');
  cpSync('pcaps/docker', given, { recursive: true });
  rmSync(join(given, 'want'), { recursive: true });
  const sink = new MemorySink();
  const writer = new PcapngWriter(sink, [{ name: 'eth0', linktype: Linktype.ETHERNET }], 'acme dumper');
  const reader = openCaptureFile(join(given, 'in/eth0.pcap'));
  while (reader.next()) {
    const { tsSec, tsNsec, wirelen } = reader;
    const bytes = reader.bytes.slice(reader.at, reader.at + reader.caplen);
    const direction = Direction.INBOUND;
    writer.write({ interface: 0, tsSec, tsNsec, wirelen, bytes, comment: 'seen by acme', direction });
  }
  reader.close();
  writer.flush();
  rmSync(join(given, 'in/eth0.pcap'));
  writeFileSync(join(given, 'in/eth0.pcapng'), sink.bytes());
  const shared = join(parent, 'shared');
  shareCase(casesIn(given)[0], shared, { seed: 'a' });
  assert.not.match(readFileSync(join(shared, 'in/eth0.pcapng'), 'latin1'), /acme/);
  const again = openCaptureFile(join(shared, 'in/eth0.pcapng'));
  assert.ok(again.next());
  assert.equal([again.interfaceName, again.direction], ['eth0', Direction.INBOUND]);
  again.close();
});

Share('with the same seed the same comes out, with another something else', ({ parent }) => {
  share('docker', join(parent, 'one'), 'secret');
  share('docker', join(parent, 'two'), 'secret');
  share('docker', join(parent, 'three'), 'another');
  const [one, two, three] = ['one', 'two', 'three'].map((name) => filesIn(join(parent, name)));
  assert.equal(one, two);
  assert.not.equal(one.get('/in/eth0.pcap'), three.get('/in/eth0.pcap'));
});

Share.run();
