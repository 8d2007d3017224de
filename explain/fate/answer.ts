/** What the other end would answer to a packet that got through: whether that comes back decides whether it works. */
import { parseAddress } from '../../codecs/address.js';
import { IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP, TCP_ACK, TCP_SYN } from '../../codecs/layouts.js';
import type { PacketFields } from '../../core/events.js';
import type { Host } from '../../core/host/host.js';
import { buildPacket, type PacketSpec } from '../packets/build-packet.js';
import { arrivingFrame, bareFrame } from '../packets/frames.js';
import type { TrialPacket, TrialResult } from '../trial.js';

const ECHO_REQUEST = 8;
const ECHO_REPLY = 0;
const QUERY_AT = 4;
const NANOSECONDS = 1_000_000_000;
const LATER_NS = 1_000_000;
const TTL = 64;

type Answered = Pick<TrialResult, 'story' | 'sent' | 'delivered'>;

/**
 * The answer to the packet of RESULT, which HOST let through, as it gets into HOST; undefined if none would come, or if
 * more of the packet would have to be known than RESULT has.
 */
export function answerTo({ story, sent, delivered }: Answered, host: Host): TrialPacket | undefined {
  const { left, tsSec, tsNsec } = story;
  const spec = left === undefined ? undefined : answerSpec(left.packet);
  if (left === undefined || spec === undefined) return undefined;
  const { dev } = left;
  const isEcho = spec.protocol === IPPROTO_ICMP;
  const index = dev === undefined ? -1 : host.interfaceIndex(dev);
  const query = isEcho
    ? queryOf(dev === undefined ? delivered.at(-1) : packetIn(sent, dev, host.interfaces[index].linkLength))
    : undefined;
  if (isEcho && query === undefined) return undefined;
  const packet = buildPacket({ ...spec, ...(query === undefined ? {} : { query }) });
  const later = tsNsec + LATER_NS;
  return {
    ...(dev === undefined ? bareFrame(packet) : arrivingFrame(host, index, packet)),
    dev,
    tsSec: tsSec + Math.floor(later / NANOSECONDS),
    tsNsec: later % NANOSECONDS,
    isSourced: dev === undefined,
  };
}

/** Of what sort of packet an answer is expected, and which one. */
function answerSpec({
  protocol,
  source,
  destination,
  sport = 0,
  dport = 0,
  tcp,
  icmp,
}: PacketFields): PacketSpec | undefined {
  const isOpening = tcp !== undefined && (tcp.flags & (TCP_SYN | TCP_ACK)) === TCP_SYN;
  if (
    protocol === IPPROTO_TCP
      ? !isOpening
      : protocol === IPPROTO_ICMP
        ? icmp?.type !== ECHO_REQUEST
        : protocol !== IPPROTO_UDP
  )
    return undefined;
  return {
    ...{ protocol, source: inHostOrder(destination), destination: inHostOrder(source), ttl: TTL, id: 1 },
    ...{
      sport: dport,
      dport: sport,
      flags: TCP_SYN | TCP_ACK,
      sequence: 1,
      acknowledgment: ((tcp?.sequence ?? 0) + 1) >>> 0,
    },
    ...{ icmp: { type: ECHO_REPLY, code: 0 }, query: { id: 0, sequence: 0 }, data: new Uint8Array(0) },
  };
}

const inHostOrder = (text: string): number => parseAddress(text)!.hostOrder;

/** The IPv4 packet that left by DEV last, whose frames have a header of LINK_LENGTH bytes. */
function packetIn(sent: TrialResult['sent'], dev: string, linkLength: number): Uint8Array | undefined {
  return sent.findLast((frame) => frame.dev === dev)?.bytes.subarray(linkLength);
}

/** Identifier and sequence number of the echo request in PACKET. */
function queryOf(packet: Uint8Array | undefined): PacketSpec['query'] | undefined {
  if (packet === undefined) return undefined;
  const at = (packet[0] & 15) * 4 + QUERY_AT;
  return { id: (packet[at] << 8) | packet[at + 1], sequence: (packet[at + 2] << 8) | packet[at + 3] };
}
