/** hot: the timeline of a replay: packets by verdict, the size of the connection table, and what else happened. */
import { counted } from '../../codecs/text.js';
import type { ChangedEvent, PacketEvent, RuleEvent, TimedOutEvent } from '../../core/events.js';
import type { IpStack } from '../../core/ip-stack.js';
import type { Rule, Ruleset } from '../../core/rules/model.js';
import type { ChangeSummary } from '../../replay/summary.js';
import { changeWords } from './change-words.js';
import { ConnectionGauge } from './connection-gauge.js';
import type { TimelineEvent, TimelineIndex } from './format/model.js';
import { isOver, type Limiter, limitersIn } from './limiters.js';
import { TimelineBins } from './timeline-bins.js';
import { type Happening, TimelineEvents } from './timeline-events.js';

/** A silence of so many bins is one in which connections are seen to expire, in so many steps at most. */
const SILENT_BINS = 16;
const SILENT_STEPS = 24;
const NS_PER_MS = 1e6;

type Host = Pick<IpStack, 'connections' | 'nowMs' | 'ruleset' | 'sets'>;

export class Timeline {
  readonly #bins = new TimelineBins();
  readonly #events = new TimelineEvents();
  readonly #ruleNumber: (rule: Rule) => number | undefined;
  #host: Host | undefined;
  #gauge: ConnectionGauge | undefined;
  #ruleset: Ruleset | undefined;
  #limiters: ReadonlyMap<Rule, readonly Limiter[]> = new Map();
  readonly #setSizes = new Map<string, number>();
  /** How many they were in all when they were counted last. */
  #setEntries = 0;
  /** The time of the current packet, and the latest of all packets before. */
  #nowNs = 0;
  #latestNs = Number.NEGATIVE_INFINITY;

  /** RULE_NUMBER: a rule's position in the rules section. */
  constructor(ruleNumber: (rule: Rule) => number | undefined) {
    this.#ruleNumber = ruleNumber;
  }

  get index(): TimelineIndex {
    return this.#bins.index;
  }

  /** Packets go through HOST; call it before the first one. */
  begin(host: Host): void {
    this.#host = host;
    this.#gauge = new ConnectionGauge(host.connections);
    this.#noteSets();
  }

  /** A packet is about to enter the host, TIME_NS after the first one. */
  arrives(timeNs: number): void {
    const bins = this.#bins;
    const latestNs = this.#latestNs;
    this.#nowNs = timeNs;
    this.#gauge?.earn();
    if (latestNs !== Number.NEGATIVE_INFINITY && bins.binOf(timeNs) !== bins.binOf(latestNs)) this.#closeBin(timeNs);
    if (timeNs > latestNs) this.#latestNs = timeNs;
    const { ruleset } = this.#host ?? {};
    if (ruleset !== undefined && ruleset !== this.#ruleset) {
      this.#ruleset = ruleset;
      this.#limiters = limitersIn(ruleset);
    }
  }

  /** A packet of LENGTH bytes has been dealt with, or does not enter the host. VERDICT: a position in VERDICTS. */
  count(timeNs: number, verdict: number, length: number): void {
    this.#bins.count(timeNs, verdict, length);
  }

