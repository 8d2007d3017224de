/** Listings (`iptables -L`) as people paste them: which table they are of, their columns, and what they hide. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type ListingOptions, parseListing } from '../../../core/rules/listing/parse-listing.js';
import type { Ruleset } from '../../../core/rules/model.js';
import { RulesetError } from '../../../core/rules/parse/error.js';
import { saveRuleset } from '../../../core/rules/save.js';

const listings = suite('listings of rules');

const NAT = `Chain PREROUTING (policy ACCEPT 1234 packets, 56K bytes)
num   pkts bytes target     prot opt in     out     source               destination         
1       12   720 DOCKER     all  --  any    any     anywhere             anywhere         ADDRTYPE match dst-type LOCAL

Chain INPUT (policy ACCEPT 0 packets, 0 bytes)
num   pkts bytes target     prot opt in     out     source               destination         

Chain OUTPUT (policy ACCEPT 0 packets, 0 bytes)
num   pkts bytes target     prot opt in     out     source               destination         
1        0     0 DOCKER     all  --  any    any     anywhere            !loopback/8       ADDRTYPE match dst-type LOCAL

Chain POSTROUTING (policy ACCEPT 0 packets, 0 bytes)
num   pkts bytes target     prot opt in     out     source               destination         

Chain DOCKER (2 references)
num   pkts bytes target     prot opt in     out     source               destination         
1        0     0 RETURN     all  --  docker0 any     anywhere             anywhere            
2        7   420            tcp  --  !docker0 any     anywhere             anywhere             tcp dpt:http
`;

const FILTER = `Chain INPUT (policy DROP)
target     prot opt source               destination
ACCEPT     all  --  anywhere             anywhere             state RELATED,ESTABLISHED
ACCEPT     tcp  --  192.168.1.0/24       anywhere             tcp dpt:ssh limit: avg 3/min burst 5

Chain FORWARD (policy ACCEPT)
target     prot opt source               destination

Chain OUTPUT (policy ACCEPT)
target     prot opt source               destination
`;

const NAT_RULES = `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
-A DOCKER -i docker0 -j RETURN
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 80
COMMIT
`;

function read(text: string, options?: ListingOptions): Ruleset {
  return parseListing(text, 'L.txt', options);
}

function faultOf(text: string, options?: ListingOptions): RulesetError {
  try {
    read(text, options);
  } catch (error) {
    if (error instanceof RulesetError) return error;
    throw error;
  }
  throw new Error('no fault');
}

listings('names, negations, counters, numbers of rules, a rule without a target', () => {
  assert.is(saveRuleset(read(NAT)), NAT_RULES);
});

listings('a listing without -v is refused: all its rules at once, each with its line', () => {
  const { code, message } = faultOf(FILTER);
  assert.is(code, 'unsupported');
  assert.is(
    message,
    'L.txt:3:12: a listing without -v does not show the interfaces (-i, -o) of rules: use iptables -L -v -n; ' +
      'or, for rules of Docker or of Red Hat, --guess docker or --guess rhel fills them in (2 rules in lines 3–4)',
  );
  const { tables, warnings } = read(FILTER, { lax: true });
  assert.is(
    saveRuleset(read(FILTER, { lax: true }))
      .split('\n')
      .slice(4, 6)
      .join('\n'),
    '-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT\n' +
      '-A INPUT -s 192.168.1.0/24 -p tcp -m tcp --dport 22 -m limit --limit 3/min -j ACCEPT',
  );
  assert.is(warnings.length, 2);
  assert.equal(
    tables[0].rules.map(({ unsupported }) => unsupported?.map(({ part }) => part)),
    [['hidden'], ['hidden']],
  );
});

listings('several listings, with what was typed and written between them', () => {
  const text = `Look at this:

[root@host ~]# iptables -t nat -nvL --line-numbers
${NAT}[root@host ~]# sudo /sbin/iptables -L
${FILTER}
Table: raw
Chain PREROUTING (policy ACCEPT)
target     prot opt source               destination

Chain OUTPUT (policy ACCEPT)
target     prot opt source               destination
`;
  assert.equal(
    read(text, { lax: true }).tables.map(({ name }) => name),
    ['nat', 'filter', 'raw'],
  );
  const quoted = `${NAT}\nThe second rule of it is\n\nDROP       tcp  --  anywhere             anywhere\n`;
  const { tables, warnings } = read(quoted);
  assert.is(tables[0].rules.length, 4);
  assert.equal(warnings, [
    { line: 22, column: 1, message: 'a rule behind other text is of no chain, and is not read' },
  ]);
});

listings('the built-in chains tell the table, or it has to be said', () => {
  const chain = (name: string): string =>
    `Chain ${name} (policy ACCEPT)\ntarget     prot opt source               destination\n\n`;
  const tableOf = (...names: string[]): string => read(names.map(chain).join('')).tables[0].name;
  assert.is(tableOf('INPUT', 'FORWARD', 'OUTPUT'), 'filter');
  assert.is(tableOf('PREROUTING', 'POSTROUTING', 'OUTPUT'), 'nat');
  assert.is(tableOf('PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'), 'mangle');
  assert.is(tableOf('PREROUTING', 'OUTPUT'), 'raw');
  assert.is(read(['INPUT', 'FORWARD', 'OUTPUT'].map(chain).join(''), { table: 'security' }).tables[0].name, 'security');
  assert.match(faultOf(chain('INPUT')).message, /^L.txt:1:7: nothing says which table/);
  assert.match(
    faultOf(chain('INPUT'), { table: 'filter' }).message,
    /no chain FORWARD, so its rules in the table filter are not known/,
  );
  assert.match(faultOf(chain('PREROUTING'), { table: 'filter' }).message, /^L.txt:1:7: the table filter has no/);
  assert.match(faultOf(`iptables -t not -L\n${chain('INPUT')}`).message, /^L.txt:1:13: unknown table "not"/);
});

listings('what is no row, no match and no known host is named with its place', () => {
  const verbose = NAT.replace('tcp dpt:http', 'tcp dpt:http FROB x');
  assert.match(faultOf(verbose).message, /^L.txt:18:110: "FROB x" is nothing that a known match prints/);
  const host = faultOf(NAT.replace('!loopback/8 ', '!example.org'));
  assert.match(host.message, /^L.txt:10:74: the listing has the name of a host, example.org, for an address/);
  const known = read(NAT.replace('!loopback/8 ', '!example.org'), {
    hostNames: new Map([['example.org', ['2001:db8::1', '192.0.2.1']]]),
  });
  assert.match(saveRuleset(known), '-A OUTPUT ! -d 192.0.2.1/32 -m addrtype');
  assert.match(faultOf(NAT.replace('1        0     0 RETURN', 'x y RETURN')).message, /^L.txt:17:1: a line that is no/);
  assert.match(faultOf(NAT.replace(/^num.*\n/m, '')).message, /^L.txt:2:1: a line that does not name the columns/);
});

const OLD_IPV6 = `Chain INPUT (policy DROP 5 packets, 468 bytes)
 pkts bytes target     prot opt in     out     source               destination
    0     0 ACCEPT     all      lo     *       ::/0                 ::/0
   16  1296 ACCEPT     icmpv6    *      *       ::/0                 ::/0                 ipv6-icmptype 128
    0     0            all      *      *      !fe80::/10            ::/0
    0     0 net-fw     tcp      *      *       anywhere             anywhere             tcp dpt:ssh

Chain FORWARD (policy DROP 0 packets, 0 bytes)
 pkts bytes target     prot opt in     out     source               destination

Chain OUTPUT (policy ACCEPT 0 packets, 0 bytes)
 pkts bytes target     prot opt in     out     source               destination

Chain net-fw (1 references)
 pkts bytes target     prot opt in     out     source               destination
    0     0 RETURN     all      *      *       ::/0                 ::/0
`;

listings('ip6tables before 1.8.9 leaves the column of fragments empty', () => {
  const ruleset = read(OLD_IPV6, { willRun: false });
  assert.is(ruleset.family, 'ipv6');
  assert.equal(saveRuleset(ruleset).split('\n').slice(5, -2), [
    '-A INPUT -i lo -j ACCEPT',
    '-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 128 -j ACCEPT',
    '-A INPUT ! -s fe80::/10',
    '-A INPUT -p tcp -m tcp --dport 22 -j net-fw',
    '-A net-fw -j RETURN',
  ]);
  assert.match(
    faultOf(OLD_IPV6, { family: 'ipv4' }).message,
    /^L.txt:1:7: a listing of ip6tables, where rules of iptables/,
  );
  const typed = `$ ip6tables -L -v\n${NAT}`;
  assert.match(faultOf(typed, { family: 'ipv4' }).message, /a listing of ip6tables/);
});

listings('a comment may have its own end in it', () => {
  const row = (comment: string): string => NAT.replace('tcp dpt:http', comment);
  assert.match(saveRuleset(read(row('/* a */ b */'))), '--comment "a */ b"');
  assert.match(saveRuleset(read(row('/* a */ /* b */'))), '--comment a -m comment --comment b');
  assert.match(faultOf(row('/* a */ tcp dpt:1 /* b */')).message, /may stand for different rules/);
});

listings.run();
