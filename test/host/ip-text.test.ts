/** The text of ip(8) means what its JSON does: ip/ has both, of iproute2 6.1 in a network namespace. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseIpText } from '../../codecs/host/ip-text.js';
import { parseHost } from '../../codecs/host/parse-host.js';
import { loadHost } from '../../core/host/host.js';

const IpText = suite('ip(8) without JSON');

const RECORDED = fileURLToPath(new URL('../../../test/host/ip/', import.meta.url));
const textOf = (member: string): string => readFileSync(`${RECORDED}${member}.txt`, 'utf8');

type Entry = Record<string, unknown>;
const jsonOf = (member: string): Entry[] => JSON.parse(readFileSync(`${RECORDED}${member}.json`, 'utf8'));

/** Members of the JSON that nothing reads. */
const LEFT_OUT = ['qdisc', 'group', 'txqlen', 'broadcast'];
const LIFE_TIMES = ['valid_life_time', 'preferred_life_time'];

function without(entry: Entry, names: readonly string[]): Entry {
  return Object.fromEntries(Object.entries(entry).filter(([name]) => !names.includes(name)));
}

for (const member of ['route', 'rule', 'neigh', 'nexthop']) {
  IpText(`ip ${member}`, () => {
    const { entries, fault } = parseIpText(member, textOf(member));
    assert.is(fault, undefined);
    const wanted = jsonOf(member).map((entry) => without(entry, ['router']));
    assert.is(entries.length, wanted.length);
    for (const [i, entry] of wanted.entries()) assert.equal({ ...entries[i] }, entry, JSON.stringify(entry));
  });
}

IpText('ip addr', () => {
  const { entries, fault } = parseIpText('addr', textOf('addr'));
  assert.is(fault, undefined);
  const wanted = jsonOf('addr').map((entry) => ({
    ...without(entry, LEFT_OUT),
    addr_info: (entry.addr_info as Entry[]).map((info) => without(info, LIFE_TIMES)),
  }));
  assert.equal(entries, wanted);
});

IpText('ip -d link', () => {
  const { entries, fault } = parseIpText('link', textOf('link'));
  assert.is(fault, undefined);
  const seen = (link: Entry) => {
    const { ifindex, ifname, link: lower, flags, mtu, master, address, linkinfo } = link;
    return { ifindex, ifname, lower, flags, mtu, master, address, kind: (linkinfo as Entry | undefined)?.info_kind };
  };
  assert.equal(
    entries.map((link) => seen(link as Entry)),
    jsonOf('link').map(seen),
  );
  const vlan = `3: eth0.5@eth0: <BROADCAST> mtu 1500
    link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff promiscuity 0
    vlan protocol 802.1Q id 5 <REORDER_HDR> addrgenmode eui64
`;
  assert.equal((parseIpText('link', vlan).entries[0] as Entry).linkinfo, {
    info_kind: 'vlan',
    info_data: { protocol: '802.1Q', id: 5, '<REORDER_HDR>': 'addrgenmode' },
  });
});

IpText('the routes of busybox, which does not say proto kernel, are those of the kernel', () => {
  const text = `default via 192.0.2.1 dev eth0  metric 100 
192.0.2.0/24 dev eth0 scope link  src 192.0.2.10 
local 127.0.0.0/8 dev lo table local scope host  src 127.0.0.1 
local 203.0.113.5 dev lo table local scope host 
`;
  const kernel = parseIpText('route', text).entries.map((route) => (route as Entry).protocol);
  assert.equal(kernel, [undefined, 'kernel', 'kernel', undefined]);
  const known = parseIpText('route', `10.0.0.0/8 dev eth0 proto static scope link src 10.0.0.1\n${text}`).entries;
  assert.is((known[2] as Entry).protocol, undefined);
});

