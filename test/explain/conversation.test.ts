// What follows a first packet: who answers what, from where, and what conntrack makes of it.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { formatConnection } from '../../codecs/conntrack-list.js';
import { formatSentence } from '../../codecs/sentence/format.js';
import { readSentencePacket, sentenceOf } from '../../codecs/sentence/read-packet.js';
import { SentenceError } from '../../codecs/sentence/sentence-error.js';
import { listConnection } from '../../core/conntrack/list.js';
import { Conversation } from '../../explain/packets/conversation.js';
import { Trial, type TrialSetting } from '../../explain/trial.js';
import type { ReplayOptions } from '../../replay/replay.js';
import { loadSetting } from '../../replay/setting.js';

const Conversations = suite('conversations');

const CASE = 'pcaps/published-port';
const FOLDER = mkdtempSync(join(tmpdir(), 'nfreplay-conversation-'));
let files = 0;

/** A file with TEXT. */
function file(text: string): string {
  const path = join(FOLDER, `file-${files++}`);
  writeFileSync(path, text);
  return path;
}

Conversations.after(() => rmSync(FOLDER, { recursive: true, force: true }));

function settingOf(more: Partial<ReplayOptions> = {}): TrialSetting {
  const options = { rulesPath: `${CASE}/rules.v4`, hostPath: `${CASE}/host.json`, ...more };
  return { setting: loadSetting(options), options };
}

interface Told {
  /** A line a packet: where it came in, what it was, what became of it. */
  readonly packets: readonly string[];
  readonly notes: readonly string[];
  /** Without packets and bytes. */
  readonly connections: readonly string[];
  readonly chosen: readonly string[];
}

function tell(texts: readonly string[], setting = settingOf(), secondsApart = 0): Told {
  const trial = new Trial(setting);
  const conversation = new Conversation(setting.setting.host, new Map());
  const packets: string[] = [];
  const notes: string[] = [];
  const chosen: string[] = [];
  for (const text of texts) {
    const steps = conversation.steps(text);
    let step = steps.next();
    while (!step.done) {
      const sent = step.value;
      const result = trial.send({ ...sent, tsSec: 1000 + packets.length * secondsApart, tsNsec: packets.length });
      const { story } = result;
      const place = sent.dev === undefined ? { isLocal: true } : { inDev: sent.dev };
      const words = formatSentence(sentenceOf({ ...readSentencePacket(sent.packet)!, ...place }));
      packets.push(`${words}: ${story.tracked?.ctstate} ${story.verdict} ${story.left?.dev ?? ''}`.trim());
      chosen.push(...sent.chosen);
      step = steps.next(result);
    }
    if (step.value !== undefined) notes.push(step.value);
  }
  const connections: string[] = [];
  const { connections: table, nowMs } = trial.emulator;
  table.forEach(nowMs, (entry) =>
    connections.push(formatConnection(listConnection(table, entry, nowMs)).replace(/ (packets|bytes)=\d+/g, '')),
  );
  return { packets, notes, connections, chosen };
}

const SYN = 'eth0 tcp 203.0.113.7:51515 > 192.0.2.10:36379 S';

Conversations('the server answers what it got, and the client goes on', () => {
  const { packets, notes, connections, chosen } = tell([SYN, 'handshake']);
  assert.equal(packets, [
    'eth0 tcp 203.0.113.7:51515 > 192.0.2.10:36379 S: NEW forwarded docker0',
    'docker0 tcp 172.17.0.3:6379 > 203.0.113.7:51515 SA: ESTABLISHED forwarded eth0',
    'eth0 tcp 203.0.113.7:51515 > 192.0.2.10:36379 A: ESTABLISHED forwarded docker0',
  ]);
  assert.equal(notes, []);
  assert.equal(connections, [
    'ipv4     2 tcp      6 431999 ESTABLISHED src=203.0.113.7 dst=192.0.2.10 sport=51515 dport=36379 ' +
      'src=172.17.0.3 dst=203.0.113.7 sport=6379 dport=51515 [ASSURED] mark=0 use=1',
  ]);
  assert.ok(chosen.includes('somebody listens on 172.17.0.3:6379'));
});

