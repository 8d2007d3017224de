/**
 * What a Docker engine knows of its networks and containers: plain data, which docker.json keeps between commands.
 * Addresses and prefixes are text, as Docker prints them. Only IPv4 is modelled.
 */
import type { Backend } from '../core/rules/model.js';

/** The options of dockerd, by its own names (man dockerd, daemon.json), with its defaults filled in. */
export interface DaemonOptions {
  readonly iptables: boolean;
  readonly ipForward: boolean;
  /** `--ip-forward-no-drop` (since 28). */
  readonly ipForwardNoDrop: boolean;
  readonly ipMasq: boolean;
  /** Of the default bridge. */
  readonly icc: boolean;
  readonly userlandProxy: boolean;
  /** `--ip`: the host address to which ports are published that name none. */
  readonly ip: string;
  /** `--bip`: address and length of docker0; undefined: the engine chooses. */
  readonly bip: string | undefined;
  readonly fixedCidr: string | undefined;
  readonly defaultGateway: string | undefined;
  /** `--bridge`: undefined for docker0, 'none' for no default network, else a bridge that exists. */
  readonly bridge: string | undefined;
  readonly defaultAddressPools: readonly AddressPool[];
  readonly mtu: number;
  readonly liveRestore: boolean;
  /** `--default-network-opt bridge=NAME=VALUE`. */
  readonly defaultNetworkOptions: Readonly<Record<string, string>>;
  /** `--allow-direct-routing` (since 28.2). */
  readonly allowDirectRouting: boolean;
  /** `--bridge-accept-fwmark` (since 29): a mark, or mark/mask, of packets that may reach every container. */
  readonly bridgeAcceptFwMark?: string | undefined;
  /** `--firewall-backend` (since 29); undefined: iptables. */
  readonly firewallBackend?: string | undefined;
}

export interface AddressPool {
  /** A prefix, such as `10.0.0.0/8`. */
  readonly base: string;
  /** The length of the networks that are taken from it. */
  readonly size: number;
}

export interface IpamSubnet {
  /** A prefix; undefined: the engine takes one from its pools. */
  readonly subnet: string | undefined;
  /** The prefix that containers get addresses from. */
  readonly range: string | undefined;
  readonly gateway: string | undefined;
  /** Addresses that are not given to containers, by name. */
  readonly reserved: Readonly<Record<string, string>>;
}