IpText('rules as busybox prints them', () => {
  // The text is of 20: goto, 70: blackhole, 81: nop, 1000: l3mdev.
  const text = `20:\tfrom all to 10.2.0.0/16 lookup unspec local
70:\tfrom all lookup unspec blackhole
81:\tfrom all iif lo lookup unspec broadcast
1000:\tfrom all lookup unspec 
32766:\tfrom all lookup main 
`;
  assert.equal(
    parseIpText('rule', text).entries.map((rule) => ({ ...rule })),
    [
      { priority: 20, src: 'all', dst: '10.2.0.0', dstlen: 16, goto: 0 },
      { priority: 70, src: 'all', action: 'blackhole' },
      { priority: 81, src: 'all', iif: 'lo', nop: null },
      { priority: 1000, src: 'all', l3mdev: null },
      { priority: 32766, src: 'all', table: 'main' },
    ],
  );
  const snapshot = (command: string) => `#nfreplay snapshot 1
#nfreplay output addr.json: x\n[]\n#nfreplay exit 0
#nfreplay output route.json: x\n[]\n#nfreplay exit 0
#nfreplay output rule.txt: ${command}
0:\tfrom all lookup local
1:\tfrom 10.0.0.1 lookup main
2:\tfrom all lookup main
3:\tfrom all lookup default
#nfreplay exit 0
#nfreplay end\n`;
  assert.match(
    parseHost(snapshot('busybox_ip rule show'), 'h').warnings.join(),
    /busybox, which leaves out parts of rules/,
  );
  assert.equal(parseHost(snapshot('ip rule show'), 'h').warnings, []);
});

IpText('faults have a line and a column', () => {
  const faultIn = (member: string, text: string) => parseIpText(member, text).fault;
  assert.equal(faultIn('route', 'default via 192.0.2.1 dev eth0\n10.0.0.0/8 bia 192.0.2.1\n'), {
    problem: 'unknown word of a route: "bia"',
    line: 2,
    column: 12,
  });
  assert.equal(faultIn('route', '\tnexthop via 192.0.2.1\n')?.line, 1);
  assert.equal(faultIn('route', '10.0.0.0/8 via'), {
    problem: 'expected another word at the end of the line',
    line: 1,
    column: 1,
  });
  assert.match(faultIn('rule', '0:\tfrom all lokup local')?.problem ?? '', /unknown word of a rule: "lokup"/);
  assert.match(
    faultIn('addr', '    inet 10.0.0.1/8 scope global eth0')?.problem ?? '',
    /expected the line of an interface/,
  );
  assert.match(faultIn('addr', '1: lo <UP>')?.problem ?? '', /expected NUMBER: INTERFACE: <FLAGS>/);
});

IpText('a snapshot with them is a host', () => {
  const output = (name: string, text: string) => `#nfreplay output ${name}: x\n${text}\n#nfreplay exit 0\n`;
  const addr = `1: lo: <LOOPBACK,UP> mtu 65536
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
    inet 127.0.0.1/8 scope host lo
2: eth0: <BROADCAST,UP> mtu 1500 qdisc noqueue state UP
    link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff
    inet 192.0.2.10/24 brd 192.0.2.255 scope global eth0
       valid_lft forever preferred_lft forever
`;
  const snapshot = (route: string) =>
    `#nfreplay snapshot 1\n${output('addr.txt', addr)}${output('route.txt', route)}#nfreplay end\n`;
  const host = loadHost(snapshot('default via 192.0.2.1 dev eth0 \n'), 'host.txt');
  assert.equal(host.interfaceNames, ['lo', 'eth0']);
  assert.is(host.description.routes.length, 1);
  const messageOf = (text: string): string => {
    try {
      loadHost(text, 'host.txt');
    } catch (error) {
      return (error as Error).message;
    }
    return '';
  };
  assert.match(
    messageOf(snapshot('default via 192.0.2.1 dev eth0\n10.0.0.1/8 dev eth0')),
    /^host\.txt:14:1: route\[1\]\.dst: "10\.0\.0\.1\/8" has bits set beyond its prefix length/,
  );
  assert.match(
    messageOf(snapshot('10.0.0.0/8 dev eth0 frob 1')),
    /^host\.txt:13:21: unknown word of a route: "frob"; ip -j route show table all prints it for programs/,
  );
});

IpText.run();
