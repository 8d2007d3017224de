/** From where a scan looks: the senders behind each interface, or those of a network. */
import { type Address, addressFromHostOrder, parseAddress } from '../../codecs/address.js';
import { toLoaded } from '../../codecs/byte-order.js';
import { withNearest } from '../../codecs/nearest.js';
import { AddressType } from '../../core/host/address-type.js';
import type { Host } from '../../core/host/host.js';
import { commonRanges, normalRanges, type ValueRange } from '../../core/rules/ranges.js';
import { ReplayOptionsError } from '../../replay/errors.js';
import type { ScanSource } from './model.js';

/** Of 0.0.0.0/8, 127.0.0.0/8, multicast and reserved addresses, nobody is a sender. */
const SENDERS: readonly ValueRange[] = [
  { min: 0x0100_0000, max: 0x7eff_ffff },
  { min: 0x8000_0000, max: 0xdfff_ffff },
];

/**
 * The sources that GIVEN names, each an interface or a network; if it is empty, every interface with senders behind it.
 * @throws {ReplayOptionsError} if one is neither, or nobody can be there
 */
export function scanSources(host: Host, given: readonly string[]): ScanSource[] {
  const behind = sendersBehind(host);
  if (given.length > 0) return given.flatMap((one) => sourcesOf(one, host, behind));
  return host.interfaces.flatMap(({ index, name }) => {
    const addresses = behind.get(index);
    return addresses === undefined ? [] : [{ from: name, dev: index, devName: name, addresses }];
  });
}

function sourcesOf(given: string, host: Host, behind: ReadonlyMap<number, readonly ValueRange[]>): ScanSource[] {
  const dev = host.interfaceIndex(given);
  if (dev === host.loopback)
    throw new ReplayOptionsError(`--source ${given}: these are the host's own packets; scan looks from outside`);
  if (dev >= 0) {
    const addresses = behind.get(dev);
    if (addresses !== undefined) return [{ from: given, dev, devName: given, addresses }];
    throw new ReplayOptionsError(
      `--source ${given}: no route leads there, so nobody behind it would get an answer (a port of a bridge? ` +
        'then give the bridge)',
    );
  }
  const network = networkIn(given);
  if (network === undefined) {
    const names = host.interfaceNames.filter((name) => name !== 'lo');
    const expected = `expected an interface (${names.join(', ')}) or a network, such as 10.0.0.0/8`;
    throw new ReplayOptionsError(withNearest(`--source ${given}: no such interface; ${expected}`, given, names));
  }
  const sources = [...behind].flatMap(([index, addresses]): ScanSource[] => {
    const common = commonRanges(addresses, [network]);
    const { name } = host.interfaces[index];
    return common.length === 0 ? [] : [{ from: given, dev: index, devName: name, addresses: common }];
  });
  if (sources.length > 1) return sources.map((source) => ({ ...source, from: `${source.devName} ${given}` }));
  if (sources.length > 0) return sources;
  throw new ReplayOptionsError(`--source ${given}: the host has no route to it, so nobody there would get an answer`);
}

/** The addresses that TEXT stands for: an address, or one with the length of a prefix. */
function networkIn(text: string): ValueRange | undefined {
  const [, address, length = '32'] = /^([\d.]+)(?:\/(\d{1,2}))?$/.exec(text) ?? [];
  const parsed = address === undefined ? undefined : parseAddress(address);
  if (parsed === undefined || parsed.family !== 'ipv4' || Number(length) > 32) return undefined;
  const size = 2 ** (32 - Number(length));
  const min = Math.floor(parsed.hostOrder / size) * size;
  return { min, max: min + size - 1 };
}

/** For each interface with any, the addresses to which the host sends by it: whoever sends from there gets answers. */
function sendersBehind(host: Host): ReadonlyMap<number, readonly ValueRange[]> {
  const behind = new Map<number, ValueRange[]>();
  for (const { min: first, max: last } of SENDERS) {
    for (let min = first; min <= last; ) {
      const span = host.addressSpan(toLoaded(min));
      const max = Math.min(span.max, last);
      const dev = deviceTowards(host, min);
      if (dev >= 0 && dev !== host.loopback) {
        const ranges = behind.get(dev);
        if (ranges === undefined) behind.set(dev, [{ min, max }]);
        else ranges.push({ min, max });
      }
      min = max + 1;
    }
  }
  const inOrder = [...behind].sort(([a], [b]) => a - b);
  return new Map(inOrder.map(([dev, ranges]) => [dev, normalRanges(ranges)]));
}

/** The interface by which the host sends to ADDRESS; -1: none, or it is its own, or no single host's. */
function deviceTowards(host: Host, address: number): number {
  const loaded = toLoaded(address);
  if (host.addressType(loaded, -1) !== AddressType.UNICAST) return -1;
  const { reason, outDev } = host.routeOutput(host.routeKey.towards(loaded));
  return reason === '' ? outDev : -1;
}

/** Documentation (RFC 5737): stands for any sender of the Internet. */
const TYPICAL: readonly Address[] = ['203.0.113.7', '198.51.100.7'].map((text) => parseAddress(text)!);

/** One of ADDRESSES that a reader knows or expects: of the Internet, else a neighbour on interface DEV, else the first. */
export function exampleSender(host: Host, dev: number, addresses: readonly ValueRange[]): number {
  const has = (address: number): boolean => addresses.some(({ min, max }) => address >= min && address <= max);
  const typical = TYPICAL.map(({ hostOrder }) => hostOrder).find(has);
  if (typical !== undefined) return typical;
  const name = host.interfaceNames[dev];
  for (const { address, dev: on } of host.description.neighbours)
    if (on === name && address.family === 'ipv4' && has(address.hostOrder)) return address.hostOrder;
  const { min, max } = addresses.reduce((widest, one) => (one.max - one.min > widest.max - widest.min ? one : widest));
  // Rather not the address of the network itself.
  return (min & 0xff) === 0 && max > min ? min + 1 : min;
}

/** ADDRESSES as networks: `10.0.0.0/8`, `192.0.2.7`. */
export function networksOf(addresses: readonly ValueRange[]): string[] {
  return addresses.flatMap(({ min, max }) => {
    const networks: string[] = [];
    for (let first = min; first <= max; ) {
      let length = 32;
      while (length > 0) {
        const size = 2 ** (33 - length);
        if (first % size !== 0 || first + size - 1 > max) break;
        length--;
      }
      networks.push(length === 32 ? `${addressFromHostOrder(first)}` : `${addressFromHostOrder(first)}/${length}`);
      first += 2 ** (32 - length);
    }
    return networks;
  });
}
