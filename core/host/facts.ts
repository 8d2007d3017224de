/**
 * What rules ask of a host that no capture holds (docs/host.md): what its description says, or else the kernel's
 * default, which is then one of the assumptions.
 */
import { prefixMask } from '../../codecs/address.js';
import type { LoadedAddress } from '../../codecs/byte-order.js';
import type { LinkDescription, Prefix, RealmsDescription } from '../../codecs/host/description.js';
import type { FactsDescription } from '../../codecs/host/facts.js';
import type { FdbDescription } from '../../codecs/host/fdb.js';
import type { IpsecDescription, TransformDescription } from '../../codecs/host/ipsec.js';
import type { Packet } from '../packet.js';
import { KERNEL_SOCKET, NO_SOCKET, UNKNOWN_SOCKET } from './socket-numbers.js';
import { HostSockets } from './sockets.js';

const NO_CPU = 'cpu = 0';
const ESTIMATED_FROM = 'rules were loaded at the first packet: RATEEST takes its samples by that time';
const NO_IPSEC = 'no IPsec, which rules ask about (`ipsec`)';
const NO_PORTS = 'no packet has a bridge port, which rules ask for (`fdb`)';
const NO_SOCKETS = 'no sockets, which rules ask for (`sockets`)';
const NO_SENDER = "packets of the host's own that no entry of `sockets` sent have no owner";
const NO_IDS = 'sockets without uid or gid belong to root';
const NO_CGROUP = 'sockets without cgroup are in the root of all cgroups';
const NO_ZONE = 'the time zone of the kernel = UTC, as rules ask for it (`kerneltz`)';
/** The kernel's default. */
const RECENT_LIST_TOTAL = 100;
const SMALL_LISTS = `ip_list_tot = ${RECENT_LIST_TOTAL}, so that a list of recent forgot addresses (\`xt_recent\`)`;
const FILTERS_BRIDGES = 'net.bridge.bridge-nf-call-iptables';

/** What is asked about interfaces. */
export type FactsLink = Pick<LinkDescription, 'name' | 'group' | 'master'>;

/** Packets that IPsec protects, by their addresses as loaded little-endian. */
interface IpsecFact {
  readonly direction: 'in' | 'out';
  readonly source: LoadedAddress;
  readonly sourceMask: LoadedAddress;
  readonly destination: LoadedAddress;
  readonly destinationMask: LoadedAddress;
  readonly transforms: readonly TransformDescription[];
}

/** What rules see of a socket. */
export interface SocketOwner {
  /** A process opened it, not the kernel. */
  readonly hasFile: boolean;
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly cgroup: string;
  readonly classid: number;
}

const KERNEL_OWNER: SocketOwner = { hasFile: false, uid: 0, gid: 0, groups: [], cgroup: '/', classid: 0 };
const NO_FACTS: readonly IpsecFact[] = [];
const NO_TRANSFORMS: readonly TransformDescription[] = [];

export class HostFacts {
  readonly #facts: FactsDescription;
  /** The number of the group of each interface; undefined: not known. */
  readonly #groups: readonly (number | undefined)[];
  readonly #groupNames: readonly string[];
  readonly #ipsec: readonly IpsecFact[] | undefined;
  /** For each interface its ports, by the MAC addresses behind them; undefined: packets have no ports. */
  readonly #ports: readonly ReadonlyMap<number, number>[] | undefined;
  /** What is assumed when a port is asked for; '' for nothing. */
  readonly #assumedPorts: string;
  readonly #sockets: HostSockets | undefined;
  #assumed = new Set<string>();
  /** Whether lists of recent that have no more than the default's addresses forgot one. */
  #forgot: (() => boolean)[] = [];

