/**
 * SYN cookies (net/ipv4/syncookies.c): the server's sequence number that SYNPROXY answers a SYN with says which MSS the
 * client has, and can be recognized when the client acknowledges it.
 *
 * The kernel computes them from a secret. In a capture, clients acknowledge the real host's cookies, not ours. So the
 * first acknowledgment of a SYN is taken to answer the real one, whose number is thereby known.
 */
import { jhashWords } from '../nat/jhash.js';
import type { Packet } from '../packet.js';

/** The MSS values that a cookie can hold. */
const MSS_VALUES = [536, 1300, 1440, 1460];
/** The lowest bits, which hold the index of the MSS; above them is the time. */
const DATA_BITS = 24;
/** How long a cookie is good, and its unit of time. */
const MAX_AGE = 2;
const PERIOD_MS = 60_000;
const AMBIGUOUS = -1;
/** Of one client, that many SYNs may be acknowledged. */
const MAX_SYNS = 8;
/** More clients than this are not remembered; the oldest are forgotten. */
const MAX_CLIENTS = 100_000;

interface Client {
  /** Its last SYNs: the index of the MSS by sequence number; AMBIGUOUS if there were several. */
  readonly syns: Map<number, number>;
  /** When the last arrived. */
  period: number;
  /** The real host's cookie less sequence number and index; undefined if none was acknowledged yet. */
  base: number | undefined;
  /** A cookie was acknowledged since the last SYN. */
  isKnown: boolean;
}

/** What SYNPROXY did with cookies. */
export interface CookieCounts {
  /** SYNs that were answered. */
  readonly sent: number;
  /** Acknowledgments that were taken to answer cookies of the real host, whose secret is not known. */
  readonly assumed: number;
}

export const NO_COOKIES: CookieCounts = { sent: 0, assumed: 0 };

export class Cookies implements CookieCounts {
  readonly #secret: number;
  readonly #clients = new Map<string, Client>();
  sent = 0;
  assumed = 0;

  constructor(secret: number) {
    this.#secret = secret;
  }

  /** The cookie for the SYN in PACKET with this SEQUENCE number, of a client with MSS; undefined: unknown. */
  make(packet: Packet, sequence: number, mss: number | undefined): number {
    const mssIndex = Math.max(
      MSS_VALUES.findLastIndex((value) => (mss ?? 0) >= value),
      0,
    );
    this.sent++;
    const key = keyOf(packet);
    const period = periodOf(packet);
    const before = this.#clients.get(key);
    const base = before?.period === period ? before.base : undefined;
    const syns = before?.syns ?? new Map<number, number>();
    const isKnown = base !== undefined && before?.isKnown === true && [...syns.keys()].at(-1) === sequence;
    const isAmbiguous = !isKnown && (syns.get(sequence) ?? mssIndex) !== mssIndex;
    syns.delete(sequence);
    syns.set(sequence, isAmbiguous ? AMBIGUOUS : mssIndex);
    if (syns.size > MAX_SYNS) syns.delete(syns.keys().next().value!);
    this.#clients.delete(key);
    this.#clients.set(key, { syns, period, base, isKnown });
    if (this.#clients.size > MAX_CLIENTS) this.#clients.delete(this.#clients.keys().next().value!);
    return ((base ?? this.#ownBase(packet, period)) + sequence + mssIndex) >>> 0;
  }

  #ownBase({ source, destination, sport, dport }: Packet, period: number): number {
    return jhashWords(source, destination, (sport << 16) | dport, this.#secret) + (period << DATA_BITS);
  }

  /**
   * The MSS in COOKIE, which the client acknowledged in PACKET with SEQUENCE, that of its SYN; undefined if it is none
   * or too old.
   */
  check(packet: Packet, cookie: number, sequence: number): number | undefined {
    const client = this.#clients.get(keyOf(packet));
    if (client === undefined || periodOf(packet) - client.period >= MAX_AGE) return undefined;
    const index = client.base === undefined ? -1 : (cookie - sequence - client.base) | 0;
    if (index >= 0 && index < MSS_VALUES.length) {
      client.isKnown = true;
      return MSS_VALUES[index];
    }
    const mssIndex = client.syns.get(sequence);
    if (client.isKnown || mssIndex === undefined || mssIndex === AMBIGUOUS) return undefined;
    // What is known of the cookies may be wrong only for the last SYN, which may have passed another NAT.
    if (client.base !== undefined && sequence !== [...client.syns.keys()].at(-1)) return undefined;
    client.base = (cookie - sequence - mssIndex) | 0;
    client.isKnown = true;
    this.assumed++;
    return MSS_VALUES[mssIndex];
  }

  /**
   * Whether the client of PACKET may have sent its SYN before the capture began: then it is not known whether it
   * acknowledges a cookie.
   */
  mayHaveMissed(packet: Packet): boolean {
    return !this.#clients.has(keyOf(packet)) && periodOf(packet) < MAX_AGE;
  }

  /** Whether the client of PACKET has sent several SYNs with this SEQUENCE number: its answer may be to either. */
  isAmbiguous(packet: Packet, sequence: number): boolean {
    return this.#clients.get(keyOf(packet))?.syns.get(sequence) === AMBIGUOUS;
  }

  /** The cookie in the SYN/ACK was changed on its way to the client, which will acknowledge another one. */
  spoil({ source, destination, sport, dport }: Packet): void {
    const client = this.#clients.get(keyOf({ source: destination, destination: source, sport: dport, dport: sport }));
    if (client !== undefined) client.isKnown = true;
  }
}

function periodOf({ nowMs }: Packet): number {
  return Math.floor(nowMs / PERIOD_MS);
}

/** The client's end and the server's. */
function keyOf({
  source,
  destination,
  sport,
  dport,
}: Pick<Packet, 'source' | 'destination' | 'sport' | 'dport'>): string {
  return `${source} ${destination} ${sport} ${dport}`;
}
