/** Rules in the forms that people have them in: `iptables -S`, what a terminal showed, files from Windows. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { canonicalText } from '../../core/rules/canonical.js';
import { readAllRules } from '../../core/rules/forms/merge.js';
import { foreignForm, type RulesSource, readRules } from '../../core/rules/forms/read-rules.js';
import { loadedCounters } from '../../core/rules/loaded-counters.js';
import { saveRuleset } from '../../core/rules/save.js';

const Forms = suite('forms of rules');

/** As `iptables-legacy -S -v` and `iptables-legacy-save -c` 1.8.9 print the same table. */
const LISTED = `-P INPUT DROP -c 7 420
-P FORWARD ACCEPT -c 0 0
-P OUTPUT ACCEPT -c 3 180
-N LOGGED
-A INPUT -s 192.0.2.0/24 -p tcp -m tcp --dport 22 -c 5 300 -j ACCEPT
-A INPUT -m comment --comment "all \\"else\\"" -c 7 420 -j LOGGED
-A LOGGED -c 7 420 -j LOG --log-prefix "a b"
`;
const SAVED = `*filter
:INPUT DROP [7:420]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [3:180]
:LOGGED - [0:0]
[5:300] -A INPUT -s 192.0.2.0/24 -p tcp -m tcp --dport 22 -j ACCEPT
[7:420] -A INPUT -m comment --comment "all \\"else\\"" -j LOGGED
[7:420] -A LOGGED -j LOG --log-prefix "a b"
COMMIT
`;
const NAT = `-P PREROUTING ACCEPT
-P INPUT ACCEPT
-P OUTPUT ACCEPT
-P POSTROUTING ACCEPT
-A POSTROUTING -o eth0 -j MASQUERADE
`;

const source = (text: string, table?: RulesSource['table']): RulesSource => ({
  text,
  file: 'rules.txt',
  ...(table && { table }),
});

function faultOf(text: string, table?: RulesSource['table']): string {
  try {
    readRules(source(text, table));
  } catch (error) {
    return (error as Error).message;
  }
  return 'no fault';
}

Forms('the output of iptables -S is the same rules as iptables-save prints, with counters if it has them', () => {
  const given = source(LISTED);
  const ruleset = readRules(given);
  assert.is(saveRuleset(ruleset, loadedCounters(ruleset, [given])), SAVED);
  assert.is(ruleset.tables[0].rules[1].line, 6);
  const plain = readRules(source(LISTED.replace(/ -c \d+ \d+/g, '')));
  assert.is(canonicalText(plain), SAVED.replace(/^\[.*?\] /gm, '').replace(/\[\d+:\d+\]/g, '[0:0]'));
});

Forms('its table is told by its chains, or by whoever gives it', () => {
  const tables = (text: string, table?: RulesSource['table']): string[] =>
    readRules(source(text, table)).tables.map(({ name }) => name);
  assert.equal(tables(NAT), ['nat']);
  assert.equal(tables(NAT.replace('-P INPUT ACCEPT\n', '')), ['nat']);
  assert.equal(tables('-P PREROUTING ACCEPT\n-P OUTPUT ACCEPT\n'), ['raw']);
  assert.equal(tables(LISTED, 'security'), ['security']);
  assert.equal(tables(NAT + LISTED), ['nat', 'filter']);
  const all = NAT.replace('-P OUTPUT', '-P FORWARD ACCEPT\n-P OUTPUT').replace(/-A.*\n/, '');
  assert.equal(tables(`-P PREROUTING ACCEPT\n-P OUTPUT ACCEPT\n${all}${NAT}${LISTED}`), [
    'raw',
    'mangle',
    'nat',
    'filter',
  ]);
  assert.match(faultOf(LISTED, 'nat'), /^rules.txt:2:4: the table nat has no built-in chain FORWARD/);
  assert.match(faultOf('-A INPUT -j DROP\n'), /^rules.txt:1:1: nothing says which table .* has no -P; .*filter=FILE/);
  assert.match(faultOf(LISTED + LISTED), /^rules.txt:8:1: the table filter is here a second time/);
});

Forms('the rules of a chain that is missing, as the output was cut, are not known', () => {
  const cut = LISTED.replace('-N LOGGED\n', '').replace(/-A LOGGED.*\n/, '');
  assert.match(faultOf(cut), /^rules.txt:5:\d+: the listing has no chain LOGGED, so its rules .* are not known/);
  assert.match(faultOf('-P INPUT DROP\n-A INPUT -j DROP\n', 'filter'), /no chain FORWARD.*\n.*no chain OUTPUT/);
  const { tables, warnings } = readRules(source(cut), { lax: true });
  const { rules } = tables[0].chains[3];
  assert.is(rules[0].unsupported?.[0].name, 'LOGGED');
  assert.is(warnings.length, 1);
  // A target is no chain, and iptables-save text has all its chains.
  assert.match(faultOf('*filter\n-A INPUT -j LOGGED\nCOMMIT\n'), /unknown target or chain "LOGGED"/);
});

