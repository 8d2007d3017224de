// From lines of logs and traces to the packets behind them: which rule wrote them, and what must have been so for that.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EvidenceError } from '../../codecs/evidence/evidence.js';
import { investigate } from '../../explain/evidence/investigate.js';
import type { Finding } from '../../explain/evidence/notes.js';
import { formatDecider } from '../../explain/story/decider.js';
import { rulesTried, type Story } from '../../explain/story/story.js';
import { StoryTeller } from '../../explain/story/story-teller.js';
import type { TrialSetting } from '../../explain/trial.js';
import { casesIn, optionsOf } from '../../replay/golden-case.js';
import { replay } from '../../replay/replay.js';
import { loadSetting } from '../../replay/setting.js';
import { testSeed } from '../random.js';

const Investigations = suite('investigations');

const FOLDER = mkdtempSync(join(tmpdir(), 'nfreplay-investigate-'));
Investigations.after(() => rmSync(FOLDER, { recursive: true, force: true }));

const link = (ifname: string, address: string, local: string, prefixlen: number) => ({
  ...{ ifname, address, mtu: 1500, addr_info: [{ family: 'inet', local, prefixlen }] },
});
const HOST = {
  addr: [link('eth0', '76:de:4f:45:ee:ae', '192.0.2.10', 24), link('docker0', '7e:94:e5:a7:ad:fd', '172.17.0.1', 16)],
  route: [{ dst: 'default', gateway: '192.0.2.1', dev: 'eth0' }],
};

/** The host and rules from which the lines in test/evidence are: see its README. */
const BLOCKING = `*raw
-A PREROUTING -p tcp -m tcp --dport 8081 -j TRACE
-A PREROUTING -p icmp -j TRACE
COMMIT
*nat
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A DOCKER -p tcp -m tcp --dport 8081 -j DNAT --to-destination 192.0.2.10:81
COMMIT
*filter
:UFW - [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -p icmp -j ACCEPT
-A INPUT -j UFW
-A INPUT -j DROP
-A UFW -p tcp -m tcp --dport 22 -j RETURN
-A UFW -p tcp -m tcp --dport 80 -m comment --comment web -j ACCEPT
-A UFW -j LOG --log-prefix "[UFW BLOCK] "
COMMIT
`;
const FORWARDING = `*raw
-A PREROUTING -p tcp -j TRACE
COMMIT
*mangle
-A POSTROUTING -p tcp --syn -j LOG --log-prefix "post "
COMMIT
*nat
-A PREROUTING -p tcp --dport 8081 -j DNAT --to 172.17.0.3:80
-A POSTROUTING -s 172.17.0.0/16 -j MASQUERADE
COMMIT
*filter
:INPUT DROP [0:0]
-A FORWARD -p tcp -m conntrack --ctstate NEW -j LOG --log-prefix "fwd: " --log-tcp-sequence
-A FORWARD -j MARK --set-mark 7
-A INPUT -i lo -j ACCEPT
-A OUTPUT -p tcp --syn -j LOG --log-prefix "out: " --log-uid
COMMIT
`;

writeFileSync(join(FOLDER, 'host.json'), JSON.stringify(HOST));
let files = 0;

function settingOf(rules: string): TrialSetting {
  const rulesPath = join(FOLDER, `rules-${files++}.v4`);
  writeFileSync(rulesPath, rules);
  const options = { rulesPath, hostPath: join(FOLDER, 'host.json') };
  return { setting: loadSetting(options), options };
}

const blocking = settingOf(BLOCKING);
const forwarding = settingOf(FORWARDING);

const linesOf = (name: string): string[] => readFileSync(`test/evidence/${name}.txt`, 'utf8').split('\n');
const kernelLine = (text: string): string => linesOf('kernel').find((line) => line.includes(text))!;

/** The line of the ruleset that wrote a line of the log. */
function writer({ json }: Finding): number | undefined {
  return (json.writtenBy as { line: number } | null)?.line;
}

const noteOf = ({ notes }: Finding, label: string): string | undefined =>
  notes.find((note) => note.label === label)?.lines.join('; ');

/** The line of RULES that contains TEXT. */
const lineOf = (rules: string, text: string): number => rules.split('\n').findIndex((line) => line.includes(text)) + 1;

Investigations('the rule that wrote a line is found, with what the packet was before NAT', () => {
  const finding = investigate(blocking, kernelLine('[UFW BLOCK] IN=eth0'));
  assert.ok(finding.isFound);
  assert.is(writer(finding), lineOf(BLOCKING, 'UFW BLOCK'));
  assert.is(finding.result.story.verdict, 'dropped');
  assert.ok(formatDecider(finding.result.story.decider).endsWith(`:${lineOf(BLOCKING, '-A INPUT -j DROP')}`));
  assert.is(noteOf(finding, 'if'), 'it opens a connection; it was sent to 192.0.2.10:8081, which NAT changes');
  assert.is(finding.result.story.packet?.dport, 8081);
});

