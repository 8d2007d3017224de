/**
 * hot: which packets have the same traversal, told from their events without making any words. What `traversalOf` makes
 * of the events of a packet depends on nothing but the numbers that lead through the trie here.
 */
import type { DropCause } from '../../core/drop.js';
import type { ChangedEvent, FailedTest, PacketEnd, PacketEvent, PacketFields, RuleEvent } from '../../core/events.js';
import { TextNumbers, TrieNode } from './event-trie.js';
import { IN_ROW, type PacketValues } from './packet-values.js';
import type { RuleBook } from './rule-book.js';

/** Values in words: positions in the row come first. */
const TEXTS_FROM = 32;
const KINDS = 32;
const MOST_MISSES = 1 << 10;
/** What packets do that come when there are so many is told from their stories, each by itself. */
const MOST_NODES = 4_000_000;
const KIND = {
  frame: 0,
  skipped: 1,
  hook: 2,
  rule: 3,
  policy: 4,
  changed: 5,
  logged: 6,
  tracked: 7,
  routed: 8,
  translated: 9,
  held: 10,
  expired: 11,
  idle: 12,
  made: 13,
  dropped: 14,
  left: 15,
  uncertain: 16,
} as const;

export class TraversalKeys {
  /** The packet that was followed last has details, or more to tell than is told apart here. */
  hasDetails = false;
  readonly #rules: Pick<RuleBook, 'ofRule' | 'ofChain'>;
  readonly #values: PacketValues;
  readonly #root = new TrieNode();
  readonly #texts = new TextNumbers();
  readonly #causes = new Map<DropCause, number>();
  #node = this.#root;
  #nodes = 0;
  /** The destinations of packets, by their depth. */
  readonly #destinations: string[] = [];

  /** VALUES: of the packet whose events are followed. */
  constructor(rules: Pick<RuleBook, 'ofRule' | 'ofChain'>, values: PacketValues) {
    this.#rules = rules;
    this.#values = values;
  }

  /** Where the first COUNT of EVENTS, which are those of a packet, lead to. */
  follow(events: readonly PacketEvent[], count: number): TrieNode {
    this.#node = this.#root;
    this.hasDetails = false;
    for (let i = 0; i < count; i++) this.#event(events[i]);
    return this.#node;
  }

