/** The two addresses of a packet of which a sentence may describe only networks, or nothing. */
import { type Address, parseAddress, prefixMask } from '../../codecs/address.js';
import { formatLoaded, toHostOrder, toLoaded } from '../../codecs/byte-order.js';
import type { Sentence, SentenceEnd } from '../../codecs/sentence/sentence.js';
import { SentenceError } from '../../codecs/sentence/sentence-error.js';
import { AddressType } from '../../core/host/address-type.js';
import type { Host } from '../../core/host/host.js';
import { entryOf } from './frames.js';

/** Somebody far away (RFC 5737, TEST-NET-3). */
const FAR_AWAY = parseAddress('203.0.113.7')!.hostOrder;

/** In host order. */
interface Ends {
  readonly source: number;
  readonly destination: number;
}

/**
 * Source and destination of the packet of SENTENCE, which gets into HOST by INPUT (undefined: wherever its source is).
 * CHOSEN is told what the sentence leaves open.
 * @throws {SentenceError} for IPv6
 */
export function chooseEnds({ ends }: Sentence, host: Host, input: number | 'host' | undefined, chosen: string[]): Ends {
  const { source: from, destination: to } = ends!;
  const destination = addressOf(to) ?? (input === 'host' ? FAR_AWAY : ownAddress(host, input));
  // What comes in over lo is what the host has sent.
  const isSent = input === 'host' || (input !== undefined && host.interfaces[input].isLoopback);
  const source =
    addressOf(from, isSent ? undefined : host) ??
    (isSent ? sourceTowards(host, destination) : senderBy(host, input as number | undefined, destination));
  if (isOpen(to)) chosen.push(`to ${text(destination)}`);
  if (isOpen(from)) chosen.push(`from ${text(source)}`);
  return { source, destination };
}

const isOpen = ({ host }: SentenceEnd): boolean =>
  host === undefined || host.prefixLength !== undefined || host.addresses.length > 1;

/** The first address that END can have, in a network the first of a host; undefined: it can have any. */
function addressOf({ host }: SentenceEnd, notOf?: Host): number | undefined {
  if (host === undefined) return undefined;
  const address = host.addresses.find(({ family }) => family === 'ipv4');
  if (address === undefined) throw ipv6(host.addresses[0]);
  const { prefixLength } = host;
  if (prefixLength === undefined || prefixLength >= 31 || !isNetwork(address, prefixLength)) return address.hostOrder;
  const first = address.hostOrder + 1;
  return notOf !== undefined && isOwn(notOf, first) ? first + 1 : first;
}

const isNetwork = (address: Address, length: number): boolean =>
  address.masked(prefixMask('ipv4', length)).equals(address);

function ipv6(address: Address): SentenceError {
  return new SentenceError(undefined, `[${address}]: IPv6 is not emulated`, true);
}

/** Whether ADDRESS, in host order, is one of HOST's own. */
export const isOwn = (host: Host, address: number): boolean =>
  host.addressType(toLoaded(address), -1) === AddressType.LOCAL;

/** The source that HOST sends to DESTINATION with. */
function sourceTowards(host: Host, destination: number): number {
  const { reason, source } = host.routeOutput(host.routeKey.towards(toLoaded(destination)));
  return reason === '' ? toHostOrder(source) : 0;
}

/** The first address of interface INPUT, or of any but lo. */
function ownAddress(host: Host, input: number | undefined): number {
  const own = host.interfaces.filter(({ index, isLoopback }) => (input === undefined ? !isLoopback : index === input));
  const address = own.flatMap(({ addresses }) => addresses)[0];
  if (address === undefined) throw new SentenceError(undefined, 'no destination: the interface has no address');
  return address.local.hostOrder;
}

/** Somebody whose packets to DESTINATION come in by INPUT: far away if that is where the route there leads. */
function senderBy(host: Host, input: number | undefined, destination: number): number {
  const entry = entryOf(host, FAR_AWAY, destination);
  if (input === undefined ? typeof entry === 'number' : entry === input) return FAR_AWAY;
  for (const { index, isLoopback, addresses } of host.interfaces) {
    if (input === undefined ? isLoopback : index !== input) continue;
    for (const { local, prefixLength } of addresses) {
      const first = neighbourOf(host, local, prefixLength);
      if (first !== undefined) return first;
    }
  }
  return FAR_AWAY;
}

/** An address in the network of LOCAL that is not the host's. */
function neighbourOf(host: Host, local: Address, prefixLength: number): number | undefined {
  for (const step of [1, -1, 2, -2]) {
    const address = local.plus(step);
    if (address?.hasPrefix(local, prefixLength) && host.addressType(address.loaded, -1) === AddressType.UNICAST) {
      return address.hostOrder;
    }
  }
  return undefined;
}

const text = (address: number): string => formatLoaded(toLoaded(address));