Investigations('lines of every hook are found', () => {
  for (const [text, verdict, rule] of [
    ['fwd: IN=eth0', 'forwarded', 'fwd: '],
    ['post IN=eth0', 'forwarded', 'post '],
    ['out: IN=', 'sent', 'out: '],
    ['post IN= ', 'sent', 'post '],
  ] as const) {
    const finding = investigate(forwarding, kernelLine(text));
    assert.ok(finding.isFound, text);
    assert.is(finding.result.story.verdict, verdict, text);
    assert.is(writer(finding), lineOf(FORWARDING, `"${rule}"`), text);
  }
});

Investigations('what else would have written the line is told', () => {
  const finding = investigate(forwarding, kernelLine('post IN=eth0'));
  assert.equal(finding.json.alternatives, [
    'it was sent as the line has it, and nothing translated it',
    'it belongs to an open connection, and comes from who opened it',
  ]);
});

Investigations('what conntrack says of INVALID packets is led back to what they were', () => {
  const invalid = investigate(blocking, kernelLine('invalid new IN=eth0'));
  assert.ok(invalid.isFound);
  assert.is(invalid.json.kind, 'invalid');
  assert.is(invalid.json.connection, 'conntrack knows nothing of its connection');
  assert.is(invalid.result.story.tracked?.invalid, 'not-opening');
  assert.ok(investigate(blocking, kernelLine('invalid tcp flag combination')).isFound);
  // With tcp_loose, an ACK without a connection is not INVALID: it has to have one.
  const ack = kernelLine('invalid new IN=eth0').replace('RST', 'ACK').replace('SEQ=1 ACK=0 ', '');
  const outside = ack.replace('invalid new', 'SEQ is over upper bound 1234 (over the window of the receiver)');
  const finding = investigate(blocking, outside);
  assert.ok(finding.isFound);
  assert.match(String(finding.json.connection), /open connection.*far outside its window/);
});

Investigations('a martian is one by its routes and sysctls', () => {
  const own = investigate(blocking, 'IPv4: martian source 192.0.2.10 from 192.0.2.10, on dev eth0');
  assert.ok(own.isFound);
  assert.is(own.json.reason, 'martian-source');
  // Without rp_filter, sources need no route.
  const far = investigate(blocking, kernelLine('martian source 192.0.2.10 from 198.51.100.1'));
  assert.not(far.isFound);
  assert.match(far.lead!, /no martian source/);
});

const INVALID_RULES = `*filter
:deny - [0:0]
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -m conntrack --ctstate INVALID -j deny
-A INPUT -p tcp --dport 993 -j ACCEPT
-A deny -m limit --limit 3/min --limit-burst 10 -j RETURN
-A deny -j LOG --log-prefix "BLOCK "
-A deny -j DROP
COMMIT
`;
const SEGMENT =
  'BLOCK IN=eth0 OUT= MAC= SRC=203.0.113.5 DST=192.0.2.10 LEN=40 TTL=57 ID=0 PROTO=TCP SPT=50000 DPT=993 WINDOW=9';

Investigations('where rules count packets, so many are sent', () => {
  // Ten pass the limit at once; a RST that nobody waits for is INVALID.
  const finding = investigate(settingOf(INVALID_RULES), `${SEGMENT} RST URGP=0`);
  assert.is(finding.json.times, 11);
  assert.is(finding.json.connection, 'conntrack knows nothing of its connection');
});

Investigations('a packet that can only be INVALID in a connection gets one', () => {
  // An ACK without a connection is picked up, and accepted.
  const finding = investigate(settingOf(INVALID_RULES), `${SEGMENT} ACK URGP=0`);
  assert.match(String(finding.json.connection), /open connection.*far outside its window/);
  assert.is(finding.result.story.tracked?.ctstate, 'INVALID');
  assert.match(noteOf(finding, 'not known')!, /no sequence numbers/);
});

Investigations('answers come from whoever was asked', () => {
  const rules =
    '*nat\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n' +
    '*filter\n-A FORWARD -i eth0 -j LOG --log-prefix "back "\nCOMMIT\n';
  const udp =
    'IN=eth0 OUT=docker0 MAC= SRC=198.51.100.53 DST=172.17.0.3 LEN=60 TTL=57 ID=0 PROTO=UDP SPT=53 DPT=4000 LEN=40 ';
  const finding = investigate(settingOf(rules), `back ${udp}`);
  // What comes from a port of a service is rather an answer; but whoever routes to the container writes the same line.
  assert.is(finding.json.connection, 'it is the first answer in its connection');
  assert.is(finding.result.story.packet?.destination, '192.0.2.10');
  assert.ok((finding.json.alternatives as string[]).includes('it opens a connection'));
  const answer = investigate(
    settingOf(rules),
    'back IN=eth0 OUT=docker0 MAC= SRC=198.51.100.1 DST=172.17.0.3 LEN=60 TTL=57 ID=0 ' +
      'PROTO=TCP SPT=443 DPT=4000 WINDOW=9 ACK SYN URGP=0',
  );
  assert.is(answer.json.connection, 'it is the first answer in its connection');
  assert.is(answer.result.story.packet?.destination, '192.0.2.10');
});

