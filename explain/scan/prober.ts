/**
 * Sends single packets to a host that has seen none before, and says of each what becomes of it and which other
 * packets must share its fate.
 */
import { formatLoaded, toLoaded } from '../../codecs/byte-order.js';
import type { DropCause } from '../../core/drop.js';
import type { EmulatorOptions } from '../../core/emulator.js';
import type { PacketEvent, RuleEvent } from '../../core/events.js';
import type { Traversal } from '../../core/flow/traversal.js';
import { createTraversalEmulator, type TraversalEmulator } from '../../core/flow/traversal-recorder.js';
import type { Host } from '../../core/host/host.js';
import { effectOf } from '../../core/rules/effect.js';
import { lowerRule } from '../../core/rules/lower.js';
import type { Match, Rule, Ruleset } from '../../core/rules/model.js';
import type { ValueRange } from '../../core/rules/ranges.js';
import type { HostSets } from '../../core/sets/host-sets.js';
import { asksTime } from '../arrival-time.js';
import type { Outcome, OwnOrTranslated } from './model.js';
import { lookedAtIn } from './other-packets.js';
import { type PacketClass, packetClass } from './packet-class.js';
import { PortTests } from './port-tests.js';
import { type ProbePacket, probeFrame } from './probe-packet.js';
import { asksSets, positionsOf, StatefulResults } from './stateful-results.js';

export interface ProbedHost {
  readonly host: Host;
  readonly ruleset: Ruleset;
  /** Fresh sets of the host, each time it is called. */
  readonly sets: () => HostSets;
  readonly seed: number;
  readonly queueVerdict: EmulatorOptions['queueVerdict'];
  /** When all packets arrive, in seconds since 1970. */
  readonly tsSec: number;
}

const OUTPUT = { egress() {}, local() {}, dropped() {} };
/** How often a packet is sent again if chance decides about it in another way than the first time. */
const MOST_TRIES = 16;

export class Prober {
  readonly #probed: ProbedHost;
  #emulator: TraversalEmulator;
  /** Rules add packets to sets, or take them out. */
  readonly #changesSets: boolean;
  readonly #events = new EventListener();
  readonly #portTests = new PortTests();
  /** What is given as results of tests while the packet is sent once more. */
  #given: StatefulResults | undefined;
  /** No packet has met a test that depends on earlier ones since the rules were loaded. */
  #isFresh = true;
  /** How many packets were sent so far. */
  packets = 0;

  get host(): Host {
    return this.#probed.host;
  }

  /** The senders that rules name, other than by sets or as those who are not meant. */
  get namedSenders(): ValueRange[] {
    const { host, ruleset } = this.#probed;
    return ruleset.tables.flatMap(({ rules }) =>
      rules.flatMap((rule) =>
        lowerRule(rule, host.interfaceNames).flatMap((step) =>
          step.kind === 'field' && step.field === 'source' && !step.negated && step.mask === undefined
            ? step.ranges
            : [],
        ),
      ),
    );
  }

  /** How many rules were tried for them. */
  get tried(): number {
    return this.#events.tried;
  }

  /** Whether one of them asked for the time. */
  get isTimeAsked(): boolean {
    return this.#events.isTimeAsked;
  }

  constructor(probed: ProbedHost) {
    this.#probed = probed;
    this.#emulator = this.#start();
    this.#changesSets = probed.ruleset.tables.some(({ rules }) => rules.some(changesSets));
  }

  /** A host before its first packet. */
  #start(): TraversalEmulator {
    const { host, ruleset, sets, seed, queueVerdict } = this.#probed;
    return createTraversalEmulator(
      { host, ruleset, seed, sets: sets(), queueVerdict, observer: (event) => this.#events.hear(event) },
      OUTPUT,
      {
        isOnlyFate: true,
        isRestAlike: true,
        anySource: true,
        resultOf: (rule, match) => this.#given?.resultOf(rule, match),
        portsWith: this.#portTests.portsWith,
      },
    );
  }

  /** How often a test was asked about every port. */
  get portTests(): number {
    return this.#portTests.asked;
  }

