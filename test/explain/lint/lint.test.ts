// What lint says of rules, by hand: each kind of finding, and a ruleset like it without.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadHost } from '../../../core/host/host.js';
import { parseRuleset } from '../../../core/rules/parse/parse.js';
import { lint } from '../../../explain/lint/lint.js';

const Lint = suite('lint');

const HOST = JSON.stringify({
  addr: [
    { ifname: 'lo', link_type: 'loopback', addr_info: [{ family: 'inet', local: '127.0.0.1', prefixlen: 8 }] },
    {
      ifname: 'eth0',
      address: '02:00:00:00:00:01',
      addr_info: [{ family: 'inet', local: '192.0.2.10', prefixlen: 24 }],
    },
  ],
});

/** The findings about RULES of TABLE, as `LINE code LINE,…`: the line of a rule is its number in RULES, from 1. */
function found(rules: readonly string[], { table = 'filter', chains = [] as string[], host = '' } = {}): string[] {
  const head = [`*${table}`, ...chains];
  const text = [...head, ...rules, 'COMMIT', ''].join('\n');
  const result = lint(parseRuleset(text, 'rules.v4'), host === '' ? undefined : loadHost(host, 'host.json'));
  assert.equal(result.givenUp, []);
  return result.findings.map(({ code, rules: places }) => {
    const [own, ...because] = places.map(({ line }) => line - head.length);
    return [own, code, because.join(',')].filter((part) => part !== '').join(' ');
  });
}

/** Each: rules, and what is found; table filter. */
const CASES: readonly (readonly [about: string, rules: readonly string[], expected: readonly string[]])[] = [
  [
    'one rule that covers another',
    ['-A INPUT -p tcp -j ACCEPT', '-A INPUT -p tcp --dport 80 -j DROP'],
    ['2 shadowed 1'],
  ],
  ['a port beside the range', ['-A INPUT -p tcp --dport 1:79 -j ACCEPT', '-A INPUT -p tcp --dport 80 -j DROP'], []],
  [
    'several that do it together',
    ['-A INPUT -s 10.0.0.0/9 -j ACCEPT', '-A INPUT -s 10.128.0.0/9 -j ACCEPT', '-A INPUT -s 10.0.0.0/8 -p udp -j DROP'],
    ['3 shadowed 1,2'],
  ],
  [
    'all but one address',
    ['-A INPUT -s 10.0.0.0/9 -j ACCEPT', '-A INPUT ! -s 10.0.0.0/8 -j ACCEPT', '-A INPUT -s 10.128.0.1 -j DROP'],
    [],
  ],
  [
    'a rule and its negation',
    [
      '-A INPUT -p tcp --dport 22 -j ACCEPT',
      '-A INPUT -p tcp ! --dport 22 -j ACCEPT',
      '-A INPUT -p tcp -s 192.0.2.1 -j DROP',
    ],
    ['3 shadowed 1,2'],
  ],
  [
    'not these addresses, which are not those',
    ['-A INPUT ! -s 10.0.0.0/8 -j ACCEPT', '-A INPUT -s 192.0.2.0/24 -j DROP', '-A INPUT -s 10.1.0.0/16 -j DROP'],
    ['2 shadowed 1'],
  ],
  [
    'a mask with holes',
    ['-A INPUT -s 10.0.0.1/255.0.0.1 -j ACCEPT', '-A INPUT -s 10.0.0.3 -j DROP', '-A INPUT -s 10.0.0.2 -j DROP'],
    ['2 shadowed 1'],
  ],
  ['behind a REJECT', ['-A INPUT -j REJECT', '-A INPUT -p tcp --dport 22 -j ACCEPT'], ['2 shadowed 1']],
  [
    'a part that is named',
    ['-A INPUT -p tcp --dport 80 -j ACCEPT', '-A INPUT -p tcp -m multiport --dports 80,443 -j DROP'],
    ['2 shadowed-in-part 1'],
  ],
  [
    'a part of a range',
    ['-A INPUT -p tcp --dport 1:100 -j ACCEPT', '-A INPUT -p tcp --dport 50:150 -j DROP'],
    ['2 shadowed-in-part 1'],
  ],
  [
    'what a rule does not name is no part of it',
    [
      '-A INPUT -i lo -j ACCEPT',
      '-A INPUT -p tcp --dport 80:90 -j DROP',
      '-A INPUT -m state --state ESTABLISHED -j ACCEPT',
    ],
    [],
  ],
  ['a limit covers nothing', ['-A INPUT -m limit --limit 1/s -j ACCEPT', '-A INPUT -p tcp -j ACCEPT'], []],
  [
    'a limit is covered',
    ['-A INPUT -p tcp -j ACCEPT', '-A INPUT -p tcp -m limit --limit 1/s -j DROP'],
    ['2 shadowed 1'],
  ],
  [
    'the same search in the content, and another',
    [
      '-A INPUT -m string --string abc --algo bm -j ACCEPT',
      '-A INPUT -p udp -m string --string abc --algo bm -j DROP',
      '-A INPUT -p udp -m string --string abd --algo bm -j DROP',
    ],
    ['2 shadowed 1'],
  ],
  [
    'a set and its negation',
    [
      '-A INPUT -m set --match-set a src -j ACCEPT',
      '-A INPUT -m set ! --match-set a src -j ACCEPT',
      '-A INPUT -m set --match-set b src -j DROP',
    ],
    ['3 shadowed 1,2'],
  ],
  [
    'a rule that only counts covers nothing',
    ['-A INPUT -p tcp', '-A INPUT -p tcp -j LOG', '-A INPUT -p tcp -j ACCEPT'],
    [],
  ],
  [
    'conditions that exclude each other',
    ['-A INPUT -s 10.0.0.0/8 -m iprange --src-range 192.168.0.1-192.168.0.9 -j ACCEPT'],
    ['1 contradiction'],
  ],
  [
    'the same field twice, but not apart',
    ['-A INPUT -s 10.0.0.0/8 -m iprange --src-range 9.0.0.1-10.0.0.9 -j ACCEPT'],
    [],
  ],
  [
    'a state that conntrack gives to no such packet',
    ['-A INPUT -p icmp --icmp-type 3 -m state --state NEW -j ACCEPT'],
    ['1 no-such-packet'],
  ],
  [
    'a DROP that guards against them',
    ['-A INPUT -p icmp --icmp-type 3 -m state --state NEW -j DROP', '-A INPUT -f -j DROP'],
    [],
  ],
  ['a DROP behind a DROP has nothing left', ['-A INPUT -s 10.0.0.0/8 -j DROP', '-A INPUT -s 10.1.1.1 -j DROP'], []],
];