Investigations('an ICMP error is about what its receiver sent', () => {
  const rules =
    '*nat\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n' +
    '*filter\n-A FORWARD -m conntrack --ctstate RELATED -j LOG --log-prefix "rel "\nCOMMIT\n';
  const finding = investigate(
    settingOf(rules),
    'rel IN=eth0 OUT=docker0 MAC= SRC=198.51.100.77 DST=172.17.0.3 LEN=56 TTL=57 ID=0 PROTO=ICMP TYPE=3 CODE=4 ' +
      '[SRC=172.17.0.3 DST=198.51.100.1 LEN=1500 TTL=63 ID=9 DF PROTO=TCP SPT=4000 DPT=443 WINDOW=9 RES=0x00 ACK ' +
      'URGP=0 ] MTU=1400 ',
  );
  assert.is(finding.json.connection, 'it is about a packet that the host let through');
  assert.ok(finding.isFound);
  assert.is(finding.result.story.packet?.destination, '192.0.2.10');
});

Investigations('of a TCP segment that an error quotes, the kernel tells no ports', () => {
  const rules = '*filter\n-A INPUT -p icmp -j LOG --log-prefix "icmp "\nCOMMIT\n';
  const finding = investigate(
    settingOf(rules),
    'icmp IN=eth0 OUT= MAC= SRC=198.51.100.77 DST=192.0.2.10 LEN=56 TTL=57 ID=0 PROTO=ICMP TYPE=11 CODE=0 ' +
      '[SRC=192.0.2.10 DST=198.51.100.1 LEN=60 TTL=1 ID=9 DF PROTO=TCP INCOMPLETE [8 bytes] ] ',
  );
  assert.ok(finding.isFound);
  assert.is(finding.result.story.tracked?.ctstate, 'RELATED');
});

Investigations('a line that these rules do not write is not explained by them', () => {
  const unknown = investigate(blocking, kernelLine('[UFW BLOCK]').replace('UFW BLOCK', 'UFW AUDIT'));
  assert.not(unknown.isFound);
  assert.match(unknown.lead!, /do not write this line/);
  assert.match(noteOf(unknown, 'not found')!, /no rule logs with what stands before IN=.*"\[UFW BLOCK\] "/);
  // Port 80 is open.
  const open = investigate(blocking, kernelLine('[UFW BLOCK]').replace('DPT=81 ', 'DPT=80 '));
  assert.not(open.isFound);
  assert.match(noteOf(open, 'not found')!, /logs with this prefix: the packet does not come to it/);
  assert.is(open.result.story.verdict, 'delivered');
});

Investigations('traces of both monitors agree with the story, step by step', () => {
  for (const name of ['xtables-monitor', 'nft-monitor']) {
    const finding = investigate(blocking, linesOf(name).join('\n'));
    assert.ok(finding.isFound, name);
    assert.is(finding.json.common, 7);
    assert.is(finding.result.story.verdict, 'dropped');
    const forward = investigate(forwarding, linesOf(`${name}-forward`).join('\n'));
    // In the rules here, the LOG has no --log-tcp-options and --log-ip-options.
    assert.is(forward.isFound, name === 'nft-monitor');
    assert.is(forward.result.story.verdict, 'forwarded');
  }
});

Investigations('the rule that was added for the trace may be missing', () => {
  const without = settingOf(BLOCKING.slice(BLOCKING.indexOf('*nat')));
  for (const name of ['xtables-monitor', 'nft-monitor']) {
    assert.ok(investigate(without, linesOf(name).join('\n')).isFound, name);
  }
});

Investigations('where a trace and the rules part is told', () => {
  const finding = investigate(
    settingOf(BLOCKING.replace('-A INPUT -j DROP\n', '')),
    linesOf('xtables-monitor').join('\n'),
  );
  assert.not(finding.isFound);
  assert.is(finding.json.common, 6);
  assert.match(noteOf(finding, 'they part')!, /-A INPUT -j DROP; there is no such rule in the ruleset/);
});

