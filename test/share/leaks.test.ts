// What share must not leave in a case, and what it need not refuse for.
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { casesIn, type GoldenCase } from '../../replay/golden-case.js';
import { shareCase } from '../../replay/share/share-case.js';

interface Context {
  parent: string;
}

const Leaks = suite<Context>('leaks');

Leaks.before.each((context) => {
  context.parent = mkdtempSync(join(tmpdir(), 'nfreplay-leaks-test-'));
});

Leaks.after.each(({ parent }) => {
  rmSync(parent, { recursive: true, force: true });
});

const CLAIM = 'expect:\n  - never: tcp 10.0.0.0/8 > 172.16.0.0/12\n';

/** A case of a few packets through a host with RULES in the table filter, in PARENT. */
function caseOf(parent: string, rules: readonly string[], options: readonly string[] = []): GoldenCase {
  const dir = join(parent, 'case');
  mkdirSync(dir);
  copyFileSync('pcaps/udp-and-ping/host.json', join(dir, 'host.json'));
  cpSync('pcaps/udp-and-ping/in', join(dir, 'in'), { recursive: true });
  const chains = ['INPUT', 'FORWARD', 'OUTPUT'].map((name) => `:${name} ACCEPT [0:0]`);
  writeFileSync(join(dir, 'rules.v4'), ['*filter', ...chains, ...rules, 'COMMIT', ''].join('\n'));
  writeFileSync(join(dir, 'case.json'), JSON.stringify({ options }));
  writeFileSync(join(dir, 'expect.yaml'), CLAIM);
  return casesIn(dir)[0];
}

/** What is said about sharing a case with RULES, and the rules of the shared one. */
function shared(parent: string, rules: readonly string[], options: readonly string[] = []) {
  const dir = join(parent, 'shared');
  const { kept } = shareCase(caseOf(parent, rules, options), dir, { seed: 'a' });
  return {
    kept,
    rules: readFileSync(join(dir, 'rules.v4'), 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('-A')),
  };
}

Leaks("the walkthrough's case, a host with Docker's networks, can be shared", ({ parent }) => {
  const dir = join(parent, 'case');
  mkdirSync(dir);
  for (const name of ['host.txt', 'any.pcap']) copyFileSync(join('docs/walkthrough', name), join(dir, name));
  writeFileSync(join(dir, 'case.json'), JSON.stringify({ options: ['--host', 'host.txt', '--capture', 'any.pcap'] }));
  writeFileSync(join(dir, 'expect.yaml'), CLAIM);
  const out = join(parent, 'shared');
  shareCase(casesIn(dir)[0], out, { seed: 'a' });
  const host = readFileSync(join(out, 'host.json'), 'utf8');
  for (const name of ['ca8c9e046dfc', 'vethdb1c3c3', 'shop']) assert.not.match(host, name);
  const { sysctl } = JSON.parse(host) as { sysctl: Record<string, string> };
  assert.ok(Object.keys(sysctl).some((key) => /^net.ipv4.conf.br-[\da-f]{12}.rp_filter$/.test(key)));
});

Leaks('private networks stay, and are no leak', ({ parent }) => {
  const networks = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'];
  const rules = networks.map((network) => `-A FORWARD -s ${network} -j DROP`);
  const ranges = ['-A FORWARD -m iprange --src-range 10.0.0.0-10.255.255.255 -j DROP'];
  const options = ['--show', 'net 10.0.0.0/8 or net 192.168'];
  assert.equal(shared(parent, [...rules, ...ranges], options).rules, [...rules, ...ranges]);
});

Leaks('names that are words of a format are no leak', ({ parent }) => {
  const names = ['packets', 'source', 'filter', 'bridge'];
  const rules = names.map((name) => `-A INPUT -m recent --set --name ${name} --mask 255.255.255.255 --rsource`);
  assert.match(shared(parent, rules).rules[0], '--name list-1 ');
});

Leaks('names that only look like those of programs are replaced', ({ parent }) => {
  const names = ['f2b-nginx-acme', 'ufw-user-acme', 'cali-from-acme', 'zone_wan_acme', 'CILIUM_PRE_acme'];
  const dir = join(parent, 'shared');
  shareCase(
    caseOf(
      parent,
      names.flatMap((name) => [`:${name} - [0:0]`]),
    ),
    dir,
    { seed: 'a' },
  );
  assert.not.match(readFileSync(join(dir, 'rules.v4'), 'utf8'), 'acme');
});

