/** Engines that write rules on a host without packets, and what they write. */
import { DEFAULT_OPTIONS } from '../../docker/engine/daemon.js';
import type { BridgeNetwork, Firewall } from '../../docker/firewall/firewall.js';
import { firewallFor } from '../../docker/firewall/index.js';
import type { DaemonOptions, PortBinding } from '../../docker/model.js';
import type { OfflineHost } from '../../docker/offline-host.js';
import { parseRelease } from '../../docker/releases.js';

/** A network that says nothing about its options. */
export const NETWORK: BridgeNetwork = {
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

export function engine(release: string, host: OfflineHost, options: Partial<DaemonOptions> = {}): Firewall {
  return firewallFor({ release: parseRelease(release), options: { ...DEFAULT_OPTIONS, ...options } }, host, []);
}

/** The chains and rules of TABLES on HOST, without policies. */
export function rulesOf(host: OfflineHost, ...tables: readonly string[]): string[] {
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

/** Port 80 of CONTAINER. */
export function published(container: string, hostAddress: string, hostPort: number): PortBinding {
  return { hostAddress, hostPort, containerAddress: container, containerPort: 80, protocol: 'tcp' };
}
