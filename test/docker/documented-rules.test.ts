// The rules that Docker's own documentation prints, of 27 and of each release that has changed them, in their order.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { BridgeNetwork } from '../../docker/firewall/firewall.js';
import type { DaemonOptions, PortBinding } from '../../docker/model.js';
import { OfflineHost } from '../../docker/offline-host.js';
import { engine, NETWORK, published, rulesOf } from './firewalls.js';
import { documentedRules } from './moby/golden-files.js';

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

/** What the page is about in 27. */
const SCENARIOS_OF_27: Readonly<Record<string, Scenario>> = {
  ...SCENARIOS,
  'usernet-internal': { networks: [{ ...BRIDGE1, isInternal: true }] },
};

function addressIn({ subnet }: BridgeNetwork): string {
  return subnet.replace(/\.0\/.*/, '.2');
}

for (const [release, pages] of documentedRules()) {
  const followed = pages.filter(([name]) => name !== 'swarm-portmap');
  Documentation(`${release}: ${followed.length} scenarios`, () => {
    for (const [name, tables] of followed) {
      const { options, networks, binding } = (release === '27.5.1' ? SCENARIOS_OF_27 : SCENARIOS)[name];
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
