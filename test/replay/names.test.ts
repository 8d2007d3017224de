/** Names of addresses: of --names and of the host's containers. */

import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { formatReport } from '../../cli/report.js';
import { HostError } from '../../codecs/host/error.js';
import { parseHostsFile } from '../../codecs/hosts-file.js';
import { styleOf } from '../../explain/text/style.js';
import { replay } from '../../replay/replay.js';

const Names = suite('names');

const EXAMPLE = fileURLToPath(new URL('../../../pcaps/docker/', import.meta.url));
const MAIN = fileURLToPath(new URL('../../cli/main.js', import.meta.url));

let dir = '';
Names.before(() => {
  dir = mkdtempSync(join(tmpdir(), 'nfreplay-names-'));
});
Names.after(() => rmSync(dir, { recursive: true }));

/** As docker inspect and docker network inspect print them, shortened. */
const CONTAINERS = [
  {
    Name: '/redis',
    NetworkSettings: {
      IPAddress: '172.17.0.3',
      Networks: { bridge: { IPAddress: '172.17.0.3', GlobalIPv6Address: '' } },
    },
  },
  { Name: '/none', NetworkSettings: { IPAddress: '', Networks: { none: { IPAddress: '' } } } },
];
const NETWORKS = [
  { Name: 'bridge', Id: 'a'.repeat(64), Driver: 'bridge', Options: { 'com.docker.network.bridge.name': 'docker0' } },
  { Name: 'host', Id: 'b'.repeat(64), Driver: 'host', Options: {}, Containers: {} },
];

const INPUTS = ['eth0', 'docker0', 'local'].map((iface) => ({ iface, path: join(EXAMPLE, 'in', `${iface}.pcap`) }));

Names('a file like /etc/hosts is read as such', () => {
  const text =
    '\ufeff127.0.0.1\tlocalhost\r\n\n# a comment\n  ::1 ip6-localhost ip6-loopback # more\n' +
    '192.0.2.1 gw gateway\n192.0.2.1 other\nfe80::1%lo0 zone\n2001:DB8:0::1 v6';
  assert.equal(
    [...parseHostsFile(text, 'f')],
    [
      ['127.0.0.1', 'localhost'],
      ['::1', 'ip6-localhost'],
      ['192.0.2.1', 'gw'],
      ['fe80::1', 'zone'],
      ['2001:db8::1', 'v6'],
    ],
  );
});

Names('lines may end in any way', () => {
  for (const end of ['\n', '\r\n', '\r']) {
    const names = parseHostsFile(['192.0.2.1 a', '', '192.0.2.2 b'].join(end), 'f');
    assert.equal([...names.values()], ['a', 'b'], JSON.stringify(end));
  }
});

Names('a fault in it has a line and a column', () => {
  const messageOf = (text: string): string => {
    try {
      parseHostsFile(text, 'names');
    } catch (error) {
      if (error instanceof HostError) return error.message;
    }
    throw new Error('taken');
  };
  assert.match(
    messageOf('127.0.0.1 a\n  gw 192.0.2.1\n'),
    /^names:2:3: expected an address, found "gw"; a line is an address and its names/,
  );
  assert.match(messageOf('192.0.2.1   # gw'), /^names:1:10: expected a name behind 192\.0\.2\.1, found nothing/);
  assert.match(
    messageOf('::1 a\r192.0.2.10 10.0.0.1'),
    /^names:2:12: expected a name, found the address "10\.0\.0\.1"; a line is/,
  );
  assert.match(messageOf('::1 a fe80::1%eth0'), /^names:1:7: expected a name, found the address "fe80::1%eth0"/);
  assert.match(messageOf('192.0.2.300 gw'), /^names:1:1: expected an address, found "192\.0\.2\.300"/);
});

Names('are shown beside addresses, which stay, and listed in the summary', () => {
  const folder = join(dir, 'host');
  mkdirSync(folder);
  for (const file of ['host.json', 'rules.v4']) cpSync(join(EXAMPLE, file), join(folder, file));
  writeFileSync(join(folder, 'containers.json'), JSON.stringify(CONTAINERS));
  writeFileSync(join(folder, 'networks.json'), NETWORKS.map((network) => JSON.stringify(network)).join('\n'));
  const namesPath = join(dir, 'hosts');
  writeFileSync(namesPath, '203.0.113.7 office\u202e\n172.17.0.99 unused\n192.0.2.10 web1\n');
  const outDir = join(dir, 'out');
  const named = replay({ hostPath: folder, namesPath, inputs: INPUTS, outDir });
  assert.equal(named.names, { '203.0.113.7': 'office\u202e', '192.0.2.10': 'web1', '172.17.0.3': 'redis' });
  assert.equal(named.networks, { docker0: 'bridge' });
  const report = formatReport(named, { style: styleOf({ isTTY: false }), top: 10, outDir, durationMs: 1, width: 200 });
  assert.match(
    report,
    /tcp +203\.0\.113\.7:51515 \(office\\u202e\) → 192\.0\.2\.10:36379 \(web1\) +⇒ 172\.17\.0\.3:6379 \(redis\)/,
  );
  assert.match(report, /tcp 8081 +203\.0\.113\.7 \(office\\u202e\) → 192\.0\.2\.10 \(web1\)\n/);
  assert.match(report, /docker0\.pcap \(13, network bridge\)/);
  assert.match(report, /the rules are the host's own: iptables-legacy, \S+rules\.v4\n/);
  const plain = replay({ hostPath: join(EXAMPLE, 'host.json'), rulesPath: join(EXAMPLE, 'rules.v4'), inputs: INPUTS });
  assert.is(plain.names, undefined);
  assert.equal(
    {
      ...named,
      names: undefined,
      networks: undefined,
      run: 0,
      rules: 0,
      unmatched: 0,
      dropped: 0,
      droppedFlows: 0,
      outputs: 0,
    },
    {
      ...plain,
      names: undefined,
      networks: undefined,
      run: 0,
      rules: 0,
      unmatched: 0,
      dropped: 0,
      droppedFlows: 0,
      outputs: 0,
    },
  );
});

Names('check shows them in differences', () => {
  const golden = join(dir, 'case');
  cpSync(EXAMPLE, golden, { recursive: true });
  const conntrack = join(golden, 'want/conntrack.txt');
  writeFileSync(conntrack, readFileSync(conntrack, 'utf8').replace('dport=36379', 'dport=36380'));
  const host = JSON.parse(readFileSync(join(golden, 'host.json'), 'utf8'));
  writeFileSync(join(golden, 'host.json'), JSON.stringify({ ...host, containers: CONTAINERS }));
  const namesPath = join(dir, 'names');
  writeFileSync(namesPath, '192.0.2.10 web1\n');
  const run = spawnSync(process.execPath, [MAIN, 'check', '--names', namesPath, golden], { encoding: 'utf8' });
  assert.is(run.status, 1);
  assert.match(
    run.stdout,
    /conntrack: expected, but missing:\n +ipv4 [^()]*=36380[^()]*\n +192\.0\.2\.10 \(web1\), 172\.17\.0\.3 \(redis\)\n/,
  );
});

Names.run();