Forms('listings beside other outputs', () => {
  const listing = `Chain INPUT (policy ACCEPT 0 packets, 0 bytes)
 pkts bytes target     prot opt in     out     source               destination

Chain FORWARD (policy ACCEPT 0 packets, 0 bytes)
 pkts bytes target     prot opt in     out     source               destination
    0     0 DROP       all  --  any    any     anywhere             anywhere

Chain OUTPUT (policy ACCEPT 0 packets, 0 bytes)
 pkts bytes target     prot opt in     out     source               destination
`;
  const text = `# iptables -t nat -S\n${NAT}# iptables -vL\n${listing}`;
  const { tables } = readRules(source(text));
  assert.equal(
    tables.map(({ name, rules }) => [name, rules[0].line]),
    [
      ['nat', 6],
      ['filter', 13],
    ],
  );
  assert.match(faultOf(`${text}# iptables -S\n${LISTED}`), /the table filter is here a second time/);
  assert.is(foreignForm(source(listing)), 'a listing (iptables -L)');
});

/** Prompts of bash on Debian and Red Hat, of root without a name, of Kali, of OpenWrt. */
const PROMPTS = [
  'root@host:~# ',
  '[root@host ~]# ',
  '# ',
  '$ sudo ',
  '└─# ',
  'root@OpenWrt:/etc# ',
  'user@host:~$ sudo ',
];

Forms('what a terminal showed of several commands', () => {
  for (const prompt of PROMPTS) {
    const out = `${prompt}iptables -t nat -S\n${NAT}\n${prompt}iptables -S -v\n${LISTED}`;
    const text = `${out}${prompt.replace('sudo ', '')}\n`;
    const tables = readRules(source(text)).tables;
    assert.equal(
      tables.map(({ name, rules }) => [name, rules.length]),
      [
        ['nat', 1],
        ['filter', 3],
      ],
      prompt,
    );
  }
  const other = '┌──(root㉿kali)-[~]\n└─# ip addr\n1: lo: <LOOPBACK,UP> mtu 65536\n    inet 127.0.0.1/8\n└─# ';
  const saved = readRules(source(`${other}/sbin/iptables-save -c\n${SAVED}└─# iptables -t nat -S\n${NAT}`));
  assert.is(saved.tables.length, 2);
  assert.match(foreignForm(source(`${other}iptables-save\n${SAVED}`)) ?? '', 'terminal');
  assert.is(foreignForm(source(NAT)), 'the output of iptables -S');
  assert.is(foreignForm(source(`# Generated by iptables-save v1.8.9\n${SAVED}# Completed\n`)), undefined);
});

Forms('commands that change rules among outputs are refused: which rules there are is not clear', () => {
  for (const command of ['iptables -A INPUT -j DROP', 'sudo ipset add x 192.0.2.1', 'iptables-restore rules.v4']) {
    const text = `root@host:~# iptables -S\n${LISTED}root@host:~# ${command}\nroot@host:~# iptables -t nat -S\n${NAT}`;
    assert.match(faultOf(text), /^rules.txt:9:1: ".*" stands among listings/, command);
  }
  assert.match(faultOf(`# iptables -S\n${LISTED}# iptables -F\n`), /"iptables -F" stands among listings/);
  assert.match(faultOf(`${LISTED}what is this\n`), /^rules.txt:8:1: "what is this" is neither a rule nor a command/);
});

Forms('the output of ip6tables beside that of iptables is left out, and said; alone it is refused for IPv4', () => {
  const six = `# ip6tables -S\n${LISTED.replace('192.0.2.0/24', '2001:db8::/32')}`;
  const both = readRules(source(`${six}# iptables -t nat -S\n${NAT}`), { family: 'ipv4' });
  assert.equal(
    both.tables.map(({ name }) => name),
    ['nat'],
  );
  assert.match(both.warnings[0].message, /output of ip6tables is left out/);
  assert.is(readRules(source(six)).family, 'ipv6');
  assert.throws(() => readRules(source(six), { family: 'ipv4' }), /output of ip6tables, which is not supported/);
});

