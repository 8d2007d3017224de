// The rules that Docker's own documentation prints, of 27 and of each release that has changed them, in their order.
import { suite } from 'uvu';
import { testHost } from './engine/hosts.js';
import { rulesOf } from './firewalls.js';
import { assertGolden, documentedRules } from './moby/golden-files.js';

const Documentation = suite('rules that moby documents');

const BRIDGE = '-o com.docker.network.bridge';
const create = (name: string, subnet: string, options = ''): string =>
  `docker network create ${BRIDGE}.name=${name} ${options} --subnet ${subnet}.0/24 --gateway ${subnet}.1 ${name}`;
const run = (network: string, options = ''): string => `docker run -d --network ${network} ${options} busybox`;
const published = (options = ''): string =>
  ['dockerd', create('bridge1', '192.0.2', options), run('bridge1', '-p 8080:80')].join('\n');

/** The commands of each page, by its name. That of a swarm is left out: swarms are not followed. */
const SCENARIOS: Readonly<Record<string, string>> = {
  'new-daemon': 'dockerd',
  'usernet-portmap': published(),
  'usernet-portmap-noproxy': published().replace('dockerd', 'dockerd --userland-proxy=false'),
  'usernet-portmap-noicc': published(`${BRIDGE}.enable_icc=false`),
  'usernet-portmap-natunprot': published(`${BRIDGE}.gateway_mode_ipv4=nat-unprotected`),
  'usernet-portmap-routed': published(`${BRIDGE}.gateway_mode_ipv4=routed`),
  'usernet-portmap-lo': published().replace('8080', '127.0.0.1:8080'),
  'usernet-internal': [
    'dockerd',
    create('bridgeICC', '192.0.2', '--internal'),
    run('bridgeICC'),
    create('bridgeNoICC', '198.51.100', `--internal ${BRIDGE}.enable_icc=false`),
    run('bridgeNoICC'),
  ].join('\n'),
};

/** What the page is about in 27. */
const SCENARIOS_OF_27: Readonly<Record<string, string>> = {
  ...SCENARIOS,
  'usernet-internal': ['dockerd', create('bridge1', '192.0.2', '--internal'), run('bridge1')].join('\n'),
};

for (const [release, pages] of documentedRules()) {
  const followed = pages.filter(([name]) => name !== 'swarm-portmap');
  Documentation(`${release}: ${followed.length} scenarios`, () => {
    for (const [name, tables] of followed) {
      const { host, script } = testHost(release);
      script((release === '27.5.1' ? SCENARIOS_OF_27 : SCENARIOS)[name]);
      for (const [table, golden] of tables) {
        const lines = rulesOf(host, table)
          .slice(1)
          .map((line) => line.replace(/^:(\S+) - .*/, '-N $1'));
        assertGolden(lines, golden, `${name}, ${table}`);
      }
    }
  });
}

Documentation.run();
