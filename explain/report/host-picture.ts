/** The host of a replay, as far as it can be drawn: its interfaces, and who is behind them. */
import { type Address, parseAddress } from '../../codecs/address.js';
import type { HostDescription, LinkDescription } from '../../codecs/host/description.js';
import type { Host } from '../../core/host/host.js';
import type { Interface } from '../../core/host/interfaces.js';
import type { Backend } from '../../core/rules/model.js';
import type { DockerState } from '../../docker/model.js';
import type { Names } from '../../replay/names.js';
import type { HostPicture, InterfacePicture } from './format/host-picture.js';

export interface PictureSources {
  /** The iptables that the host has; legacy if it is left out. */
  readonly backend?: Backend;
  /** What its Docker engine knows. */
  readonly docker?: DockerState | undefined;
  /** The picture before it changed: what has gone since stays in the new one. */
  readonly before?: HostPicture | undefined;
}

type Neighbour = InterfacePicture['neighbours'][number];

/** The picture of HOST as it is now, where addresses have NAMES. */
export function hostPicture(host: Host, names: Names, { backend, docker, before }: PictureSources = {}): HostPicture {
  const { description } = host;
  const links = new Map(description.links.map((link) => [link.name, link]));
  const networks = networksOf(description, docker);
  const neighbours = neighboursOf(host.interfaces, names, docker);
  const interfaces = host.interfaces.map((one, index): InterfacePicture => {
    const network = networks.get(one.name);
    const now: InterfacePicture = {
      ...{ name: one.name, isUp: one.isUp && !one.isDown, isLoopback: one.isLoopback },
      addresses: one.addresses.map(({ local, prefixLength }) => `${local}/${prefixLength}`),
      ...linkParts(links.get(one.name)),
      ...(network !== undefined && { network }),
      neighbours: neighbours.get(index) ?? [],
    };
    return withBefore(now, one.isPresent, before?.interfaces[index], before !== undefined);
  });
  return { interfaces, securityPriority: backend === 'nft' ? 150 : 50 };
}

function linkParts(link: LinkDescription | undefined): Partial<InterfacePicture> {
  if (link === undefined) return {};
  const { mac, kind, master, lower, vlanId, slaveKind } = link;
  return {
    ...(mac.some((byte) => byte !== 0) && { mac: macText(mac) }),
    ...(kind && { kind }),
    ...(master && (slaveKind === undefined || slaveKind === 'bridge') && { bridge: master }),
    ...(lower && { lower }),
    ...(vlanId > 0 && { vlanId }),
  };
}

function macText(mac: Uint8Array): string {
  return Array.from(mac, (byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/** By bridge, the name of its network. */
function networksOf({ texts }: HostDescription, docker: DockerState | undefined): ReadonlyMap<string, string> {
  const known = (docker?.networks ?? []).flatMap(({ bridge, spec }): [string, string][] =>
    bridge === undefined ? [] : [[bridge, spec.name]],
  );
  return new Map([...texts.names.interfaces, ...known]);
}

/** By the index of an interface, who is behind it: containers, and all else of NAMES that is in one of its networks. */
function neighboursOf(
  interfaces: readonly Interface[],
  names: Names,
  docker: DockerState | undefined,
): Map<number, Neighbour[]> {
  const found = new Map<number, Map<string, string>>();
  const add = (index: number, address: string, name: string): void => {
    if (!found.has(index)) found.set(index, new Map());
    found.get(index)!.set(address, name);
  };
  const own = new Set(interfaces.flatMap(({ addresses }) => addresses.map(({ local }) => `${local}`)));
  for (const [text, name] of names) {
    const address = parseAddress(text);
    const index = address === undefined || own.has(`${address}`) ? -1 : networkOf(interfaces, address);
    if (index >= 0) add(index, text, name);
  }
  for (const { name, endpoints } of docker?.containers ?? []) {
    for (const { address, spec } of endpoints) {
      const network = docker!.networks.find(({ id, spec: { name } }) => name === spec.network || id === spec.network);
      const index = interfaces.findIndex((one) => one.name === network?.bridge);
      if (address !== undefined && index >= 0) add(index, address.replace(/\/\d+$/, ''), name);
    }
  }
  return new Map([...found].map(([index, all]) => [index, [...all].map(([address, name]) => ({ name, address }))]));
}

/** The interface in whose network ADDRESS is, by the longest prefix; -1: in none. */
function networkOf(interfaces: readonly Interface[], address: Address): number {
  let [best, index] = [0, -1];
  for (const one of interfaces) {
    for (const { peer, prefixLength } of one.addresses) {
      if (prefixLength <= best || !address.hasPrefix(peer, prefixLength)) continue;
      [best, index] = [prefixLength, one.index];
    }
  }
  return index;
}

/** NOW, with what only the picture BEFORE knows. HAD_PICTURE: there was one, with or without this interface. */
function withBefore(
  now: InterfacePicture,
  isPresent: boolean,
  before: InterfacePicture | undefined,
  hadPicture: boolean,
): InterfacePicture {
  const isTemporary = !isPresent || before?.isTemporary || (hadPicture && before === undefined);
  if (before === undefined) return isTemporary ? { ...now, isTemporary } : now;
  const known = new Set(now.neighbours.map(({ address, name }) => `${address} ${name}`));
  const gone = before.neighbours.filter(({ address, name }) => !known.has(`${address} ${name}`));
  return {
    ...(isPresent ? {} : before),
    ...now,
    ...(now.network === undefined && before.network !== undefined && { network: before.network }),
    addresses: now.addresses.length > 0 ? now.addresses : before.addresses,
    neighbours: [...now.neighbours, ...gone],
    ...(isTemporary && { isTemporary }),
  };
}
