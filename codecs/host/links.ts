import { ADDRESS_BITS, type Address, addressFromHostOrder, addressFromWords, type Family } from '../address.js';
import { encodeText, rejoined } from '../text.js';
import { addressAt, HOST_SCOPE, LINK_SCOPE, macAt, scopeAt, specifiedAt } from './address-values.js';
import type { AddressDescription, LinkDescription } from './description.js';
import { HostError } from './error.js';
import { integerAt, type JsonObject, listAt, objectAt, optionalStringAt, quote, stringAt } from './json-values.js';

/** By the words of `ip -j`. */
const FAMILIES: Readonly<Record<string, Family | undefined>> = { inet: 'ipv4', inet6: 'ipv6' };
const IPV4_LOOPBACK = addressFromHostOrder(0x7f000001);
const IPV6_LOOPBACK = addressFromWords([0, 0, 0, 1]);
const IPV6_LINK_LOCAL = addressFromWords([0xfe800000 | 0, 0, 0, 0]);
const MIN_MTU = 68;
const MAX_MTU = 65_535;
const LOOPBACK_MTU = 65_536;
const ETHERNET_MTU = 1500;
/** IFNAMSIZ − 1 */
const MAX_NAME_LENGTH = 15;

/**
 * The interface in LINK, an entry of `ip -j addr`, and in DETAILS, its entry of `ip -j -d link`, if there is one.
 * `ip -j -4 addr` prints an empty object for an interface without addresses: it is left out.
 */
export function linkOf(
  link: JsonObject,
  path: string,
  details: LinkDetails = { entry: link, path },
): LinkDescription[] {
  if (Object.keys(link).length === 0) return [];
  const name = interfaceNameAt(link.ifname, `${path}.ifname`);
  if (name === 'local') throw new HostError(`${path}.ifname`, 'the name local is reserved for the host itself');
  const isLoopback = name === 'lo';
  const isEthernet = isLoopback || isEthernetLink(link, path);
  const addresses = listAt(link.addr_info ?? [], `${path}.addr_info`).flatMap(([entry, at]) =>
    addressOf(objectAt(entry, at), at),
  );
  const flags = link.flags === undefined ? undefined : listAt(link.flags, `${path}.flags`).map(([flag]) => flag);
  return [
    {
      path,
      name,
      ifindex: link.ifindex === undefined ? 0 : integerAt(link.ifindex, `${path}.ifindex`, 1, 2 ** 31 - 1),
      ...kindOf(link, path, details),
      isEthernet,
      mac: isEthernet && link.address !== undefined ? macAt(link.address, `${path}.address`) : new Uint8Array(6),
      mtu: mtuOf(link, path, isLoopback, addresses.length > 0),
      isLoopback,
      isUp: flags === undefined || flags.includes('UP'),
      hasCarrier: !(flags?.includes('NO-CARRIER') ?? false),
      group: link.group === undefined ? 'default' : String(link.group),
      isArpless: flags?.includes('NOARP') ?? false,
      addresses,
    },
  ];
}

/** Whether packets on LINK have Ethernet headers. On others (tun, wg, ppp, gre, sit, ib, …) they are taken as bare. */
function isEthernetLink({ link_type: type, address }: JsonObject, path: string): boolean {
  if (type === undefined) return address !== undefined && address !== '';
  if (stringAt(type, `${path}.link_type`) !== 'ether') return false;
  macAt(address, `${path}.address`);
  return true;
}

/** An interface without addresses may be one that IP cannot use, such as a CAN bus. */
function mtuOf({ mtu }: JsonObject, path: string, isLoopback: boolean, hasAddresses: boolean): number {
  if (mtu === undefined) return isLoopback ? LOOPBACK_MTU : ETHERNET_MTU;
  const isAny = isLoopback || (!hasAddresses && typeof mtu === 'number');
  return integerAt(mtu, `${path}.mtu`, isAny ? 0 : MIN_MTU, isAny ? 2 ** 31 - 1 : MAX_MTU);
}

