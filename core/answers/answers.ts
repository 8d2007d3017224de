/** ICMP errors and RSTs that the host itself sends. Each leaves as part of the connection it is about. */

import type { LoadedAddress } from '../../codecs/byte-order.js';
import { IPPROTO_TCP } from '../../codecs/layouts.js';
import type { Clock } from '../clock.js';
import type { Conntrack } from '../conntrack/conntrack.js';
import { AddressType } from '../host/address-type.js';
import { ErrorRate } from '../host/error-rate.js';
import type { Host } from '../host/host.js';
import type { OutputRoute } from '../host/route-decision.js';
import type { Sysctls } from '../host/sysctls.js';
import { setRoute } from '../own-route.js';
import { CtInfo, ORIGINAL, type Packet, REPLY } from '../packet.js';
import type { PacketStack } from '../packet-stack.js';
import { protocolOf } from '../protocols/registry.js';
import { setClosing } from '../protocols/tcp.js';
import type { Random } from '../random.js';
import { buildSegment, type Segment } from '../synproxy/segment.js';
import { answerDestination } from './echo-options.js';
import { buildIcmpError, type IcmpError, icmpErrorTos, mayAnswer, REJECT_ERRORS } from './icmp-error.js';
import type { OptionsHost } from './ip-options.js';
import { rejectChecksumOk, resetChecksumOk } from './reject-checksum.js';
import type { RejectKind } from './reject-kind.js';
import { buildTcpReset } from './tcp-reset.js';

/** Multicast that the host sends stays on the link (the default of IP_MULTICAST_TTL). */
const MULTICAST_TTL = 1;

/** The route to the sender of a packet, without an error about it. */
const NO_ERROR = { type: 0, code: 0, tos: 0, mark: 0 };

export class Answers implements OptionsHost {
  readonly #host: Host;
  readonly #conntrack: Conntrack;
  readonly #stack: PacketStack;
  readonly #clock: Clock;
  readonly #send: (answer: Packet) => void;
  readonly #rate: ErrorRate;
  #ttl = 0;
  #checksums = false;
  #reflectsMarks = false;

  /** SEND hands a routed answer to the OUTPUT hook. */
  constructor(
    host: Host,
    conntrack: Conntrack,
    stack: PacketStack,
    clock: Clock,
    random: Random,
    send: (answer: Packet) => void,
  ) {
    this.#host = host;
    this.#conntrack = conntrack;
    this.#stack = stack;
    this.#clock = clock;
    this.#send = send;
    this.#rate = new ErrorRate(host.sysctls, random, conntrack.table.memory.hash);
    this.useSettings(host.sysctls);
  }

  /** From now on, these are the settings of the host. */
  useSettings(sysctls: Sysctls): void {
    this.#rate.useSettings(sysctls);
    this.#ttl = sysctls.global('net.ipv4.ip_default_ttl');
    this.#reflectsMarks = sysctls.global('net.ipv4.fwmark_reflect') !== 0;
    this.#checksums = sysctls.global('net.netfilter.nf_conntrack_checksum') !== 0;
  }