/** A network as somebody asks for it. */
export interface NetworkSpec {
  readonly name: string;
  /** bridge, or one that is refused by name. */
  readonly driver: string;
  readonly isInternal: boolean;
  readonly ipam: readonly IpamSubnet[];
  /** Options of the driver, such as `com.docker.network.bridge.enable_icc`. */
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

export type Protocol = 'tcp' | 'udp' | 'sctp';

/** Inclusive. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** `-p`, `ports:`: a published port, or a range of them. */
export interface PortSpec {
  /** Undefined: the engine's, or the network's, choice. */
  readonly hostAddress: string | undefined;
  /** Undefined: the engine chooses. Longer than `container`: it chooses one of them. */
  readonly host: PortRange | undefined;
  readonly container: PortRange;
  readonly protocol: Protocol;
}

/** How a container takes part in a network, as somebody asks for it. */
export interface EndpointSpec {
  /** Name or id of the network. */
  readonly network: string;
  readonly address: string | undefined;
  readonly mac: string | undefined;
  readonly aliases: readonly string[];
  /** `gw-priority` (since 28). */
  readonly gatewayPriority: number;
}

/** `unknown`: of a host whose description does not tell it. */
export type RestartPolicy = 'no' | 'always' | 'unless-stopped' | 'on-failure' | 'unknown';

/** A container as somebody asks for it. */
export interface ContainerSpec {
  /** Undefined: the engine chooses. */
  readonly name: string | undefined;
  readonly image: string;
  readonly hostname: string | undefined;
  /** `host` and `none` have no endpoints; `container:NAME` shares those of another. */
  readonly networkMode: 'networks' | 'host' | 'none' | `container:${string}`;
  /** In the order in which they are connected; the default bridge is called `bridge`. */
  readonly endpoints: readonly EndpointSpec[];
  readonly ports: readonly PortSpec[];
  readonly exposed: readonly Omit<PortSpec, 'hostAddress' | 'host'>[];
  /** `-P`: publishes what is exposed. */
  readonly publishesAll: boolean;
  readonly restart: RestartPolicy;
  /** Legacy links to containers on the default bridge, by name. */
  readonly links: readonly string[];
  /** `--rm`. */
  readonly isRemovedWhenStopped: boolean;
  readonly labels: Readonly<Record<string, string>>;
}

/** A network that there is. */
export interface NetworkState {
  readonly spec: NetworkSpec;
  /** 64 hexadecimal digits. */
  readonly id: string;
  /** The name of its bridge; undefined for host and none. */
  readonly bridge: string | undefined;
  /** With the subnet, and the gateway unless it has none. */
  readonly subnet: string | undefined;
  readonly gateway: string | undefined;
  /** Which addresses are given out: the next one is the lowest that is free. */
  readonly addressing: AddressingState | undefined;
}

/** The name of the network that containers are on if they ask for none. */
export const DEFAULT_NETWORK = 'bridge';

export function isDefault({ spec }: NetworkState): boolean {
  return spec.name === DEFAULT_NETWORK;
}

/** What a pool of addresses remembers. */
export interface AddressingState {
  /** Given out, in ascending order. */
  readonly taken: readonly string[];
}

/** A port that is published. */
export interface PortBinding {
  readonly hostAddress: string;
  readonly hostPort: number;
  readonly containerAddress: string;
  readonly containerPort: number;
  readonly protocol: Protocol;
}

/** A container's part in a network. Without `address` it is not connected now. */
export interface EndpointState {
  readonly spec: EndpointSpec;
  readonly id: string;
  readonly address: string | undefined;
  readonly mac: string | undefined;
  /** The host's end of the veth pair. */
  readonly veth: string | undefined;
  /** Legacy links, by the ids of endpoints: who this one may reach, and who may reach it. Undefined: none. */
  readonly linked?: { readonly children: readonly string[]; readonly parents: readonly string[] };
  readonly bindings: readonly PortBinding[];
}

export interface ContainerState {
  readonly spec: ContainerSpec;
  readonly name: string;
  readonly id: string;
  readonly isRunning: boolean;
  /** By somebody, so that `unless-stopped` does not start it again. */
  readonly wasStopped: boolean;
  readonly endpoints: readonly EndpointState[];
}

/** What an engine remembers until it stops, and the kernel until it boots. */
export interface EngineMemory {
  /** Which pool is tried first for the next network (18.06 to 26). */
  readonly nextPool: number;
  /** The last host port that was chosen, by `ADDRESS/PROTOCOL FIRST-LAST`. */
  readonly lastPorts: Readonly<Record<string, number>>;
  /** The last ifindex that the kernel has given out; 0: the highest of the interfaces that there are. */
  readonly lastIfindex: number;
}

/** What a real engine drew at random, in its order: an engine that is compared with it draws the same. */
export interface Drawn {
  /** Ids, by `network NAME` and `container NAME`. */
  readonly ids: Readonly<Record<string, readonly string[]>>;
  /** One for each time that the engine starts again. */
  readonly restarts: readonly DrawnRestart[];
}

/** Names, in the order in which an engine that started again restored its networks, and started containers again. */
export interface DrawnRestart {
  readonly networks: readonly string[];
  readonly containers: readonly string[];
}

/** All of an engine and of the host that it runs on, but for the host's own description. */
export interface DockerState {
  readonly schema: 1;
  /** Such as `28.5.2`. */
  readonly release: string;
  readonly backend: Backend;
  readonly options: DaemonOptions;
  readonly isRunning: boolean;
  /** In the order in which they were made. */
  readonly networks: readonly NetworkState[];
  readonly containers: readonly ContainerState[];
  /** How many ids and names were chosen, so that the next ones are others. */
  readonly chosen: number;
  /** What will be drawn before anything is chosen. */
  readonly drawn?: Drawn;
  /** Undefined: nothing. */
  readonly memory?: EngineMemory;
  /** What the iptables service loads when it starts (/etc/sysconfig/iptables): iptables-save text; undefined: none. */
  readonly savedRules: string | undefined;
  /** Which rules belong to another tool, by its name: `ufw`, `firewalld`; iptables-save text. */
  readonly otherRules: Readonly<Record<string, string>>;
}
