// The fate of packets: who shares it, which rule nearly decided otherwise, and what would change it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Linktype } from '../../codecs/linktypes.js';
import { parseSentence } from '../../codecs/sentence/parse.js';
import { fitsArrival, type Traversal } from '../../core/flow/traversal.js';
import { TraversalRecorder } from '../../core/flow/traversal-recorder.js';
import { PacketType } from '../../core/packet.js';
import { frameFate } from '../../explain/capture/frame-fate.js';
import { traceFrame } from '../../explain/capture/frame-trace.js';
import { commandHead, commandText } from '../../explain/command.js';
import type { Play } from '../../explain/fate/attempt.js';
import { endsAsked } from '../../explain/fate/ends-asked.js';
import { type Fate, fateOf } from '../../explain/fate/fate.js';
import { fateClass } from '../../explain/fate/fate-class.js';
import { nearestRule } from '../../explain/fate/nearest.js';
import { amendedRule } from '../../explain/fate/rule-words.js';
import { planPacket } from '../../explain/packets/planned-packet.js';
import { formatDecider } from '../../explain/story/decider.js';
import { isAccepted, rulesTried, type Story } from '../../explain/story/story.js';
import { Trial, type TrialPacket, type TrialSetting } from '../../explain/trial.js';
import { casesIn, optionsOf } from '../../replay/golden-case.js';
import { loadSetting } from '../../replay/setting.js';
import {
  type Arrival,
  drawOther,
  HOST_TEXT,
  packetOfArrival,
  randomArrival,
  randomRules,
  withSource,
} from '../flow/random-arrivals.js';
import { pick, type Random, seededRandom, testSeed } from '../random.js';

const Fates = suite('fates');
const seed = testSeed();

let dir = '';
Fates.before(() => {
  dir = mkdtempSync(join(tmpdir(), 'nfreplay-test-'));
  writeFileSync(join(dir, 'random-host.json'), HOST_TEXT);
});
Fates.after(() => rmSync(dir, { recursive: true }));

