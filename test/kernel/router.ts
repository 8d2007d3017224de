/**
 * The host under test: the real Linux netfilter in its own network namespace, with one veth pair per interface. Frames
 * are injected one at a time. Forwarding through veth is complete when the injection returns, so all output belongs to
 * that frame.
 */
import { closeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SNAPSHOT_SCRIPT } from '../../codecs/host/snapshot-script.js';
import type { Backend } from '../../core/rules/model.js';
import type { ChangeText } from './change.js';
import { run } from './command.js';
import type { HostDescription } from './host-description.js';
import { letAllLog, logPrefixesOf } from './kernel-log.js';
import { AF_INET, AF_PACKET, type Libc, SOCK_DGRAM, SOCK_RAW, SystemError } from './libc.js';
import { Listeners } from './listeners.js';
import { Namespace } from './namespace.js';
import { Nflog } from './nflog.js';
import type { QueueVerdict } from './queue-verdict.js';
import { openSockets } from './real-sockets.js';
import { addTeeNeighbours, buildHost, linksOf, peerName, RefusedHost } from './router-setup.js';
import { virtioHeader } from './virtio-header.js';

/**
 * A frame that left by interface DEV, with zeros for a header that it has not; for `local`, an IP packet that was
 * delivered to the host.
 */
export interface Output {
  dev: string;
  frame: Uint8Array;
}

/** The interface name that stands for the host itself. */
export const LOCAL = 'local';

const ETH_P_ALL = 3;
const SOL_SOCKET = 1;
const SO_BROADCAST = 6;
const SOL_PACKET = 263;
const PACKET_IGNORE_OUTGOING = 23;
const PACKET_VNET_HDR = 15;
const IPPROTO_RAW = 255;
const SOL_IP = 0;
const IP_TOS = 1;
const IP_PROTOCOL = 52;
const IPV4_LENGTH = 20;
/** Addresses from 224.0.0.0 on are groups, or 255.255.255.255. */
const FIRST_GROUP_BYTE = 224;
const UNSPECIFIED = new Uint8Array(4);
const SINK_GROUP = 77;

/**
 * Locally delivered packets are logged and then dropped, after conntrack has confirmed them, so that no socket answers.
 * Registered before conntrack's hook of the same priority, and hence run after it.
 */
const SINK = `table inet oracle {
  chain sink {
    type filter hook input priority 2147483647; policy accept;
    log group ${SINK_GROUP} snaplen 65535
    drop
  }
}
`;

/** Conntrack's hooks are registered only if a rule needs them: this makes conntrack track with any ruleset. */
const TRACK = `table inet oraclect {
 chain c {
 ct state new accept
 }
}
`;

interface Port {
  dev: string;
  fd: number;
  mac: Uint8Array;
  /** For injection with a virtio header; undefined: without. */
  offloadFd: number | undefined;
  mtu: number;
  /** It is a tun interface. */
  isBare: boolean;
}

export class Router {
  private readonly firewall: Namespace;
  private readonly peers: Namespace;
  private readonly ports: Port[] = [];
  private readonly buffer = Buffer.alloc(70_000);
  private nflog: Nflog | undefined;
  private listeners: Listeners | undefined;
  private rawFd = -1;
  /** Raw sockets by source and TOS. */
  private readonly boundFds = new Map<string, number>();
  /** The sockets of the description. */
  private socketFds: number[] = [];

