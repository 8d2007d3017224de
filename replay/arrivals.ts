/** hot: whether what is given as the arrivals of an interface can have arrived there, and whether it is followed. */

import { type CaptureRecord, Direction } from '../codecs/capture.js';
import { CookedType, FrameOrigin } from '../codecs/frame-origin.js';
import type { LinkDescription } from '../codecs/host/description.js';
import { givenSysctl } from '../codecs/host/sysctls.js';
import { ETHERNET_DESTINATION_AT, ETHERNET_LENGTH, ETHERNET_SOURCE_AT, ETHERTYPE_IPV4 } from '../codecs/layouts.js';
import { Linktype } from '../codecs/linktypes.js';
import type { Host } from '../core/host/host.js';
import { LOOPBACK_IFINDEX } from '../core/host/interfaces.js';
import { IpLocation, locateIp } from '../core/link/locate-ip.js';
import { PacketType } from '../core/packet.js';
import { NotFollowedError, ReplayOptionsError } from './errors.js';

/** Why a frame is not replayed. */
interface NotArrived {
  /** For the count of skipped packets. */
  readonly reason: string;
  /** What is wrong with the frame, for people; '': skipping it is right. */
  readonly problem: string;
  /** The emulation lacks something; otherwise, the capture is not one of arrivals. */
  readonly isUnsupported: boolean;
}

const NF_OUTPUT = 3;
const MASTERS: Readonly<Record<string, string>> = { bridge: 'bridge', bond: 'bond', team: 'team', vrf: 'VRF' };
/** Kinds of interfaces that take frames from the one that they are based on. (The ends of a veth pair do not.) */
const UPPER_KINDS: readonly string[] = ['vlan', 'macvlan', 'macvtap'];
/** Equal to no part of a MAC address. */
const NO_MAC = -1;
const BRIDGE_NF_SYSCTL = 'net.bridge.bridge-nf-call-iptables';

/** What an interface's frames are checked against. */
interface Entrance {
  readonly link: LinkDescription;
  readonly macHigh: number;
  readonly macLow: number;
  /** Frames need a closer look even if nothing about them is unusual. */
  readonly isSpecial: boolean;
  /** The VLANs and macvlans that are based on this one. */
  readonly upper: readonly LinkDescription[];
  /** The MAC addresses of its neighbours, as hexadecimal text. Empty unless it is a bridge. */
  readonly neighbours: ReadonlySet<string>;
}

export class ArrivalCheck {
  #host: Host;
  #entrances: readonly (Entrance | undefined)[] = [];
  readonly #location = new IpLocation();
  /** By input: the interface that the records of a pcapng should name. */
  readonly #names: string[] = [];
  /** By input: the kernel's index of the interface that its first record names. */
  readonly #ifindexes: number[] = [];
  readonly #origin = new FrameOrigin();

  readonly #isLax: boolean;
  readonly #frameName: (input: number) => string;

  /** FRAME_NAME: what messages call the current frame of an input. */
  constructor(host: Host, isLax: boolean, frameName: (input: number) => string) {
    this.#host = host;
    this.#isLax = isLax;
    this.#frameName = frameName;
    this.useHost(host);
  }

  /** From now on, frames arrive at HOST. */
  useHost(host: Host): void {
    this.#host = host;
    const links = new Map(host.description.links.map((link) => [link.name, link]));
    this.#entrances = host.interfaceNames.map((name) => entranceOf(links.get(name), host));
  }