function fileOf(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

const HOST = {
  addr: [
    ['eth0', '192.0.2.10', 24],
    ['docker0', '172.17.0.1', 16],
  ].map(([ifname, local, prefixlen], i) => ({
    ifname,
    address: `02:00:00:00:00:1${i}`,
    addr_info: [{ family: 'inet', local, prefixlen }],
  })),
  route: [{ dst: 'default', gateway: '192.0.2.1', dev: 'eth0' }],
};

function settingOf(rules: string, apply: readonly string[] = [], sysctl: Record<string, number> = {}): TrialSetting {
  const options = {
    rulesPath: fileOf('rules.v4', rules),
    hostPath: fileOf('host.json', JSON.stringify({ ...HOST, sysctl })),
    apply,
  };
  return { setting: loadSetting(options), options };
}

function playOf(sentence: string, { setting: { host } }: TrialSetting): Play {
  const planned = planPacket(parseSentence(sentence), host);
  return (trial) => [trial.send({ ...planned, tsSec: 1, tsNsec: 0 })];
}

function told(sentence: string, rules: string, sysctl?: Record<string, number>): { fate: Fate; story: Story } {
  const setting = settingOf(rules, [], sysctl);
  const play = playOf(sentence, setting);
  const results = play(new Trial(setting));
  const fate = fateOf(setting, play, results);
  for (const { words, commands } of fate.changes ?? []) {
    const changed = settingOf(rules, commands, sysctl);
    const [{ story }] = play(new Trial(changed));
    assert.is.not(isAccepted(story), isAccepted(results[0].story), words);
  }
  return { fate, story: results[0].story };
}

const nearestOf = ({ nearest }: Fate): string | undefined =>
  nearest && `${nearest.step.table} ${nearest.step.rule.chain} ${nearest.step.rule.number}: ${nearest.failure.text}`;
const changesOf = ({ changes = [] }: Fate): string[] => changes.flatMap(({ words, commands }) => [words, ...commands]);

const PUBLISHED = `*nat
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A DOCKER -i docker0 -j RETURN
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 36379 -j DNAT --to-destination 172.17.0.3:6379
COMMIT
*filter
-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p icmp -j ACCEPT
-A INPUT -i lo -j ACCEPT
-A INPUT -p tcp -m state --state NEW -m tcp --dport 22 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT
-A INPUT -j REJECT --reject-with icmp-host-prohibited
COMMIT
`;

Fates('a port that nobody opened: its class, the published port nearby, and where an ACCEPT belongs', () => {
  const { fate } = told('eth0 tcp 203.0.113.7:51515 > 192.0.2.10:8081 S', PUBLISHED);
  assert.is(fate.sameFate?.text, 'new tcp in eth0 to 192.0.2.10, dport not 22, 80, 36379');
  assert.is(nearestOf(fate), 'nat DOCKER 2: dport 8081 is not 36379');
  assert.equal(changesOf(fate), [
    'an ACCEPT for tcp in eth0 dport 8081 in filter INPUT before rule 6',
    'iptables -I INPUT 6 -i eth0 -p tcp --dport 8081 -j ACCEPT',
  ]);
});

Fates('a port with a digit wrong is amended rather than opened besides', () => {
  const { fate } = told('eth0 tcp 203.0.113.7:51515 > 192.0.2.10:36397 S', PUBLISHED);
  assert.is(fate.nearest?.isSlip, true);
  assert.is(
    fate.changes?.[0]?.words,
    '--dport 36397 instead of 36379 in rule 2 of nat DOCKER (it then no longer matches --dport 36379)',
  );
});

Fates('a rule about the port before its translation is amended where rules see it afterwards', () => {
  const rules = `*nat
-A PREROUTING -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.3:80
COMMIT
*filter
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A DOCKER-USER -i docker0 -j RETURN
-A DOCKER-USER -i eth0 -p tcp -m tcp --dport 8080 -j RETURN
-A DOCKER-USER -i eth0 -p tcp -j DROP
COMMIT
`;
  const { fate } = told('eth0 tcp 203.0.113.7:51515 > 192.0.2.10:8080 S', rules);
  assert.is(nearestOf(fate), 'filter DOCKER-USER 2: dport 80 is not 8080');
  assert.is(
    fate.changes?.[0]?.words,
    '--dport 80 instead of 8080 in rule 2 of filter DOCKER-USER (it then no longer matches --dport 8080)',
  );
  // Also where nothing is translated, rather than a rule elsewhere that leads to translations.
  const jump = '-A PREROUTING -m addrtype --dst-type LOCAL -j PUBLISHED\n-A PUBLISHED';
  const published = rules.replace('-A PREROUTING', jump).replace('*nat', '*nat\n:PUBLISHED - [0:0]');
  const straight = told('eth0 tcp 203.0.113.7:51515 > 172.17.0.3:80 S', published);
  assert.is(nearestOf(straight.fate), 'filter DOCKER-USER 2: dport 80 is not 8080');
});

Fates('what other protocols have is not told of one without it', () => {
  const { fate } = told('eth0 udp 203.0.113.7:51515 > 192.0.2.10:53', PUBLISHED);
  assert.is(fate.sameFate?.text, 'new udp in eth0 to 192.0.2.10');
});

Fates('where rules ask for the source, packets of another one are not taken for the same', () => {
  const rules = `*filter
-A INPUT -s 10.0.2.0/24 -p tcp -m tcp --dport 80 -j DROP
-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT
COMMIT
`;
  const { fate } = told('eth0 tcp 203.0.113.7:51515 > 192.0.2.10:80 S', rules);
  // Up to multicast, what the host routes like the packet's own source.
  assert.is(fate.sameFate?.text, 'new tcp in eth0 from at least 192.0.3.0-223.255.255.255 to 192.0.2.10, dport 80');
});

Fates('a rule about one source is told although the routes have cut the class before it', () => {
  const rules = '*filter\n-A INPUT -s 203.0.113.67 -j DROP\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n';
  const { fate } = told('eth0 tcp 8.8.8.8:51515 > 192.0.2.10:22 S', rules);
  assert.is(fate.sameFate?.text, 'new tcp in eth0 from at least 0.0.0.1-126.255.255.255 to 192.0.2.10, dport 22');
  const beside = told('eth0 tcp 10.0.0.9:51515 > 192.0.2.10:22 S', rules.replace('203.0.113.67', '10.0.0.0/8'));
  assert.is(beside.fate.sameFate?.text, 'new packets in eth0 from 10.0.0.0/8 to 192.0.2.10');
});

Fates('of a packet that got through, what would stop it', () => {
  const { fate } = told('eth0 tcp 203.0.113.7:51515 > 192.0.2.10:80 S', PUBLISHED);
  assert.equal(changesOf(fate), [
    'a DROP for tcp in eth0 from 203.0.113.7 to 192.0.2.10 dport 80 in filter INPUT before rule 5',
    'iptables -I INPUT 5 -i eth0 -s 203.0.113.7 -d 192.0.2.10 -p tcp --dport 80 -j DROP',
  ]);
});

Fates('a packet that leaves the built-in chain early is accepted before it does', () => {
  const ways = {
    goto: '-A INPUT -i eth0 -g G\n-A G -p tcp -m tcp --dport 22 -j ACCEPT\n',
    return: '-A INPUT -j G\n-A INPUT -i eth0 -j RETURN\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n',
    jump: '-A INPUT -j G\n-A G -i eth0 -j RETURN\n-A G -p tcp -m tcp --dport 22 -j ACCEPT\n',
    gotoInJump: '-A INPUT -j H\n-A H -g G\n-A G -p tcp -m tcp --dport 22 -j ACCEPT\n',
  };
  const firstOf = (rules: string): string | undefined => {
    const text = `*filter\n:INPUT DROP [0:0]\n:G - [0:0]\n:H - [0:0]\n${rules}COMMIT\n`;
    return told('eth0 tcp 203.0.113.7 > 192.0.2.10:80', text).fate.changes?.map(({ commands }) => commands.join())[0];
  };
  assert.is(firstOf(ways.goto), 'iptables -I INPUT 1 -i eth0 -p tcp --dport 80 -j ACCEPT');
  assert.is(firstOf(ways.return), 'iptables -I INPUT 2 -i eth0 -p tcp --dport 80 -j ACCEPT');
  assert.is(firstOf(ways.jump), 'iptables -A INPUT -i eth0 -p tcp --dport 80 -j ACCEPT');
  assert.is(firstOf(ways.gotoInJump), 'iptables -A INPUT -i eth0 -p tcp --dport 80 -j ACCEPT');
});

Fates('a packet that table raw drops is let through from its own source only', () => {
  const rules = '*raw\n-A PREROUTING -d 172.17.0.3/32 ! -i docker0 -j DROP\nCOMMIT\n*filter\nCOMMIT\n';
  const { fate } = told('eth0 tcp 203.0.113.7:51515 > 172.17.0.3:80 S', rules);
  assert.is(
    fate.changes?.[0]?.commands[0],
    'iptables -t raw -I PREROUTING 1 -i eth0 -s 203.0.113.7 -d 172.17.0.3 -p tcp --dport 80 -j ACCEPT',
  );
});

Fates('a rule behind a REJECT is moved before it', () => {
  const rules = `*filter
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j REJECT
-A FORWARD -d 172.17.0.0/16 -p tcp -m comment --comment "it's ours" -j ACCEPT
COMMIT
`;
  const { fate } = told('eth0 tcp 203.0.113.7:51515 > 172.17.0.3:22 S', rules);
  assert.equal(changesOf(fate), [
    'an ACCEPT for tcp in eth0 to 172.17.0.3 dport 22 in filter FORWARD before rule 2',
    'iptables -I FORWARD 2 -i eth0 -d 172.17.0.3 -p tcp --dport 22 -j ACCEPT',
    'rule 3 of filter FORWARD moved before rule 2',
    'iptables -D FORWARD 3',
    `iptables -I FORWARD 2 -d 172.17.0.0/16 -p tcp -m comment --comment 'it'\\''s ours' -j ACCEPT`,
  ]);
});

Fates('an answer that would not come back needs a rule as well', () => {
  const { fate } = told('docker0 udp 172.17.0.3:4000 > 198.51.100.53:53', '*filter\n-A FORWARD -j REJECT\nCOMMIT\n');
  assert.equal(changesOf(fate), [
    'an ACCEPT for udp in docker0 to 198.51.100.53 dport 53 in filter FORWARD before rule 1, and an ACCEPT for ' +
      'RELATED,ESTABLISHED in filter FORWARD before rule 2',
    'iptables -I FORWARD 1 -i docker0 -d 198.51.100.53 -p udp --dport 53 -j ACCEPT',
    'iptables -I FORWARD 2 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
  ]);
});

Fates('rules of the administrator go where tools leave them alone', () => {
  const docker = `*filter
:FORWARD DROP [0:0]
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A DOCKER-USER -j RETURN
COMMIT
`;
  const { fate } = told('eth0 tcp 203.0.113.7:51515 > 172.17.0.3:80 S', docker);
  assert.is(
    fate.changes?.[0]?.commands[0],
    'iptables -I DOCKER-USER -i eth0 -d 172.17.0.3 -p tcp --dport 80 -j ACCEPT',
  );
});

Fates('what the host itself refuses is a sysctl, with all that it then takes', () => {
  const { fate } = told('docker0 icmp 172.17.0.3 > 198.51.100.53', '*filter\n:FORWARD DROP [0:0]\nCOMMIT\n', {
    'net.ipv4.ip_forward': 0,
  });
  assert.is(fate.sameFate?.text, 'new packets in docker0 to other hosts');
  assert.is(fate.changes?.[0]?.commands[0], 'sysctl -w net.ipv4.ip_forward=1');
  assert.is(fate.changes?.[0]?.commands.length, 3);
  const loose = told('eth0 udp 172.17.0.9:53 > 192.0.2.10:99', '', { 'net.ipv4.conf.eth0.rp_filter': 1 });
  assert.is(loose.fate.changes?.[0]?.commands[0], 'sysctl -w net.ipv4.conf.eth0.rp_filter=2');
});

Fates('where nothing small helps, nothing is told', () => {
  const { fate } = told('eth0 icmp 203.0.113.7 > 172.17.0.3 ttl 1', '');
  assert.equal(fate.changes, []);
  assert.is(fate.sameFate?.text, 'new packets in eth0 out docker0, TTL 0-1');
});

Fates('why nothing is known of others is said', () => {
  const rules = '*filter\n-A INPUT -p tcp -m limit --limit 1/sec -j DROP\nCOMMIT\n';
  const { fate } = told('eth0 tcp 203.0.113.7:51515 > 192.0.2.10:80 S', rules);
  assert.is(fate.sameFate, undefined);
  assert.match(fate.alone ?? '', /^not known of other packets: a rule matches by earlier packets.*\(filter INPUT\)$/);
  // A rule that only logs makes no difference.
  const logged = told('eth0 tcp 203.0.113.7:51515 > 192.0.2.10:80 S', rules.replace('DROP', 'LOG'));
  assert.is(logged.fate.sameFate?.text, 'new packets in eth0 to 192.0.2.10');
});

Fates('a frame of a capture: how many others share its fate, and changes that replay the capture again', () => {
  const [published] = casesIn('pcaps/docker/');
  const options = optionsOf(published);
  const trace = traceFrame(options, 'eth0:17', { isFollowed: true });
  const { sameFate, count, changes } = frameFate(options, 'eth0:17', trace);
  assert.is(sameFate?.text, 'new tcp in eth0 out docker0, dport not 6379');
  assert.equal(count, { packets: 1 });
  assert.equal(changes?.[0].commands, ['iptables -I FORWARD 6 -i eth0 -d 172.17.0.3 -p tcp --dport 80 -j ACCEPT']);
  const apply = changes?.[0].commands ?? [];
  assert.is(traceFrame({ ...options, apply }, 'eth0:17').story.verdict, 'forwarded');
  // Packets of a connection that NAT handles share what it does to them.
  const reply = frameFate(options, 'eth0:9', traceFrame(options, 'eth0:9', { isFollowed: true }));
  assert.is(reply.sameFate?.text, 'replies of this connection in eth0');
  assert.equal(reply.count, { packets: 3 });
});

Fates('a packet that meets millions of rules is refused', () => {
  const chains = Array.from({ length: 30 }, (_, i) => i);
  const rules = ['*filter', ...chains.map((i) => `:C${i} - [0:0]`), '-A INPUT -j C0'];
  for (const i of chains.slice(1)) rules.push(`-A C${i - 1} -j C${i}`, `-A C${i - 1} -j C${i}`);
  const setting = settingOf(`${rules.join('\n')}\nCOMMIT\n`);
  const play = playOf('eth0 udp 203.0.113.7 > 192.0.2.10:53', setting);
  assert.throws(() => play(new Trial(setting)), /a packet meets more than 1,000,000 rules: too many to tell/);
});

Fates('rules that have been replaced say nothing about others', () => {
  const [published] = casesIn('pcaps/docker/');
  const options = { ...optionsOf(published), changes: ['n2=iptables -A INPUT -p tcp -j DROP'] };
  const { sameFate, alone } = frameFate(options, 'eth0:17', traceFrame(options, 'eth0:17', { isFollowed: true }));
  assert.is(sameFate, undefined);
  assert.match(alone ?? '', /the rules were changed before it came/);
});

/** A random setting. */
function randomSetting(rules: string, apply: readonly string[] = []): TrialSetting {
  const options = { rulesPath: fileOf('random.v4', rules), hostPath: join(dir, 'random-host.json'), apply };
  return { setting: loadSetting(options), options };
}

function trialPacket({ bytes, dev }: Arrival, names: readonly string[]): TrialPacket {
  return { bytes, linktype: Linktype.RAW, dev: dev === undefined ? undefined : names[dev], tsSec: 1, tsNsec: 0 };
}

const endOf = ({ verdict, decider, left }: Story): string => [verdict, formatDecider(decider), left?.dev].join(' ');

/** A packet like those that test/rules/random.ts makes rules for, addressed to the host on its link. */
function randomPlain(random: Random): Arrival {
  return { ...randomArrival(random), type: PacketType.HOST };
}

const ROUNDS = 40;
/** Behind each interface of the random host, behind none, and beyond the next part of the address space. */
const SOURCES = ['8.8.8.8', '10.0.0.2', '10.1.0.1', '192.168.1.1', '172.16.9.9', '203.0.113.67', '126.1.1.1'];
const ABOUT_SOURCE: ReadonlySet<string> = new Set(['martian-source', 'rp-filter']);

Fates(`packets of a class meet its fate (seed ${seed})`, () => {
  let drawnPackets = 0;
  const ends = new Set<string>();
  for (let round = 0; round < ROUNDS; round++) {
    const random = seededRandom(seed + round);
    const text = randomRules(random);
    const setting = randomSetting(text);
    const { host, ruleset } = setting.setting;
    for (let n = 0; n < 3; n++) {
      const arrival = randomPlain(random);
      const recorder = new TraversalRecorder(ruleset, host, { pinned: ['protocol'], isOnlyFate: true });
      const trial = new Trial(setting, { hookEntries: recorder.entries, observer: (event) => recorder.hear(event) });
      recorder.follow(trial.emulator);
      const { story } = trial.send(trialPacket(arrival, host.interfaceNames));
      const { last } = recorder;
      if (last === undefined || last.alone !== undefined) continue;
      const { fields, unsaid } = fateClass(last, { outDev: undefined, asked: endsAsked(story), host });
      const claimed = fields.filter(({ field }) => !unsaid.includes(field));
      const narrowed: Traversal = { ...last, fields: new Map(claimed.map(({ field, ...values }) => [field, values])) };
      for (let i = 0; i < 6; i++) {
        const drawn = drawOther(random, arrival, last);
        const other = unsaid.includes('source') ? withSource(drawn, pick(random, SOURCES)) : drawn;
        if (other.type !== PacketType.HOST || !fitsArrival(narrowed, packetOfArrival(other), recorder.context))
          continue;
        const got = new Trial(setting).send(trialPacket(other, host.interfaceNames)).story;
        const isSameState = got.tracked?.ctstate === story.tracked?.ctstate;
        if (!isSameState) continue;
        // What an interface takes from no such source goes without saying.
        if (unsaid.includes('source') && got.decider.kind === 'host' && ABOUT_SOURCE.has(got.decider.reason)) continue;
        const where = `seed ${seed + round}, ${arrival.bytes.toString('hex')}, ${other.bytes.toString('hex')}\n${text}`;
        assert.is(endOf(got), endOf(story), where);
        ends.add(story.verdict);
        drawnPackets++;
      }
    }
  }
  assert.ok(drawnPackets > ROUNDS, `${drawnPackets} packets were drawn`);
  assert.ok(ends.size >= 3, [...ends].join());
});

Fates(`changes do what they say, as --apply carries them out (seed ${seed})`, () => {
  let changed = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const random = seededRandom(seed + round);
    const text = randomRules(random);
    const setting = randomSetting(text);
    const packet = trialPacket(randomPlain(random), setting.setting.host.interfaceNames);
    const play: Play = (trial) => [trial.send(packet)];
    const results = play(new Trial(setting));
    const [{ story }] = results;
    const where = `seed ${seed + round}, ${packet.dev} ${Buffer.from(packet.bytes).toString('hex')}\n${text}`;
    for (const { words, commands } of fateOf(setting, play, results).changes ?? []) {
      const [{ story: after }] = play(new Trial(randomSetting(text, commands)));
      assert.is.not(isAccepted(after), isAccepted(story), `${words}: ${commands.join('; ')}, ${where}`);
      changed++;
    }
  }
  assert.ok(changed > ROUNDS / 2, `${changed} changes`);
});

