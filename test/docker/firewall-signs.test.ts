// Which releases of the engine write such rules: those of recorded hosts, and the chains that moby's tags name.
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { contradictions, releaseOfRules } from '../../docker/firewall/release-signs.js';
import { parseRelease } from '../../docker/releases.js';
import { makeDockerHost } from '../../replay/docker/make-docker-host.js';

const Signs = suite('the release of rules');

const last = parseRelease('29');
const filter = (chains: readonly string[], rules: readonly string[] = []): string =>
  ['*filter', ...chains.map((name) => `:${name} - [0:0]`), ...rules, 'COMMIT', ''].join('\n');
const raw = (rule: string): string => `*raw\n:PREROUTING ACCEPT [0:0]\n[3:180] ${rule}\nCOMMIT\n`;

const STAGES = ['DOCKER', 'DOCKER-ISOLATION-STAGE-1', 'DOCKER-ISOLATION-STAGE-2', 'DOCKER-USER'];
const SINCE_28 = [...STAGES, 'DOCKER-BRIDGE', 'DOCKER-CT', 'DOCKER-FORWARD'];
const SET = '-A FORWARD -m set --match-set docker-ext-bridges-v4 dst -j DOCKER';

for (const [what, rules, expected] of [
  ['the recorded 20.10', readFileSync('test/docker/inspect/networks-20.10.v4', 'utf8'), '27.5'],
  ['the recorded 28.5', readFileSync('test/docker/inspect/networks-28.5.v4', 'utf8'), '28.5'],
  ['one chain without DOCKER-USER', filter(['DOCKER', 'DOCKER-ISOLATION']), '17.05'],
  ['one chain', filter(['DOCKER', 'DOCKER-ISOLATION', 'DOCKER-USER']), '18.04'],
  ['two stages', filter(STAGES), '27.5'],
  ['a set of bridges', filter(STAGES, [SET]), '28.0.0'],
  ['two stages and a chain for FORWARD', filter(SINCE_28), '28.5'],
  ['neither', filter(['DOCKER', 'DOCKER-USER', 'DOCKER-FORWARD', 'DOCKER-INTERNAL']), '29'],
  [
    'a rule in raw for a port',
    filter(SINCE_28) + raw('-A PREROUTING -d 172.17.0.2/32 ! -i docker0 -p tcp -m tcp --dport 80 -j DROP'),
    '28.1',
  ],
  [
    'a rule in raw for a container',
    filter(SINCE_28) + raw('-A PREROUTING -d 172.17.0.2/32 ! -i docker0 -j DROP'),
    '28.5',
  ],
] as const) {
  Signs(`${what}: at most ${expected}`, () => {
    assert.equal(releaseOfRules(rules, last), parseRelease(expected));
  });
}

Signs('rules without Docker tell nothing', () => {
  assert.is(releaseOfRules(filter(['INPUT']), last), undefined);
  assert.equal(contradictions(filter(['INPUT']), last), []);
});

Signs('what a release does not write is named', () => {
  assert.equal(contradictions(filter(SINCE_28), last), [
    'they have the chain DOCKER-ISOLATION-STAGE-1',
    'they lack the chain DOCKER-INTERNAL',
  ]);
});

Signs('a snapshot of a host has its own release, and another is warned of', () => {
  const source = 'docs/walkthrough/host.txt';
  const guess = makeDockerHost({ source });
  assert.match(
    guess.assumed.join('\n'),
    /^Docker 2[0-7]\.[\d.]+, the newest whose (?:docker inspect and )?rules are like/m,
  );
  assert.equal(
    guess.notes.filter((note) => note.startsWith('the rules are')),
    [],
  );
  const given = makeDockerHost({ source, release: '29' });
  assert.match(given.notes.join('\n'), /^the rules are not those of Docker 29\S*: they have the chain DOCKER-ISOL/m);
});

Signs.run();
