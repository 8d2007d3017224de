/** docker.json: the state of an engine as a file. */
import { HostError } from '../codecs/host/error.js';
import { describe, type JsonObject, objectAt } from '../codecs/host/json-values.js';
import { locateSyntaxError } from '../codecs/json-position.js';
import { shownJson } from '../codecs/text.js';
import { UnsupportedError } from './error.js';
import type { DockerState } from './model.js';
import { parseRelease } from './releases.js';

export function formatDockerState(state: DockerState): string {
  return `${shownJson(state)}\n`;
}

/**
 * The state in TEXT, the content of FILE.
 * @throws {HostError} if it is none, or one of another version
 */
export function parseDockerState(text: string, file: string): DockerState {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    const { line, column } = locateSyntaxError(text);
    throw new HostError('', `not JSON: ${(error as Error).message}`, file, line, column);
  }
  try {
    const state = objectAt(json, '');
    if (state.schema !== 1)
      throw new HostError('schema', `expected 1, as this nfreplay writes it, found ${describe(state.schema)}`);
    STATE(state, '');
    parseRelease(String(state.release));
    return json as DockerState;
  } catch (error) {
    if (error instanceof HostError) throw error.locatedIn(text, file);
    if (error instanceof UnsupportedError) throw new HostError('release', error.message).locatedIn(text, file);
    throw error;
  }
}

/** Throws a HostError if the value at PATH is not of a shape. */
type Shape = (value: unknown, path: string) => void;

function kind(name: 'string' | 'number' | 'boolean'): Shape {
  return (value, path) => {
    if (typeof value !== name) throw new HostError(path, `expected a ${name}, found ${describe(value)}`);
  };
}

const TEXT = kind('string');
const NUMBER = kind('number');
const BOOLEAN = kind('boolean');

function optional(shape: Shape): Shape {
  return (value, path) => {
    if (value !== undefined) shape(value, path);
  };
}

function oneOf(...values: readonly string[]): Shape {
  return (value, path) => {
    if (!values.includes(value as string))
      throw new HostError(path, `expected one of ${values.join(', ')}, found ${describe(value)}`);
  };
}

function listOf(shape: Shape): Shape {
  return (value, path) => {
    if (!Array.isArray(value)) throw new HostError(path, `expected a list, found ${describe(value)}`);
    for (const [i, one] of value.entries()) shape(one, `${path}[${i}]`);
  };
}

function mapOf(shape: Shape): Shape {
  return (value, path) => {
    for (const [key, one] of Object.entries(objectAt(value, path))) shape(one, `${path}[${JSON.stringify(key)}]`);
  };
}

function object(members: Readonly<Record<string, Shape>>): Shape {
  return (value, path) => {
    const given: JsonObject = objectAt(value, path);
    for (const [key, shape] of Object.entries(members)) shape(given[key], path === '' ? key : `${path}.${key}`);
  };
}

const TEXTS = mapOf(TEXT);
const RANGE = object({ first: NUMBER, last: NUMBER });
const PROTOCOL = oneOf('tcp', 'udp', 'sctp');

const OPTIONS = object({
  iptables: BOOLEAN,
  ipForward: BOOLEAN,
  ipForwardNoDrop: BOOLEAN,
  ipMasq: BOOLEAN,
  icc: BOOLEAN,
  userlandProxy: BOOLEAN,
  ip: TEXT,
  bip: optional(TEXT),
  fixedCidr: optional(TEXT),
  defaultGateway: optional(TEXT),
  bridge: optional(TEXT),
  defaultAddressPools: listOf(object({ base: TEXT, size: NUMBER })),
  mtu: NUMBER,
  liveRestore: BOOLEAN,
  defaultNetworkOptions: TEXTS,
  allowDirectRouting: BOOLEAN,
  bridgeAcceptFwMark: optional(TEXT),
  firewallBackend: optional(TEXT),
});

const NETWORK = object({
  spec: object({
    name: TEXT,
    driver: TEXT,
    isInternal: BOOLEAN,
    ipam: listOf(object({ subnet: optional(TEXT), range: optional(TEXT), gateway: optional(TEXT), reserved: TEXTS })),
    options: TEXTS,
    labels: TEXTS,
  }),
  id: TEXT,
  bridge: optional(TEXT),
  subnet: optional(TEXT),
  gateway: optional(TEXT),
  addressing: optional(object({ taken: listOf(TEXT) })),
});

const ENDPOINT_SPEC = object({
  network: TEXT,
  address: optional(TEXT),
  mac: optional(TEXT),
  aliases: listOf(TEXT),
  gatewayPriority: NUMBER,
});

const CONTAINER = object({
  spec: object({
    name: optional(TEXT),
    image: TEXT,
    hostname: optional(TEXT),
    networkMode: TEXT,
    endpoints: listOf(ENDPOINT_SPEC),
    ports: listOf(object({ hostAddress: optional(TEXT), host: optional(RANGE), container: RANGE, protocol: PROTOCOL })),
    exposed: listOf(object({ container: RANGE, protocol: PROTOCOL })),
    publishesAll: BOOLEAN,
    restart: oneOf('no', 'always', 'unless-stopped', 'on-failure', 'unknown'),
    links: listOf(TEXT),
    isRemovedWhenStopped: BOOLEAN,
    labels: TEXTS,
  }),
  name: TEXT,
  id: TEXT,
  isRunning: BOOLEAN,
  wasStopped: BOOLEAN,
  endpoints: listOf(
    object({
      spec: ENDPOINT_SPEC,
      id: TEXT,
      address: optional(TEXT),
      mac: optional(TEXT),
      veth: optional(TEXT),
      linked: optional(object({ children: listOf(TEXT), parents: listOf(TEXT) })),
      bindings: listOf(
        object({
          hostAddress: TEXT,
          hostPort: NUMBER,
          containerAddress: TEXT,
          containerPort: NUMBER,
          protocol: PROTOCOL,
        }),
      ),
    }),
  ),
});

const DRAWN = object({
  ids: mapOf(listOf(TEXT)),
  restarts: listOf(object({ networks: listOf(TEXT), containers: listOf(TEXT) })),
});

const STATE = object({
  release: TEXT,
  backend: oneOf('legacy', 'nft'),
  options: OPTIONS,
  isRunning: BOOLEAN,
  networks: listOf(NETWORK),
  containers: listOf(CONTAINER),
  chosen: NUMBER,
  drawn: optional(DRAWN),
  memory: optional(object({ nextPool: NUMBER, lastPorts: mapOf(NUMBER), lastIfindex: NUMBER })),
  savedRules: optional(TEXT),
  otherRules: TEXTS,
});
