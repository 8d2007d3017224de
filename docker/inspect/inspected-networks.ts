/** Networks as `docker network inspect` prints them. */
import type { JsonObject } from '../../codecs/host/json-values.js';
import { objectIn, objectsIn, textIn } from '../../codecs/host/lenient-values.js';
import { OPTION } from '../bridge-options.js';
import { firstOf, formatIpv4, parseIpv4, parsePrefix } from '../engine/prefixes.js';
import type { IpamSubnet, NetworkState } from '../model.js';

const ID_LENGTH = 12;

/** NETWORK, which its engine has made. The addresses of containers are not counted yet. */
export function networkState(network: JsonObject): NetworkState {
  const name = textIn(network.Name) ?? '';
  const id = textIn(network.Id) ?? '';
  const driver = textIn(network.Driver) ?? 'bridge';
  const options = textsIn(network.Options);
  const ipam = objectsIn(objectIn(network.IPAM).Config).flatMap(subnetIn);
  const [first] = ipam;
  const isBridge = driver === 'bridge';
  return {
    spec: { name, driver, isInternal: network.Internal === true, ipam, options, labels: textsIn(network.Labels) },
    id,
    bridge: isBridge ? (options[OPTION.bridgeName] ?? `br-${id.slice(0, ID_LENGTH)}`) : undefined,
    subnet: first?.subnet,
    gateway: first?.gateway,
    addressing: isBridge && first !== undefined ? { taken: gatewayAndReserved(first) } : undefined,
  };
}

/** The IPv4 subnet that an entry of IPAM's list is, with the gateway that it has if it does not say one. */
function subnetIn(config: JsonObject): IpamSubnet[] {
  const subnet = textIn(config.Subnet);
  if (subnet === undefined || subnet.includes(':')) return [];
  const range = textIn(config.IPRange);
  const gateway = textIn(config.Gateway)?.replace(/\/\d+$/, '');
  return [{ subnet, range, gateway: gateway ?? firstAddress(subnet), reserved: textsIn(config.AuxiliaryAddresses) }];
}

/** The first address of a host in SUBNET, which its bridge has. */
function firstAddress(subnet: string): string | undefined {
  const prefix = parsePrefix(subnet);
  return prefix === undefined ? undefined : formatIpv4(firstOf(prefix) + 1);
}

function gatewayAndReserved({ gateway, reserved }: IpamSubnet): string[] {
  return [...(gateway === undefined ? [] : [gateway]), ...Object.values(reserved)];
}

/** NETWORK, of which ADDRESSES are given out besides. */
export function withAddresses(network: NetworkState, addresses: readonly string[]): NetworkState {
  const { addressing } = network;
  if (addressing === undefined) return network;
  const taken = [...new Set([...addressing.taken, ...addresses])].sort(byNumber);
  return { ...network, addressing: { taken } };
}

function byNumber(a: string, b: string): number {
  return (parseIpv4(a) ?? 0) - (parseIpv4(b) ?? 0);
}

/** The members of OBJECT that are texts. */
export function textsIn(object: unknown): Record<string, string> {
  return Object.fromEntries(
    Object.entries(objectIn(object)).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