Forms('what iptables says about rules that it does not show is a warning', () => {
  // As iptables-nft 1.8.9 prints it.
  const { warnings } = readRules(
    source(`# iptables -S
# Warning: iptables-legacy tables present, use iptables-legacy to see them
# Table \`filter' contains incompatible base-chains, use 'nft' tool to list them.
${LISTED}# iptables -t nat -S
iptables v1.8.9 (nf_tables): table \`nat' is incompatible, use 'nft' tool.
`),
  );
  assert.equal(
    warnings.map(({ line }) => line),
    [2, 3, 12],
  );
});

Forms('rules that are quoted as in a mail are refused, not skipped', () => {
  const quote = (text: string, mark = '> '): string => text.replace(/^/gm, mark);
  const listing = 'Chain INPUT (policy DROP)\ntarget     prot opt source               destination\n';
  const row = 'DROP       tcp  --  0.0.0.0/0            0.0.0.0/0            tcp dpt:22\n';
  const texts: [line: number, text: string][] = [
    [1, quote(SAVED)],
    [1, quote(LISTED, '>')],
    [1, quote(SAVED, '>> ')],
    [1, quote(listing + row)],
    [2, `root@host:~# iptables-save\n${quote(SAVED)}`],
    [2, `# iptables -S\n${quote(LISTED)}# iptables -t nat -S\n${NAT}`],
    [4, `# iptables -L -n\n${listing}${quote(row)}`],
  ];
  for (const [line, text] of texts) {
    assert.match(faultOf(text), new RegExp(`^rules.txt:${line}:1: the line is quoted with ">"`), text);
  }
});

Forms('a command that lists rules and has no output is refused, not taken for a host without rules', () => {
  const said = (line: number, command: string): RegExp =>
    new RegExp(`^rules.txt:${line}:1: nothing .* follows the command "${command}": its output is missing`);
  for (const prompt of ['$ ', '# ', 'root@host:~# ', '']) {
    assert.match(faultOf(`${prompt}iptables -L -v -n\n`), said(1, 'iptables -L -v -n'), prompt);
  }
  assert.match(faultOf('root@host:~# iptables-save\nsomething else\n'), said(1, 'iptables-save'));
  assert.match(faultOf(`# iptables -t nat -S\n# iptables -S\n${LISTED}`), said(1, 'iptables -t nat -S'));
  const listing = 'Chain OUTPUT (policy ACCEPT)\ntarget     prot opt source               destination\n\n';
  assert.match(faultOf(`$ sudo iptables -L OUTPUT\n${listing}$ sudo iptables -t nat -L\n`), said(5, '.*-t nat -L'));
  // That of the other family is not needed, and a script may list rules besides.
  assert.is(faultOf(`# iptables -S\n${LISTED}# ip6tables -S\n`), 'no fault');
  assert.is(faultOf('#!/bin/sh\niptables -A INPUT -j DROP\niptables -L\n'), 'no fault');
});

Forms('files as Windows writes them are read, with a warning, as iptables-restore does not take them', () => {
  const crlf = readRules(source(SAVED.replaceAll('\n', '\r\n')));
  assert.is(canonicalText(crlf), canonicalText(readRules(source(SAVED))));
  assert.match(crlf.warnings[0].message, /CR LF/);
  const marked = readRules(source(`\ufeff${SAVED}`));
  assert.is(canonicalText(marked), canonicalText(crlf));
  assert.match(marked.warnings[0].message, /byte order mark/);
  assert.match(foreignForm(source(`\ufeff${SAVED}`)) ?? '', 'Windows');
  // Only some lines: nobody knows which CR belongs to a rule.
  assert.match(faultOf(SAVED.replace('DROP [7:420]\n', 'DROP [7:420]\r\n').replace('"a b"\n', '"a b"\r\n')), /CR LF/);
});

Forms('several files have a table each', () => {
  const nat = { text: NAT, file: 'nat.txt', table: 'nat' } as const;
  const filter = { text: LISTED, file: 'filter.txt', table: 'filter' } as const;
  const ruleset = readAllRules([nat, filter]);
  assert.equal(
    ruleset.tables.map(({ name, rules }) => [name, rules[0].file, rules[0].line]),
    [
      ['nat', 'nat.txt', 5],
      ['filter', 'filter.txt', 5],
    ],
  );
  assert.is(loadedCounters(ruleset, [nat, filter]).get('filter')?.rules[0], 5);
  const whole = { text: SAVED, file: 'rules.v4' };
  assert.is(readAllRules([nat, whole]).tables.length, 2);
  assert.throws(() => readAllRules([filter, whole]), /^rules.v4:1:1: the table filter is also in filter.txt/);
  assert.throws(() => readAllRules([{ ...whole, table: 'nat' }]), /^rules.v4:1:1: the file has the table filter/);
});

Forms.run();
