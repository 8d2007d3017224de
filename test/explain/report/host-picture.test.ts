/** What is drawn of a host: interfaces as `ip addr` shows them, Docker networks and containers as docker.json does. */
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadHost } from '../../../core/host/host.js';
import { parseDockerState } from '../../../docker/state-file.js';
import { hostPicture } from '../../../explain/report/host-picture.js';

const picture = suite('picture of the host');

const CASE = 'pcaps/article-restart';
const hostOfCase = () => loadHost(readFileSync(`${CASE}/host.json`, 'utf8'), 'host.json');
const docker = parseDockerState(readFileSync(`${CASE}/docker.json`, 'utf8'), 'docker.json');

function link(name: string, address?: string, more: object = {}): object {
  const [local, length] = (address ?? '').split('/');
  return {
    ...{ ifname: name, flags: ['UP', 'LOWER_UP'], link_type: 'ether', address: '02:00:00:00:00:07', mtu: 1500 },
    addr_info: address === undefined ? [] : [{ family: 'inet', local, prefixlen: Number(length), scope: 'global' }],
    ...more,
  };
}

function hostWith(...addr: readonly object[]) {
  return loadHost(JSON.stringify({ addr, route: [], neigh: [] }), 'host.json');
}

picture('names the network of a bridge, and the container behind it', () => {
  const { interfaces, securityPriority } = hostPicture(hostOfCase(), new Map(), { docker });
  const bridge = interfaces.find(({ name }) => name === 'docker0')!;
  assert.is(bridge.network, 'bridge');
  assert.equal(bridge.addresses, ['172.17.0.1/16']);
  assert.equal(bridge.neighbours, [{ name: 'redistest', address: '172.17.0.2' }]);
  assert.is(interfaces[0].isLoopback, true);
  assert.is(interfaces.find(({ name }) => name.startsWith('veth'))?.bridge, 'docker0');
  assert.is(securityPriority, 50);
});

picture('puts names behind the interface with the longest prefix, and not those of the host itself', () => {
  const host = hostWith(link('wan0', '10.0.0.1/8'), link('lan0', '10.1.2.1/24'));
  const names = new Map([
    ['10.1.2.9', 'printer'],
    ['10.9.9.9', 'far'],
    ['10.1.2.1', 'router'],
    ['192.0.2.1', 'nowhere'],
  ]);
  const { interfaces } = hostPicture(host, names);
  const neighbours = Object.fromEntries(interfaces.map((one) => [one.name, one.neighbours]));
  assert.equal(neighbours.lan0, [{ name: 'printer', address: '10.1.2.9' }]);
  assert.equal(neighbours.wan0, [{ name: 'far', address: '10.9.9.9' }]);
});

picture('tells VLANs from what they are based on, and the other priority of security with iptables-nft', () => {
  const vlan = link('eth0.7', '192.0.2.1/24', { link: 'eth0', linkinfo: { info_kind: 'vlan', info_data: { id: 7 } } });
  const { interfaces, securityPriority } = hostPicture(hostWith(link('eth0'), vlan), new Map(), { backend: 'nft' });
  const { kind, lower, vlanId } = interfaces.find(({ name }) => name === 'eth0.7')!;
  assert.equal({ kind, lower, vlanId }, { kind: 'vlan', lower: 'eth0', vlanId: 7 });
  assert.is(securityPriority, 150);
});

picture('keeps what was there before the host changed', () => {
  const host = hostOfCase();
  const before = hostPicture(host, new Map(), { docker });
  host.expect(['br-0123456789ab']);
  const stopped = { ...docker, containers: [] };
  const { interfaces } = hostPicture(host, new Map(), { docker: stopped, before });
  assert.equal(interfaces.find(({ name }) => name === 'docker0')?.neighbours[0]?.name, 'redistest');
  assert.is(interfaces.at(-1)?.isTemporary, true);
  assert.is(interfaces[0].isTemporary, undefined);
});

picture.run();