for (const [about, rules, expected] of CASES) {
  Lint(about, () => assert.equal(found(rules), expected));
}

const USER = [':a - [0:0]'];

Lint('a chain that nothing jumps to, and one that only such a chain jumps to', () => {
  const chains = [':a - [0:0]', ':b - [0:0]', ':c - [0:0]'];
  const rules = ['-A INPUT -j c', '-A a -j b', '-A b -j ACCEPT', '-A c -j ACCEPT'];
  assert.equal(found(rules, { chains }), ['-2 unused-chain', '-1 unused-chain']);
});

Lint('an empty chain that nothing jumps to does no harm', () => {
  assert.equal(found(['-A INPUT -j ACCEPT'], { chains: USER }), []);
});

Lint('a chain is called for other packets than a rule in it is about', () => {
  const rules = ['-A INPUT -p tcp -j a', '-A a -p udp -j ACCEPT', '-A a -p tcp -j ACCEPT'];
  assert.equal(found(rules, { chains: USER }), ['2 not-entered 1']);
});

Lint('what a chain returns goes on, and what it keeps does not', () => {
  const rules = [
    '-A INPUT -j a',
    '-A INPUT -p tcp -j ACCEPT',
    '-A INPUT -p udp -j ACCEPT',
    '-A a -p udp -j RETURN',
    '-A a -j DROP',
  ];
  assert.equal(found(rules, { chains: USER }), ['2 shadowed 5']);
});

