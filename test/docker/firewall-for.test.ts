// Which rules an engine writes follows from its release alone; what is not followed is refused by name.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DEFAULT_OPTIONS } from '../../docker/engine/daemon.js';
import { UnsupportedError } from '../../docker/error.js';
import { firewallFor } from '../../docker/firewall/index.js';
import { OfflineHost } from '../../docker/offline-host.js';
import { parseRelease } from '../../docker/releases.js';

const FirewallFor = suite('the firewall of a release');

/** The chains that an engine of RELEASE has in filter when it has started. */
function chainsOf(release: string, backend: 'legacy' | 'nft' = 'legacy'): string[] {
  const host = new OfflineHost({ backend });
  firewallFor({ release: parseRelease(release), options: DEFAULT_OPTIONS }, host, []).start(false, true);
  const [, filter] = /^\*filter\n([^*]*)/m.exec(host.saveRules())!;
  return [...filter.matchAll(/^:(DOCKER\S*)/gm)].map(([, chain]) => chain);
}

const STAGES = ['DOCKER-ISOLATION-STAGE-1', 'DOCKER-ISOLATION-STAGE-2'];

// By the code of moby and of libnetwork at their tags: 18.04.0 has not what 18.03.1 has.
for (const [release, chains] of [
  ['1.12.0', ['DOCKER', 'DOCKER-ISOLATION']],
  ['17.05.0', ['DOCKER', 'DOCKER-ISOLATION']],
  ['17.06.0', ['DOCKER', 'DOCKER-ISOLATION', 'DOCKER-USER']],
  ['18.03.0', ['DOCKER', 'DOCKER-ISOLATION', 'DOCKER-USER']],
  ['18.03.1', ['DOCKER', ...STAGES, 'DOCKER-USER']],
  ['18.04.0', ['DOCKER', 'DOCKER-ISOLATION', 'DOCKER-USER']],
  ['18.05.0', ['DOCKER', ...STAGES, 'DOCKER-USER']],
  ['27.5.1', ['DOCKER', ...STAGES, 'DOCKER-USER']],
] as const) {
  FirewallFor(`${release}: ${chains.join(', ')}`, () => {
    assert.equal(chainsOf(release), chains);
  });
}

FirewallFor('a release that prefers iptables-legacy is not taken for one that runs iptables-nft', () => {
  assert.throws(
    () => chainsOf('18.09.2', 'nft'),
    (error: unknown) =>
      error instanceof UnsupportedError && /^Docker 18\.09\.2 runs iptables-legacy/.test(error.message),
  );
  assert.ok(chainsOf('18.09.2').includes('DOCKER-USER'));
  assert.ok(chainsOf('18.09.4', 'nft').includes('DOCKER-USER'));
});

// mirroredWSL2Rule in setup_ip_tables_linux.go
for (const [release, userlandProxy, isThere] of [
  ['27.2.1', true, false],
  ['27.3.0', true, true],
  ['27.3.0', false, false],
] as const) {
  FirewallFor(
    `${release}, ${userlandProxy ? 'with' : 'without'} userland proxy, on WSL2 with mirrored networking`,
    () => {
      const host = new OfflineHost({ json: { link: [{ ifname: 'loopback0' }] } });
      const options = { ...DEFAULT_OPTIONS, userlandProxy };
      firewallFor({ release: parseRelease(release), options }, host, []).start(false);
      assert.is(host.saveRules().includes('-A DOCKER -d 127.0.0.0/8 -i loopback0 -j RETURN\n'), isThere);
    },
  );
}

FirewallFor.run();
