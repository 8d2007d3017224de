/** hot: which frames may hold a packet that a sentence describes. What only the packet's story tells is left open. */
import {
  IPV4_DESTINATION_AT,
  IPV4_FRAGMENT_AT,
  IPV4_MF,
  IPV4_OFFSET_MASK,
  IPV4_PROTOCOL_AT,
  IPV4_SOURCE_AT,
  PORTS_LENGTH,
} from '../../codecs/layouts.js';
import { hasPorts, type NumberRange, type Sentence, type SentenceEnd } from '../../codecs/sentence/sentence.js';

/** In place of an interface: the host itself sends the packet. */
export const OWN = -1;

const ADDRESS_BITS = 32;
const FRAGMENT_MASK = IPV4_MF | IPV4_OFFSET_MASK;

/** Addresses and ports of one end. Addresses are in host order. */
interface EndFilter {
  readonly isNegated: boolean;
  /** Undefined: any. */
  readonly networks: readonly { readonly network: number; readonly mask: number }[] | undefined;
  readonly ports: NumberRange | undefined;
}

export class FrameFilter {
  readonly #protocol: number | undefined;
  readonly #isLocal: boolean;
  /** The index of the interface; undefined: any. */
  readonly #dev: number | undefined;
  readonly #isDevNegated: boolean;
  readonly #source: EndFilter | undefined;
  readonly #destination: EndFilter | undefined;

  /** Whether it matters where the packet comes from. */
  get asksPlace(): boolean {
    return this.#isLocal || this.#dev !== undefined;
  }

  /** Takes the frames of SENTENCE on a host with these interfaces. */
  constructor({ protocol, isLocal, input, ends }: Sentence, interfaceNames: readonly string[]) {
    this.#protocol = protocol;
    this.#isLocal = isLocal;
    this.#dev = input === undefined ? undefined : interfaceNames.indexOf(input.name);
    this.#isDevNegated = input?.isNegated === true;
    this.#source = ends && endFilter(ends.source);
    this.#destination = ends && endFilter(ends.destination);
  }

  /** Whether it takes the IPv4 packet at AT, of which CAPTURED bytes are present: its header at least. DEV: or OWN. */
  takes(view: DataView, at: number, captured: number, dev: number): boolean {
    if (this.#isLocal && dev !== OWN) return false;
    if (this.#dev !== undefined && (dev === this.#dev) === this.#isDevNegated) return false;
    return this.takesAnywhere(view, at, captured, dev);
  }

  /** The same, wherever the packet comes from. */
  takesAnywhere(view: DataView, at: number, captured: number, dev: number): boolean {
    const protocol = view.getUint8(at + IPV4_PROTOCOL_AT);
    if (this.#protocol !== undefined && protocol !== this.#protocol) return false;
    const source = this.#source;
    const destination = this.#destination;
    if (source === undefined || destination === undefined) return true;
    // A host fills in the source of a packet of its own that has none.
    const sender = view.getUint32(at + IPV4_SOURCE_AT);
    if (!(dev === OWN && sender === 0) && !isOf(source, sender)) return false;
    if (!isOf(destination, view.getUint32(at + IPV4_DESTINATION_AT))) return false;
    if (source.ports === undefined && destination.ports === undefined) return true;
    // Only the whole packet has ports.
    if ((view.getUint16(at + IPV4_FRAGMENT_AT) & FRAGMENT_MASK) !== 0) return true;
    const ports = at + ((view.getUint8(at) & 15) << 2);
    if (!hasPorts(protocol) || ports + PORTS_LENGTH > at + captured) return false;
    return isIn(source.ports, view.getUint16(ports)) && isIn(destination.ports, view.getUint16(ports + 2));
  }
}

function endFilter({ isNegated, host, ports }: SentenceEnd): EndFilter {
  const networks = host?.addresses.flatMap((address) => {
    if (address.family !== 'ipv4') return [];
    const length = host.prefixLength ?? ADDRESS_BITS;
    const mask = length === 0 ? 0 : (-1 << (ADDRESS_BITS - length)) >>> 0;
    return [{ network: (address.hostOrder & mask) >>> 0, mask }];
  });
  return { isNegated, networks, ports };
}

function isOf({ networks, isNegated }: EndFilter, address: number): boolean {
  if (networks === undefined) return true;
  for (const { network, mask } of networks) if ((address & mask) >>> 0 === network) return !isNegated;
  return isNegated;
}

function isIn(range: NumberRange | undefined, port: number): boolean {
  return range === undefined || (port >= range.min && port <= range.max);
}