/** An entry of `ip -j -d link`, and its path. */
export interface LinkDetails {
  readonly entry: JsonObject;
  readonly path: string;
}

/** How an interface belongs to others. The output of `ip -j -d addr` has the same members. */
function kindOf(
  link: JsonObject,
  path: string,
  details: LinkDetails,
): Pick<LinkDescription, 'master' | 'kind' | 'slaveKind' | 'lower' | 'vlanId'> {
  const { entry, path: at } = link.linkinfo === undefined ? details : { entry: link, path };
  const info = entry.linkinfo === undefined ? {} : objectAt(entry.linkinfo, `${at}.linkinfo`);
  const data = info.info_data === undefined ? {} : objectAt(info.info_data, `${at}.linkinfo.info_data`);
  const lower = optionalStringAt(link.link ?? entry.link, `${path}.link`);
  // Without -d, ip does not say the kind, but VLANs are called eth0.100 or vlan100 as a rule.
  const byName = lower === undefined ? null : /^(?:vlan|.*\.)(\d{1,4})$/.exec(String(link.ifname));
  const kind = optionalStringAt(info.info_kind, `${at}.linkinfo.info_kind`) ?? (byName === null ? undefined : 'vlan');
  const vlanId = data.id === undefined ? Number(byName?.[1] ?? 0) : data.id;
  return {
    master: optionalStringAt(link.master ?? entry.master, `${path}.master`),
    kind,
    slaveKind: optionalStringAt(info.info_slave_kind, `${at}.linkinfo.info_slave_kind`),
    lower,
    vlanId: kind === 'vlan' ? integerAt(vlanId, `${at}.linkinfo.info_data.id`, 0, 9999) : 0,
  };
}

/** The name of an interface (dev_valid_name in the kernel, where the byte 0xa0 is a space). */
function interfaceNameAt(value: unknown, path: string): string {
  const name = rejoined(stringAt(value, path));
  if (!isInterfaceName(name) || name !== value) {
    throw new HostError(path, `${quote(String(value))} is not a valid interface name`);
  }
  return name;
}

/** Whether an interface can have this NAME. */
export function isInterfaceName(name: string): boolean {
  const bytes = encodeText(name);
  const isRefused = (byte: number): boolean => (byte >= 9 && byte <= 13) || [0, 0x20, 0xa0, 0x2f, 0x3a].includes(byte);
  const isValid = bytes.length > 0 && bytes.length <= MAX_NAME_LENGTH && name !== '.' && name !== '..';
  return isValid && !bytes.some(isRefused);
}

function addressOf(info: JsonObject, path: string): AddressDescription[] {
  if (Object.keys(info).length === 0) return [];
  const family = FAMILIES[stringAt(info.family, `${path}.family`)];
  if (family === undefined) return [];
  const local = addressAt(info.local, `${path}.local`, family);
  return [
    {
      path,
      local,
      peer: info.address === undefined ? local : addressAt(info.address, `${path}.address`, family),
      prefixLength: integerAt(info.prefixlen, `${path}.prefixlen`, 0, ADDRESS_BITS[family]),
      broadcast: specifiedAt(info.broadcast, `${path}.broadcast`, family),
      scope: info.scope === undefined ? defaultScopeOf(local) : scopeAt(info.scope, `${path}.scope`),
      metric: info.metric === undefined ? 0 : integerAt(info.metric, `${path}.metric`, 0, 2 ** 32 - 1),
      isWithoutRoute: info.noprefixroute === true,
    },
  ];
}

/**
 * ip-address(8): addresses of 127/8 are of scope host. The kernel derives the scope of an IPv6 address from its prefix.
 */
function defaultScopeOf(local: Address): number {
  if (local.hasPrefix(IPV4_LOOPBACK, 8) || local.equals(IPV6_LOOPBACK)) return HOST_SCOPE;
  return local.hasPrefix(IPV6_LINK_LOCAL, 10) ? LINK_SCOPE : 0;
}