  /**
   * Checks RECORD, which INPUT has as an arrival on DEV. Returns '' if it is to be replayed, or why it is skipped.
   * @throws {ReplayOptionsError} if it did not arrive there
   * @throws {NotFollowedError} if it takes a path through the host that is not supported, unless that is accepted
   */
  check(record: CaptureRecord, dev: number, input: number): string {
    const entrance = this.#entrances[dev];
    if (entrance === undefined) return '';
    const { interfaceName } = record;
    const expected = interfaceName === '' ? '' : this.#expectedName(interfaceName, input, entrance);
    if (
      interfaceName === expected &&
      record.direction !== Direction.OUTBOUND &&
      record.linktype === Linktype.ETHERNET &&
      !entrance.isSpecial
    ) {
      const { view, at } = record;
      const isOwn =
        record.caplen >= ETHERNET_LENGTH &&
        view.getInt32(at + ETHERNET_SOURCE_AT + 2) === entrance.macLow &&
        view.getUint16(at + ETHERNET_SOURCE_AT) === entrance.macHigh;
      if (!isOwn) return '';
    }
    const found = this.#look(record, expected, input, entrance);
    if (found === undefined) return '';
    const { reason, problem, isUnsupported } = found;
    if (problem === '' || (isUnsupported && this.#isLax)) return reason;
    const message = `${this.#frameName(input)} ${problem}`;
    throw isUnsupported ? new NotFollowedError(message) : new ReplayOptionsError(message);
  }

  /** The index of the interface that all records of INPUT should have; IFINDEX is that of one of them. */
  #expectedIfindex(ifindex: number, input: number, link: LinkDescription): number {
    if (link.ifindex > 0) return link.ifindex;
    // The host file does not say it: then it is the same in the whole capture, and not that of lo.
    const known = this.#ifindexes[input] ?? ifindex;
    this.#ifindexes[input] = known;
    return known === LOOPBACK_IFINDEX ? 0 : known;
  }

  /** The name of the interface that all records of INPUT should have, if any; NAME is that of one of them. */
  #expectedName(name: string, input: number, { link }: Entrance): string {
    const known = this.#names[input];
    if (known !== undefined) return known;
    // A name that the host does not have may be that of a mirror port.
    const isOther = name !== link.name && this.#host.interfaceIndex(name) >= 0;
    const expected = isOther ? link.name : name;
    this.#names[input] = expected;
    return expected;
  }

  #look(record: CaptureRecord, expected: string, input: number, entrance: Entrance): NotArrived | undefined {
    const location = this.#location;
    const isIp = locateIp(record, location);
    if (isIp) return this.#notHere(record, expected, input, entrance) ?? notFollowed(record, entrance, this.#host);
    const { skip, etherType, vlanId } = location;
    return skip === 'vlan' && etherType === ETHERTYPE_IPV4 ? taggedFor(entrance, vlanId) : undefined;
  }

  /** The packet of RECORD did not arrive on DEV. */
  #notHere(
    record: CaptureRecord,
    expected: string,
    input: number,
    { link, macHigh, macLow }: Entrance,
  ): NotArrived | undefined {
    const { view, at, linktype } = record;
    const origin = this.#origin;
    origin.read(record);
    const { name } = link;
    if (origin.packetType === CookedType.OUTGOING || origin.hook >= NF_OUTPUT) {
      return misdirected('was sent by the captured host', name);
    }
    if (origin.ifindex > 0 && origin.ifindex !== this.#expectedIfindex(origin.ifindex, input, link)) {
      const other = this.#host.description.links.find(({ ifindex }) => ifindex === origin.ifindex);
      const where = other === undefined ? `interface ${origin.ifindex}` : other.name;
      return misdirected(`was captured on ${where}, not on ${name}`, name);
    }
    if (record.direction === Direction.OUTBOUND) return misdirected('was sent, as the capture says', name);
    const { interfaceName } = record;
    if (interfaceName !== expected) {
      return misdirected(`was captured on ${interfaceName}, as the capture says, not on ${name}`, name);
    }
    if (linktype !== Linktype.ETHERNET || this.#location.packetType !== PacketType.HOST) return undefined;
    const isFromOwn = isMac(view, at + ETHERNET_SOURCE_AT, macHigh, macLow);
    // A frame to itself is no departure either.
    if (!isFromOwn || isMac(view, at + ETHERNET_DESTINATION_AT, macHigh, macLow)) return undefined;
    return misdirected(`left by ${name}: it comes from its MAC address`, name);
  }
}

function isMac(view: DataView, at: number, high: number, low: number): boolean {
  return view.getInt32(at + 2) === low && view.getUint16(at) === high;
}

function misdirected(what: string, name: string): NotArrived {
  return {
    reason: 'not-arrived',
    problem:
      `${what}; --in requires what arrives on ${name} only (tcpdump -i ${name} -Q in); ` +
      'a capture taken on the host itself, of several interfaces or both directions, is for --capture, ' +
      'one of whole conversations, taken elsewhere, for --stitch',
    isUnsupported: false,
  };
}

