/**
 * Replaces what a description of a host says about whose it is. Only members are written that something reads; names of
 * containers and networks come back without what else Docker says of them.
 */
import { parseAddress } from '../../codecs/address.js';
import type { ContainerNames } from '../../codecs/host/containers.js';
import type { NamesDescription } from '../../codecs/host/names.js';
import { replaceAllAddressesIn } from './addresses-in-text.js';
import { replaceConnections } from './connection-texts.js';
import type { NameKind, Replacer } from './replacer.js';
import { replaceHostNames } from './rules-texts.js';
import { replaceSetLines, type SetTypes } from './set-texts.js';

type Json = unknown;
type JsonObject = Readonly<Record<string, Json>>;

/** How the value of a member is replaced. */
type Form = (value: Json, replacer: Replacer, of: JsonObject) => Json;

const plain: Form = (value) => value;
const iface: Form = (value, replacer) => (typeof value === 'string' ? replacer.iface(value) : value);
const text: Form = (value, replacer) => (typeof value === 'string' ? replaceAllAddressesIn(value, replacer) : value);
const named =
  (kind: NameKind): Form =>
  (value, replacer) =>
    typeof value === 'string' ? replacer.named(kind, value) : value;
const objects =
  (members: Readonly<Record<string, Form>>): Form =>
  (value, replacer) =>
    Array.isArray(value) ? value.map((one: Json) => replaceObject(one, members, replacer)) : value;
const object =
  (members: Readonly<Record<string, Form>>): Form =>
  (value, replacer) =>
    replaceObject(value, members, replacer);

function replaceObject(value: Json, members: Readonly<Record<string, Form>>, replacer: Replacer): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const of = value as JsonObject;
  const kept = Object.entries(of).filter(([key]) => Object.hasOwn(members, key));
  return Object.fromEntries(kept.map(([key, one]) => [key, members[key](one, replacer, of)]));
}

/** The address of an interface, in a network of `prefixlen` bits. */
const local: Form = (value, replacer, { prefixlen, family }) => {
  const address = typeof value === 'string' ? parseAddress(value) : undefined;
  const length = Number(prefixlen);
  if (address === undefined) return value;
  return String(family === 'inet' && length < 31 ? replacer.inSubnet(address, length) : replacer.one(address));
};
/** `10.0.0.0/8`, or an address. */
const destination: Form = (value, replacer) => {
  const [first, length] = typeof value === 'string' ? value.split('/') : [];
  const address = first === undefined ? undefined : parseAddress(first);
  if (address === undefined) return value;
  if (length === undefined) return String(replacer.one(address));
  if (address.family === 'ipv4' && Number(length) >= 8 && Number(length) < 31)
    replacer.inSubnet(address, Number(length));
  return `${replacer.inNetwork(address, Number(length))}/${length}`;
};
/** `src` of a policy rule, whose length is beside it. */
const selector =
  (key: 'srclen' | 'dstlen'): Form =>
  (value, replacer, of) => {
    const address = typeof value === 'string' ? parseAddress(value) : undefined;
    if (address === undefined) return text(value, replacer, of);
    return String(replacer.inNetwork(address, typeof of[key] === 'number' ? of[key] : 32));
  };

