/** Random sets, and what is done with them: few addresses and ports, so that elements meet, cover, displace others. */
import { parseAddress } from '../../../codecs/address.js';
import type { CreateOptions } from '../../../core/sets/create-options.js';
import type { SetType } from '../../../core/sets/set-type.js';
import { setTypeOf } from '../../../core/sets/types.js';
import { pick, type Random, seededRandom } from '../../random.js';
import type { ElementFields } from './element-words.js';

/** The types that the kernel of the machine may have. */
export const TYPE_NAMES: readonly string[] = [
  ...[
    'bitmap:ip',
    'bitmap:ip,mac',
    'bitmap:port',
    'hash:ip',
    'hash:mac',
    'hash:ip,mac',
    'hash:ip,mark',
    'hash:ip,port',
  ],
  ...['hash:ip,port,ip', 'hash:ip,port,net', 'hash:net', 'hash:net,net', 'hash:net,port', 'hash:net,port,net'],
  ...['hash:net,iface', 'list:set'],
];

export interface SetOperation {
  readonly command: 'add' | 'del' | 'test' | 'flush' | 'sleep';
  readonly isExist: boolean;
  readonly element: ElementFields;
}

export interface SetCase {
  readonly type: string;
  readonly options: Partial<CreateOptions>;
  readonly operations: readonly SetOperation[];
}

/** The members that a list may have, and a name that no set has. */
export const MEMBERS: readonly string[] = ['m0', 'm1', 'm2', 'm3', 'm4'];
const NO_SET = 'none';
/** Seconds, and less than they are with a `sleep`. */
const SHORT_TIMEOUT = 1;

/** The case of SEED; of TYPE_NAME if given. */
export function randomSetCase(seed: number, typeName?: string): SetCase {
  const random = seededRandom(seed);
  const name = pick(random, TYPE_NAMES);
  const type = setTypeOf(typeName ?? name);
  if (type === undefined) throw new Error(`there is no type ${typeName}`);
  const options = randomOptions(random, type);
  const maker = new ElementMaker(random, type, options);
  const count = 5 + random(60);
  const operations = Array.from({ length: count }, () => maker.operation());
  return { type: type.name, options, operations };
}

function randomOptions(random: Random, type: SetType): Partial<CreateOptions> {
  const options: { -readonly [Name in keyof CreateOptions]?: CreateOptions[Name] } = {};
  const has = (name: SetType['options'][number], chance: number): boolean =>
    type.options.includes(name) && random(100) < chance;
  if (has('family', 15)) options.family = 'ipv6';
  if (has('hashsize', 50)) options.hashsize = pick(random, [1, 64, 65, 1024, 2048, 4096]);
  if (has('maxelem', 40)) options.maxelem = pick(random, [1, 3, 10, 20, 40, 5000]);
  if (has('bucketsize', 60)) options.bucketsize = pick(random, [1, 2, 3, 4, 12, 14]);
  if (has('initval', 100)) options.initval = random(2 ** 32);
  if (has('forceadd', 30)) options.forceadd = true;
  const isIpv6 = options.family === 'ipv6';
  if (has('netmask', 25)) options.netmask = isIpv6 ? pick(random, [64, 120, 128]) : pick(random, [8, 24, 30, 31, 32]);
  else if (has('bitmask', 25)) {
    options.bitmask = parseAddress(isIpv6 ? 'ffff::ff00' : pick(random, ['255.0.0.255', '255.255.255.0', '0.0.0.7']));
  }
  if (has('markmask', 40)) options.markmask = pick(random, [0xff, 0xffff_ffff, 0x8000_0001]);
  if (has('size', 40)) options.size = pick(random, [1, 4, 8]);
  if (has('range', 100)) options.range = randomRange(random, type);
  if (random(3) === 0) options.timeout = pick(random, [0, SHORT_TIMEOUT, 10, 1000, 2_147_483]);
  if (random(4) === 0) options.counters = true;
  if (random(4) === 0) options.comment = true;
  if (random(4) === 0) options.skbinfo = true;
  return options;
}

const BASE = 0x0a000000;

function randomRange(random: Random, type: SetType): { first: number; last: number } {
  if (type.dimensions[0] === 'port')
    return { first: pick(random, [0, 78, 80]), last: pick(random, [82, 1000, 65_535]) };
  return { first: BASE + pick(random, [0, 3, 0]), last: BASE + pick(random, [7, 63, 255]) };
}

class ElementMaker {
  readonly #random: Random;
  readonly #type: SetType;
  readonly #options: Partial<CreateOptions>;
  readonly #isIpv6: boolean;

  constructor(random: Random, type: SetType, options: Partial<CreateOptions>) {
    this.#random = random;
    this.#type = type;
    this.#options = options;
    this.#isIpv6 = options.family === 'ipv6';
  }