/** The packet of RECORD arrives at an interface whose packets are not followed. */
function notFollowed(record: CaptureRecord, entrance: Entrance, host: Host): NotArrived | undefined {
  const { link, upper, neighbours } = entrance;
  const { name, master } = link;
  if (master !== undefined) return portOf(link, master, host);
  if (link.kind === 'vrf') return unsupported('vrf', `arrives on ${name}, a VRF, which is not supported`);
  if (record.linktype !== Linktype.ETHERNET) return undefined;
  const destination = macText(record);
  const above = upper.find(({ kind, mac }) => kind !== 'vlan' && Buffer.from(mac).toString('hex') === destination);
  if (above !== undefined) {
    return unsupported(
      above.kind ?? 'macvlan',
      `is for ${above.name}, which takes its frames from ${name}; give what arrives on ${above.name} with --in ` +
        `${above.name}=FILE (tcpdump -i ${above.name} -Q in)`,
    );
  }
  // What passes only between ports: seen on the bridge while it is captured.
  return neighbours.has(destination) ? { reason: 'bridged', problem: '', isUnsupported: false } : undefined;
}

function portOf({ name, slaveKind }: LinkDescription, master: string, host: Host): NotArrived {
  const links = host.description.links;
  const kind = MASTERS[slaveKind ?? links.find((link) => link.name === master)?.kind ?? ''];
  if (kind === 'VRF')
    return unsupported('vrf', `arrives on ${name}, which belongs to the VRF ${master}; VRFs are not supported`);
  const what = kind === undefined ? `port of ${master}` : `port of the ${kind} ${master}`;
  const rules =
    givenSysctl(host.description, BRIDGE_NF_SYSCTL) === 1 && kind !== 'bond' && kind !== 'team'
      ? `; with ${BRIDGE_NF_SYSCTL}=1, the host's rules also see what passes only between ports, which is not supported`
      : '';
  return unsupported(
    kind === 'bond' || kind === 'team' ? 'bond-port' : 'bridge-port',
    `arrives on ${name}, a ${what}, which takes its frames; give what arrives on ${master} with --in ${master}=FILE ` +
      `(tcpdump -i ${master} -Q in)${rules}`,
  );
}

/** A frame with a tag, with an IPv4 packet in it. Without an interface for it, the host ignores it. */
function taggedFor({ upper, link }: Entrance, vlanId: number): NotArrived | undefined {
  const device = upper.find((other) => other.kind === 'vlan' && other.vlanId === vlanId);
  if (device === undefined) return undefined;
  return unsupported(
    'vlan',
    `has the tag of VLAN ${vlanId}, which ${device.name} receives; tags are not followed from ${link.name}: ` +
      `give what arrives on ${device.name} with --in ${device.name}=FILE (tcpdump -i ${device.name} -Q in)`,
  );
}

function unsupported(reason: string, problem: string): NotArrived {
  return { reason, problem, isUnsupported: true };
}

function macText({ bytes, at }: CaptureRecord): string {
  const start = at + ETHERNET_DESTINATION_AT;
  return Buffer.from(bytes.subarray(start, start + 6)).toString('hex');
}

/** Undefined for lo, which has no wire. */
function entranceOf(link: LinkDescription | undefined, host: Host): Entrance | undefined {
  if (link === undefined || link.isLoopback) return undefined;
  const { links, neighbours } = host.description;
  const view = new DataView(link.mac.buffer, link.mac.byteOffset, link.mac.byteLength);
  const upper = links.filter(({ lower, kind = '' }) => lower === link.name && UPPER_KINDS.includes(kind));
  const isBridge =
    link.kind === 'bridge' || links.some(({ master, slaveKind }) => master === link.name && slaveKind === 'bridge');
  const known = isBridge ? neighbours.filter(({ dev }) => dev === link.name) : [];
  const own = Buffer.from(link.mac).toString('hex');
  const macs = known.map(({ mac }) => Buffer.from(mac).toString('hex')).filter((mac) => mac !== own);
  return {
    link,
    macHigh: link.isEthernet ? view.getUint16(0) : NO_MAC,
    macLow: view.getInt32(2),
    isSpecial: link.master !== undefined || link.kind === 'vrf' || upper.length > 0 || macs.length > 0,
    upper,
    neighbours: new Set(macs),
  };
}