  /** LINKS: the interfaces, in their order. SETTINGS: the sysctls that are known. */
  constructor(facts: FactsDescription, links: readonly FactsLink[], settings: ReadonlyMap<string, number> = new Map()) {
    this.#facts = facts;
    this.#groups = links.map(({ group }) => numberIn(facts.names.deviceGroups, group));
    this.#groupNames = links.map(({ group }) => group);
    this.#ipsec = facts.ipsec?.map(ipsecFact);
    const filtering = settings.get(FILTERS_BRIDGES);
    this.#ports = facts.fdb === undefined || filtering === 0 ? undefined : portsOf(facts.fdb, links);
    const names = links.map(({ name }) => name);
    this.#sockets = facts.sockets && new HostSockets(facts.sockets, names, settings);
    if (filtering !== undefined) this.#assumedPorts = '';
    else this.#assumedPorts = this.#ports === undefined ? NO_PORTS : `${FILTERS_BRIDGES} = 1`;
  }

  /** What was asked for so far and is not described, a line each. */
  get assumed(): readonly string[] {
    return this.#forgot.some((forgot) => forgot()) ? [...this.#assumed, SMALL_LISTS] : [...this.#assumed];
  }

  /** Goes on from what was assumed of the host BEFORE it changed. */
  continueFrom(before: HostFacts): void {
    this.#assumed = before.#assumed;
    this.#forgot = before.#forgot;
  }

  /** The same, since it was called last. What it returns is forgotten. */
  takeAssumed(): readonly string[] {
    const { assumed } = this;
    this.#assumed.clear();
    return assumed;
  }

  /** The processor that handles packets. */
  get cpu(): number {
    const { cpu } = this.#facts;
    if (cpu !== undefined) return cpu;
    this.#assumed.add(NO_CPU);
    return 0;
  }

  /** The names of the host's accounting objects; undefined: not known. */
  get accounting(): readonly string[] | undefined {
    return this.#facts.nfacct;
  }

