/** The rules of a report: those of each time, with the counters that the result folder has, and what never matches. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Collector } from '../../../explain/report/collector.js';
import { traversalsIn } from '../../../explain/report/format/folded-traversals.js';
import type { Traversal } from '../../../explain/report/format/model.js';
import type { RulePictureList } from '../../../explain/report/rule-pictures.js';
import { casesIn, optionsOf } from '../../../replay/golden-case.js';
import { type ReplayOptions, replay } from '../../../replay/replay.js';
import type { Summary } from '../../../replay/summary.js';

const Rules = suite('rules of a report');

const dir = mkdtempSync(join(tmpdir(), 'nfreplay-rules-'));
Rules.after(() => rmSync(dir, { recursive: true }));

/** When the packets of `captured` begin. */
const START_SEC = 1_000_000;

interface Watched {
  readonly section: RulePictureList;
  readonly matched: readonly number[];
  readonly summary: Summary;
  /** The result folder's. */
  readonly rules: string;
}

function watched(options: ReplayOptions): Watched {
  let collector: Collector | undefined;
  const outDir = join(dir, 'out');
  const summary = replay({
    ...options,
    outDir,
    watch: (run) => {
      collector = new Collector(run);
      return collector;
    },
  });
  const { traversals } = collector!;
  const matched: number[] = [];
  const { steps, paths, all } = traversals;
  traversalsIn([{ steps, paths, traversals: all }]).forEach((traversal, i) => {
    addMatched(matched, traversal, traversals.packets[i]);
  });
  const rules = readFileSync(join(outDir, 'rules.v4'), 'utf8');
  return { section: collector!.rulesNow(), matched, summary, rules };
}

/** Adds how often rules matched PACKETS packets that took TRAVERSAL. */
function addMatched(matched: number[], { stages, related }: Traversal, packets: number): void {
  for (const step of stages.flatMap(({ steps }) => steps)) {
    if (step.kind !== 'rule') continue;
    assert.ok(step.rule >= 0, 'a rule without a number');
    if (step.isMatched) matched[step.rule] = (matched[step.rule] ?? 0) + packets;
  }
  for (const one of related) addMatched(matched, one, packets);
}

/** The last ruleset of SECTION as iptables-save -c prints it. */
function saved({ rulesets, chains, rules }: RulePictureList): string {
  const lines = rulesets.at(-1)!.tables.flatMap(({ table, chains: numbers }) => {
    const own = numbers.map((number) => chains[number]);
    const heads = own.map(({ name, policy, packets, bytes }) => `:${name} ${policy ?? '-'} [${packets}:${bytes}]`);
    const appended = own.flatMap(({ name, rules: numbers }) =>
      numbers.map((number) => {
        const { packets, bytes, text } = rules[number];
        return `[${packets}:${bytes}] -A ${name}${text === '' ? '' : ` ${text}`}`;
      }),
    );
    return [`*${table}`, ...heads, ...appended, 'COMMIT'];
  });
  return `${lines.join('\n')}\n`;
}

/** Rules of RULES that went, each once, with the sums of what they counted. */
function gone({ rules, chains }: RulePictureList): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { chain, text, file, line, packets, until } of rules) {
    if (until === undefined || packets === 0) continue;
    const key = [chains[chain].table, chains[chain].name, file, line, text].join(' ');
    sums.set(key, (sums.get(key) ?? 0) + packets);
  }
  return sums;
}

Rules('have the counters of the result folder in all golden cases, and what the packets did', () => {
  let [changes, unmatched] = [0, 0];
  for (const golden of casesIn('pcaps')) {
    const { section, matched, summary, rules } = watched(optionsOf(golden));
    const { dir } = golden;
    assert.is(saved(section), rules, dir);
    if (!golden.options.keepCounters && summary.applied === undefined) {
      section.rules.forEach(({ packets, until }, i) => {
        if (until === undefined) assert.is(matched[i] ?? 0, packets, `${dir}: rule ${i}`);
      });
    }
    const retired = summary.rules.filter(({ until }) => until !== undefined);
    const expected = retired.map(({ table, chain, file, line, rule, packets }): [string, number] => [
      [table, chain, file, line, rule].join(' '),
      packets,
    ]);
    assert.equal([...gone(section)].sort(), expected.sort(), dir);
    changes += retired.length;
    // Computed from counters alone.
    for (const { table, chain, number, asked } of summary.unmatched?.neverMatched.listed ?? []) {
      const found = section.chains.find((one) => one.table === table && one.name === chain)!;
      assert.is(section.rules[found.rules[number - 1]].asked, asked, `${dir}: ${table} ${chain} ${number}`);
      unmatched++;
    }
    for (const { table, chain, number } of summary.unmatched?.neverAsked.listed ?? []) {
      const found = section.chains.find((one) => one.table === table && one.name === chain)!;
      assert.is(section.rules[found.rules[number - 1]].asked, 0, `${dir}: ${table} ${chain} ${number}`);
    }
  }
  assert.ok(changes > 20 && unmatched > 100, `${changes} ${unmatched}`);
});