Fates(`the nearest rule matches with its one condition put right (seed ${seed})`, () => {
  let amended = 0;
  for (let round = 0; amended < 3 && round < 2 * ROUNDS; round++) {
    const random = seededRandom(seed + round);
    const text = randomRules(random);
    const setting = randomSetting(text);
    for (let n = 0; n < 4; n++) {
      const packet = trialPacket(randomPlain(random), setting.setting.host.interfaceNames);
      const play: Play = (trial) => [trial.send(packet)];
      const [{ story }] = play(new Trial(setting));
      const where = `seed ${seed + round}, ${packet.dev} ${Buffer.from(packet.bytes).toString('hex')}\n${text}`;
      if (matchesAmended(story, setting, text, play, where)) amended++;
    }
  }
});

/** Whether there is a nearest rule that can be amended, which then matches. */
function matchesAmended(story: Story, setting: TrialSetting, rules: string, play: Play, where: string): boolean {
  const { ruleset, host } = setting.setting;
  const nearest = nearestRule(story, ruleset);
  if (nearest === undefined) return false;
  const { table, rule } = nearest.step;
  const amended = amendedRule(rule, nearest.failure, host.interfaceNames);
  if (amended === undefined) return false;
  const command = commandText([...commandHead(table, '-R', rule.chain, rule.number), ...amended.words]);
  const [{ story: after }] = play(new Trial(randomSetting(rules, [command])));
  const tried = rulesTried(after).find((step) => step.table === table && step.rule.file === '--apply');
  assert.ok(tried?.isMatched, `${command}, ${where}`);
  return true;
}

Fates.run();
