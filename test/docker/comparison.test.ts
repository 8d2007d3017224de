/** What the comparison with real engines finds, and what it sets aside: one that finds nothing proves nothing. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Prng } from '../kernel/prng.js';
import { connectionDifferences } from './compare-connections.js';
import { counterDifferences } from './compare-counters.js';
import { type HostNetworkJson, networkDifferences } from './compare-network.js';
import { ruleDifferences } from './compare-rules.js';
import { randomStory } from './random-story.js';
import { shrinkStory } from './shrink-story.js';
import { parseStory, type Step } from './story.js';

const Comparison = suite('the comparison with real engines');

const RULES = [
  '*filter',
  ':FORWARD DROP [7:420]',
  ':DOCKER - [0:0]',
  '[2:120] -A FORWARD -j DOCKER',
  '[1:60] -A FORWARD -o docker0 -j ACCEPT',
  '[0:0] -A DOCKER -i eth0 -j DROP',
  'COMMIT',
].join('\n');

Comparison('finds rules in another order, other policies and chains that are missing', () => {
  assert.equal(ruleDifferences(RULES, RULES.replaceAll(/\[\d+:\d+\] -A/g, '-A')), []);
  const swapped = RULES.replace(/(\[2:120\].*)\n(\[1:60\].*)/, '$2\n$1');
  assert.equal(ruleDifferences(RULES, swapped), ['filter FORWARD: - -j DOCKER', 'filter FORWARD: + -j DOCKER']);
  assert.equal(ruleDifferences(RULES, RULES.replace('DROP [7', 'ACCEPT [7')), [
    'filter FORWARD: policy ACCEPT, expected DROP',
  ]);
  assert.equal(ruleDifferences(RULES, RULES.replace(/.*DOCKER -.*\n/, '').replace(/.*-A DOCKER.*\n/, '')), [
    'filter DOCKER: missing',
  ]);
});

Comparison('finds counters that differ, unless frames between ports of a bridge explain them', () => {
  const counters = (bridged: number, found: string): string[] =>
    counterDifferences(RULES, found, { bridged, countsPolicies: true });
  assert.equal(counters(0, RULES), []);
  const fewer = RULES.replace('[2:120]', '[1:60]');
  assert.equal(counters(0, fewer), ['filter FORWARD: -j DOCKER: 1:60, expected 2:120']);
  assert.equal(counters(1, fewer), []);
  assert.equal(counters(9, RULES.replace('[2:120]', '[3:180]')).length, 1);
  assert.equal(counters(0, RULES.replace('[7:420]', '[6:360]')), ['filter FORWARD: policy 6:360, expected 7:420']);
});

Comparison('finds connections that are missing, with other counts, or besides', () => {
  const entry = 'ipv4 2 tcp 6 98 TIME_WAIT src=192.0.2.50 dst=192.0.2.10 sport=5 dport=80 packets=5 bytes=300';
  const answers = 'src=172.17.0.2 dst=192.0.2.50 sport=80 dport=5 packets=4 bytes=200 [ASSURED] mark=0 use=1';
  const how = { isTracked: true, secondsLater: 0, isBridged: () => false, translated: new Set<string>() };
  const one = `${entry} ${answers}\n`;
  assert.equal(connectionDifferences(one, one.replace(' 98 ', ' 97 '), how), []);
  assert.is(connectionDifferences(one, '', how).length, 1);
  assert.is(connectionDifferences('', one, how).length, 1);
  assert.is(connectionDifferences(one, one.replace('packets=4', 'packets=3'), how).length, 2);
  assert.equal(connectionDifferences('', one, { ...how, secondsLater: 100 }), []);
  // What the host has sent itself is known by its answers, where it was captured after NAT.
  const translated = new Set(['192.0.2.50']);
  assert.equal(
    connectionDifferences(one, one.replace('dport=80 packets=5', 'dport=81 packets=5'), { ...how, translated }),
    [],
  );
});

Comparison(
  'finds interfaces and routes that differ; carriers only where the kernel had the time to notice them',
  () => {
    const link = {
      ifindex: 3,
      ifname: 'docker0',
      mtu: 1500,
      operstate: 'UP',
      flags: ['UP', 'LOWER_UP'],
      addr_info: [],
    };
    const host = (change: object): HostNetworkJson => ({
      addr: [{ ...link, ...change }],
      route: [{ dst: '10.0.0.0/8', dev: 'docker0', flags: [] }],
    });
    const differences = (change: object, hasSettled: boolean): number =>
      networkDifferences(host({}), host(change), { hasKnownMac: () => false, hasSettled, isOrderKnown: true }).length;
    assert.is(differences({}, true), 0);
    assert.is(differences({ mtu: 1400 }, false), 2);
    assert.is(differences({ ifindex: 4 }, true), 2);
    assert.is(differences({ operstate: 'DOWN', flags: ['NO-CARRIER', 'UP'] }, true), 2);
    assert.is(differences({ operstate: 'DOWN', flags: ['NO-CARRIER', 'UP'] }, false), 0);
  },
);

Comparison('a story that fails is made as short as it still fails', async () => {
  const story = randomStory(7, '28.5').steps;
  const extra = parseStory('docker run -d --name culprit busybox\ndocker stop culprit');
  const long = [...story.slice(0, -1), ...extra, ...story.slice(-1)];
  const lines = (steps: readonly Step[]): string[] => steps.map(({ line }) => line);
  const fails = (steps: readonly Step[]): Promise<boolean> =>
    Promise.resolve(extra.every(({ line }) => lines(steps).includes(line)));
  const short = await shrinkStory(long, fails, 200);
  const kept = lines(short).filter((line) => !/^(?:engine|start|snapshot)/.test(line));
  assert.equal(kept, lines(extra));
  assert.ok(short.length < long.length / 2);
});

Comparison('random stories depend on their seed alone', () => {
  const seed = new Prng(Number(process.env.SEED ?? 1)).below(1000);
  assert.equal(randomStory(seed, '26.1'), randomStory(seed, '26.1'));
  assert.not.equal(randomStory(seed, '26.1').steps, randomStory(seed + 1, '26.1').steps);
});

Comparison.run();
