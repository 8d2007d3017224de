/** The connections of a replay, as far as its packets tell: for checks that look at more than one packet. */
import type { Rule } from '../../core/rules/model.js';
import { type Ends, isAccepted, lastFields, natRuleOf, type PacketRecord } from './packet-record.js';

export interface SeenConnection {
  /** Its first packet as it came in, and as it went on. */
  readonly ends: Ends;
  readonly translated: Ends;
  readonly opener: PacketRecord;
  /** The rules that translated it. */
  readonly natRules: readonly Rule[];
  /** Undefined: none yet. */
  reply: PacketRecord | undefined;
}

/** A packet's connection. */
export interface Belonging {
  readonly connection: SeenConnection;
  readonly isReply: boolean;
}

/** More connections than this are not remembered. */
const MAX_CONNECTIONS = 500_000;

/** Time-outs are not followed: a later connection of the same ends takes the place of the one before. */
export class SeenConnections {
  readonly #originals = new Map<string, SeenConnection>();
  readonly #replies = new Map<string, SeenConnection>();

  /** Whether some connections had to be left out. */
  isFull = false;

  /** The connection of RECORD, which it may open; undefined: it belongs to none. */
  take(record: PacketRecord): Belonging | undefined {
    const { ends, tracked } = record;
    if (ends === undefined || tracked === undefined) return undefined;
    const { ctstate } = tracked;
    // An entry that is older than the capture is NEW, too, until there is a reply.
    if (ctstate === 'NEW' && isAccepted(record) && (record.isNatAsked || !isOld(record))) this.#add(ends, record);
    if (ctstate === 'RELATED' || ctstate === 'UNTRACKED') return undefined;
    const belonging = this.find(ends);
    if (belonging?.isReply && ctstate !== 'INVALID') belonging.connection.reply ??= record;
    return belonging;
  }

  /** The connection with ENDS in one of its directions. */
  find(ends: Ends): Belonging | undefined {
    const key = keyOf(ends);
    const original = this.#originals.get(key);
    if (original !== undefined) return { connection: original, isReply: false };
    const reply = this.#replies.get(key);
    return reply === undefined ? undefined : { connection: reply, isReply: true };
  }

  /** The connection of a packet that an ICMP error quotes with ENDS, as its receiver saw them. */
  findQuoted(ends: Ends): Belonging | undefined {
    const answer = this.find(inverse(ends));
    return answer && { ...answer, isReply: !answer.isReply };
  }

  /** Those that findings may be about. */
  *shown(): Generator<SeenConnection, void, void> {
    for (const connection of this.#originals.values()) {
      const { isShown, isUncertain } = connection.opener;
      if (isShown && !isUncertain) yield connection;
    }
  }

  #add(ends: Ends, opener: PacketRecord): void {
    const key = keyOf(ends);
    const known = this.#originals.get(key);
    // Each packet is NEW until there is a reply.
    if (known !== undefined && known.reply === undefined) return;
    if (known === undefined && this.#originals.size >= MAX_CONNECTIONS) {
      this.isFull = true;
      return;
    }
    if (known !== undefined) this.#replies.delete(keyOf(inverse(known.translated)));
    const translated = endsAfter(ends, opener);
    const rules = [natRuleOf(opener, 'destination'), natRuleOf(opener, 'source')];
    const natRules = rules.filter((rule) => rule !== undefined);
    const connection = { ends, translated, opener, natRules, reply: undefined };
    this.#originals.set(key, connection);
    this.#replies.set(keyOf(inverse(translated)), connection);
  }
}

/** Whether the packet is translated although no rule was asked. */
function isOld({ translations }: PacketRecord): boolean {
  return translations.length > 0;
}

/** ENDS of RECORD's packet, as they are after it. */
function endsAfter(ends: Ends, record: PacketRecord): Ends {
  const last = lastFields(record);
  if (last === undefined) return ends;
  return {
    protocol: ends.protocol,
    source: last.source,
    sport: last.sport ?? ends.sport,
    destination: last.destination,
    dport: last.dport ?? ends.dport,
  };
}

function inverse({ protocol, source, sport, destination, dport }: Ends): Ends {
  return { protocol, source: destination, sport: dport, destination: source, dport: sport };
}

function keyOf({ protocol, source, sport, destination, dport }: Ends): string {
  return `${protocol} ${source} ${sport} ${destination} ${dport}`;
}
