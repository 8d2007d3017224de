// docker compose on an engine: what stays, what is made anew, what goes.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ComposeProject, ComposeService } from '../../../docker/commands/action.js';
import type { ContainerSpec, NetworkSpec } from '../../../docker/model.js';
import { type TestHost, testHost } from './hosts.js';

const Compose = suite('docker compose on an engine');

const NETWORK: NetworkSpec = {
  name: 'shop_default',
  driver: 'bridge',
  isInternal: false,
  ipam: [],
  options: {},
  labels: {},
};

function container(name: string, hostPort: number, network = NETWORK.name): ContainerSpec & { name: string } {
  const port = { first: hostPort, last: hostPort };
  const endpoint = { network, address: undefined, mac: undefined, aliases: [], gatewayPriority: 0 };
  return {
    name,
    image: 'busybox',
    hostname: undefined,
    networkMode: 'networks',
    endpoints: [endpoint],
    ports: [{ hostAddress: undefined, host: port, container: { first: 80, last: 80 }, protocol: 'tcp' }],
    exposed: [],
    publishesAll: false,
    restart: 'no',
    links: [],
    isRemovedWhenStopped: false,
    labels: {},
  };
}

function project(...services: ComposeService[]): ComposeProject {
  return { name: 'shop', networks: [{ spec: NETWORK, isExternal: false }], services, notes: [] };
}

const WEB: ComposeService = { name: 'web', containers: [container('shop-web-1', 8080)] };
const DB: ComposeService = { name: 'db', containers: [container('shop-db-1', 8081)] };

type Kind = 'compose stop' | 'compose start' | 'compose restart' | 'compose down';

function up({ docker }: TestHost, wanted: ComposeProject, removesOrphans = false): string {
  const action = { kind: 'compose up', project: wanted, removesOrphans } as const;
  const { exitCode, stderr } = docker.carryOut({ action, words: [], file: 'test', notes: [] });
  assert.is(exitCode, 0, stderr);
  return stderr;
}

function does({ docker }: TestHost, kind: Kind, wanted: ComposeProject): string {
  return docker.carryOut({ action: { kind, project: wanted }, words: [], file: 'test', notes: [] }).stderr;
}

function started(): TestHost {
  const host = testHost('28.5.2');
  host.script('dockerd');
  return host;
}

const names = ({ docker }: TestHost): string[] =>
  docker.state.containers.map(({ name, isRunning }) => `${name}${isRunning ? '' : ' stopped'}`);

Compose('up makes the network and starts the services in their order', () => {
  const host = started();
  const said = up(host, project(DB, WEB));
  assert.match(said, /Network shop_default {2}Created\n.*Container shop-db-1 {2}Created/s);
  assert.is(host.subnet('shop_default'), '172.18.0.0/16');
  assert.equal(
    [host.ports('shop-db-1'), host.ports('shop-web-1')],
    [['0.0.0.0:8081->172.18.0.2:80/tcp'], ['0.0.0.0:8080->172.18.0.3:80/tcp']],
  );
});

Compose('what has not changed stays, what has is made anew', () => {
  const host = started();
  up(host, project(DB, WEB));
  const id = host.docker.state.containers[0].id;
  const changed = { name: 'web', containers: [container('shop-web-1', 9090)] };
  const said = up(host, project(DB, changed));
  assert.match(said, /Container shop-db-1 {2}Running\nContainer shop-web-1 {2}Recreated/);
  assert.is(host.docker.state.containers[0].id, id);
  assert.equal(host.ports('shop-web-1'), ['0.0.0.0:9090->172.18.0.3:80/tcp']);
  assert.not.match(host.host.saveRules(), /--dport 8080/);
});

Compose('a container of a service that is gone is said to be an orphan, or removed', () => {
  const host = started();
  up(host, project(DB, WEB));
  assert.match(up(host, project(WEB)), /Found orphan containers \(\[shop-db-1\]\)/);
  assert.equal(names(host), ['shop-db-1', 'shop-web-1']);
  assert.match(up(host, project(WEB), true), /Container shop-db-1 {2}Removed/);
  assert.equal(names(host), ['shop-web-1']);
});

Compose('fewer replicas: the surplus goes', () => {
  const host = started();
  const two = { name: 'web', containers: [container('shop-web-1', 8080), container('shop-web-2', 8082)] };
  up(host, project(two));
  up(host, project(WEB));
  assert.equal(names(host), ['shop-web-1']);
});

Compose('a network that has changed is made anew, with the containers on it', () => {
  const host = started();
  up(host, project(DB, WEB));
  const spec = { ...NETWORK, isInternal: true };
  const said = up(host, { ...project(DB, WEB), networks: [{ spec, isExternal: false }] });
  assert.match(said, /Network shop_default {2}Removed\nNetwork shop_default {2}Created/);
  assert.equal(names(host), ['shop-db-1', 'shop-web-1']);
  assert.equal(host.ports('shop-web-1'), []);
});

Compose('stop, start, restart and down', () => {
  const host = started();
  up(host, project(DB, WEB));
  does(host, 'compose stop', project(DB, WEB));
  assert.equal(names(host), ['shop-db-1 stopped', 'shop-web-1 stopped']);
  does(host, 'compose start', project(DB, WEB));
  does(host, 'compose restart', project(DB, WEB));
  assert.equal(names(host), ['shop-db-1', 'shop-web-1']);
  assert.match(does(host, 'compose down', project(DB, WEB)), /Network shop_default {2}Removed/);
  assert.equal(names(host), []);
  assert.is(host.subnet('shop_default'), undefined);
});

Compose('an external network has to be there', () => {
  const host = started();
  const wanted = { ...project(WEB), networks: [{ spec: NETWORK, isExternal: true }] };
  const action = { kind: 'compose up', project: wanted, removesOrphans: false } as const;
  const failed = host.docker.carryOut({ action, words: [], file: 'test', notes: [] });
  assert.is(failed.exitCode, 1);
  assert.match(failed.stderr, /network shop_default declared as external, but could not be found/);
});

Compose.run();