  /** What becomes of PACKET and of which others. */
  probe(packet: ProbePacket): PacketClass {
    // Where one packet met such a test, the next one often does.
    if (!this.#isFresh) this.#restart();
    let traversal = this.#send(packet);
    if (traversal?.alone?.reason === 'rule-state') traversal = this.#sendAgain(packet);
    const outcome = this.#events.outcomeOf(traversal, packet);
    const { host, ruleset } = this.#probed;
    const lookedAt = traversal === undefined ? [] : lookedAtIn(traversal, ruleset, host.interfaceNames);
    return packetClass(packet, outcome, traversal, this.#emulator.context, lookedAt);
  }

  /**
   * Sends PACKET, which met tests that depend on more than the packet, once more to a host that has seen none before,
   * with their results given.
   */
  #sendAgain(packet: ProbePacket): Traversal | undefined {
    let traversal: Traversal | undefined;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const given = this.#events.takeResults();
      this.#restart();
      this.#given = given;
      traversal = this.#send(packet);
      this.#given = undefined;
      // Chance may have decided otherwise.
      if (given.equals(this.#events.results)) return traversal;
    }
    return traversal;
  }

  #send(packet: ProbePacket): Traversal | undefined {
    const { host, tsSec } = this.#probed;
    const { emulator } = this.#emulator;
    this.packets++;
    this.#events.clear();
    emulator.receive(probeFrame(host, packet, tsSec));
    const { last } = this.#emulator;
    if (this.#events.hasTouchedState) this.#isFresh = false;
    const { connections } = emulator;
    connections.forEach(Number.NEGATIVE_INFINITY, (entry) => connections.remove(entry));
    return last;
  }

  /** Loads the rules again: what they remember is gone. */
  #restart(): void {
    const { ruleset } = this.#probed;
    if (this.#changesSets) this.#emulator = this.#start();
    const { emulator } = this.#emulator;
    emulator.replaceRules({ ruleset: { ...ruleset, tables: [] } });
    emulator.replaceRules({ ruleset });
    this.#isFresh = true;
  }
}

/** What is heard of one packet. */
class EventListener {
  results = new StatefulResults();
  /** The packet may have changed what others of its kind meet. */
  hasTouchedState = false;
  /** How many rules were tried so far, for all packets. */
  tried = 0;
  /** Whether one of them asked for the time. */
  isTimeAsked = false;
  #filter: DropCause | undefined;
  #dropped: DropCause | undefined;
  #translation: { readonly address: string; readonly port: number | undefined } | undefined;
  #nat: Rule | undefined;
  #translatedBy: Rule | undefined;
  #uncertain: string | undefined;
  readonly #stateful = new Set<Rule>();

  clear(): void {
    this.results.clear();
    this.hasTouchedState = false;
    this.#filter = undefined;
    this.#dropped = undefined;
    this.#translation = undefined;
    this.#nat = undefined;
    this.#translatedBy = undefined;
    this.#uncertain = undefined;
    this.#stateful.clear();
  }

  /** The results so far. From now on others are collected. */
  takeResults(): StatefulResults {
    const { results } = this;
    this.results = new StatefulResults();
    return results;
  }

  hear(event: PacketEvent): void {
    if (event.depth > 0) return;
    switch (event.kind) {
      case 'hook':
        // The last hook of the filter table is what counts.
        if (event.hook === 'INPUT' || event.hook === 'FORWARD') this.#filter = undefined;
        this.#nat = undefined;
        return;
      case 'rule':
        this.tried++;
        this.results.hear(event);
        if (asksTime(event)) this.isTimeAsked = true;
        if (asksHistory(event)) this.#stateful.add(event.rule);
        if (touchesState(event)) this.hasTouchedState = true;
        if (event.isMatched && event.table === 'filter')
          this.#filter = { reason: 'rule', table: event.table, rule: event.rule };
        if (event.isMatched && event.table === 'nat') this.#nat = event.rule;
        return;
      case 'policy':
        if (event.table === 'filter') this.#filter = { reason: 'policy', table: event.table, policy: event.chain };
        return;
      case 'translated':
        if (event.end !== 'destination' || event.hook !== 'PREROUTING') return;
        this.#translation = { address: event.to.address, port: event.to.port };
        this.#translatedBy = this.#nat;
        return;
      case 'dropped':
        this.#dropped = event.cause;
        return;
      case 'uncertain': {
        const { rule, reason } = event.cause;
        this.#uncertain = rule === undefined ? reason : `${rule.file}:${rule.line} ${reason}`;
        return;
      }
      default:
    }
  }

  /** What became of PACKET, of which this was heard. */
  outcomeOf(traversal: Traversal | undefined, packet: ProbePacket): Outcome {
    const end = traversal?.end ?? { kind: 'dropped' as const };
    return {
      end: end.kind === 'sent' ? 'forwarded' : end.kind,
      dev: 'dev' in end ? end.dev : undefined,
      to: this.#translatedTo(packet, traversal?.translatedEnds ?? []),
      decidedBy: this.#dropped ?? this.#filter,
      translatedBy: this.#translatedBy,
      uncertain: this.#uncertain,
      stateful: [...this.#stateful],
    };
  }

  /** FIXED: the ends that are the same whichever they were before. */
  #translatedTo({ destination, dport }: ProbePacket, fixed: Traversal['translatedEnds']): OwnOrTranslated | undefined {
    const translation = this.#translation;
    if (translation === undefined) return undefined;
    const { address, port } = translation;
    const isSameAddress = address === formatLoaded(toLoaded(destination));
    if (isSameAddress && port === dport) return undefined;
    return {
      address: isSameAddress && !fixed.includes('destination') ? undefined : address,
      port: port === dport && !fixed.includes('dport') ? undefined : port,
    };
  }
}

/** Whether earlier packets, the time or chance decided whether a rule matched that does more than to log. */
function asksHistory(event: RuleEvent): boolean {
  return !isHarmless(event.rule) && askedOf(event).some((match) => !asksSets(match));
}

/** Whether a packet that met a rule as EVENT says may change what later packets meet, apart from what is logged. */
function touchesState(event: RuleEvent): boolean {
  const { rule, isMatched } = event;
  if (isMatched && changesSets(rule)) return true;
  const kept = askedOf(event).filter((match) => !asksSets(match));
  return kept.some(({ extension }) => !isHarmless(rule) || extension.share !== undefined);
}

/** Those matches of a rule that depend on more than the packet and that were asked. */
function askedOf({ rule, isMatched, failedMatch = -1 }: RuleEvent): Match[] {
  const positions = positionsOf(rule).filter((at) => at >= 0 && (isMatched || at <= failedMatch));
  return positions.map((at) => rule.matches[at]);
}

/** Whether RULE only logs or counts. */
function isHarmless(rule: Rule): boolean {
  const { target } = rule;
  if (target.kind === 'none') return true;
  if (target.kind !== 'extension' || target.extension.terminates || target.extension.mayDrop === true) return false;
  return ['none', 'outside'].includes(effectOf(rule));
}

function changesSets({ target }: Rule): boolean {
  return target.kind === 'extension' && (target.extension.sets?.(target.params) ?? []).length > 0;
}
