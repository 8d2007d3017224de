/** A service of a project: what its containers are like. */
import { withNearest } from '../../codecs/nearest.js';
import type { ContainerSpec, RestartPolicy } from '../model.js';
import type { Release } from '../releases.js';
import { ComposeError, whereAt } from './compose-error.js';
import { DEPLOY_MEMBERS, NETWORK_MEMBERS, SERVICE_MEMBERS, SERVICE_MEMBERS_V1 } from './compose-members.js';
import {
  asInteger,
  asMap,
  asPairs,
  asText,
  type ComposeMap,
  type ComposeNode,
  member,
  refuseUnknown,
  unexpected,
} from './compose-node.js';
import { networksOf } from './endpoints.js';
import { readExposed, readPorts } from './ports.js';
import type { ComposeGeneration } from './scalar-type.js';

export interface ServiceReading {
  readonly generation: ComposeGeneration;
  readonly release: Release;
  readonly project: string;
  /** Between the parts of the names of containers. */
  readonly separator: '_' | '-';
  readonly isVersion1: boolean;
  /** The names of networks of the engine, by those that the files use. */
  readonly networkNames: ReadonlyMap<string, string>;
  /** `--scale`. */
  readonly scale: ReadonlyMap<string, number>;
  readonly note: (text: string) => void;
}

/** A service with what its containers have in common. */
export interface ServiceModel {
  readonly name: string;
  readonly map: ComposeMap;
  readonly count: number;
  /** Of its containers, the first one first. */
  readonly containerNames: readonly string[];
  readonly mode: NetworkMode;
  /** Names as the files use them, in the order of their connection. */
  readonly networks: readonly ServiceNetwork[];
}

export type NetworkMode =
  | { readonly kind: 'networks' | 'host' | 'none' | 'bridge' }
  | { readonly kind: 'service' | 'container'; readonly name: string; readonly node: ComposeNode }
  /** A network by the name that the engine knows. */
  | { readonly kind: 'network'; readonly name: string };

export interface ServiceNetwork {
  readonly name: string;
  readonly node: ComposeNode;
  readonly members: ComposeMap | undefined;
  readonly priority: number;
}

/** @throws {ComposeError} */
export function readService(name: string, node: ComposeNode, reading: ServiceReading): ServiceModel {
  const map = asMap(node, `the service "${name}"`);
  if (map === undefined)
    throw new ComposeError(`the service "${name}" says nothing; expected image or build`, node.place);
  if (reading.isVersion1) refuseUnknown(map, SERVICE_MEMBERS_V1, `the service "${name}" of a file of version 1`);
  else refuseUnknown(map, SERVICE_MEMBERS[reading.generation], `the service "${name}"`, SERVICE_MEMBERS[2]);
  refuseEmpty(map);
  if (member(map, 'image') === undefined && member(map, 'build') === undefined)
    throw new ComposeError(`the service "${name}" has neither image nor build`, map.place);
  const count = countOf(name, map, reading);
  const mode = modeOf(map, reading);
  const networksNode = member(map, 'networks');
  if (mode.kind !== 'networks' && networksNode !== undefined)
    throw new ComposeError(
      `the service "${name}" has network_mode, too; the two exclude each other`,
      networksNode.place,
    );
  return {
    name,
    map,
    count,
    containerNames: containerNames(name, map, count, reading),
    mode,
    networks: mode.kind === 'networks' ? networksOf(networksNode, map, reading) : [],
  };
}

/** Compose refuses a member that says nothing. */
function refuseEmpty(map: ComposeMap): void {
  for (const [name, { place, value }] of map.entries)
    if (value.kind === 'scalar' && value.type === 'null' && NETWORK_MEMBERS.includes(name) && name !== 'deploy')
      throw new ComposeError(`${name} says nothing; leave it out, or say what it is`, place);
}

function containerNames(name: string, map: ComposeMap, count: number, reading: ServiceReading): string[] {
  const node = member(map, 'container_name');
  const given = node && asText(node, 'container_name');
  if (node !== undefined && given !== undefined) {
    if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(given))
      throw unexpected(node, 'container_name', 'letters, digits, and _ . - behind the first');
    if (count > 1)
      throw new ComposeError(
        `the service "${name}" has ${count} containers, which cannot all be called ${given}; leave container_name out`,
        node.place,
      );
    return count === 0 ? [] : [given];
  }
  const { project, separator } = reading;
  const first = reading.generation === 1 ? project.replace(/^[-_]+/, '') : project;
  return Array.from({ length: count }, (_, at) => [first, name, at + 1].join(separator));
}

/** Far more than a host bears; each takes an address. */
const MOST_CONTAINERS = 1000;

