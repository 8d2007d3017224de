/** The types of sets that ipset 7.17 knows, one description each. */
import type { Family } from '../../codecs/address.js';
import type { CreateOption, SetType } from './set-type.js';

const BOTH: readonly Family[] = ['ipv4', 'ipv6'];
const HASHED: readonly CreateOption[] = ['family', 'hashsize', 'maxelem', 'bucketsize', 'initval', 'forceadd'];

const BITMAP = { method: 'bitmap', layout: [], hasNomatch: false, storesAnyNet: false } as const;
const HASH = { method: 'hash', families: BOTH, options: HASHED, hasNomatch: false, storesAnyNet: false } as const;
const NETS = { ...HASH, hasNomatch: true } as const;

/** hash:mac has no addresses, hence no family. */
const WITHOUT_FAMILY = HASHED.filter((option) => option !== 'family');

const SET_TYPES: readonly SetType[] = [
  {
    ...BITMAP,
    name: 'bitmap:ip',
    aliases: ['ipmap'],
    dimensions: ['ip'],
    families: ['ipv4'],
    options: ['range', 'netmask'],
  },
  {
    ...BITMAP,
    name: 'bitmap:ip,mac',
    aliases: ['macipmap'],
    dimensions: ['ip', 'mac'],
    families: ['ipv4'],
    options: ['range'],
  },
  {
    ...BITMAP,
    name: 'bitmap:port',
    aliases: ['portmap'],
    dimensions: ['port'],
    families: [],
    options: ['range'],
  },
  {
    ...HASH,
    name: 'hash:ip',
    aliases: ['iphash'],
    dimensions: ['ip'],
    options: [...HASHED, 'netmask', 'bitmask'],
    layout: ['ip'],
  },
  {
    ...HASH,
    name: 'hash:mac',
    aliases: ['machash'],
    dimensions: ['mac'],
    families: [],
    options: WITHOUT_FAMILY,
    layout: ['mac'],
  },
  {
    ...HASH,
    name: 'hash:ip,mac',
    aliases: ['ipmachash'],
    dimensions: ['ip', 'mac'],
    layout: ['ip', 'mac'],
  },
  {
    ...HASH,
    name: 'hash:ip,mark',
    aliases: ['ipmarkhash'],
    dimensions: ['ip', 'mark'],
    options: [...HASHED, 'markmask'],
    layout: ['ip', 'mark'],
  },
  {
    ...HASH,
    name: 'hash:ip,port',
    aliases: ['ipporthash'],
    dimensions: ['ip', 'port'],
    options: [...HASHED, 'netmask', 'bitmask'],
    layout: ['ip', 'port:16', 'proto:8'],
  },
  {
    ...HASH,
    name: 'hash:ip,port,ip',
    aliases: ['ipportiphash'],
    dimensions: ['ip', 'port', 'ip'],
    layout: ['ip', 'ip2', 'port:16', 'proto:8'],
  },
  {
    ...NETS,
    name: 'hash:ip,port,net',
    aliases: ['ipportnethash'],
    dimensions: ['ip', 'port', 'net'],
    layout: ['ip', 'ip2', 'port:16', 'cidr2-1:8', 'proto:8'],
  },
  {
    ...NETS,
    name: 'hash:net',
    aliases: ['nethash'],
    dimensions: ['net'],
    layout: ['ip', 'pad:24', 'cidr:8'],
  },
  {
    ...NETS,
    name: 'hash:net,net',
    aliases: ['netnethash'],
    dimensions: ['net', 'net'],
    options: [...HASHED, 'netmask', 'bitmask'],
    storesAnyNet: true,
    layout: ['ip', 'ip2', 'pad:16', 'cidr:8', 'cidr2:8'],
  },
  {
    ...NETS,
    name: 'hash:net,port',
    aliases: ['netporthash'],
    dimensions: ['net', 'port'],
    layout: ['ip', 'port:16', 'proto:8', 'cidr-1:8'],
  },
  {
    ...NETS,
    name: 'hash:net,port,net',
    aliases: ['netportnethash'],
    dimensions: ['net', 'port', 'net'],
    storesAnyNet: true,
    layout: ['ip', 'ip2', 'port:16', 'cidr:8', 'cidr2:8', 'pad:24', 'proto:8'],
  },
  {
    ...NETS,
    name: 'hash:net,iface',
    aliases: ['netifacehash'],
    dimensions: ['net', 'iface'],
    storesAnyNet: true,
    layout: ['ip', 'physdev:8', 'cidr:8', 'pad:8', 'elem:8'],
  },
  {
    name: 'list:set',
    aliases: ['setlist'],
    method: 'list',
    dimensions: ['set'],
    families: [],
    options: ['size'],
    layout: [],
    hasNomatch: false,
    storesAnyNet: false,
  },
];

/** The type that NAME (also an old spelling) means; undefined: there is none. */
export function setTypeOf(name: string): SetType | undefined {
  return SET_TYPES.find((type) => type.name === name || type.aliases.includes(name));
}
