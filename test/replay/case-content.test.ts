/** A case that was made of the options of a replay gives the same results as that replay. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withFoundCaptures } from '../../replay/captures.js';
import { contentOf } from '../../replay/case-content.js';
import { optionsOf, readCase } from '../../replay/golden-case.js';
import { type ReplayOptions, replay } from '../../replay/replay.js';
import { writeCase } from '../../replay/write-case.js';

const Content = suite('cases of replays');

const DOCKER = 'pcaps/docker';
const REAL = 'test/replay/hosts/docker-article-28.5';
let dir = '';
let serial = 0;
Content.before(() => {
  dir = mkdtempSync(join(tmpdir(), 'nfreplay-content-'));
});
Content.after(() => rmSync(dir, { recursive: true }));

const file = (name: string, content: string | Uint8Array): string => {
  mkdirSync(join(dir, 'given'), { recursive: true });
  writeFileSync(join(dir, 'given', name), content);
  return join(dir, 'given', name);
};

/** Replays OPTIONS and the case that is made of them, compares all results, and returns the files of the case. */
function check(options: ReplayOptions): { files: string[]; json: string[] } {
  const out = join(dir, `${serial++}`);
  replay({ ...options, outDir: join(out, 'wanted') });
  const content = contentOf(withFoundCaptures(options).options);
  writeCase(join(out, 'case'), content);
  replay({ ...optionsOf(readCase(join(out, 'case'))), outDir: join(out, 'got') });
  const names = readdirSync(join(out, 'wanted')).sort();
  assert.equal(readdirSync(join(out, 'got')).sort(), names);
  for (const name of names.filter((one) => one !== 'summary.json')) {
    const [got, wanted] = ['got', 'wanted'].map((folder) => readFileSync(join(out, folder, name), 'latin1'));
    assert.is(got, wanted, name);
  }
  return { files: content.files.map(({ name }) => name).sort(), json: [...(content.options ?? [])] };
}

const plain: ReplayOptions = {
  hostPath: `${DOCKER}/host.json`,
  rulesPath: `${DOCKER}/rules.v4`,
  inputs: ['docker0', 'eth0', 'local'].map((iface) => ({ iface, path: `${DOCKER}/in/${iface}.pcap` })),
};

Content('captures by interface are found by their names, without an option', () => {
  const { files, json } = check({ ...plain, checksums: 'verify' });
  assert.equal(files, ['host.json', 'in/docker0.pcap', 'in/eth0.pcap', 'in/local.pcap', 'rules.v4']);
  assert.equal(json, []);
});

Content('inputs in another order, and two of one interface, are named by options', () => {
  const [docker0, eth0, local] = plain.inputs!;
  assert.equal(check({ ...plain, inputs: [local, eth0, docker0] }).json, [
    ...['--in', 'local=in/local.pcap', '--in', 'eth0=in/eth0.pcap', '--in', 'docker0=in/docker0.pcap'],
    ...['--checksums', 'auto'],
  ]);
  const again = { iface: 'eth0', path: file('more.pcap', readFileSync(`${DOCKER}/in/eth0.pcap`).subarray(0, 24)) };
  const { json } = check({ ...plain, inputs: [docker0, eth0, again, local] });
  assert.equal(json.slice(4, 6), ['--in', 'eth0=in/eth0-2.pcap']);
});

Content('compressed, rotated and otherwise called captures keep what they are', () => {
  const bytes = readFileSync(`${DOCKER}/in/eth0.pcap`);
  file('wan.pcap.gz', gzipSync(bytes));
  // The records, cut into three files.
  const header = bytes.subarray(0, 24);
  let at = 24;
  const cuts: Buffer[] = [];
  for (let i = 0; i < 3; i++) {
    const start = at;
    const isLast = i === 2;
    while (at < bytes.length && (isLast || at - start < bytes.length / 3)) at += 16 + bytes.readUInt32LE(at + 8);
    cuts.push(Buffer.concat([header, bytes.subarray(start, at)]));
  }
  for (const [i, cut] of cuts.entries()) file(`rotated.pcap${i}`, cut);
  const [docker0, , local] = plain.inputs!;
  const zipped = check({ ...plain, inputs: [docker0, { iface: 'eth0', path: join(dir, 'given/wan.pcap.gz') }, local] });
  assert.ok(zipped.files.includes('in/eth0.pcap.gz'));
  const rotated = { iface: 'eth0', path: join(dir, 'given/rotated.pcap*') };
  const found = check({ ...plain, inputs: [docker0, rotated, local] });
  assert.ok(found.files.includes('in/eth0.pcap2'), found.files.join());
  const named = check({ ...plain, inputs: [rotated, docker0, local] });
  assert.ok(named.json.includes('eth0=captures/eth0/*'), named.json.join(' '));
});