const HOST = {
  addr: [
    {
      ifname: 'eth0',
      operstate: 'UP',
      flags: ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'],
      address: '02:42:00:00:00:01',
      addr_info: [{ family: 'inet', local: '192.0.2.1', prefixlen: 24 }],
    },
  ],
  route: [{ dst: '192.0.2.0/24', dev: 'eth0' }],
};

/** One packet a second from a neighbour to port 80 of the host, for SECONDS. */
function captured(seconds: number): Buffer {
  const head = Buffer.from('a1b2c3d40002000400000000000000000000ffff00000001', 'hex');
  const frame = Buffer.from(
    '024200000001024200000002080045000028000040004006b6ccc0000202c0000201c8000050000000010000000050022000' +
      '000000000000000000000000',
    'hex',
  );
  const frames = Array.from({ length: seconds }, (_, second) => {
    const record = Buffer.alloc(16);
    record.writeUInt32BE(START_SEC + second, 0);
    record.writeUInt32BE(frame.length, 8);
    record.writeUInt32BE(frame.length, 12);
    return Buffer.concat([record, frame]);
  });
  return Buffer.concat([head, ...frames]);
}

/** What is told of RULES, of which CHANGES come while three packets of one a second arrive. */
function sectionOf(rules: string, changes: readonly string[] = []): RulePictureList {
  const at = (name: string, content: string | Buffer): string => {
    writeFileSync(join(dir, name), content);
    return join(dir, name);
  };
  const options = {
    rulesPath: at('rules.v4', rules),
    hostPath: at('host.json', JSON.stringify(HOST)),
    inputs: [{ iface: 'eth0', path: at('in.pcap', captured(3)) }],
    changes,
    lax: true,
    checksums: 'trust' as const,
  };
  return watched(options).section;
}

Rules('keep their numbers and counters where a command leaves them alone', () => {
  const first = `*filter
:INPUT ACCEPT [0:0]
-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT
COMMIT
`;
  const { rulesets, chains, rules } = sectionOf(first, [
    '0.5s=iptables -I INPUT -p udp -j DROP',
    '1.5s=iptables -D INPUT -p tcp --dport 443 -j ACCEPT',
  ]);
  assert.equal(
    rulesets.map(({ sinceNs, change }) => [sinceNs, change]),
    [
      [0, undefined],
      [0.5e9, 0],
      [1.5e9, 1],
    ],
  );
  const numbers = rulesets.map(({ tables }) => chains[tables[0].chains[0]].rules);
  assert.equal(numbers, [
    [0, 1],
    [2, 0, 1],
    [2, 1],
  ]);
  assert.equal(
    rules.map(({ text, packets, asked, until }) => [text, packets, asked, until]),
    [
      ['-p tcp -m tcp --dport 443 -j ACCEPT', 0, 2, 2],
      ['-p tcp -m tcp --dport 80 -j ACCEPT', 3, 3, undefined],
      ['-p udp -j DROP', 0, 2, undefined],
    ],
  );
});

Rules('that can never match say why, and which rules are the reason', () => {
  const { chains, rules } = sectionOf(`*filter
:INPUT DROP [0:0]
:unused - [0:0]
-A INPUT -p tcp -j ACCEPT
-A INPUT -p tcp -m tcp --dport 80 -j LOG
-A INPUT -p tcp -m tcp --dport 80 -j REJECT
-A INPUT -p tcp -m osf --genre Linux -j ACCEPT
-A INPUT -j ACCEPT
-A unused -j ACCEPT
COMMIT
`);
  assert.is(rules[0].never, undefined);
  assert.equal([rules[2].never, rules[2].neverBy], ['all of it is accepted before', [0]]);
  assert.match(rules[3].unsupported ?? '', /^-m osf is not supported yet/);
  const [input, , , unused] = chains;
  assert.equal([input.never, input.neverBy], ['what is left is accepted', [4]]);
  assert.match(unused.never ?? '', /^nothing jumps to chain unused/);
});

Rules.run();