Leaks('addresses that are compared as numbers are replaced, also their halves', ({ parent }) => {
  // 192.0.2.53 is of the packets.
  const rules = [
    '-A INPUT -m u32 --u32 "0xc=0xc0000235" -j ACCEPT',
    '-A INPUT -m u32 --u32 "0xa&0xffff=0xc000" -j ACCEPT',
    '-A INPUT -m u32 --u32 "0xe&0xffff=0xc000" -j ACCEPT',
    '-A INPUT -m bpf --bytecode "4,32 0 0 12,21 0 1 3221226037,6 0 0 65535,6 0 0 0" -j ACCEPT',
    '-A INPUT -s 192.0.2.53/32 -j ACCEPT',
  ];
  const { rules: replaced } = shared(parent, rules);
  const [, address] = /-s ([\d.]+)\/32/.exec(replaced[4])!;
  const number = address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
  assert.is.not(number, 0xc0000235);
  assert.match(replaced[0], `"0xc=0x${number.toString(16)}"`);
  assert.match(replaced[1], `"0xa&0xffff=0x${Math.floor(number / 65536).toString(16)}"`);
  assert.match(replaced[2], '"0xe&0xffff=0xc000"');
  assert.match(replaced[3], `21 0 1 ${number},`);
});

Leaks('an address that is compared with bytes elsewhere is refused, with all that is left at once', ({ parent }) => {
  const rules = [
    '-A INPUT -m u32 --u32 "0x0>>0x16&0x3c@0x8=0xc0000235" -j ACCEPT',
    '-A INPUT -m bpf --bytecode "4,80 0 0 8,21 0 1 3221226037,6 0 0 65535,6 0 0 0" -j ACCEPT',
    '-A INPUT -j MARK --set-xmark 0xc0000235/0xffffffff',
  ];
  const golden = caseOf(parent, rules);
  assert.throws(
    () => shareCase(golden, join(parent, 'shared'), { seed: 'a' }),
    ({ message }: Error) =>
      message.includes('192.0.2.53 as 0xc0000235: rules.v4:5 ') &&
      message.includes('and 1 more place') &&
      message.includes('192.0.2.53 as 3221226037: rules.v4:6 ') &&
      message.includes('in a copy of the case'),
  );
  assert.equal(readdirSync(parent), ['case']);
});

Leaks('numbers of payloads that rules compare are told', ({ parent }) => {
  const { kept } = shared(parent, ['-A INPUT -m u32 --u32 "0x0>>0x16&0x3c@0x10=0x616c6963:0x616c6964" -j ACCEPT']);
  assert.ok(kept.some((line) => line.includes('0x616c6963:0x616c6964')));
});

for (const name of ['counts/long-downloads', 'protocols/source-routes', 'sets/set-types']) {
  Leaks(`${name}: quirks of iptables-save, unusual options and sets of networks are shared`, ({ parent }) => {
    const [golden] = casesIn(`test/golden/${name}`);
    assert.ok(shareCase(golden, join(parent, 'shared'), { seed: 'a' }).packets > 0);
  });
}

/** A capture of FRAMES, hexadecimal digits each. */
function pcapOf(frames: readonly string[]): Buffer {
  const header = Buffer.from('d4c3b2a1020004000000000000000000ffff000001000000', 'hex');
  const records = frames.map((hex, i) => {
    const frame = Buffer.from(hex, 'hex');
    const record = Buffer.alloc(16);
    for (const [field, value] of [1_700_000_000 + i, 0, frame.length, frame.length].entries())
      record.writeUInt32LE(value, field * 4);
    return Buffer.concat([record, frame]);
  });
  return Buffer.concat([header, ...records]);
}

const ETHERNET = '020000000010' + '020000000001';

Leaks('addresses and labels in unusual places of packets are replaced, and time stamps are told', ({ parent }) => {
  const source = 'c6336407';
  const host = 'c000020a';
  const golden = caseOf(parent, []);
  const solicited = 'ff0200000000000000000001ff112233';
  const frames = [
    // A neighbour solicitation, a leave of IGMPv2 for what is no group, an option of security, a TCP SYN.
    `${ETHERNET}86dd6000000000083aff20010db8000000000000000000000001${solicited}8700000000000000`,
    `${ETHERNET}08004500001c0001000040020000${source}${host}1700000051db4dc9`,
    `${ETHERNET}0800470000200001000040110000${source}${host}8208a1b2c3d4e5f60001000200080000`,
    `${ETHERNET}0800450000340001000040060000${source}${host}` +
      '03e803e90000000100000000800200100000000001080a112233440000000001',
  ];
  for (const name of readdirSync(join(golden.dir, 'in'))) rmSync(join(golden.dir, 'in', name));
  writeFileSync(join(golden.dir, 'in/eth0.pcap'), pcapOf(frames));
  const dir = join(parent, 'shared');
  const { kept } = shareCase(casesIn(golden.dir)[0], dir, { seed: 'a' });
  const hex = readFileSync(join(dir, 'in/eth0.pcap')).toString('hex');
  for (const remains of [`${solicited}87`, '51db4dc9', 'a1b2c3d4e5f6', source])
    assert.not(hex.includes(remains), remains);
  assert.ok(hex.includes('ff0200000000000000000001ff'));
  assert.ok(kept.some((line) => line.includes('time stamps of TCP')));
});

Leaks.run();
