// The rules of engines since 28.0.0, compared with what their own tests and documentation say: rule for rule, in order.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { BridgeNetwork, Firewall } from '../../docker/firewall/firewall.js';
import { firewallFor } from '../../docker/firewall/index.js';
import type { DaemonOptions, PortBinding } from '../../docker/model.js';
import { OfflineHost } from '../../docker/offline-host.js';
import { parseRelease } from '../../docker/releases.js';
import { documentedRules, iptablerGoldens } from './moby/golden-files.js';

const OPTIONS: DaemonOptions = {
  iptables: true,
  ipForward: true,
  ipForwardNoDrop: false,
  ipMasq: true,
  icc: true,
  userlandProxy: true,
  ip: '0.0.0.0',
  bip: undefined,
  fixedCidr: undefined,
  defaultGateway: undefined,
  bridge: undefined,
  defaultAddressPools: [],
  mtu: 1500,
  liveRestore: false,
  defaultNetworkOptions: {},
  allowDirectRouting: false,
};

const NETWORK: BridgeNetwork = {
  bridge: 'br-dummy',
  subnet: '192.168.0.0/24',
  gateway: '192.168.0.1',
  isDefault: false,
  isInternal: false,
  allowsIcc: true,
  masquerades: true,
  hostAddress: undefined,
  gatewayMode: 'nat',
  trustedInterfaces: [],
};

const MIRRORED = { link: [{ ifname: 'lo' }, { ifname: 'loopback0' }] };

function engine(release: string, host: OfflineHost, options: Partial<DaemonOptions> = {}): Firewall {
  return firewallFor({ release: parseRelease(release), options: { ...OPTIONS, ...options } }, host, []);
}

/** The chains and rules of TABLES on HOST, without policies. */
function rulesOf(host: OfflineHost, ...tables: readonly string[]): string[] {
  const saved = new Map(
    host
      .saveRules()
      .split(/^\*/m)
      .map((text) => [text.split('\n', 1)[0], text.split('\n')]),
  );
  return tables.flatMap((table) => [
    `*${table}`,
    ...(saved.get(table) ?? []).filter((line) => line.startsWith('-A') || /^:\S+ - /.test(line)),
  ]);
}

function published(container: string, hostAddress: string, hostPort: number): PortBinding {
  return { hostAddress, hostPort, containerAddress: container, containerPort: 80, protocol: 'tcp' };
}

const Goldens = suite('golden files of moby');

/** Plays the case that a golden file is called after; returns the rules at its end, and those when all is removed. */
function play(release: string, name: string): { there: string[]; cleaned: string[] } {
  const parts = new Map(name.split(',').map((part) => part.split('=') as [string, string]));
  const is = (part: string): boolean => parts.get(part) === 'true';
  const host = new OfflineHost({ json: is('wsl2mirrored') ? MIRRORED : {} });
  const firewall = engine(release, host, { userlandProxy: !is('hairpin'), iptables: name !== 'no' });
  const network: BridgeNetwork = {
    ...NETWORK,
    isInternal: is('internal'),
    allowsIcc: is('icc'),
    masquerades: is('masq'),
    hostAddress: is('snat') ? '192.168.123.0' : undefined,
    gatewayMode: (parts.get('gwm') ?? 'nat') as BridgeNetwork['gatewayMode'],
  };
  const ports = [published('192.168.0.2', is('bindlh') ? '127.0.0.1' : '0.0.0.0', 8080)];
  firewall.start(false);
  // The golden files were made without what is beside the bridge driver.
  host.iptables(['-D', 'FORWARD', '-j', 'DOCKER-USER']);
  host.iptables(['-F', 'DOCKER-USER']);
  host.iptables(['-X', 'DOCKER-USER']);
  const isCleaned = parts.has('cleaned');
  if (isCleaned) return { there: rulesOf(host, 'raw', 'filter', 'nat'), cleaned: [] };
  firewall.addNetwork(network);
  firewall.addEndpoint(network, '192.168.0.2');
  firewall.addPorts(network, ports);
  const there = rulesOf(host, 'raw', 'filter', 'nat');
  firewall.removePorts(network, ports);
  firewall.removeEndpoint(network, '192.168.0.2');
  firewall.removeNetwork(network);
  return { there, cleaned: rulesOf(host, 'raw', 'filter', 'nat') };
}