function countOf(name: string, map: ComposeMap, { scale, generation }: ServiceReading): number {
  const deploy = asMap(member(map, 'deploy'), 'deploy');
  refuseUnknown(deploy, DEPLOY_MEMBERS, 'deploy');
  const mode = member(deploy, 'mode');
  const isReplicated = mode === undefined || generation === 2 || asText(mode, 'mode') === 'replicated';
  const replicasNode = isReplicated ? member(deploy, 'replicas') : undefined;
  const scaleNode = member(map, 'scale');
  const [replicas, own] = [
    replicasNode && asInteger(replicasNode, 'replicas'),
    scaleNode && asInteger(scaleNode, 'scale'),
  ];
  if (scaleNode !== undefined && replicas !== undefined && (own !== replicas || generation === 1))
    throw new ComposeError(
      `the service "${name}" has both scale and deploy.replicas; expected one of them`,
      scaleNode.place,
    );
  const node = scaleNode ?? replicasNode ?? map;
  const count = scale.get(name) ?? own ?? replicas ?? 1;
  if (count < 0) throw new ComposeError(`a number of containers below zero: ${count}`, node.place);
  if (count > MOST_CONTAINERS)
    throw new ComposeError(
      `the service "${name}" has ${count} containers; expected at most ${MOST_CONTAINERS}`,
      node.place,
    );
  return count;
}

function modeOf(map: ComposeMap, { generation, isVersion1 }: ServiceReading): NetworkMode {
  const node = member(map, isVersion1 ? 'net' : 'network_mode');
  if (node === undefined) return { kind: isVersion1 ? 'bridge' : 'networks' };
  const text = asText(node, 'network_mode', 'host, none, bridge, service:NAME or container:NAME');
  const [, kind, name] = /^(service|container):(.*)$/.exec(text) ?? [];
  if (kind !== undefined) {
    if (name === '') throw unexpected(node, 'network_mode', `the name of a ${kind} behind the colon`);
    return { kind: kind as 'service' | 'container', name, node };
  }
  switch (text) {
    case '':
      return { kind: isVersion1 ? 'bridge' : 'networks' };
    case 'bridge':
    case 'default':
      return { kind: 'bridge' };
    case 'host':
    case 'none':
      return { kind: text };
    case 'disabled':
      if (generation === 2) return { kind: 'none' };
  }
  return { kind: 'network', name: text };
}

/** What the containers of SERVICE have in common, but for their names and networks. */
export function containerSpec(
  { name, map, mode }: ServiceModel,
  reading: ServiceReading,
): Omit<ContainerSpec, 'name' | 'networkMode' | 'endpoints' | 'links'> {
  const hostname = member(map, 'hostname');
  const note = (node: ComposeNode, text: string): void => reading.note(`${whereAt(node.place)}: ${text}`);
  const ports = readPorts(member(map, 'ports'), { generation: reading.generation, note });
  const portsNode = member(map, 'ports');
  if (mode.kind === 'host' && ports.length > 0 && portsNode !== undefined) {
    if (reading.generation === 1)
      throw new ComposeError('"host" network_mode is incompatible with port_bindings', portsNode.place);
    note(portsNode, `the service "${name}" is on the host's own network, so that nothing is published for it`);
  }
  if (mode.kind === 'none' && ports.length > 0 && portsNode !== undefined)
    note(portsNode, `the service "${name}" has no network, so that nothing is published for it`);
  if ((mode.kind === 'service' || mode.kind === 'container') && ports.length > 0 && portsNode !== undefined)
    throw new ComposeError(
      `the service "${name}" uses the network of another container, which alone can publish ports`,
      portsNode.place,
    );
  return {
    image: imageOf(name, map, reading),
    hostname: hostname && asText(hostname, 'hostname'),
    ports: mode.kind === 'host' || mode.kind === 'none' ? [] : ports,
    exposed: readExposed(member(map, 'expose')),
    publishesAll: false,
    restart: restartOf(map, reading),
    isRemovedWhenStopped: false,
    labels: asPairs(member(map, 'labels'), 'labels'),
  };
}

function imageOf(name: string, map: ComposeMap, { project, separator }: ServiceReading): string {
  const image = member(map, 'image');
  return image === undefined ? `${project}${separator}${name}` : asText(image, 'image');
}

const POLICIES: Readonly<Record<string, RestartPolicy>> = {
  no: 'no',
  always: 'always',
  'unless-stopped': 'unless-stopped',
  'on-failure': 'on-failure',
};
/** Of `deploy.restart_policy`. */
const CONDITIONS: Readonly<Record<string, RestartPolicy>> = { none: 'no', any: 'always', ...POLICIES };

function restartOf(map: ComposeMap, { generation }: ServiceReading): RestartPolicy {
  const policyNode = member(asMap(member(map, 'deploy'), 'deploy'), 'restart_policy');
  const policy = asMap(policyNode, 'restart_policy');
  if (policy !== undefined) {
    const condition = member(policy, 'condition');
    if (condition === undefined) return generation === 1 ? 'always' : 'no';
    return choice(asText(condition, 'condition'), condition, CONDITIONS);
  }
  const node = member(map, 'restart');
  if (node === undefined) return 'no';
  // Compose 1 reads no as false.
  const text = asText(node, 'restart', '"no", always, unless-stopped or on-failure[:NUMBER]');
  return choice(text.replace(/^(on-failure|always|no|unless-stopped):\d+$/, '$1'), node, POLICIES);
}

function choice(text: string, node: ComposeNode, choices: Readonly<Record<string, RestartPolicy>>): RestartPolicy {
  if (Object.hasOwn(choices, text)) return choices[text];
  const names = Object.keys(choices);
  throw new ComposeError(
    withNearest(`unknown restart policy "${text}"; expected ${names.join(', ')}`, text, names),
    node.place,
  );
}