  operation(): SetOperation {
    const random = this.#random;
    if (random(80) === 0) return { command: 'flush', isExist: false, element: {} };
    if (this.#options.timeout !== undefined && random(50) === 0)
      return { command: 'sleep', isExist: false, element: {} };
    const command = pick(random, ['add', 'add', 'add', 'add', 'del', 'test'] as const);
    const isExist = command !== 'test' && random(3) === 0;
    const element = this.#element(command !== 'test');
    if (command === 'add') Object.assign(element, this.#extensions());
    else if (command === 'test' && this.#type.hasNomatch && random(6) === 0) element.isNomatch = true;
    return { command, isExist, element };
  }

  #element(mayRange: boolean): { -readonly [Name in keyof ElementFields]: ElementFields[Name] } {
    const random = this.#random;
    const element: { -readonly [Name in keyof ElementFields]: ElementFields[Name] } = {};
    let isSecond = false;
    for (const dimension of this.#type.dimensions) {
      switch (dimension) {
        case 'ip':
        case 'net':
          Object.assign(element, this.#address(dimension === 'net', isSecond, mayRange));
          isSecond = true;
          break;
        case 'port':
          Object.assign(element, this.#port(mayRange));
          break;
        case 'mac':
          if (this.#type.method !== 'bitmap' || random(3) > 0)
            element.mac = pick(random, [0, 1, 0x020000000001, 0xffff00000002]);
          break;
        case 'mark':
          element.mark = pick(random, [0, 1, 0xff, 0x1ff, 0xffff_ffff]);
          break;
        case 'iface':
          element.iface = pick(random, ['eth0', 'eth1', 'eth', 'lo', 'e']);
          if (random(5) === 0) element.isPhysdev = true;
          break;
        default:
          element.set = random(20) === 0 ? NO_SET : pick(random, MEMBERS);
          if (random(5) === 0) {
            element.neighbour = random(20) === 0 ? NO_SET : pick(random, MEMBERS);
            element.isBefore = random(2) === 0;
          }
      }
    }
    return element;
  }

  #address(isNet: boolean, isSecond: boolean, mayRange: boolean): ElementFields {
    const random = this.#random;
    if (this.#isIpv6) {
      const address = parseAddress(pick(random, ['2001:db8::1', '2001:db8::2', 'fe80::1', '::', '2001:db8:1::ff']));
      const cidr = isNet && random(2) === 0 ? pick(random, [1, 32, 64, 127, 128]) : undefined;
      const lengths = cidr === undefined ? {} : isSecond ? { cidr2: cidr } : { cidr };
      return { ...(isSecond ? { ip6Second: address } : { ip6: address }), ...lengths };
    }
    const ip = this.#ipv4();
    const fields: { [name: string]: number } = isSecond ? { ip2: ip } : { ip };
    // Only bitmap:ip and hash:… take ranges, and of single addresses only the first may be one.
    const isFarRange = this.#options.bitmask?.hostOrder === 7;
    const isRange = mayRange && random(5) === 0 && this.#takesRange(isNet, isSecond) && !isFarRange;
    if (isRange && (random(2) === 0 || this.#options.bitmask !== undefined))
      fields[isSecond ? 'ip2To' : 'ipTo'] = this.#lastOf(ip, isNet);
    else if ((isNet && random(3) > 0) || isRange) fields[isSecond ? 'cidr2' : 'cidr'] = this.#length(isNet);
    return fields;
  }

  #takesRange(isNet: boolean, isSecond: boolean): boolean {
    if (this.#type.dimensions.includes('mac')) return false;
    return isNet || !isSecond;
  }

  #ipv4(): number {
    const random = this.#random;
    const kind = random(20);
    if (kind === 0) return 0;
    if (kind === 1) return 0xffff_ffff;
    if (kind === 2) return random(2 ** 32);
    return BASE + pick(random, [random(16), random(64), random(256), random(3) * 256]);
  }

  #lastOf(ip: number, isNet: boolean): number {
    const random = this.#random;
    if (isNet && random(4) === 0) return ip + random(Math.min(2 ** 31, 2 ** 32 - ip));
    if (isNet && random(100) === 0 && this.#options.maxelem === undefined) return random(2 ** 32);
    return Math.max(Math.min(ip + random(40) - 8, 0xffff_ffff), 0);
  }

  #length(isNet: boolean): number {
    const random = this.#random;
    if (!isNet) return pick(random, [27, 28, 30, 31, 32]);
    return pick(random, [1, 7, 8, 23, 24, 28, 29, 30, 31, 32, this.#type.storesAnyNet ? 0 : 8]);
  }

  #port(mayRange: boolean): ElementFields {
    const random = this.#random;
    const port = pick(random, [0, 79, 80, 81, 82, 83, 65_535]);
    const isRange = mayRange && random(6) === 0;
    if (this.#type.method === 'bitmap')
      return isRange ? { port, portTo: Math.max(Math.min(port + random(4) - 1, 65_535), 0) } : { port };
    const proto = pick(random, [6, 6, 6, 17, 132, 136, 47, this.#isIpv6 ? 58 : 1]);
    if (proto === 1 || proto === 58) return { proto, port: pick(random, [0x1301, 0x1302]) };
    if (proto === 47) return { proto, port: 0 };
    return isRange ? { proto, port, portTo: Math.max(Math.min(port + random(6) - 2, 65_535), 0) } : { proto, port };
  }

  #extensions(): ElementFields {
    const random = this.#random;
    const { timeout, counters, comment, skbinfo } = this.#options;
    const fields: { -readonly [Name in keyof ElementFields]: ElementFields[Name] } = {};
    // Now and then also what the set does not have.
    const gives = (isKept: boolean | undefined): boolean => random(isKept ? 2 : 100) === 0;
    if (gives(timeout !== undefined)) fields.timeout = pick(random, [0, SHORT_TIMEOUT, 60, 100_000, 2_147_483]);
    if (this.#type.hasNomatch && random(6) === 0) fields.isNomatch = true;
    if (this.#type.dimensions.includes('iface') && random(5) === 0) fields.isWildcard = true;
    if (gives(counters)) fields.packets = BigInt(random(1000));
    if (gives(counters)) fields.bytes = (BigInt(random(2 ** 32)) << BigInt(random(32))) + 1n;
    if (gives(comment)) fields.comment = pick(random, ['a', 'two words', 'x'.repeat(255)]);
    if (gives(skbinfo))
      Object.assign(fields, { skbMark: random(2 ** 32), skbMarkMask: pick(random, [0xffff_ffff, 0xff]) });
    if (gives(skbinfo)) fields.skbPrio = random(2 ** 32);
    if (gives(skbinfo)) fields.skbQueue = random(2 ** 16);
    return fields;
  }
}