  constructor(
    private readonly libc: Libc,
    private readonly host: HostDescription,
    /** Whether what arrives was left to network cards (virtio-header.ts). */
    private readonly isOffloaded = false,
    /** Which iptables it has. */
    private readonly backend: Backend = 'legacy',
  ) {
    // Other programs of this machine that change rules do not have to wait.
    process.env.XTABLES_LOCKFILE ??= join(tmpdir(), `nfreplay-xtables-${process.pid}.lock`);
    this.firewall = Namespace.create(libc);
    this.peers = Namespace.create(libc);
    try {
      this.build();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  private build(): void {
    const { libc } = this;
    const tuns = new Map<string, number>();
    try {
      buildHost(this.host, this.firewall, this.peers, (name) => void tuns.set(name, libc.createTun(name)));
    } catch (error) {
      for (const fd of tuns.values()) closeSync(fd);
      throw error;
    }
    linksOf(this.host).forEach((link, i) => {
      const tun = tuns.get(link.ifname);
      const mac = Uint8Array.from((link.address ?? '').split(':'), (byte) => Number.parseInt(byte, 16));
      const open = (isOffload: boolean): number => this.peers.run(() => this.openLink(peerName(i), isOffload));
      const offloadFd = this.isOffloaded && tun === undefined ? open(true) : undefined;
      const fd = tun ?? open(false);
      this.ports.push({ dev: link.ifname, fd, mac, offloadFd, mtu: link.mtu ?? 1500, isBare: tun !== undefined });
    });
    this.firewall.run(() => {
      const control = libc.socket(AF_INET, SOCK_DGRAM, 0);
      for (const port of this.ports.filter((one) => !one.isBare)) libc.txChecksumOff(control, port.dev);
      closeSync(control);
      run('nft', ['-f', '-'], SINK);
      this.rawFd = libc.socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
      libc.setOption(this.rawFd, SOL_SOCKET, SO_BROADCAST, 1);
      this.nflog = new Nflog(libc, SINK_GROUP);
      this.socketFds = openSockets(libc, this.host.sockets ?? []);
    });
  }

  /** A socket on the link NAME. IS_OFFLOAD: it only sends, each frame after a virtio header. */
  private openLink(name: string, isOffload: boolean): number {
    const { libc } = this;
    const fd = libc.socket(AF_PACKET, SOCK_RAW, 0);
    libc.setOption(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
    const address = Buffer.alloc(20);
    address.writeUInt16LE(AF_PACKET, 0);
    if (isOffload) libc.setOption(fd, SOL_PACKET, PACKET_VNET_HDR, 1);
    else address.writeUInt16BE(ETH_P_ALL, 2);
    address.writeInt32LE(libc.interfaceIndex(name), 4);
    libc.bind(fd, address);
    return fd;
  }

  /** Names of the interfaces but lo, in the order of the description. */
  get devices(): string[] {
    return this.ports.map((port) => port.dev);
  }

  /** Those whose packets have no link header. */
  get bareDevices(): string[] {
    return this.ports.filter((port) => port.isBare).map((port) => port.dev);
  }

  /**
   * Loads RULES (iptables-save text) and the sets of the host. VERDICT: that of the program that listens to the queues
   * of NFQUEUE; undefined: none does.
   */
  load(rules: string | undefined, verdict?: QueueVerdict): void {
    if (rules !== undefined) this.prepareFor(rules);
    this.firewall.run(() => {
      if (this.host.ipset) run('ipset', ['restore'], this.host.ipset);
      if (rules !== undefined) this.restore(rules);
      this.listeners = new Listeners(this.libc, rules ?? '', verdict);
      run('nft', ['-f', '-'], TRACK);
    });
  }

  /** Makes a change of rules or sets. Throws an error with what the tool said if it refuses. */
  change({ kind, text }: ChangeText): void {
    if (kind !== 'sets') this.prepareFor(text);
    this.firewall.run(() => {
      if (kind === 'rules') this.restore(text);
      else if (kind === 'sets') run('ipset', ['restore'], text);
      else run('sh', ['-c', text.replace(/^iptables /, `iptables-${this.backend} `)]);
      this.listeners?.listenTo(text);
    });
  }

  /** Throws a RefusedHost if the tool refuses RULES: nft refuses some that legacy takes. */
  private restore(rules: string): void {
    try {
      run(`iptables-${this.backend}-restore`, [], rules);
    } catch (error) {
      if (this.backend === 'legacy') throw error;
      throw new RefusedHost((error as Error).message);
    }
  }

  private prepareFor(rules: string): void {
    if (logPrefixesOf(rules).length > 0) letAllLog();
    this.firewall.run(() => addTeeNeighbours(this.host, rules));
  }

  /**
   * Makes FRAME arrive on interface DEV (Ethernet, or bare IP: `isBarePacket`), or makes the host send it (`local`).
   * The destination of a unicast frame is changed to the interface's MAC unless KEEP_MAC. Throws a SystemError if
   * the kernel refuses it.
   */
  inject(dev: string, frame: Uint8Array, isBarePacket: boolean, keepMac = false): void {
    if (dev === LOCAL) {
      this.sendLocal(isBarePacket ? frame : frame.subarray(ETHERNET_LENGTH));
      return;
    }
    const port = this.ports.find((candidate) => candidate.dev === dev);
    if (port === undefined) throw new Error(`the host has no interface ${dev}`);
    if (port.isBare) {
      const packet = isBarePacket ? frame : frame.subarray(ETHERNET_LENGTH);
      // A tun interface asks the first byte what it is.
      if (packet.length > 0 && packet[0] >> 4 === 4) this.libc.write(port.fd, packet);
    } else if (isBarePacket) {
      this.sendTo(port, Buffer.concat([port.mac, BARE_SOURCE_AND_TYPE, frame]));
    } else if (keepMac || frame[0] & 1) {
      this.sendTo(port, frame);
    } else {
      this.sendTo(port, Buffer.concat([port.mac, frame.subarray(6)]));
    }
  }

  private sendTo({ fd, offloadFd, mtu }: Port, frame: Uint8Array): void {
    if (offloadFd === undefined) this.libc.send(fd, frame);
    else this.libc.send(offloadFd, Buffer.concat([virtioHeader(frame, mtu), frame]));
  }

  private sendLocal(packet: Uint8Array): void {
    const address = Buffer.alloc(16);
    address.writeUInt16LE(AF_INET, 0);
    address.set(packet.subarray(16, 20), 4);
    // A raw socket of protocol 0 is not possible.
    const isBound = this.host.rule !== undefined && packet.length >= IPV4_LENGTH && packet[9] !== 0;
    try {
      if (isBound) this.libc.sendWith(this.boundSocket(packet), packet, address, SOL_IP, IP_PROTOCOL, packet[9]);
      else this.libc.send(this.rawFd, packet, address);
    } catch (error) {
      if (!(error instanceof SystemError && error.isRefused)) throw error;
    }
  }

  /** A raw socket whose packets are routed with the source and the TOS of PACKET. */
  private boundSocket(packet: Uint8Array): number {
    // The source would choose the interface of packets to groups.
    const source = packet[16] < FIRST_GROUP_BYTE ? packet.subarray(12, 16) : UNSPECIFIED;
    const key = `${source.join('.')} ${packet[1]}`;
    const known = this.boundFds.get(key);
    if (known !== undefined) return known;
    const fd = this.firewall.run(() => this.openBound(source, packet[1]));
    this.boundFds.set(key, fd);
    return fd;
  }

  private openBound(source: Uint8Array, tos: number): number {
    const { libc } = this;
    const fd = libc.socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
    libc.setOption(fd, SOL_IP, IP_TOS, tos);
    libc.setOption(fd, SOL_SOCKET, SO_BROADCAST, 1);
    const address = Buffer.alloc(16);
    address.writeUInt16LE(AF_INET, 0);
    address.set(source, 4);
    try {
      libc.bind(fd, address);
    } catch (error) {
      // The source is not an address of the host.
      if (!(error instanceof SystemError)) throw error;
    }
    return fd;
  }

  /** All output since the last call. SETTLE_MS: how long to wait for more (sent by a timer). */
  drain(settleMs = 0): Output[] {
    const { nflog, listeners, libc } = this;
    if (nflog === undefined) return [];
    const outputs: Output[] = [];
    const delivered: Output[] = [];
    const others = listeners?.fds ?? [];
    const fds = [...this.ports.map((port) => port.fd), nflog.fd, ...others];
    for (;;) {
      const ready = libc.poll(fds, settleMs);
      if (ready.length === 0) {
        listeners?.readLog();
        return [...outputs, ...delivered];
      }
      for (const fd of ready) {
        if (fd === nflog.fd) for (const { bytes } of nflog.read()) delivered.push({ dev: LOCAL, frame: bytes });
        else if (others.includes(fd)) listeners?.read(fd);
        else this.readLink(fd, outputs);
      }
    }
  }

  private readLink(fd: number, outputs: Output[]): void {
    const port = this.ports.find((candidate) => candidate.fd === fd);
    if (port === undefined) return;
    for (;;) {
      const frame = port.isBare ? this.libc.read(fd, this.buffer) : this.libc.receive(fd, this.buffer);
      if (frame === null) return;
      if (port.isBare) {
        outputs.push({ dev: port.dev, frame: Buffer.concat([NO_HEADER, frame]) });
        continue;
      }
      if (frame.length < 14 || frame.readUInt16BE(12) !== ETHERTYPE_ARP)
        outputs.push({ dev: port.dev, frame: Uint8Array.from(frame) });
      else if (frame.readUInt16BE(20) === ARP_REQUEST) this.libc.send(fd, arpReply(frame));
    }
  }

  /** Tells who listens that the packet injected next has this time stamp. */
  setTime(tsNs: bigint): void {
    if (this.listeners !== undefined) this.listeners.nowNs = tsNs;
  }

  /** Writes what rules told besides the packets to DIR. */
  writeTold(dir: string): void {
    this.listeners?.write(dir);
  }

  /** The current output of iptables-save, with or without counters. */
  savedRules(hasCounters = true): string {
    return this.firewall.run(() => run(`iptables-${this.backend}-save`, hasCounters ? ['-c'] : [], '', true));
  }

  /** The current output of `ipset save`; undefined if the host has no sets. */
  savedSets(): string | undefined {
    return this.host.ipset ? this.firewall.run(() => run('ipset', ['save'], '', true)) : undefined;
  }

  /** The current output of `conntrack -L -o extended`. */
  conntrack(): string {
    return this.firewall.run(() => run('conntrack', ['-L', '-o', 'extended'], '', true));
  }

  /** What the script of `nfreplay snapshot` prints on the host, without the tables that are not the host's. */
  snapshot(): string {
    const text = this.firewall.run(() => run('sh', [], SNAPSHOT_SCRIPT));
    return text.replace(/^table inet oracle(?:ct)? \{\n(?:.*\n)*?\}\n/gm, '');
  }

  close(): void {
    for (const { fd, offloadFd } of this.ports) {
      closeSync(fd);
      if (offloadFd !== undefined) closeSync(offloadFd);
    }
    this.ports.length = 0;
    if (this.rawFd >= 0) closeSync(this.rawFd);
    for (const fd of this.boundFds.values()) closeSync(fd);
    this.boundFds.clear();
    this.socketFds.forEach(closeSync);
    this.socketFds = [];
    this.rawFd = -1;
    this.listeners?.close();
    this.listeners = undefined;
    this.nflog?.close();
    this.nflog = undefined;
    this.firewall.close();
    this.peers.close();
  }
}

const ETHERNET_LENGTH = 14;
/** Stands before what a tun interface sends, so that all outputs of interfaces have a header. */
const NO_HEADER = Buffer.alloc(ETHERNET_LENGTH);

/** The Ethernet header for captures without a link layer: the MAC of a neighbour, and IPv4. */
const BARE_SOURCE_AND_TYPE = Uint8Array.from([2, 0, 0, 0, 0, 0xfe, 8, 0]);
const ETHERTYPE_ARP = 0x0806;
const ARP_REQUEST = 1;

const LOOPBACK_NET = 127;

/**
 * The answer to an ARP request. A neighbour missing in the description has the MAC 02:00 + its IPv4 address. The kernel
 * ignores answers to 127/8 although it sends requests from there, so such an answer names no one.
 */
function arpReply(request: Buffer): Buffer {
  const address = request.subarray(38, 42);
  const asker = request[28] === LOOPBACK_NET ? Buffer.alloc(4) : request.subarray(28, 32);
  const mac = Buffer.from([2, 0, ...address]);
  return Buffer.concat([
    request.subarray(6, 12),
    mac,
    request.subarray(12, 20),
    Buffer.from([0, 2]),
    mac,
    address,
    request.subarray(22, 28),
    asker,
  ]);
}