Investigations("the kernel's own trace names rules by number", () => {
  const rules =
    '*raw\n-A PREROUTING -i eth0 -j TRACE\nCOMMIT\n' +
    '*filter\n:chain - [0:0]\n-A INPUT -p udp -j chain\n-A INPUT -p icmp -j ACCEPT\n' +
    '-A chain -p udp --dport 99 -j ACCEPT\nCOMMIT\n';
  for (const text of ['raw:PREROUTING:policy', 'filter:INPUT:rule:1', 'filter:INPUT:policy']) {
    assert.ok(investigate(settingOf(rules), kernelLine(text)).isFound, text);
  }
});

Investigations('an entry of conntrack is led back to the packet that opened it', () => {
  const [line] = linesOf('conntrack-events');
  const same = investigate(forwarding, line);
  assert.ok(same.isFound);
  assert.is(noteOf(same, 'translated'), 'destination 192.0.2.10:8081 → 172.17.0.3:80: as these rules do');
  const older = investigate(settingOf(FORWARDING.replace('172.17.0.3:80', '172.17.0.9:80')), line);
  assert.not(older.isFound);
  assert.match(noteOf(older, 'but')!, /192\.0\.2\.10:8081 → 172\.17\.0\.9:80; an entry keeps the translation/);
  const dropped = investigate(settingOf('*filter\n-A FORWARD -j DROP\n-A INPUT -j DROP\nCOMMIT\n'), line);
  assert.match(noteOf(dropped, 'but')!, /dropped by .*, so it leaves no entry/);
});

Investigations('a line about another host is refused', () => {
  assert.throws(
    () => investigate(blocking, kernelLine('[UFW BLOCK]').replace('IN=eth0', 'IN=eth9')),
    (error: unknown) => error instanceof EvidenceError && /no interface eth9; did you mean eth0\?/.test(error.message),
  );
});

/** The lines that STORY logged, each with the file and line of the rule that did. */
function logged(story: Story): { line: string; rule: string }[] {
  const own = rulesTried(story).flatMap(({ rule, effects }) =>
    effects.flatMap((effect) =>
      effect.kind === 'logged' && effect.line !== undefined
        ? [{ line: effect.line, rule: `${rule.file}:${rule.line}` }]
        : [],
    ),
  );
  // What the host itself answers is not led back to what it answers.
  return [...own, ...story.related.filter(({ origin }) => origin !== 'answer').flatMap(logged)];
}

Investigations('whatever rules log in golden cases is led back to them', () => {
  let explained = 0;
  for (const golden of casesIn('pcaps')) {
    const options = optionsOf(golden);
    const lines: { line: string; rule: string }[] = [];
    const teller = new StoryTeller((story) => lines.push(...logged(story)));
    replay({ ...options, observer: teller.hear });
    teller.finish();
    const different = new Map(lines.map((one) => [one.line.replace(/ ID=\d+/g, ''), one]));
    for (const { line, rule } of different.values()) {
      // Headers that are cut short are refused.
      if (/INCOMPLETE \[/.test(line.replace(/\[SRC=.*/, '')) || line.startsWith('TRACE: ')) continue;
      const { json } = investigate({ setting: loadSetting(options), options }, `web1 kernel: ${line}`);
      const by = json.writtenBy as { file: string; line: number } | null;
      assert.is(by === null ? null : `${by.file}:${by.line}`, rule, line);
      explained++;
    }
  }
  assert.ok(explained > 50);
});

Investigations('damaged lines are explained or refused', () => {
  const texts = [...linesOf('kernel'), ...linesOf('conntrack-events'), linesOf('nft-monitor').join('\n')].filter(
    (line) => line !== '',
  );
  const damaged = fc
    .tuple(fc.constantFrom(...texts), fc.nat(300), fc.nat(8), fc.string({ maxLength: 4 }))
    .map(([text, at, length, put]) => text.slice(0, at) + put + text.slice(at + length));
  fc.assert(
    fc.property(damaged, (text) => {
      try {
        investigate(forwarding, text);
      } catch (error) {
        if (!(error instanceof EvidenceError)) throw error;
      }
    }),
    { seed: testSeed(), numRuns: 60 },
  );
});

Investigations('what comes in over lo is what the host has sent', () => {
  const rules = '*filter\n-A INPUT -j LOG --log-prefix "[BLK] "\nCOMMIT\n';
  for (const end of ['127.0.0.1', '192.0.2.10']) {
    const line =
      `[BLK] IN=lo OUT= MAC=00:00:00:00:00:00:00:00:00:00:00:00:08:00 SRC=${end} DST=${end} LEN=60 TOS=0x00 ` +
      'PREC=0x00 TTL=64 ID=32213 DF PROTO=TCP SPT=45232 DPT=631 WINDOW=65495 RES=0x00 SYN URGP=0';
    const finding = investigate(settingOf(rules), line);
    assert.ok(finding.isFound);
    assert.ok(finding.chosen.includes('sent by the host itself'));
    assert.is(finding.result.story.verdict, 'delivered');
  }
});

Investigations.run();
