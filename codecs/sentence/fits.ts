/** Whether packets are of the kind that a sentence describes. */
import { type Address, parseAddress } from '../address.js';
import type {
  IcmpKind,
  NumberRange,
  Sentence,
  SentenceEnd,
  SentenceHost,
  SentenceInterface,
  SentencePacket,
} from './sentence.js';
import { fitsFlags } from './tcp-flags.js';

/**
 * Whether PACKET is one of the kind that SENTENCE describes. What is not known of a packet does not fit what is asked
 * for. Of flags, `S` is a SYN without ACK and `A` any segment with ACK but SYN, FIN and RST; `F` and `R` have an ACK or
 * not; `P`, `U`, `E` and `C` must be set where they are named, and may be set anywhere else.
 */
export function fits(sentence: Sentence, packet: SentencePacket): boolean {
  const { ends, flags, icmp } = sentence;
  if (sentence.protocol !== undefined && sentence.protocol !== packet.protocol) return false;
  if (sentence.isLocal && packet.isLocal !== true) return false;
  if (sentence.mark !== undefined && (packet.mark === undefined || packet.mark >>> 0 !== sentence.mark)) return false;
  if (sentence.state !== undefined && sentence.state !== packet.state) return false;
  return (
    isInRange(sentence.ttl, packet.ttl) &&
    isInRange(sentence.length, packet.lengthBytes) &&
    fitsInterface(sentence.input, packet.inDev) &&
    fitsInterface(sentence.output, packet.outDev) &&
    (flags === undefined || fitsFlags(flags, packet.flags)) &&
    (icmp === undefined || fitsKind(icmp, packet.icmp)) &&
    (ends === undefined ||
      (fitsEnd(ends.source, packet.source, packet.sport) &&
        fitsEnd(ends.destination, packet.destination, packet.dport)))
  );
}

/** Whether an end with ADDRESS and PORT is one of END. */
function fitsEnd({ isNegated, host, ports }: SentenceEnd, address: string, port: number | undefined): boolean {
  if (!isInRange(ports, port)) return false;
  if (host === undefined) return true;
  const parsed = parseAddress(address);
  return parsed !== undefined && isOf(host, parsed) !== isNegated;
}

function isOf({ addresses, prefixLength }: SentenceHost, address: Address): boolean {
  if (prefixLength !== undefined) return address.hasPrefix(addresses[0], prefixLength);
  return addresses.some((one) => one.equals(address));
}

function isInRange(range: NumberRange | undefined, value: number | undefined): boolean {
  return range === undefined || (value !== undefined && value >= range.min && value <= range.max);
}

function fitsInterface(asked: SentenceInterface | undefined, name: string | undefined): boolean {
  return asked === undefined || (asked.name === name) !== asked.isNegated;
}

function fitsKind(asked: IcmpKind, kind: SentencePacket['icmp']): boolean {
  return kind !== undefined && asked.type === kind.type && (asked.code ?? kind.code) === kind.code;
}