const LINK_INFO = object({
  ...{ info_kind: plain, info_slave_kind: plain },
  info_data: object({ id: plain, protocol: plain, table: named('table') }),
});
const LINK = {
  ...{ ifindex: plain, ifname: iface, flags: plain, mtu: plain, operstate: plain, link_type: plain },
  ...{ address: text, broadcast: text, master: iface, link: iface, group: named('device group'), linkinfo: LINK_INFO },
};
const ADDRESS = {
  ...{ family: plain, local, address: local, prefixlen: plain, broadcast: text, scope: plain, metric: plain },
  noprefixroute: plain,
};
const VIA = object({ family: plain, host: text });
const HOP = { gateway: text, via: VIA, dev: iface, weight: plain, flags: plain };
const FLOW = object({ from: named('realm'), to: named('realm') });
const ROUTE = {
  ...{ type: plain, dst: destination, ...HOP, protocol: plain, scope: plain, src: text, prefsrc: text, metric: plain },
  ...{ table: named('table'), tos: plain, metrics: plain, nexthops: objects(HOP), nhid: plain, pref: plain },
  ...{ flow: FLOW, realm: named('realm'), encap: plain },
};
const RULE = {
  ...{ priority: plain, not: plain, src: selector('srclen'), srclen: plain, dst: selector('dstlen'), dstlen: plain },
  ...{
    tos: plain,
    fwmark: plain,
    fwmask: plain,
    iif: iface,
    oif: iface,
    ipproto: plain,
    action: plain,
    table: named('table'),
  },
  ...{ iif_detached: plain, oif_detached: plain, sport: plain, sport_start: plain, sport_end: plain },
  ...{ dport: plain, dport_start: plain, dport_end: plain, suppress_prefixlen: plain },
  ...{ suppress_ifgroup: named('device group'), protocol: plain, family: plain, flow_to: named('realm') },
  ...{ flow_from: named('realm'), uid_start: plain, uid_end: plain, tun_id: plain },
};
const NEXTHOP = {
  ...{ id: plain, gateway: text, via: VIA, dev: iface, group: plain, type: plain, blackhole: plain, flags: plain },
  scope: plain,
};
const TRANSFORM = { proto: plain, mode: plain, spi: plain, reqid: plain, source: text, destination: text };
const SOCKET = {
  ...{ proto: plain, state: plain, local: text, remote: text, dev: iface, uid: plain, gid: plain, groups: plain },
  ...{ cgroup: cgroup as Form, classid: plain, mark: plain, transparent: plain },
};
const list: Form = (value, replacer) =>
  Array.isArray(value) ? value.map((one: Json) => named('list')(one, replacer, {})) : value;

function cgroup(value: Json, replacer: Replacer): Json {
  if (typeof value !== 'string') return value;
  return value
    .split('/')
    .map((part) => (part === '' ? '' : replacer.named('path', part)))
    .join('/');
}

const MEMBERS: Readonly<Record<string, Form>> = {
  addr: objects({ ...LINK, addr_info: objects(ADDRESS) }),
  link: objects(LINK),
  route: objects(ROUTE),
  rule: objects(RULE),
  neigh: objects({ dst: text, dev: iface, lladdr: text, state: plain }),
  nexthop: objects(NEXTHOP),
  sysctl: sysctls,
  fdb: objects({ mac: text, ifname: iface, master: iface }),
  ipsec: objects({ dir: plain, source: text, destination: text, transforms: objects(TRANSFORM) }),
  nfacct: list,
  ...{ cpu: plain, kerneltz: plain, xt_recent: plain },
  sockets: (value, replacer, of) =>
    typeof value === 'string' ? socketLines(value, replacer) : objects(SOCKET)(value, replacer, of),
};
/** Members that are written in another form, or by themselves. */
const ELSEWHERE: readonly string[] = [
  ...['names', 'containers', 'networks', 'ipset', 'conntrack', 'iptables', 'iptables-legacy', 'iptables-nft'],
];

export interface SharedHost {
  /** The members of the host as given (`HostDocument.json`). */
  readonly json: JsonObject;
  readonly names: NamesDescription;
  readonly containers: ContainerNames;
  readonly setTypes: SetTypes;
  /** The members that are texts to be written. */
  readonly texts: readonly ('ipset' | 'conntrack')[];
}

/** The replacement of a host, as the members of a host.json. */
export function replaceHost(host: SharedHost, replacer: Replacer): Record<string, Json> {
  const { json, names, containers, setTypes, texts } = host;
  const replaced: Record<string, Json> = {};
  for (const [member, value] of Object.entries(json)) {
    const form = MEMBERS[member];
    if (form !== undefined && value !== undefined) replaced[member] = form(value, replacer, json);
    else if (!ELSEWHERE.includes(member) && hasContent(value))
      replacer.keeps(`left out: ${member} of the host, which nothing reads`);
  }
  if (json.names !== undefined) replaced.names = namesJson(replaceHostNames(names, replacer), json.names as JsonObject);
  if (texts.includes('ipset') && typeof json.ipset === 'string')
    replaced.ipset = replaceSetLines(json.ipset, replacer, setTypes);
  if (texts.includes('conntrack') && typeof json.conntrack === 'string')
    replaced.conntrack = replaceConnections(json.conntrack, replacer);
  return { ...replaced, ...dockerMembers(containers, replacer) };
}