Lint('after -g, a packet does not come back', () => {
  const rules = ['-A INPUT -p tcp -g a', '-A INPUT -p tcp --dport 22 -j ACCEPT', '-A a -p udp -j ACCEPT'];
  assert.equal(found(rules, { chains: USER }), ['2 shadowed 1', '3 not-entered 1']);
});

Lint('a chain that INPUT and FORWARD share may test the output interface', () => {
  const shared = ['-A INPUT -j a', '-A FORWARD -j a', '-A a -o eth0 -j ACCEPT'];
  assert.equal(found(shared, { chains: USER }), []);
  assert.equal(found(['-A INPUT -j a', '-A a -o eth0 -j ACCEPT'], { chains: USER }), ['2 no-such-packet']);
});

Lint('a policy that decides about nothing, unless a rule does the same before', () => {
  const accepting = [':INPUT ACCEPT [0:0]'];
  const dropping = [':INPUT DROP [0:0]'];
  const rules = ['-A INPUT -p tcp -j ACCEPT', '-A INPUT -j REJECT'];
  assert.equal(found(rules, { chains: accepting }), ['0 unreached-policy 2']);
  assert.equal(found(rules, { chains: dropping }), []);
  assert.equal(found(['-A INPUT -j ACCEPT'], { chains: dropping }), ['0 unreached-policy 1']);
  assert.equal(found(['-A INPUT ! -p tcp -j DROP'], { chains: accepting }), []);
});

Lint('new connections of which later packets are dropped', () => {
  const chains = [':INPUT DROP [0:0]'];
  const opening = ['-A INPUT -p tcp --dport 22 -m state --state NEW -j ACCEPT'];
  assert.equal(found(opening, { chains }), ['1 no-established']);
  assert.equal(found(['-A INPUT -m state --state ESTABLISHED,RELATED -j ACCEPT', ...opening], { chains }), []);
  assert.equal(found([...opening, '-A INPUT -p tcp --dport 22 -m state ! --state NEW -j ACCEPT'], { chains }), []);
  assert.equal(found(opening, { chains: [':INPUT ACCEPT [0:0]'] }), []);
});

Lint('states in table raw: only what comes back over lo has one there', () => {
  const rules = [
    '-A PREROUTING -i eth0 -m state --state ESTABLISHED -j ACCEPT',
    '-A PREROUTING -i lo -m state --state ESTABLISHED -j ACCEPT',
  ];
  assert.equal(found(rules, { table: 'raw' }), ['1 state-in-raw']);
  assert.equal(found(['-A PREROUTING -m conntrack --ctstate RELATED -j NOTRACK'], { table: 'raw' }), [
    '1 state-in-raw',
  ]);
  assert.equal(found(['-A PREROUTING -m conntrack --ctstate INVALID -j NOTRACK'], { table: 'raw' }), []);
  assert.equal(found(['-A OUTPUT -m state --state NEW -j NOTRACK'], { table: 'raw' }), ['1 state-in-raw']);
});

Lint('translations that never happen', () => {
  const rules = [
    '-A PREROUTING -p tcp --dport 80 -j DNAT --to-destination 10.0.0.1',
    '-A PREROUTING -p tcp --dport 80 -s 192.0.2.1 -j DNAT --to-destination 10.0.0.2',
    '-A PREROUTING -m state --state ESTABLISHED -j REDIRECT',
    '-A PREROUTING -p tcp --dport 81 -m state --state NEW -j REDIRECT',
  ];
  assert.equal(found(rules, { table: 'nat' }), ['2 no-translation 1', '3 no-translation']);
});

Lint('with the host: what is delivered is for an address of it', () => {
  const rules = [
    '-A INPUT -d 192.0.2.11 -j ACCEPT',
    '-A INPUT -d 192.0.2.10 -j ACCEPT',
    '-A INPUT -d 192.0.2.255 -j ACCEPT',
  ];
  assert.equal(found(rules), []);
  assert.equal(found(rules, { host: HOST }), ['1 no-such-packet']);
  const typed = ['-A FORWARD -m addrtype --dst-type LOCAL -j ACCEPT', '-A FORWARD -d 192.0.2.10 -j ACCEPT'];
  assert.equal(found(typed, { host: HOST }), ['1 no-such-packet', '2 no-such-packet']);
  const order = [
    '-A OUTPUT -m addrtype --dst-type LOCAL -j ACCEPT',
    '-A OUTPUT -d 192.0.2.10 -j DROP',
    '-A OUTPUT -d 192.0.2.1 -j DROP',
  ];
  assert.equal(found(order, { host: HOST }), ['2 shadowed 1']);
  assert.equal(found(order), []);
});

