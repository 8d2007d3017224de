/** What the scripts of `nfreplay snapshot` print of Docker: parts of `docker inspect`, in one of two forms. */
import type { JsonObject } from '../../codecs/host/json-values.js';
import { objectIn, objectsIn, textIn } from '../../codecs/host/lenient-values.js';
import { OPTION } from '../bridge-options.js';
import type { Inspected } from './read-inspect.js';

export interface CompletedInspect {
  readonly inspected: Inspected;
  /** Only containers that run are listed, without their restart policies: the form of the first scripts. */
  readonly isShort: boolean;
  /** For people. */
  readonly assumed: readonly string[];
}

/**
 * INSPECTED of a host with RULES (iptables-save text) and the members of JSON, in the form of `docker inspect`: the
 * short form ends its list of networks with `"":null`, lists the containers that run, the newest one first, and says
 * neither what they were started with nor when.
 */
export function completedInspect(inspected: Inspected, rules: string, json: JsonObject): CompletedInspect {
  const isShort = inspected.containers.some(isShortContainer);
  const isShortNetworks = isShort || inspected.networks.some((network) => network.Created === undefined);
  const containers = inspected.containers.map((one) => (isShortContainer(one) ? fullContainer(one) : one));
  const networks = inspected.networks.map((one) => (isShortNetworks ? withShownOptions(one, rules) : one));
  return {
    inspected: {
      containers: isShort ? containers.reverse() : containers,
      networks: isShortNetworks ? networks.sort((a, b) => indexOf(a, json) - indexOf(b, json)) : networks,
    },
    isShort,
    assumed: isShort
      ? [
          'containers were started with the ports that they publish now, in the order in which they were made',
          'networks have the options that the rules show',
        ]
      : [],
  };
}

function isShortContainer({ State, HostConfig }: JsonObject): boolean {
  return State === undefined && HostConfig === undefined;
}

function fullContainer(container: JsonObject): JsonObject {
  const settings = objectIn(container.NetworkSettings);
  const networks = Object.fromEntries(Object.entries(objectIn(settings.Networks)).filter(([name]) => name !== ''));
  const [first] = Object.keys(networks);
  const isShared = first === undefined;
  return {
    ...container,
    // Only `docker ps` was asked, which lists those that run.
    State: { Running: isShared || isConnected(networks) },
    HostConfig: {
      NetworkMode: isShared ? 'none' : first,
      PortBindings: settings.Ports,
      RestartPolicy: { Name: 'unknown' },
    },
    NetworkSettings: { ...settings, Networks: networks },
  };
}

function isConnected(networks: JsonObject): boolean {
  return Object.entries(networks).some(
    ([name, end]) => name === 'host' || name === 'none' || textIn(objectIn(end).IPAddress) !== undefined,
  );
}

/** NETWORK with the options of its bridge that RULES tell. */
function withShownOptions(network: JsonObject, rules: string): JsonObject {
  const bridge = bridgeOf(network);
  if (bridge === undefined) return network;
  const within = new RegExp(`-i ${bridge} -o ${bridge} -j (ACCEPT|DROP)$`, 'm').exec(rules)?.[1];
  if (within === undefined) return network;
  const [config] = objectsIn(objectIn(network.IPAM).Config);
  const masquerades = rules.includes(`-s ${textIn(config?.Subnet)} ! -o ${bridge} -j MASQUERADE`);
  const shown = {
    ...(within === 'DROP' ? { [OPTION.icc]: 'false' } : {}),
    ...(masquerades || network.Internal === true ? {} : { [OPTION.masquerade]: 'false' }),
  };
  return { ...network, Options: { ...shown, ...objectIn(network.Options) } };
}

/** The name of the bridge of NETWORK. */
function bridgeOf({ Driver, Id, Options }: JsonObject): string | undefined {
  if (Driver !== 'bridge') return undefined;
  return textIn(objectIn(Options)[OPTION.bridgeName]) ?? `br-${(textIn(Id) ?? '').slice(0, 12)}`;
}

/** Bridges get their numbers as they are made. */
function indexOf(network: JsonObject, json: JsonObject): number {
  const bridge = bridgeOf(network);
  const link = objectsIn(json.addr).find(({ ifname }) => ifname === bridge);
  return typeof link?.ifindex === 'number' ? link.ifindex : 0;
}

/** What `docker info` says, which newer scripts put beside each network. */
export function shownEngine({ networks }: Inspected): { release: string | undefined; liveRestore: boolean } {
  const engine = objectIn(networks.find(({ Engine }) => Engine !== undefined)?.Engine);
  const [release] = /^\d+\.\d+\.\d+/.exec(textIn(engine.Version) ?? '') ?? [];
  return { release, liveRestore: engine.LiveRestore === true };
}