for (const [release, cases] of iptablerGoldens()) {
  const goldens = new Map(cases);
  Goldens(`${release}: ${cases.length} combinations of options`, () => {
    for (const [name, rules] of goldens) {
      const { there, cleaned } = play(release, name);
      assert.equal(there, rules, name);
      const { hairpin, wsl } = /hairpin=(?<hairpin>\w+)(?:.*(?<wsl>,wsl2mirrored=true))?/.exec(name)?.groups ?? {};
      if (cleaned.length === 0 || name === 'no') continue;
      assert.equal(cleaned, goldens.get(`cleaned,hairpin=${hairpin}${wsl ?? ''}`), `${name}, removed`);
    }
  });
}

Goldens.run();

const Documentation = suite('rules that moby documents');

const DOCKER0: BridgeNetwork = {
  ...NETWORK,
  bridge: 'docker0',
  subnet: '172.17.0.0/16',
  gateway: '172.17.0.1',
  isDefault: true,
};
const BRIDGE1: BridgeNetwork = { ...NETWORK, bridge: 'bridge1', subnet: '192.0.2.0/24', gateway: '192.0.2.1' };

interface Scenario {
  readonly options?: Partial<DaemonOptions>;
  readonly networks: readonly BridgeNetwork[];
  /** Of a container in the first network. */
  readonly binding?: PortBinding;
}

const PUBLISHED = published('192.0.2.2', '0.0.0.0', 8080);

/** By the name of the page. That of a swarm is left out: swarms are not followed. */
const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'new-daemon': { networks: [] },
  'usernet-portmap': { networks: [BRIDGE1], binding: PUBLISHED },
  'usernet-portmap-noproxy': { options: { userlandProxy: false }, networks: [BRIDGE1], binding: PUBLISHED },
  'usernet-portmap-noicc': { networks: [{ ...BRIDGE1, allowsIcc: false }], binding: PUBLISHED },
  'usernet-portmap-natunprot': { networks: [{ ...BRIDGE1, gatewayMode: 'nat-unprotected' }], binding: PUBLISHED },
  'usernet-portmap-routed': {
    networks: [{ ...BRIDGE1, gatewayMode: 'routed' }],
    binding: { ...PUBLISHED, hostPort: 0 },
  },
  'usernet-portmap-lo': { networks: [BRIDGE1], binding: { ...PUBLISHED, hostAddress: '127.0.0.1' } },
  'usernet-internal': {
    networks: [
      { ...BRIDGE1, bridge: 'bridgeICC', isInternal: true },
      { ...BRIDGE1, bridge: 'bridgeNoICC', subnet: '198.51.100.0/24', isInternal: true, allowsIcc: false },
    ],
  },
};

function addressIn({ subnet }: BridgeNetwork): string {
  return subnet.replace(/\.0\/.*/, '.2');
}

for (const [release, pages] of documentedRules()) {
  Documentation(`${release}: ${pages.length - 1} scenarios`, () => {
    assert.equal(
      pages
        .map(([name]) => name)
        .filter((name) => name !== 'swarm-portmap')
        .sort(),
      Object.keys(SCENARIOS).sort(),
    );
    for (const [name, tables] of pages) {
      if (name === 'swarm-portmap') continue;
      const { options, networks, binding } = SCENARIOS[name];
      const host = new OfflineHost();
      const firewall = engine(release, host, options);
      firewall.start(false);
      firewall.addNetwork(DOCKER0);
      for (const network of networks) {
        firewall.addNetwork(network);
        firewall.addEndpoint(network, addressIn(network));
      }
      if (binding !== undefined) firewall.addPorts(networks[0], [binding]);
      for (const [table, rules] of Object.entries(tables)) {
        const lines = rulesOf(host, table)
          .slice(1)
          .map((line) => line.replace(/^:(\S+) - .*/, '-N $1'));
        assert.equal(lines, rules, `${name}, ${table}`);
      }
    }
  });
}

Documentation.run();
