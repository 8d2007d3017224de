// The rules of engines since 28.0.0, compared with the golden files of their own tests: rule for rule, in order.
import { suite } from 'uvu';
import type { BridgeNetwork } from '../../docker/firewall/firewall.js';
import { OfflineHost } from '../../docker/offline-host.js';
import { engine, NETWORK, published, rulesOf } from './firewalls.js';
import { assertGolden, iptablerGoldens } from './moby/golden-files.js';

const MIRRORED = { addr: [{ ifname: 'lo' }, { ifname: 'loopback0' }] };

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
    for (const [name, golden] of goldens) {
      const { there, cleaned } = play(release, name);
      assertGolden(there, golden, name);
      const { hairpin, wsl } = /hairpin=(?<hairpin>\w+)(?:.*(?<wsl>,wsl2mirrored=true))?/.exec(name)?.groups ?? {};
      if (cleaned.length === 0 || name === 'no') continue;
      assertGolden(cleaned, goldens.get(`cleaned,hairpin=${hairpin}${wsl ?? ''}`), `${name}, removed`);
    }
  });
}

Goldens.run();