Conversations('a connection is closed from both sides', () => {
  const { packets, connections } = tell([SYN, 'handshake', 'close']);
  assert.equal(packets.slice(3), [
    'eth0 tcp 203.0.113.7:51515 > 192.0.2.10:36379 FA: ESTABLISHED forwarded docker0',
    'docker0 tcp 172.17.0.3:6379 > 203.0.113.7:51515 FA: ESTABLISHED forwarded eth0',
    'eth0 tcp 203.0.113.7:51515 > 192.0.2.10:36379 A: ESTABLISHED forwarded docker0',
  ]);
  assert.match(connections[0], / 119 TIME_WAIT /);
});

Conversations('sentences go on with the sequence numbers that both ends have seen', () => {
  const { packets, connections } = tell([
    SYN,
    'docker0 tcp 172.17.0.3:6379 > 203.0.113.7:51515 SA',
    'eth0 tcp 203.0.113.7 > 192.0.2.10:36379',
    'eth0 tcp 203.0.113.7 > 192.0.2.10:36379 PA len 1000',
    'reply',
    'docker0 tcp 172.17.0.3:6379 > 203.0.113.7:51515 R',
  ]);
  assert.equal(
    packets.map((text) => text.replace(/^(\S+) .* (\S+): /, '$1 $2: ')),
    [
      'eth0 S: NEW forwarded docker0',
      'docker0 SA: ESTABLISHED forwarded eth0',
      'eth0 A: ESTABLISHED forwarded docker0',
      'eth0 PA: ESTABLISHED forwarded docker0',
      'docker0 A: ESTABLISHED forwarded eth0',
      'docker0 R: ESTABLISHED forwarded eth0',
    ],
  );
  assert.match(connections[0], / 9 CLOSE /);
});

Conversations('a new SYN of the same ports is that of a new connection', () => {
  const { packets } = tell([SYN, 'handshake', 'close', SYN, 'handshake']);
  assert.equal(
    packets.slice(6).map((text) => text.replace(/^.* (\S+): /, '$1: ')),
    ['S: NEW forwarded docker0', 'SA: ESTABLISHED forwarded eth0', 'A: ESTABLISHED forwarded docker0'],
  );
});

Conversations('what was rejected is answered by nobody', () => {
  const { packets, notes } = tell(['eth0 tcp 203.0.113.7:51515 > 192.0.2.10:8081 S', 'handshake']);
  assert.is(packets.length, 1);
  assert.equal(notes, ['nobody answers: the packet was rejected']);
});

Conversations('a client does not go on with a stranger', () => {
  const rules = file(
    '*nat\n-A PREROUTING -p tcp --dport 36379 -j DNAT --to 172.17.0.3:6379\nCOMMIT\n' +
      '*raw\n-A PREROUTING -i docker0 -j NOTRACK\nCOMMIT\n',
  );
  const { packets, notes } = tell([SYN, 'handshake'], settingOf({ rulesPath: rules }));
  assert.is(packets.length, 2);
  assert.equal(notes, [
    'handshake: the SYN/ACK comes from 172.17.0.3:6379, but the client asked 192.0.2.10:36379: it does not go on',
  ]);
});

Conversations('the host answers for itself, and resets where nobody listens', () => {
  const ssh = 'eth0 tcp 203.0.113.7:51515 > 192.0.2.10:22 S';
  assert.equal(tell([ssh, 'handshake']).packets, [
    'eth0 tcp 203.0.113.7:51515 > 192.0.2.10:22 S: NEW delivered',
    'local tcp 192.0.2.10:22 > 203.0.113.7:51515 SA: ESTABLISHED sent eth0',
    'eth0 tcp 203.0.113.7:51515 > 192.0.2.10:22 A: ESTABLISHED delivered',
  ]);
  const host = JSON.parse(readFileSync(`${CASE}/host.json`, 'utf8'));
  const listening = (port: number) =>
    settingOf({ hostPath: file(JSON.stringify({ ...host, sockets: [{ proto: 'tcp', local: `*:${port}` }] })) });
  assert.is(tell([ssh, 'handshake'], listening(22)).packets.length, 3);
  const refused = tell([ssh, 'handshake'], listening(80));
  assert.is(refused.packets[1], 'local tcp 192.0.2.10:22 > 203.0.113.7:51515 RA: ESTABLISHED sent eth0');
  assert.ok(refused.chosen.includes("nobody listens on 192.0.2.10:22, by the host's sockets"));
});

