// Engines that only docker inspect tells of: the rules that they write are those of the hosts that it was printed on.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { HostError } from '../../../codecs/host/error.js';
import { UnsupportedError } from '../../../docker/error.js';
import { withVeths } from '../../../docker/inspect/container-veths.js';
import { inspectedEngine, likelyRelease } from '../../../docker/inspect/inspected-state.js';
import { readInspected } from '../../../docker/inspect/read-inspect.js';
import { type MadeDockerHost, makeDockerHost } from '../../../replay/docker/make-docker-host.js';
import { NotFollowedError } from '../../../replay/errors.js';
import { ruleDifferences } from '../compare-rules.js';

const FOLDER = 'test/docker/inspect';

const Inspect = suite('docker inspect');

for (const [name, options] of [
  ['networks-20.10', { daemonOptions: '--userland-proxy=false' }],
  ['networks-28.5', { daemonOptions: '--userland-proxy=false' }],
  ['article-20.10', { firewallPath: `${FOLDER}/saved.v4` }],
  ['article-28.5', { firewallPath: `${FOLDER}/saved.v4` }],
] as const) {
  Inspect(`${name} has the rules that its engine wrote`, () => {
    const release = name.split('-')[1];
    const given = { source: `${FOLDER}/${name}.txt`, release, wasForwarding: true, ...options };
    const { state, host, failed } = makeDockerHost(given);
    assert.equal(failed, []);
    assert.equal(ruleDifferences(readFileSync(`${FOLDER}/${name}.v4`, 'utf8'), host.saveRules()), []);
    const shown = readInspected(readFileSync(given.source, 'utf8'), given.source);
    const addresses = shown.containers.flatMap(({ Name, NetworkSettings }) =>
      Object.values(
        (NetworkSettings as { Networks: Record<string, { IPAddress: string; MacAddress: string }> }).Networks,
      )
        .filter(({ IPAddress }) => IPAddress !== '')
        .map(({ IPAddress, MacAddress }) => `${String(Name).slice(1)} ${IPAddress} ${MacAddress}`),
    );
    const found = state.containers.flatMap(({ name: container, endpoints }) =>
      endpoints
        .filter(({ address }) => address !== undefined)
        .map(({ address, mac }) => `${container} ${address} ${mac}`),
    );
    assert.equal(found.sort(), addresses.sort());
  });
}

Inspect('the release is guessed from what is printed', () => {
  const read = (name: string) => readInspected(readFileSync(`${FOLDER}/${name}.txt`, 'utf8'), name);
  assert.is(likelyRelease(read('article-20.10')), '24');
  assert.is(likelyRelease(read('article-28.5')), undefined);
});

const container = (network: string, more = {}) => ({
  Id: 'c'.repeat(64),
  Name: '/web',
  State: { Running: true, StartedAt: '2026-11-27T07:00:00.5Z' },
  HostConfig: { NetworkMode: network },
  NetworkSettings: {
    Ports: {
      '80/tcp': [
        { HostIp: '0.0.0.0', HostPort: '8080' },
        { HostIp: '::', HostPort: '8080' },
      ],
    },
    Networks: {
      [network]: { NetworkID: 'n'.repeat(64), IPAddress: '172.30.4.2', IPPrefixLen: 24, Gateway: '172.30.4.1' },
    },
  },
  ...more,
});

Inspect('a network that nobody inspected is what its containers tell of it', () => {
  const engine = inspectedEngine({ containers: [container('shop_default')], networks: [] });
  const [network] = engine.networks;
  assert.equal(
    [network.bridge, network.subnet, network.gateway],
    [`br-${'n'.repeat(12)}`, '172.30.4.0/24', '172.30.4.1'],
  );
  assert.equal(engine.notes, [
    'of network shop_default only what its containers tell is known: its options may be others',
    '[::]:8080 of web is published too, and IPv6 is not followed',
  ]);
  const [{ bindings }] = engine.containers[0].endpoints;
  assert.equal(bindings, [
    { hostAddress: '0.0.0.0', hostPort: 8080, containerAddress: '172.30.4.2', containerPort: 80, protocol: 'tcp' },
  ]);
});

Inspect('a container on a network of another driver is refused', () => {
  const networks = [{ Name: 'lan', Id: 'n'.repeat(64), Driver: 'macvlan', IPAM: { Config: [] } }];
  assert.throws(
    () => inspectedEngine({ containers: [container('lan')], networks }),
    (error: unknown) => error instanceof UnsupportedError && error.message.includes('macvlan'),
  );
});

for (const [text, message] of [
  ['[{ "RepoTags": [], "Id": "x" }]', 'in.txt:1:1: this is an image; expected what docker inspect CONTAINER…'],
  ['hello', 'in.txt:1:1: expected the output of docker inspect, found "hello"'],
  ['$ docker inspect web\n[\n  { "Id": "x", }\n]', 'in.txt:3:16: not JSON: '],
  ['[{"Name": "a", "IPAM": {}}', 'in.txt:1:27: not JSON: '],
] as const) {
  Inspect(`${JSON.stringify(text)} is refused`, () => {
    assert.throws(
      () => readInspected(text, 'in.txt'),
      (error: unknown) => error instanceof HostError && error.message.startsWith(message),
    );
  });
}