  #step(number: number): void {
    if (this.hasDetails) return;
    const known = this.#node.known(number);
    if (known !== undefined) this.#node = known;
    else if (this.#nodes < MOST_NODES) {
      this.#nodes++;
      this.#node = this.#node.add(number);
    } else this.hasDetails = true;
  }

  #text(text: string | undefined): void {
    this.#step(text === undefined ? -1 : this.#texts.of(text));
  }

  /** TEXT is told of WHAT, unless it is one of POSITIONS in the row. */
  #value(what: string, text: string, positions: readonly number[]): void {
    const position = this.#values.positionOf(text, positions);
    if (position >= 0) this.#step(position);
    else this.#word(what, text);
  }

  #word(what: string, text: string): void {
    if (this.#values.isDetail(what, text)) this.hasDetails = true;
    else this.#step(TEXTS_FROM + this.#texts.of(text));
  }

  #end({ address, port }: PacketEnd): void {
    this.#value('address', address, IN_ROW.address);
    if (port === undefined) this.#step(-1);
    else this.#value('port', String(port), IN_ROW.port);
  }

  #event(event: PacketEvent): void {
    const { depth } = event;
    switch (event.kind) {
      case 'decoded':
        this.#destinations[depth] = event.packet.destination;
        return;
      case 'rule':
        this.#rule(event, depth);
        return;
      case 'hook':
        this.#destinations[depth] = event.packet.destination;
        this.#kind(KIND.hook, depth);
        this.#text(event.hook);
        return;
      case 'policy':
        this.#kind(KIND.policy, depth);
        this.#step(this.#rules.ofChain(event.chain));
        return;
      case 'tracked':
        this.#kind(KIND.tracked, depth);
        this.#text(event.ctstate);
        this.#text(event.stateBefore);
        this.#text(event.stateAfter);
        if (event.invalid !== undefined) this.hasDetails = true;
        return;
      case 'routed':
        this.#kind(KIND.routed, depth);
        this.#routed(event, this.#destinations[depth] ?? '');
        return;
      case 'left':
        this.#kind(KIND.left, depth);
        this.#text(event.dev);
        return;
      default:
        this.#rare(event);
    }
  }

  #kind(kind: number, depth: number): void {
    this.#step(kind + KINDS * depth);
  }

  #rule({ rule, isMatched, isHotdrop, failures }: RuleEvent, depth: number): void {
    this.#kind(KIND.rule, depth);
    this.#step(this.#rules.ofRule(rule) * 4 + (isMatched ? 2 : 0) + (isHotdrop ? 1 : 0));
    if (failures === undefined) return;
    this.#step(failures.length);
    for (let i = 0; i < failures.length; i++) this.#failure(failures[i]);
  }

  #failure({ text, match, misses }: FailedTest): void {
    if (misses === undefined) return void this.#step(-1 - this.#texts.of(text));
    this.#step(((match ?? -1) + 1) * MOST_MISSES + misses.length);
    for (let i = 0; i < misses.length; i++) {
      const { field, value, expected } = misses[i];
      this.#text(field);
      this.#text(expected);
      if (value === undefined) this.#step(-1);
      if (value === undefined || expected === undefined) continue;
      const position = this.#values.positionOfField(field, value);
      if (position >= 0) this.#step(position);
      else this.#word(field, value);
    }
  }

  #routed(event: Extract<PacketEvent, { kind: 'routed' }>, destination: string): void {
    const { to, dev, nextHop, reason, isAgain } = event;
    this.#text(to);
    this.#step(isAgain ? 1 : 0);
    if (to === 'nowhere') return void this.#text(reason);
    this.#value('address', destination, IN_ROW.address);
    this.#text(dev);
    if (nextHop === destination) this.#step(-2);
    else this.#text(nextHop);
  }

  #rare(event: PacketEvent): void {
    const { depth } = event;
    switch (event.kind) {
      case 'frame':
        this.#kind(KIND.frame, depth);
        return void this.#text(event.dev);
      case 'skipped':
        this.#kind(KIND.skipped, depth);
        return void this.#text(event.reason);
      case 'changed':
        this.#kind(KIND.changed, depth);
        return void this.#changed(event);
      case 'translated':
        this.#kind(KIND.translated, depth);
        this.#text(event.end);
        this.#end(event.from);
        this.#end(event.to);
        if (event.end === 'destination') this.#destinations[depth] = event.to.address;
        return;
      case 'logged':
        this.#kind(KIND.logged, depth);
        if (event.line !== undefined) this.hasDetails = true;
        this.#step(event.group ?? -1);
        return void this.#text(event.prefix);
      case 'dropped':
        this.#kind(KIND.dropped, depth);
        return void this.#step(this.#cause(event.cause) * 2 + (event.isRejected ? 1 : 0));
      case 'answered':
      case 'copied':
        this.#kind(KIND.made, depth);
        this.#text(event.kind === 'copied' ? event.by : 'answer');
        return void this.#packet(event.packet, depth);
      case 'uncertain':
        this.#kind(KIND.uncertain, depth);
        return void this.#text(event.cause.reason);
      case 'held':
        return void this.#kind(KIND.held, depth);
      case 'expired':
        this.#kind(KIND.expired, depth);
        return void this.#step(event.fragments);
      case 'idle':
        this.#kind(KIND.idle, depth);
        return void this.#text(event.label);
      default:
        // Rare enough to be told from the story.
        this.hasDetails = true;
    }
  }

  #changed({ what, set, from, to }: ChangedEvent): void {
    this.#text(what);
    this.#text(set);
    for (const text of [from, to])
      if (text === undefined) this.#step(-1);
      else this.#word(what, text);
  }

  #cause(cause: DropCause): number {
    const known = this.#causes.get(cause);
    if (known !== undefined) return known;
    this.#causes.set(cause, this.#causes.size);
    return this.#causes.size - 1;
  }

  /** What words say of a PACKET that the host has made. */
  #packet({ protocol, source, destination, sport, dport, tcp, icmp, fragment }: PacketFields, depth: number): void {
    this.#destinations[depth] = destination;
    this.#step(protocol);
    this.#value('address', source, IN_ROW.address);
    this.#value('address', destination, IN_ROW.address);
    if (sport === undefined || dport === undefined) this.#step(-1);
    else {
      this.#value('port', String(sport), IN_ROW.port);
      this.#value('port', String(dport), IN_ROW.port);
    }
    this.#step(tcp?.flags ?? -1);
    this.#step(icmp === undefined ? -1 : icmp.type * 256 + icmp.code);
    this.#text(fragment && `${fragment.isLast} ${fragment.offsetBytes === 0}`);
  }
}