Lint('a mark that a rule sets may be found by the next', () => {
  const rules = [
    '-A FORWARD -m mark --mark 1 -j ACCEPT',
    '-A FORWARD -j MARK --set-mark 1',
    '-A FORWARD -m mark --mark 1 -j DROP',
  ];
  assert.equal(found(rules, { table: 'mangle' }), []);
  assert.equal(found([rules[0], rules[2]], { table: 'mangle' }), ['2 shadowed 1']);
});

/** Rules of which the union is too complex for any memory: each pair of conditions that differ is another set. */
const COMPLEX = Array.from(
  { length: 400 },
  (_, i) => `-A INPUT -s ${(i * 37) % 220}.${(i * 91) % 256}.0.0/17 -d 10.${(i * 53) % 256}.${i % 256}.0/25 -j ACCEPT`,
);

Lint('where the union of a table is too complex, each rule is still examined by itself', () => {
  const rules = [
    ...COMPLEX,
    '-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT',
    '-A INPUT -p tcp -m tcp --dport 80 -j DROP',
    '-A INPUT -s 192.0.2.7 -p tcp -m tcp --dport 80 -j LOG',
    '-A INPUT -p tcp -m tcp --dport 1:9 -m multiport --dports 10,11 -j ACCEPT',
    '-A INPUT -p tcp -m tcp --dport 81 -m limit --limit 1/s -j ACCEPT',
    '-A INPUT -p tcp -m tcp --dport 81 -m limit --limit 1/s -j ACCEPT',
    COMPLEX[17],
    '-A UNUSED -j DROP',
  ];
  const text = ['*filter', ':UNUSED - [0:0]', ...rules, 'COMMIT', ''].join('\n');
  const { findings, givenUp } = lint(parseRuleset(text, 'rules.v4'), undefined, 1 << 15);
  const told = findings.map(({ code, rules: places }) => [code, ...places.map(({ line }) => line - 402)].join(' '));
  assert.equal(
    told.filter((one) => !one.startsWith('unused')),
    ['shadowed 2 1', 'shadowed 3 1', 'contradiction 4', `shadowed 7 ${18 - 400}`],
  );
  assert.ok(told.some((one) => one.startsWith('unused-chain')));
  assert.equal(givenUp, [
    'table filter: the sets of packets are too complex; its 408 rules were compared with single earlier rules only, ' +
      'not with several together or across chains',
  ]);
});

Lint('a rule that would meet later fragments is said to assume that conntrack reassembles them', () => {
  const messageOf = (...rules: string[]): string => {
    const text = ['*filter', ...rules, 'COMMIT', ''].join('\n');
    return lint(parseRuleset(text, 'rules.v4')).findings[0].message;
  };
  const assumed = /\(assumed: conntrack reassembles fragments\)/;
  const ports = '-A FORWARD -p tcp -m tcp --dport 0:65535 -j ACCEPT';
  assert.match(messageOf(ports, '-A FORWARD -p tcp -j DROP'), assumed);
  assert.not.match(messageOf(ports, '-A FORWARD -p tcp -m tcp --dport 80 -j DROP'), assumed);
  const state = '-A FORWARD -m conntrack --ctstate INVALID -j LOG';
  assert.not.match(messageOf(state, ports, '-A FORWARD -p tcp -j DROP'), assumed);
});

Lint('sets that are too complex are given up, by name', () => {
  const text = ['*filter', '-A INPUT -s 10.0.0.1 -j ACCEPT', 'COMMIT', ''].join('\n');
  const { findings, givenUp } = lint(parseRuleset(text, 'rules.v4'), undefined, 50);
  assert.equal(findings, []);
  assert.match(givenUp[0], /^table filter: .*none of its 1 rule was examined$/);
});

Lint.run();