Inspect('veths are those of the container that has the other ends', () => {
  const networks = ['a', 'b'].map((name) => ({
    Name: name,
    Id: name.repeat(64),
    Driver: 'bridge',
    IPAM: { Config: [] },
  }));
  const on = (name: string, second: number, names: readonly string[]) => ({
    ...container(names[0]),
    Name: `/${name}`,
    State: { Running: true, StartedAt: `2026-11-27T07:00:0${second}Z` },
    NetworkSettings: { Ports: {}, Networks: Object.fromEntries(names.map((one) => [one, { IPAddress: '10.0.0.2' }])) },
  });
  const engine = inspectedEngine({ containers: [on('two', 2, ['b']), on('one', 1, ['a', 'b'])], networks });
  const port = (ifindex: number, bridge: string, link_netnsid: number) => ({
    ifindex,
    ifname: `veth${ifindex}`,
    master: `br-${bridge.repeat(12)}`,
    link_netnsid,
  });
  // The second network of the first container was connected after the other container had started.
  const addr = [port(9, 'b', 5), port(7, 'a', 5), port(8, 'b', 6), { ifindex: 2, ifname: 'eth0', link_netnsid: 0 }];
  const found = withVeths(engine.containers, engine.networks, { addr }).flatMap(({ name, endpoints }) =>
    endpoints.map(({ spec, veth }) => `${name} ${spec.network} ${veth}`),
  );
  assert.equal(found, ['one a veth7', 'one b veth9', 'two b veth8']);
});

/** The two forms that scripts of `nfreplay snapshot` have printed, on the same host at the same moment. */
const snapshot = (form: 'first' | 'full', ...runs: readonly string[]): MadeDockerHost =>
  makeDockerHost({ source: `${FOLDER}/snapshot-20.10-${form}.txt`, runs, release: '20.10.24' });

for (const form of ['first', 'full'] as const) {
  Inspect(`a snapshot of the ${form} form tells which containers run, and where`, () => {
    const { state, assumed } = makeDockerHost({ source: `${FOLDER}/snapshot-20.10-${form}.txt` });
    const shown = state.containers
      .filter(({ isRunning }) => isRunning)
      .map(({ name, endpoints }) => `${name} ${endpoints.map(({ spec, address }) => `${spec.network} ${address}`)}`);
    assert.equal(shown, ['db shop 172.18.0.2', 'web shop 172.18.0.3']);
    assert.equal(
      state.networks.map(({ spec }) => spec.name).filter((name) => name !== 'host' && name !== 'none'),
      ['bridge', 'shop', 'back'],
    );
    const release = form === 'full' ? 'Docker 20.10.24, which' : 'Docker 27.5.1, the newest whose rules are like these';
    assert.ok(assumed[0].startsWith(release), assumed[0]);
  });

  for (const [name, runs] of [
    ['stopped', ['docker stop web']],
    ['started', ['docker stop web', 'docker start web']],
    ['restarted', ['docker stop web', 'docker start web', 'docker restart web']],
    ['restarted', ['docker restart web']],
  ] as const) {
    Inspect(`${runs.join(', ')} on a snapshot of the ${form} form leaves the rules of its engine`, () => {
      const { host, failed } = snapshot(form, ...runs);
      assert.equal(failed, []);
      assert.equal(ruleDifferences(readFileSync(`${FOLDER}/snapshot-20.10-${name}.v4`, 'utf8'), host.saveRules()), []);
    });
  }
}

Inspect('an engine of a snapshot restarts, with the containers that it had stopped, and starts them when asked', () => {
  const { host, failed } = snapshot('full', 'systemctl restart docker');
  assert.equal(failed, []);
  const wanted = readFileSync(`${FOLDER}/snapshot-20.10-docker-restarted.v4`, 'utf8');
  assert.equal(ruleDifferences(wanted, host.saveRules()), []);
  const once = snapshot('full', 'systemctl restart docker', 'docker start once');
  assert.equal(once.failed, []);
  assert.equal(ruleDifferences(readFileSync(`${FOLDER}/snapshot-20.10-once.v4`, 'utf8'), once.host.saveRules()), []);
});

for (const [run, message] of [
  ['systemctl restart docker', 'whether db, web would start again is not known'],
  ['docker start once', 'No such container: once: containers that do not run are not in this description'],
] as const) {
  Inspect(`${run} is refused where a snapshot of the first form does not tell enough`, () => {
    assert.throws(
      () => snapshot('first', run),
      (error: unknown) => error instanceof NotFollowedError && error.message.includes(message),
    );
  });
}

Inspect('two files of docker inspect are one host, and those of different kinds none', () => {
  const dir = mkdtempSync(join(tmpdir(), 'nfreplay-'));
  const { containers, networks } = readInspected(readFileSync(`${FOLDER}/article-20.10.txt`, 'utf8'), 'a');
  const [one, other] = [join(dir, 'containers.json'), join(dir, 'networks.json')];
  writeFileSync(one, JSON.stringify(containers));
  writeFileSync(other, JSON.stringify(networks));
  const options = { firewallPath: `${FOLDER}/saved.v4`, release: '20.10', wasForwarding: true };
  const { host } = makeDockerHost({ source: one, moreSources: [other], ...options });
  assert.equal(ruleDifferences(readFileSync(`${FOLDER}/article-20.10.v4`, 'utf8'), host.saveRules()), []);
  assert.throws(() => makeDockerHost({ source: one, moreSources: ['compose.yaml'] }), /expected several compose files/);
  rmSync(dir, { recursive: true });
});

Inspect.run();