  /** Sends an ICMP error about PACKET, which is on top of the stack, if one is allowed (icmp_send). */
  sendIcmpError(packet: Packet, error: IcmpError, info: number): void {
    const host = this.#host;
    if (!mayAnswer(packet, packet.isToMany)) return;
    // What came over loopback is answered without limits.
    const isLimited = packet.inDev !== host.loopback && this.#rate.isLimited(error.type, error.code);
    if (isLimited && !this.#rate.allowAny(this.#clock.nowMs)) return;
    const options = packet.hasTakenOptions ? this.#stack.options : null;
    const to = options === null ? packet.source : answerDestination(packet, options);
    const key = host.routeKey.fromPacket(packet);
    key.source = to;
    const mark = this.#reflectedMark(packet);
    const { type, code } = error;
    const route = host.routeIcmpError(key, packet.isForHost, { type, code, tos: icmpErrorTos(packet), mark });
    if (route.reason !== '' || (isLimited && !this.#takeRate(route, to))) return;
    const answer = this.#stack.push(this.#clock.nowMs);
    answer.mark = mark;
    setRoute(answer, route, host.loopback);
    const ttl = route.type === AddressType.MULTICAST ? MULTICAST_TTL : this.#ttl;
    const errorRoute = { source: route.source, ttl, mtu: route.mtu };
    if (buildIcmpError(answer, error, info, packet, options, errorRoute, this) > 0) this.#sendRelated(answer, packet);
    this.#stack.pop();
  }

  /** Sends an ICMP error about a PACKET without a route, within a rate limit of its own (ip_error). */
  sendNoRoute(packet: Packet, error: IcmpError): void {
    if (this.#rate.allowNoRoute(packet.source, packet.nowMs)) this.sendIcmpError(packet, error, 0);
  }

  /** Whether a limited error may be sent to the receiver TO. If so, it counts. */
  #takeRate(route: OutputRoute, to: number): boolean {
    if (route.outDev !== this.#host.loopback && !this.#rate.allowTo(to, this.#clock.nowMs)) return false;
    this.#rate.consume();
    return true;
  }

  /** Sends what `-j REJECT` answers PACKET with. */
  sendReject(packet: Packet, kind: RejectKind): void {
    packet.isRejected = true;
    if (kind === 'tcp-reset') this.#sendReset(packet);
    else if (rejectChecksumOk(packet, this.#isChecked(packet))) this.sendIcmpError(packet, REJECT_ERRORS[kind], 0);
  }

  /** Sends a RST and closes the connection (nf_send_reset). */
  #sendReset(packet: Packet): void {
    const answer = this.#stack.push(this.#clock.nowMs);
    if (buildTcpReset(answer, packet, packet.isToMany, this.#ttl, this.#isChecked(packet)) > 0) {
      if (packet.ct >= 0 && this.#conntrack.table.isHashed(packet.ct))
        setClosing(this.#conntrack.trackers[IPPROTO_TCP], packet.ct, packet.nowMs);
      answer.mark = this.#reflectedMark(packet);
      const route = this.#host.rerouteOutput(this.#host.routeKey.fromPacket(answer));
      if (route.reason === '') {
        setRoute(answer, route, this.#host.loopback);
        this.#sendRelated(answer, packet);
      }
    }
    this.#stack.pop();
  }

  /** The loopback interface. */
  get loopback(): number {
    return this.#host.loopback;
  }

  /** Whether SYNPROXY takes the TCP checksum of PACKET for right (nf_ip_checksum). */
  isChecksumRight(packet: Packet): boolean {
    return resetChecksumOk(packet, this.#isChecked(packet));
  }

  /**
   * Sends SEGMENT because of PACKET. IS_REPLY: as the reply in PACKET's connection, if it has one; otherwise conntrack
   * finds out what it belongs to. Calls PREPARE with the packet before it is sent.
   */
  sendSegment(packet: Packet, segment: Segment, isReply: boolean, prepare?: (answer: Packet) => void): void {
    const host = this.#host;
    const answer = this.#stack.push(this.#clock.nowMs);
    buildSegment(answer, packet, segment, this.#ttl);
    const route = host.rerouteOutput(host.routeKey.fromPacket(answer));
    if (route.reason === '') {
      setRoute(answer, route, host.loopback);
      const isAttached = isReply && packet.ct >= 0;
      if (isAttached) {
        answer.ct = packet.ct;
        answer.ctinfo = CtInfo.ESTABLISHED;
        answer.direction = REPLY;
      }
      prepare?.(answer);
      this.#send(answer);
      if (!isAttached) this.#conntrack.release(answer);
    }
    this.#stack.pop();
  }

  /** The mark of an answer to PACKET. */
  #reflectedMark({ mark }: Packet): number {
    return this.#reflectsMarks ? mark : 0;
  }

  /** Whether conntrack verified the packet's checksum on arrival. */
  #isChecked(packet: Packet): boolean {
    return (
      this.#checksums &&
      !packet.isLocal &&
      packet.ctinfo !== CtInfo.UNTRACKED &&
      protocolOf(packet.protocol).reachesChecksum(packet)
    );
  }

  /** Attaches the answer to the packet's connection, in the other direction (nf_conntrack_attach), and sends it. */
  #sendRelated(answer: Packet, packet: Packet): void {
    answer.ct = packet.ct;
    if (packet.ct >= 0) {
      answer.ctinfo = CtInfo.RELATED;
      answer.direction = packet.direction === ORIGINAL ? REPLY : ORIGINAL;
    } else answer.isAttached = packet.ctinfo === CtInfo.UNTRACKED;
    this.#send(answer);
    if (packet.ct < 0) this.#conntrack.release(answer);
  }

  ownAddressFor(packet: Packet): LoadedAddress {
    if (packet.isForHost && !packet.isToMany) return packet.destination;
    const host = this.#host;
    return host.routeIcmpError(host.routeKey.fromPacket(packet), false, NO_ERROR).source;
  }

  isRemote(address: number): boolean {
    return this.#host.addressType(address, -1) === AddressType.UNICAST;
  }

  millisecondsOfDay(): number {
    return this.#clock.dayMs;
  }
}
