/** Elements and create options as words for the real ipset; written apart from nfreplay's own, which they judge. */
import { formatLoaded, toLoaded } from '../../../codecs/byte-order.js';
import type { CreateOptions } from '../../../core/sets/create-options.js';
import { Element, NONE } from '../../../core/sets/element.js';
import type { SetType } from '../../../core/sets/set-type.js';

/** What differs from an empty element. */
export type ElementFields = Partial<Omit<Element, 'clear'>>;

export function elementOf(fields: ElementFields): Element {
  return Object.assign(new Element(), fields);
}

/** What `ipset create NAME` says after the name. */
export function createWords(type: SetType, options: Partial<CreateOptions>): string {
  const words = [type.name];
  const { range } = options;
  if (range !== undefined) {
    const end = (value: number): string => (type.dimensions[0] === 'port' ? String(value) : quad(value));
    words.push('range', `${end(range.first)}-${end(range.last)}`);
  }
  if (options.family === 'ipv6') words.push('family', 'inet6');
  for (const name of ['hashsize', 'maxelem', 'netmask', 'bucketsize', 'size', 'timeout'] as const) {
    if (options[name] !== undefined) words.push(name, String(options[name]));
  }
  if (options.bitmask !== undefined) words.push('bitmask', String(options.bitmask));
  if (options.markmask !== undefined) words.push('markmask', hex(options.markmask));
  if (options.initval !== undefined) words.push('initval', hex(options.initval));
  for (const name of ['counters', 'comment', 'skbinfo', 'forceadd'] as const) if (options[name]) words.push(name);
  return words.join(' ');
}

/** The word for the element itself. */
export function elementWord(type: SetType, element: Element): string {
  let isSecond = false;
  const parts: string[] = [];
  for (const dimension of type.dimensions) {
    if (dimension === 'ip' || dimension === 'net') {
      parts.push(isSecond ? secondAddress(element) : firstAddress(element));
      isSecond = true;
    } else if (dimension === 'port') parts.push(ports(element));
    else if (dimension === 'mac') {
      if (element.mac !== NONE) parts.push(element.mac.toString(16).padStart(12, '0').match(/../g)?.join(':') ?? '');
    } else if (dimension === 'mark') parts.push(hex(element.mark));
    else if (dimension === 'iface') parts.push((element.isPhysdev ? 'physdev:' : '') + element.iface);
    else parts.push(element.set);
  }
  return parts.join(',');
}

/** The options behind it. */
export function extensionWords(element: Element): string {
  const words: string[] = [];
  if (element.timeout !== NONE) words.push('timeout', String(element.timeout));
  if (element.isNomatch) words.push('nomatch');
  if (element.isWildcard) words.push('wildcard');
  if (element.packets !== undefined) words.push('packets', String(element.packets));
  if (element.bytes !== undefined) words.push('bytes', String(element.bytes));
  if (element.comment !== undefined) words.push('comment', `"${element.comment}"`);
  if (element.skbMark > 0 || element.skbMarkMask > 0) {
    const mask = element.skbMarkMask >>> 0;
    words.push('skbmark', `0x${element.skbMark.toString(16)}${mask === 0xffff_ffff ? '' : `/0x${mask.toString(16)}`}`);
  }
  if (element.skbPrio > 0) {
    words.push('skbprio', `${(element.skbPrio >>> 16).toString(16)}:${(element.skbPrio & 0xffff).toString(16)}`);
  }
  if (element.skbQueue > 0) words.push('skbqueue', String(element.skbQueue));
  if (element.neighbour !== '') words.push(element.isBefore ? 'before' : 'after', element.neighbour);
  return words.map((word) => ` ${word}`).join('');
}

function firstAddress({ ip, ipTo, cidr, ip6 }: Element): string {
  return address(ip, ipTo, cidr, ip6);
}

function secondAddress({ ip2, ip2To, cidr2, ip6Second }: Element): string {
  return address(ip2, ip2To, cidr2, ip6Second);
}

function address(ip: number, ipTo: number, cidr: number, ip6: Element['ip6']): string {
  const host = ip6 === undefined ? quad(ip) : String(ip6);
  if (ipTo !== NONE) return `${host}-${quad(ipTo)}`;
  return cidr === NONE ? host : `${host}/${cidr}`;
}

function ports({ port, portTo, proto }: Element): string {
  const range = portTo === NONE ? `${port}` : `${port}-${portTo}`;
  if (proto === NONE) return range;
  if (proto === 1) return `icmp:${port >> 8}/${port & 255}`;
  if (proto === 58) return `icmpv6:${port >> 8}/${port & 255}`;
  return `${proto}:${range}`;
}

function quad(ip: number): string {
  return formatLoaded(toLoaded(ip));
}

function hex(value: number): string {
  return `0x${(value >>> 0).toString(16).padStart(8, '0')}`;
}