function hasContent(value: Json): boolean {
  return typeof value === 'string' ? value.trim() !== '' : Array.isArray(value) && value.length > 0;
}

function namesJson(names: NamesDescription, given: JsonObject): Json {
  const kinds = ['users', 'groups', 'realms', 'deviceGroups'] as const;
  return Object.fromEntries(
    kinds.filter((kind) => given[kind] !== undefined).map((kind) => [kind, Object.fromEntries(names[kind])]),
  );
}

/** Those of IPv6 decide nothing here. */
const SHARED_SYSCTL = /^net[./](?!ipv6[./])/;
const CONF = /^(net[./][\w-]+[./](?:conf|neigh)[./])(.+)([./][\w-]+)$/;

/** Those of the network, with a number each. The names of interfaces in them are written as paths if they have dots. */
function sysctls(value: Json, replacer: Replacer): Json {
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([key, one]) => SHARED_SYSCTL.test(key) && isNumber(one));
  return Object.fromEntries(kept.map(([key, one]) => [replaceSysctl(key, replacer), one]));
}

/** The replacement of the name of a sysctl, which may have that of an interface in it. */
export function replaceSysctl(key: string, replacer: Replacer): string {
  return key.replace(CONF, (_, head: string, name: string, tail: string) => head + replaceConf(name, replacer) + tail);
}

/** `eth0/100` is eth0.100 where names are separated by dots. */
function replaceConf(name: string, replacer: Replacer): string {
  if (['all', 'default'].includes(name)) return name;
  return name.includes('/') ? replacer.iface(name.replaceAll('/', '.')).replaceAll('.', '/') : replacer.iface(name);
}

const isNumber = (value: Json): boolean =>
  typeof value === 'number' || /^-?(?:0x)?[\da-f]+$/i.test(String(value).trim());

/** `tcp LISTEN 0 128 0.0.0.0%eth0:22 0.0.0.0:* users:(("sshd",…)) uid:1000 ino:5 cgroup:/x` */
function socketLines(text: string, replacer: Replacer): string {
  return text
    .split('\n')
    .filter((line) => /^(?:tcp|udp)/.test(line))
    .map((line) => {
      const [words, more] = [line.split(/\s+/).slice(0, 6), line.split(/\s+/).slice(6)];
      const ends = words.map((word) =>
        replaceAllAddressesIn(word, replacer).replace(/%([^:\]]+)/, (_, name: string) => `%${replacer.iface(name)}`),
      );
      const facts = more
        .filter((word) => /^(?:uid|ino|fwmark|v6only|cgroup):/.test(word))
        .map((word) => {
          if (word.startsWith('ino:')) return 'ino:1';
          return word.startsWith('cgroup:') ? `cgroup:${cgroup(word.slice('cgroup:'.length), replacer)}` : word;
        });
      return [...ends, ...facts].join(' ');
    })
    .join('\n');
}

/** As `docker inspect` and `docker network inspect` would say it. */
function dockerMembers({ addresses, interfaces }: ContainerNames, replacer: Replacer): Record<string, Json> {
  const containers = [...addresses].map(([address, name]) => ({
    Name: `/${replacer.named('name', name)}`,
    NetworkSettings: {
      [address.includes(':') ? 'GlobalIPv6Address' : 'IPAddress']: replaceAllAddressesIn(address, replacer),
    },
  }));
  const networks = [...interfaces].map(([bridge, name]) => ({
    Name: replacer.named('name', name),
    Driver: 'bridge',
    Options: { 'com.docker.network.bridge.name': replacer.iface(bridge) },
  }));
  return {
    ...(containers.length === 0 ? {} : { containers }),
    ...(networks.length === 0 ? {} : { networks }),
  };
}
