// A host with an engine, and the commands that are typed there.
import { parseScript } from '../../../docker/commands/script.js';
import { type CommandResult, type DockerHost, dockerHost, newDockerState } from '../../../docker/docker-host.js';
import { OfflineHost } from '../../../docker/offline-host.js';
import { parseRelease } from '../../../docker/releases.js';

export interface TestHost {
  readonly host: OfflineHost;
  readonly docker: DockerHost;
  /** Carries out LINE; the result of its last command. */
  type(line: string): CommandResult;
  /** Carries out LINES, none of which may fail. */
  script(lines: string): void;
  /** The addresses of the container NAME, by its networks. */
  addresses(name: string): Record<string, string | undefined>;
  /** The published ports of the container NAME: `0.0.0.0:80->172.17.0.2:80/tcp`. */
  ports(name: string): string[];
  subnet(network: string): string | undefined;
}

const ETH0 = {
  ifindex: 2,
  ifname: 'eth0',
  flags: ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'],
  mtu: 1500,
  link_type: 'ether',
  address: '02:00:00:00:00:01',
  addr_info: [{ family: 'inet', local: '192.0.2.10', prefixlen: 24, broadcast: '192.0.2.255', scope: 'global' }],
};
const LO = { ifindex: 1, ifname: 'lo', flags: ['LOOPBACK', 'UP', 'LOWER_UP'], addr_info: [] };
const JSON_OF_HOST = {
  addr: [LO, ETH0],
  route: [
    { dst: 'default', gateway: '192.0.2.1', dev: 'eth0', flags: [] },
    { dst: '192.0.2.0/24', dev: 'eth0', protocol: 'kernel', scope: 'link', prefsrc: '192.0.2.10', flags: [] },
  ],
  sysctl: { 'net.ipv4.ip_forward': 1 },
};

/** A host with eth0 192.0.2.10/24 and an engine of RELEASE, which has not started; MORE: members of its host.json. */
export function testHost(release: string, more: object = {}): TestHost {
  const host = new OfflineHost({ json: { ...JSON_OF_HOST, ...more } });
  const docker = dockerHost(newDockerState(release, 'nft'), host);
  const type = (line: string): CommandResult => {
    const { commands, faults } = parseScript(line, 'script', {
      release: parseRelease(release),
      pathOf: ({ text }) => text,
      readText: () => '',
      composeProject: () => {
        throw new Error('no project');
      },
    });
    if (faults.length > 0) throw faults[0];
    return commands.map((command) => docker.carryOut(command)).at(-1) as CommandResult;
  };
  const containerOf = (name: string) => docker.state.containers.find((container) => container.name === name);
  return {
    host,
    docker,
    type,
    script(lines) {
      for (const line of lines.trim().split('\n')) {
        const { exitCode, stderr } = type(line.trim());
        if (exitCode !== 0) throw new Error(`${line}: ${stderr}`);
      }
    },
    addresses: (name) =>
      Object.fromEntries((containerOf(name)?.endpoints ?? []).map(({ spec, address }) => [spec.network, address])),
    ports: (name) =>
      (containerOf(name)?.endpoints ?? []).flatMap(({ bindings }) =>
        bindings.map((b) => `${b.hostAddress}:${b.hostPort}->${b.containerAddress}:${b.containerPort}/${b.protocol}`),
      ),
    subnet: (network) => docker.state.networks.find(({ spec }) => spec.name === network)?.subnet,
  };
}