Content('a host in a folder with its own rules, and a capture taken there', () => {
  const options = { hostPath: `${REAL}/before`, captures: [{ path: `${REAL}/any.pcap` }] };
  const { files, json } = check(options);
  assert.ok(files.includes('host/iptables-save.txt'));
  assert.equal(json, ['--host', 'host', '--capture', 'in/any.pcap']);
  const sparse = { filter: 'tcp', from: '1s', limit: 40, seed: 7, checksums: 'trust' as const };
  assert.equal(check({ ...options, ...sparse }).json.slice(4), [
    ...['--filter', 'tcp', '--from', '1s', '--limit', '40', '--seed', '7', '--checksums', 'trust'],
  ]);
});

Content('a snapshot, rules that replace its own, and names', () => {
  const walkthrough = 'docs/walkthrough';
  const names = file('hosts', '203.0.113.7 client\n');
  const options = { hostPath: `${walkthrough}/host.txt`, captures: [{ path: `${walkthrough}/any.pcap` }] };
  assert.equal(check({ ...options, namesPath: names }).json.slice(0, 2), ['--host', 'host.txt']);
  const { files, json } = check({ ...options, rulesPath: `${walkthrough}/after.v4`, namesPath: names });
  assert.ok(files.includes('rules.v4') && files.includes('names.txt') && !json.includes('--rules'));
});

Content('changes, sets, commands and the files that they name', () => {
  const rules = readFileSync(`${DOCKER}/rules.v4`, 'utf8');
  const filter = file('filter.v4', rules.slice(rules.indexOf('*filter')).replace(/COMMIT[\s\S]*/, 'COMMIT\n'));
  const later = file('rules.v4', rules.replace('--dport 6379', '--dport 6380'));
  const restored = file('restored.v4', rules);
  const script = file('script.sh', `#!/bin/sh\niptables -F INPUT\niptables-restore '${restored}'\n`);
  const commands = file('commands.txt', 'ipset create banned hash:ip\nipset add banned 198.51.100.9\n');
  const sets = file('ipset.txt', 'create allowed hash:ip family inet hashsize 1024 maxelem 65536\n');
  const { files, json } = check({
    ...plain,
    ipsetPaths: [sets],
    apply: ['iptables -A INPUT -p tcp --dport 9 -j DROP', commands, `iptables-restore ${restored}`],
    changes: [`n3=${later}`, 'n5=iptables -I FORWARD -j ACCEPT', `n7=filter=${filter}`, `n9=${script}`],
    backend: 'legacy',
    keepCounters: true,
    lax: true,
  });
  assert.equal(json, [
    ...['--ipset', 'ipset.txt', '--apply', 'iptables -A INPUT -p tcp --dport 9 -j DROP', '--apply', 'commands.txt'],
    ...['--apply', 'iptables-restore restored.v4', '--at', 'n3=rules-2.v4', '--at', 'n5=iptables -I FORWARD -j ACCEPT'],
    ...['--at', 'n7=filter=filter.v4', '--at', 'n9=script.sh', '--backend', 'legacy'],
    ...['--checksums', 'auto', '--lax', '--keep-counters'],
  ]);
  assert.ok(
    ['rules.v4', 'rules-2.v4', 'restored.v4', 'script.sh'].every((name) => files.includes(name)),
    files.join(),
  );
});

Content('listings of tables, connections to begin with, and a snapshot that comes later', () => {
  const save = readFileSync(`${DOCKER}/rules.v4`, 'utf8');
  const table = (name: string): string =>
    file(`${name} rules`, save.slice(save.indexOf(`*${name}`)).replace(/COMMIT[\s\S]*/, 'COMMIT\n'));
  cpSync(`${REAL}/before`, join(dir, 'given/later host'), { recursive: true });
  const conntrack = file('conntrack', '');
  const { files, json } = check({
    ...plain,
    rulesPath: `nat=${table('nat')},filter=${table('filter')}`,
    conntrackPath: conntrack,
  });
  assert.equal(json.slice(0, 2), ['--rules', 'nat=nat-rules,filter=filter-rules']);
  assert.ok(files.includes('conntrack.txt'));
  const options = { hostPath: `${REAL}/before`, captures: [{ path: `${REAL}/any.pcap` }] };
  const changed = check({ ...options, changes: [`n20=snapshot:${join(dir, 'given/later host')}`] });
  assert.ok(changed.json.includes('n20=snapshot:later-host'), changed.json.join(' '));
});

Content('a conversation that was captured outside', () => {
  const { json } = check({
    hostPath: `${DOCKER}/host.json`,
    rulesPath: `${DOCKER}/rules.v4`,
    stitchPaths: [`${DOCKER}/in/eth0.pcap`],
  });
  assert.equal(json, ['--stitch', 'in/eth0.pcap', '--checksums', 'auto']);
});

Content.run();
