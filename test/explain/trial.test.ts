/** Trials: a few packets through a fresh host, each with its story and with what the host sent. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Linktype } from '../../codecs/linktypes.js';
import { formatDecider } from '../../explain/story/decider.js';
import { Trial, type TrialPacket, type TrialSetting, trial } from '../../explain/trial.js';
import type { ReplayOptions } from '../../replay/replay.js';
import { loadSetting } from '../../replay/setting.js';
import { buildFrame, tcpPacket } from '../packets/packets.js';

const Trials = suite('trials');

const CASE = 'pcaps/published-port';

function settingOf(more: Partial<ReplayOptions> = {}): TrialSetting {
  const options = { rulesPath: `${CASE}/rules.v4`, hostPath: `${CASE}/host.json`, ...more };
  return { setting: loadSetting(options), options };
}

const SYN = 0x02;
const SYN_ACK = 0x12;
const MAC = new Uint8Array(6);

function arrival(dev: string, packet: Buffer, second: number): TrialPacket {
  const bytes = buildFrame(MAC, MAC, packet);
  return { bytes, linktype: Linktype.ETHERNET, dev, tsSec: second, tsNsec: 0 };
}

const client = { source: '203.0.113.7', sport: 51515, destination: '192.0.2.10' };

Trials('a packet finds what the packets before it left', () => {
  const [opening, reply] = trial(settingOf(), [
    arrival('eth0', tcpPacket({ ...client, dport: 36379, flags: SYN }), 0),
    arrival(
      'docker0',
      tcpPacket({ source: '172.17.0.3', sport: 6379, destination: '203.0.113.7', dport: 51515, flags: SYN_ACK }),
      1,
    ),
  ]);
  assert.is(opening.story.verdict, 'forwarded');
  assert.is(formatDecider(opening.story.decider), 'pcaps/published-port/rules.v4:31');
  assert.equal(
    opening.story.translations.map(({ end, from, to }) => ({ end, from, to })),
    [
      {
        end: 'destination',
        from: { address: '192.0.2.10', port: 36379 },
        to: { address: '172.17.0.3', port: 6379 },
      },
    ],
  );
  assert.equal(
    opening.sent.map(({ dev }) => dev),
    ['docker0'],
  );
  // Without the first packet, nothing would translate it.
  assert.is(reply.story.left?.packet.source, '192.0.2.10');
  assert.is(reply.story.left?.packet.sport, 36379);
  assert.is(reply.story.tracked?.ctstate, 'ESTABLISHED');
  assert.is(formatDecider(reply.story.decider), 'pcaps/published-port/rules.v4:28');
});

Trials('an answer of the host is a story of its own', () => {
  const [{ story, sent }] = trial(settingOf(), [arrival('eth0', tcpPacket({ ...client, dport: 8081, flags: SYN }), 0)]);
  assert.is(story.verdict, 'rejected');
  assert.is(formatDecider(story.decider), 'pcaps/published-port/rules.v4:24');
  const [answer] = story.related;
  assert.equal([answer.origin, answer.verdict, answer.left?.dev], ['answer', 'sent', 'eth0']);
  assert.equal(answer.packet?.icmp, { type: 3, code: 10 });
  assert.is(answer.packet?.destination, '203.0.113.7');
  assert.is(formatDecider(answer.decider), 'policy of filter OUTPUT (pcaps/published-port/rules.v4:17)');
  assert.is(sent.length, 1);
});

Trials('trials in one setting know nothing of each other', () => {
  const setting = settingOf();
  const state = (): string | undefined =>
    new Trial(setting).send(arrival('eth0', tcpPacket({ ...client, dport: 36379, flags: SYN }), 0)).story.tracked
      ?.ctstate;
  assert.equal([state(), state()], ['NEW', 'NEW']);
});

Trials('rules change when they are due', () => {
  const setting = settingOf({ changes: ['n2=iptables -I INPUT 1 -p tcp --dport 8081 -j DROP'] });
  const packet = tcpPacket({ ...client, dport: 8081, flags: SYN });
  const verdicts = trial(setting, [arrival('eth0', packet, 0), arrival('eth0', packet, 5)]).map(
    ({ story }) => story.verdict,
  );
  assert.equal(verdicts, ['rejected', 'dropped']);
});

Trials.run();