  /** A packet was counted in the accounting object NAME. */
  assumeAccounting(name: string): void {
    if (this.#facts.nfacct === undefined) this.#assumed.add(`the accounting object ${name} exists (\`nfacct\`)`);
  }

  /** How far the time zone of the kernel is ahead of UTC, in seconds. */
  get kernelZoneSec(): number {
    const { kerneltz } = this.#facts;
    if (kerneltz === undefined) this.#assumed.add(NO_ZONE);
    return (kerneltz ?? 0) * 60;
  }

  /** The most addresses of a new list of recent. FORGOT will tell whether it had to forget one. */
  recentListTotal(forgot: () => boolean): number {
    const { listTotal } = this.#facts.recent;
    if (listTotal === undefined) this.#forgot.push(forgot);
    return listTotal ?? RECENT_LIST_TOTAL;
  }

  /** A packet has met a rule that asks for what RATEEST estimates. */
  assumeEstimates(): void {
    this.#assumed.add(ESTIMATED_FROM);
  }

  /** The number of the group of interface DEV. */
  groupOf(dev: number): number {
    const group = this.#groups[dev];
    if (group !== undefined) return group;
    this.#assumed.add(`the interface group ${this.#groupNames[dev]} = 0, as \`names\` does not say its number`);
    return 0;
  }

  /** How IPsec protected PACKET on its way in, or will on its way out; from the innermost. Empty: not at all. */
  ipsec({ source, destination }: Packet, direction: 'in' | 'out'): readonly TransformDescription[] {
    if (this.#ipsec === undefined) this.#assumed.add(NO_IPSEC);
    for (const fact of this.#ipsec ?? NO_FACTS) {
      if (fact.direction !== direction) continue;
      if (((source ^ fact.source) & fact.sourceMask) !== 0) continue;
      if (((destination ^ fact.destination) & fact.destinationMask) === 0) return fact.transforms;
    }
    return NO_TRANSFORMS;
  }

  /** The port of the bridge by which PACKET came in; -1: none is known to rules. */
  bridgePort({ inDev, sourceMac }: Packet): number {
    if (this.#assumedPorts !== '') this.#assumed.add(this.#assumedPorts);
    return inDev < 0 || this.#ports === undefined ? -1 : (this.#ports[inDev].get(sourceMac) ?? -1);
  }

  /** The same, where nothing has to be assumed if no port is known. */
  knownBridgePort(packet: Packet): number {
    return this.#ports === undefined ? -1 : this.bridgePort(packet);
  }

  /** Notes the socket that sent PACKET, of the host's own, and gives it the socket's mark. */
  setSender(packet: Packet): void {
    packet.socket = this.#sockets?.senderOf(packet) ?? UNKNOWN_SOCKET;
    if (packet.socket >= 0) packet.mark = this.#sockets!.descriptions[packet.socket].mark;
    else packet.socket = UNKNOWN_SOCKET;
  }

  /** Notes the connected socket that PACKET is for, before it is routed (tcp_v4_early_demux). */
  setReceiver(packet: Packet): void {
    if (this.#sockets !== undefined && packet.socket === NO_SOCKET) packet.socket = this.#sockets.receiverOf(packet);
  }

  /** Whether a connected socket has an address that IS_OWN says not to be the host's: packets to others are for it. */
  hasForeignSockets(isOwn: (address: LoadedAddress) => boolean): boolean {
    return this.#sockets?.hasForeign(isOwn) === true;
  }

  /** All sockets; undefined if nothing is known of them. */
  get sockets(): HostSockets | undefined {
    if (this.#sockets === undefined) this.#assumed.add(NO_SOCKETS);
    return this.#sockets;
  }

  /** Who owns the socket of PACKET, of which WHAT is asked; undefined if it has none. */
  ownerOf({ socket }: Packet, what: 'ids' | 'cgroup'): SocketOwner | undefined {
    if (socket === KERNEL_SOCKET) return KERNEL_OWNER;
    if (socket === UNKNOWN_SOCKET) this.#assumed.add(NO_SENDER);
    if (socket < 0 || this.#sockets === undefined) return undefined;
    const { uid, gid, groups, cgroup, classid, state } = this.#sockets.descriptions[socket];
    if (state === 'time-wait') return undefined;
    if (what === 'ids' && (uid === undefined || gid === undefined)) this.#assumed.add(NO_IDS);
    if (what === 'cgroup' && cgroup === undefined) this.#assumed.add(NO_CGROUP);
    return { hasFile: true, uid: uid ?? 0, gid: gid ?? 0, groups, cgroup: cgroup ?? '/', classid };
  }

  /** REALMS as the kernel keeps them: `from << 16 | to`. */
  realmsOf(realms: RealmsDescription | undefined): number {
    if (realms === undefined) return 0;
    return (this.#realmOf(realms.from ?? '0') << 16) | (this.#realmOf(realms.to ?? '0') & 0xffff);
  }

  #realmOf(name: string): number {
    const realm = numberIn(this.#facts.names.realms, name);
    if (realm !== undefined) return realm;
    this.#assumed.add(`the realm ${name} = 0, as \`names\` does not say its number`);
    return 0;
  }
}

/** The number TEXT, or that of the name TEXT in NAMES, in the bases of C; undefined if it has none. */
function numberIn(names: ReadonlyMap<string, number>, text: string): number | undefined {
  const named = names.get(text);
  return named ?? (/^(?:\d{1,10}|0x[\da-f]{1,8})$/i.test(text) ? Number(text) : undefined);
}

function ipsecFact({ direction, source, destination, transforms }: IpsecDescription): IpsecFact {
  const [from, to] = [maskedOf(source), maskedOf(destination)];
  return {
    direction,
    source: from.address,
    sourceMask: from.mask,
    destination: to.address,
    destinationMask: to.mask,
    transforms,
  };
}

function maskedOf(prefix: Prefix | undefined): { address: LoadedAddress; mask: LoadedAddress } {
  if (prefix === undefined) return { address: 0, mask: 0 };
  return { address: prefix.address.loaded, mask: prefixMask('ipv4', prefix.prefixLength).loaded };
}

/** For each of LINKS its ports, as indexes, by the MAC addresses behind them. */
function portsOf(fdb: readonly FdbDescription[], links: readonly FactsLink[]): ReadonlyMap<number, number>[] {
  return links.map(({ name }) => {
    const behind = fdb.flatMap(({ mac, port }): [number, number][] => {
      const index = links.findIndex((link) => link.name === port && link.master === name);
      return index < 0 ? [] : [[mac, index]];
    });
    return new Map(behind);
  });
}
