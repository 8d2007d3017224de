/** Cases in every form: what is cut out of them is a case again, in which options mean the same moments. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { differenceOf } from '../../explain/shrink/difference-failure.js';
import { checkCase } from '../../replay/check-case.js';
import { readCase } from '../../replay/golden-case.js';
import { inFolder, shrinkTo } from '../cases/shrink-case.js';

interface Context {
  parent: string;
  dir: string;
  out: string;
}

const Forms = suite<Context>('forms of cases that are shrunk');

Forms.before.each((context) => {
  context.parent = mkdtempSync(join(tmpdir(), 'nfreplay-forms-'));
  context.dir = join(context.parent, 'case');
  context.out = join(context.parent, 'out');
});

Forms.after.each(({ parent }) => {
  rmSync(parent, { recursive: true, force: true });
});

/** Shrinks the case, which differs from want/; returns the differences that are left. */
function shrinkDifference({ dir, out }: Context) {
  inFolder((folder) =>
    shrinkTo(
      dir,
      differenceOf(readCase(dir), () => [], folder),
      out,
    ),
  );
  return checkCase(readCase(out)).differences;
}

const optionsOf = (dir: string): string[] => JSON.parse(readFileSync(join(dir, 'case.json'), 'utf8')).options;

Forms('a change before the tenth frame is before the first of those that are left, and its sets stay', (context) => {
  const { dir, out } = context;
  cpSync('pcaps/ban-while-connected', dir, { recursive: true });
  // The ban comes too early.
  const options = optionsOf(dir).map((word) => word.replace(/^n10=/, 'n9='));
  writeFileSync(join(dir, 'case.json'), JSON.stringify({ options }));
  assert.is(shrinkDifference(context).length, 1);
  assert.equal(optionsOf(out), ['--at', 'n1=ipset add banned 203.0.113.66']);
  assert.match(JSON.parse(readFileSync(join(out, 'host.json'), 'utf8')).ipset, /^create banned /);
  assert.match(readFileSync(join(out, 'rules.v4'), 'utf8'), '-m set --match-set banned src -j DROP');
});

/** pcaps/docker in other forms: a folder of outputs with the host's rules, compressed captures elsewhere. */
function copyInForms(dir: string): void {
  cpSync('pcaps/docker', dir, { recursive: true });
  const host = JSON.parse(readFileSync(join(dir, 'host.json'), 'utf8')) as Record<string, unknown>;
  mkdirSync(join(dir, 'taken'));
  for (const [name, value] of Object.entries(host))
    writeFileSync(join(dir, 'taken', `${name}.json`), JSON.stringify(value));
  renameSync(join(dir, 'rules.v4'), join(dir, 'taken/iptables-save.txt'));
  rmSync(join(dir, 'host.json'));
  mkdirSync(join(dir, 'captured'));
  const options = ['--host', 'taken'];
  for (const name of readdirSync(join(dir, 'in'))) {
    writeFileSync(join(dir, 'captured', `${name}.gz`), gzipSync(readFileSync(join(dir, 'in', name))));
    options.push('--in', `${name.replace('.pcap', '')}=captured/${name}.gz`);
  }
  rmSync(join(dir, 'in'), { recursive: true });
  writeFileSync(join(dir, 'case.json'), JSON.stringify({ options }));
}

Forms('a folder of outputs becomes a host.json with its rules, compressed captures plain ones', (context) => {
  const { dir, out } = context;
  copyInForms(dir);
  const path = join(dir, 'taken/iptables-save.txt');
  writeFileSync(path, readFileSync(path, 'utf8').replace(/^-A DOCKER -d 172\.17\.0\.3.*\n/m, ''));
  assert.is(shrinkDifference(context).length, 1);
  assert.equal(readdirSync(out).sort(), ['host.json', 'in', 'want']);
  assert.equal(readdirSync(join(out, 'in')), ['eth0.pcap']);
  const host = JSON.parse(readFileSync(join(out, 'host.json'), 'utf8')) as { iptables: string };
  assert.is(host.iptables.match(/^-A /gm)?.length, 3);
});

Forms('of packets that options leave out nothing stays, nor of these options', (context) => {
  const { dir, out } = context;
  cpSync('pcaps/docker', dir, { recursive: true });
  const path = join(dir, 'rules.v4');
  writeFileSync(path, readFileSync(path, 'utf8').replace(/^-A DOCKER -d 172\.17\.0\.3.*\n/m, ''));
  writeFileSync(
    join(dir, 'case.json'),
    JSON.stringify({ options: ['--limit', '20', '--to', '60s', '--filter', 'tcp'] }),
  );
  // Something is wanted of packets that are not replayed: that is another difference, behind the first.
  assert.is(shrinkDifference(context).length, 1);
  assert.not(readdirSync(out).includes('case.json'));
});

Forms('a listing of rules becomes what iptables-save prints', (context) => {
  const { dir, out } = context;
  cpSync('pcaps/reject-host-prohibited', dir, { recursive: true });
  const listing = [
    'Chain INPUT (policy ACCEPT 0 packets, 0 bytes)',
    ' pkts bytes target     prot opt in     out     source               destination         ',
    '    0     0 ACCEPT     udp  --  eth9   *       0.0.0.0/0            0.0.0.0/0           ',
    '    0     0 DROP       all  --  *      *       0.0.0.0/0            0.0.0.0/0           ',
    '',
    'Chain FORWARD (policy ACCEPT 0 packets, 0 bytes)',
    ' pkts bytes target     prot opt in     out     source               destination         ',
    '    0     0 DROP       all  --  *      *       0.0.0.0/0            0.0.0.0/0           ',
    '',
    'Chain OUTPUT (policy ACCEPT 0 packets, 0 bytes)',
    ' pkts bytes target     prot opt in     out     source               destination         ',
    '',
  ];
  writeFileSync(join(dir, 'rules.v4'), listing.join('\n'));
  assert.ok(shrinkDifference(context).length > 0);
  // The first packet that is wanted to be refused is one to the host.
  assert.is(readFileSync(join(out, 'rules.v4'), 'utf8'), '*filter\n-A INPUT -j DROP\nCOMMIT\n');
});

Forms('files in folders of the case that commands name stay', (context) => {
  const { dir, out } = context;
  cpSync('pcaps/docker', dir, { recursive: true });
  mkdirSync(join(dir, 'rules'));
  const rules = readFileSync(join(dir, 'rules.v4'), 'utf8').replace(/^-A DOCKER -d 172\.17\.0\.3.*\n/m, '');
  writeFileSync(join(dir, 'rules/new.v4'), rules);
  const options = ['--apply', 'iptables-restore ./rules/new.v4'];
  writeFileSync(join(dir, 'case.json'), JSON.stringify({ options }));
  assert.ok(shrinkDifference(context).length > 0);
  assert.equal(optionsOf(out), options);
  assert.is(readFileSync(join(out, 'rules/new.v4'), 'utf8'), rules);
});

Forms.run();