  /** Hears of the packet that has arrived. */
  readonly hear = (event: PacketEvent): void => {
    switch (event.kind) {
      case 'rule':
        if (this.#limiters.size > 0) this.#hearRule(event);
        break;
      case 'changed':
        if (event.set !== undefined) this.#hearSet(event, event.set);
        break;
      case 'expired':
        this.#add(expiredFragments(event.fragments));
        break;
      case 'idle':
        this.#add(idleTimer(event.label));
        break;
      case 'timed-out':
        this.#add(timedOut(event));
        break;
      case 'dropped':
        if (event.cause.reason === 'conntrack-full') this.#add(TABLE_FULL);
        break;
      default:
    }
  };

  /** CHANGE has been carried out, TIME_NS after the first packet. */
  changed(timeNs: number, change: ChangeSummary): void {
    const words = changeWords(change);
    this.#events.add(timeNs, { kind: 'change', key: `change ${timeNs} ${words}`, times: 1, text: () => words });
    this.#noteSets();
  }

  /** Counts what is counted at the end of a bin: before `bytes` is read. */
  settle(): void {
    const [host, gauge] = [this.#host, this.#gauge];
    if (host === undefined || gauge === undefined || this.#latestNs === Number.NEGATIVE_INFINITY) return;
    this.#bins.noteConnections(this.#latestNs, gauge.count(host.nowMs));
    this.#readSets();
  }

  /** The section, as `readColumns` reads it. */
  bytes(): Uint8Array {
    return this.#bins.bytes();
  }

  events(): TimelineEvent[] {
    return this.#events.list();
  }

  /** The packets of a bin have been dealt with; the next one comes at TIME_NS. */
  #closeBin(timeNs: number): void {
    const [host, gauge] = [this.#host, this.#gauge];
    if (host === undefined || !gauge?.isReady(this.#setEntries)) return;
    const { nowMs } = host;
    const latestNs = this.#latestNs;
    this.#bins.noteConnections(latestNs, gauge.count(nowMs));
    this.#readSets();
    const silentNs = timeNs - latestNs;
    if (silentNs < SILENT_BINS * this.#bins.binNs || !gauge.isReady(0)) return;
    for (const { atMs, entries } of gauge.countDown(nowMs, nowMs + silentNs / NS_PER_MS, SILENT_STEPS))
      this.#bins.noteConnections(latestNs + (atMs - nowMs) * NS_PER_MS, entries);
  }

  #add(happening: Happening): void {
    this.#events.add(this.#nowNs, happening);
  }

  #hearRule(event: RuleEvent): void {
    const limiters = this.#limiters.get(event.rule);
    if (limiters === undefined) return;
    for (const limiter of limiters) {
      if (!isOver(limiter, event)) continue;
      const rule = this.#ruleNumber(event.rule);
      const { match, text } = limiter;
      const { file, line } = event.rule;
      const told = (times: number): string => `${counted(times, 'packet')} over ${text}`;
      this.#add({ kind: 'limit', rule, key: `limit ${file}:${line} ${match} ${text}`, times: 1, text: told });
    }
  }

  #hearSet({ rule, from = '0', to = '0' }: ChangedEvent, name: string): void {
    const size = Number(to);
    const change = size - Number(from);
    this.#setSizes.set(name, size);
    const key = `set ${name} ${change > 0} ${rule.file}:${rule.line}`;
    const text = setWords(name, change > 0 ? 'added to' : 'deleted from');
    const counts = { times: Math.abs(change), from: Number(from), to: size };
    this.#add({ kind: 'set', rule: this.#ruleNumber(rule), key, ...counts, text });
  }

  #noteSets(): void {
    for (const { name, size } of this.#host?.sets ?? []) this.#setSizes.set(name, size);
  }

  /** What no packet did to sets, time did. */
  #readSets(): void {
    this.#gauge?.spend(this.#setEntries);
    this.#setEntries = 0;
    for (const { name, size } of this.#host?.sets ?? []) {
      const before = this.#setSizes.get(name) ?? size;
      this.#setSizes.set(name, size);
      this.#setEntries += size;
      if (size >= before) continue;
      const counts = { times: before - size, from: before, to: size };
      const text = setWords(name, 'expired from');
      this.#events.add(this.#latestNs, { kind: 'set', key: `expired ${name}`, ...counts, text });
    }
  }
}

const TABLE_FULL: Happening = {
  kind: 'limit',
  key: 'conntrack-full',
  times: 1,
  text: (times) => `connection table full: ${counted(times, 'packet')} dropped`,
};

/** `3 entries added to set blocklist: 2 → 5` */
function setWords(name: string, verb: string): Happening['text'] {
  return (times, from, to) => `${counted(times, 'entry', 'entries')} ${verb} set ${name}: ${from} → ${to}`;
}

function expiredFragments(fragments: number): Happening {
  const text = (times: number): string => `${counted(times, 'fragment')} expired before the rest of the packet arrived`;
  return { kind: 'expired', key: 'fragments', times: fragments, text };
}

function idleTimer(label: string): Happening {
  const text = (times: number): string => `idle timer ${label} expired${times === 1 ? '' : ` ${times} times`}`;
  return { kind: 'expired', key: `idle ${label}`, times: 1, text };
}

function timedOut({ protocol, state, timeout: { sysctl, seconds } }: TimedOutEvent): Happening {
  const kind = state === undefined ? protocol : `${protocol} ${state}`;
  const after = seconds === undefined ? '' : ` after ${seconds} s`;
  const by = sysctl === undefined ? '' : ` (${sysctl.replace('net.netfilter.', '')})`;
  const text = (times: number): string =>
    `${counted(times, 'packet')} too late for ${times === 1 ? 'an entry' : 'entries'} of conntrack: ` +
    `${kind} had expired${after}${by}`;
  return { kind: 'expired', key: `${kind}${after}${by}`, times: 1, text };
}
