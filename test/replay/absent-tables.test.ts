/** Listings show one table each: that the others are taken as empty is said. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadSetting, type Setting } from '../../replay/setting.js';

const Absent = suite('tables that are not listed');

let dir = '';
Absent.before(() => {
  dir = mkdtempSync(join(tmpdir(), 'nfreplay-test-'));
  const addr_info = [{ family: 'inet', local: '192.0.2.1', prefixlen: 24 }];
  const addr = [{ ifname: 'eth0', address: '02:00:00:00:00:11', addr_info }];
  writeFileSync(join(dir, 'host.json'), JSON.stringify({ addr }));
});
Absent.after(() => rmSync(dir, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

const settingOf = (rulesPath: string): Setting => loadSetting({ rulesPath, hostPath: join(dir, 'host.json') });

const COLUMNS = ' pkts bytes target     prot opt in     out     source               destination\n';
const FILTER = ['INPUT', 'FORWARD', 'OUTPUT']
  .map((hook) => `Chain ${hook} (policy ACCEPT 0 packets, 0 bytes)\n${COLUMNS}\n`)
  .join('');
const DOCKER = `Chain DOCKER (0 references)\n${COLUMNS}\n`;
const NAT = '-P PREROUTING ACCEPT\n-P INPUT ACCEPT\n-P OUTPUT ACCEPT\n-P POSTROUTING ACCEPT\n';

Absent('they are assumed to be empty', () => {
  const listing = file('filter.txt', FILTER);
  assert.equal(settingOf(listing).assumed, [`nat, mangle, raw: not in ${listing}, taken as empty`]);
  assert.equal(settingOf(listing).warnings, []);
  const list = file('S.txt', NAT);
  assert.equal(settingOf(list).assumed, [`filter, mangle, raw: not in ${list}, taken as empty`]);
  assert.equal(settingOf(`nat=${list},filter=${listing}`).assumed, [
    `mangle, raw: not in ${list}, ${listing}, taken as empty`,
  ]);
});

Absent('where Docker runs, its published ports are missing, which is a warning', () => {
  const listing = file('docker.txt', FILTER + DOCKER);
  const [warning] = settingOf(listing).warnings;
  assert.match(warning, /^.*docker.txt: the ports that Docker publishes .* table nat, .*`iptables -t nat -L -v -n`/);
  assert.equal(settingOf(`nat=${file('nat.txt', NAT)},filter=${listing}`).warnings, []);
});

Absent('iptables-save and scripts show all tables that there are', () => {
  const save = file('rules.v4', '*filter\n:DOCKER - [0:0]\nCOMMIT\n');
  const script = file('fw.sh', '#!/bin/sh\niptables -N DOCKER\n');
  const typed = file('typed.txt', '# iptables-save\n*filter\n:DOCKER - [0:0]\nCOMMIT\n');
  for (const path of [save, script, typed]) {
    const { assumed, warnings } = settingOf(path);
    assert.not.match([...assumed, ...warnings].join('\n'), /taken as empty|publishes/, path);
  }
});

Absent.run();