Conversations('pings, questions to name servers and other datagrams are answered', () => {
  assert.equal(tell(['eth0 icmp 203.0.113.7 > 192.0.2.10', 'ping', 'ping']).packets, [
    'eth0 icmp 203.0.113.7 > 192.0.2.10 echo-request: NEW delivered',
    'local icmp 192.0.2.10 > 203.0.113.7 echo-reply: ESTABLISHED sent eth0',
    'eth0 icmp 203.0.113.7 > 192.0.2.10 echo-request: ESTABLISHED delivered',
    'local icmp 192.0.2.10 > 203.0.113.7 echo-reply: ESTABLISHED sent eth0',
  ]);
  const query = 'docker0 udp 172.17.0.3:4000 > 198.51.100.53:53';
  const masqueraded = [
    'docker0 udp 172.17.0.3:4000 > 198.51.100.53:53: NEW forwarded eth0',
    'eth0 udp 198.51.100.53:53 > 192.0.2.10:4000: ESTABLISHED forwarded docker0',
  ];
  assert.equal(tell([query, 'dns']).packets, masqueraded);
  assert.equal(tell([query, 'reply']).packets, masqueraded);
  assert.is(
    tell(['docker0 icmp 172.17.0.3 > 198.51.100.53', 'dns']).packets[2],
    'eth0 udp 198.51.100.53:53 > 192.0.2.10:40053: ESTABLISHED forwarded docker0',
  );
  assert.is(
    tell(['docker0 gre 172.17.0.3 > 198.51.100.53', 'reply']).packets[1],
    'eth0 gre 198.51.100.53 > 192.0.2.10: ESTABLISHED forwarded docker0',
  );
});

Conversations('what the host sends to itself is answered by itself', () => {
  assert.equal(tell(['local tcp 127.0.0.1:40000 > 127.0.0.1:80 S', 'handshake']).packets, [
    'local tcp 127.0.0.1:40000 > 127.0.0.1:80 S: NEW delivered',
    'local tcp 127.0.0.1:80 > 127.0.0.1:40000 SA: ESTABLISHED delivered',
    'local tcp 127.0.0.1:40000 > 127.0.0.1:80 A: ESTABLISHED delivered',
  ]);
});

Conversations('an ICMP error is about what its receiver has sent', () => {
  const { packets } = tell([
    'docker0 tcp 172.17.0.3:4000 > 198.51.100.1:443 S',
    'handshake',
    'eth0 icmp 198.51.100.77 > 192.0.2.10 frag-needed',
  ]);
  assert.is(packets[3], 'eth0 icmp 198.51.100.77 > 192.0.2.10 fragmentation-needed: RELATED forwarded docker0');
  const alone = tell(['eth0 icmp 198.51.100.77 > 192.0.2.10 frag-needed']);
  assert.is(alone.packets[0], 'eth0 icmp 198.51.100.77 > 192.0.2.10 fragmentation-needed: INVALID delivered');
});

const WRONG: readonly (readonly [texts: readonly string[], message: RegExp])[] = [
  [['handshake'], /"handshake" needs a packet before it/],
  [['eth0 udp 203.0.113.7:1 > 192.0.2.10:53', 'handshake'], /goes on after a SYN/],
  [['eth0 udp 203.0.113.7:1 > 192.0.2.10:53', 'close'], /ends a connection of TCP/],
  [[SYN, 'handshak'], /did you mean handshake\?/],
  [[SYN, 'hello'], /"hello" is neither a sentence nor a word/],
];

for (const [texts, message] of WRONG) {
  Conversations(`${texts.join(', ')} is refused`, () => {
    assert.throws(
      () => tell(texts),
      (error: unknown) => error instanceof SentenceError && message.test(error.message),
    );
  });
}

Conversations.run();
