// When an engine makes DOCKER-USER and puts it first in FORWARD.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { testHost } from './engine/hosts.js';

const UserChain = suite('DOCKER-USER');

function forwardJumps(rules: string): string[] {
  return [...rules.matchAll(/^-A FORWARD -j (DOCKER-\S+)/gm)].map(([, chain]) => chain);
}

// https://github.com/docker/for-linux/issues/136
for (const [release, jumps] of [
  ['17.05.0', []],
  ['17.09.0', ['DOCKER-USER']],
  ['19.03.15', ['DOCKER-USER']],
  ['20.10.24', []],
  ['28.5.2', []],
] as const) {
  UserChain(`${release} with --iptables=false: ${jumps.join() || 'none'}`, () => {
    const { host, script } = testHost(release);
    script('dockerd --iptables=false\ndocker run -d -p 80:80 busybox');
    assert.equal(forwardJumps(host.saveRules()), jumps);
    assert.is(/DOCKER-(?!USER)|MASQUERADE/.test(host.saveRules()), false);
  });
}

// https://github.com/moby/moby/issues/48560: mended in 27.4.
for (const [release, jumps] of [
  ['20.10.24', ['DOCKER-ISOLATION-STAGE-1', 'DOCKER-USER']],
  ['27.3.1', ['DOCKER-ISOLATION-STAGE-1', 'DOCKER-USER']],
  ['27.4.1', ['DOCKER-USER', 'DOCKER-ISOLATION-STAGE-1']],
] as const) {
  UserChain(`${release} that starts while containers run: ${jumps[0]} is first`, () => {
    const { host, script } = testHost(release);
    script('dockerd --live-restore\ndocker run -d -p 80:80 busybox');
    assert.equal(forwardJumps(host.saveRules()), ['DOCKER-USER', 'DOCKER-ISOLATION-STAGE-1']);
    script('systemctl restart docker');
    assert.equal(forwardJumps(host.saveRules()), jumps);
  });
}

UserChain.run();
