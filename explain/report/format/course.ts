/**
 * Where traversals lead in netfilter's own diagram:
 *
 *     in ─► link ─► PREROUTING ─► routing ─► FORWARD ─► POSTROUTING ─► egress ─► out
 *                                    │                       ▲
 *                                    ▼                       │
 *                                  INPUT ─► host ─► own routing ─► OUTPUT
 */
import type { HookName, TableName } from '../../../core/hooks.js';
import type { RelatedTraversal, Traversal, TraversalStep } from './model.js';

/** As HOOK_NAMES and TABLE_NAMES, which pages cannot have. */
export const HOOKS = ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'] as const satisfies readonly HookName[];
export const TABLES = ['raw', 'mangle', 'nat', 'filter', 'security'] as const satisfies readonly TableName[];

/** What packets enter and leave. `in 0` and `out 0`: interface 0. */
export type Station =
  | `in ${number}`
  | 'link'
  | HookName
  | 'routing'
  | 'host'
  | 'own routing'
  | 'egress'
  | `out ${number}`;

/** What packets meet within a hook. */
export type Room = TableName | 'defrag' | 'conntrack';

/** A room of a hook, as in `filter FORWARD`, or a station. */
export type Place = `${Room} ${HookName}` | Station;

/** Whether TEXT is the name of a place. */
export function isPlace(text: string): text is Place {
  const [first, second, ...more] = text.split(' ');
  if (more.length > 0) return false;
  if (second === undefined) return [...HOOKS, 'link', 'routing', 'host', 'egress'].includes(first);
  if (first === 'in' || first === 'out') return /^\d{1,9}$/.test(second);
  return text === 'own routing' || ([...ROOMS, ...TABLES].includes(first) && HOOKS.includes(second as HookName));
}

const ROOMS: readonly string[] = ['defrag', 'conntrack'];

/** A part of a traversal that is in one place. */
export interface Stop {
  readonly station: Station;
  readonly place: Place;
  /** The steps there: those from `from` to before `to` of stage `stage`; -1: none, it is only passed. */
  readonly stage: number;
  readonly from: number;
  readonly to: number;
}

/** The tables of rules and chains, by their numbers. */
export interface Tables {
  readonly ofRule: (rule: number) => TableName;
  readonly ofChain: (chain: number) => TableName;
}

/**
 * Where the kernel finds what makes it drop a packet though no rule does, by the reason. Whatever is not here is found
 * in the place where the packet is.
 */
const PLACES_OF_REASONS: readonly (readonly [RegExp, Room | 'routing' | 'egress'])[] = [
  [/^fragment-/, 'defrag'],
  [/^conntrack-|^synproxy$/, 'conntrack'],
  [/^nat-/, 'nat'],
  [/^martian-|^rp-filter$|^forwarding-off$|-route$|^multicast-not-joined$|^link-layer-broadcast$/, 'routing'],
  [/^source-not-local$|^ttl-exceeded$/, 'routing'],
  [/^fragmentation-needed$|^longer-than-mtu$|^no-carrier$/, 'egress'],
];

/**
 * The places that TRAVERSAL leads through, in order. LOOPBACK: the number of lo, by which comes back what a host sends to
 * itself.
 */
export function courseOf(traversal: Traversal | RelatedTraversal, tables: Tables, loopback = 0): Stop[] {
  const course = new Course(loopback);
  const origin = 'origin' in traversal ? traversal.origin : 'frame';
  if (origin === 'loopback' || origin === 'broadcast') course.arrive(loopback);
  else if (traversal.verdict === 'skipped') course.arrive(traversal.inDev);
  else if (origin !== 'frame' || traversal.inDev < 0) course.leaveHost();
  else course.arrive(traversal.inDev);
  for (const [stage, { hook, steps }] of traversal.stages.entries()) {
    if (hook !== undefined) course.enter(hook);
    for (const [i, step] of steps.entries()) course.step(placeOf(step, traversal, tables, hook), stage, i);
  }
  course.end(traversal);
  return course.stops;
}

/** Where TRAVERSAL ended. */
export function endOf(traversal: Traversal | RelatedTraversal, tables: Tables): Place {
  return courseOf(traversal, tables).at(-1)!.place;
}

type StepPlace = Room | 'routing' | 'host' | 'egress' | `out ${number}` | undefined;

/** Where STEP takes place; undefined: where the one before did. */
function placeOf(step: TraversalStep, traversal: Traversal, tables: Tables, hook: HookName | undefined): StepPlace {
  switch (step.kind) {
    case 'rule':
    case 'policy':
      return step.table;
    case 'tracked':
      return 'conntrack';
    case 'translated':
      return 'nat';
    case 'routed':
      return 'routing';
    case 'left':
      return step.dev < 0 ? 'host' : `out ${step.dev}`;
    case 'dropped':
      return placeOfDrop(traversal, tables, hook);
    default:
      return undefined;
  }
}

function placeOfDrop({ decider }: Traversal, tables: Tables, hook: HookName | undefined): StepPlace {
  if (decider.kind === 'rule') return tables.ofRule(decider.rule);
  if (decider.kind === 'policy') return tables.ofChain(decider.chain);
  if (decider.kind === 'none') return undefined;
  const place = PLACES_OF_REASONS.find(([reasons]) => reasons.test(decider.reason))?.[1];
  // ip_forward compares lengths before FORWARD, ip_finish_output behind POSTROUTING.
  return place === 'egress' && hook !== 'POSTROUTING' ? 'routing' : place;
}

/** A course under way. */
class Course {
  readonly stops: Stop[] = [];
  readonly #loopback: number;
  #hook: HookName | undefined;
  #isOwn = false;

  constructor(loopback: number) {
    this.#loopback = loopback;
  }

  /** DEV: -1: it is not known which. */
  arrive(dev: number): void {
    this.#isOwn = false;
    if (dev >= 0) this.#pass(`in ${dev}`);
    this.#pass('link');
  }

  leaveHost(): void {
    this.#isOwn = true;
    this.#pass('host');
    this.#pass('own routing');
  }

  enter(hook: HookName): void {
    if (hook === 'PREROUTING' && this.#station.startsWith('out ')) this.arrive(this.#loopback);
    if ((hook === 'INPUT' || hook === 'FORWARD') && this.#station !== 'routing') this.#pass('routing');
    this.#hook = hook;
    this.#pass(hook);
  }

  step(place: StepPlace, stage: number, at: number): void {
    if (place?.startsWith('out ') && this.#station !== 'egress') this.#pass('egress');
    const found = this.#placeIn(place) ?? this.#last.place;
    const last = this.#last;
    if (last.place === found && last.stage === stage && last.to === at) {
      this.stops[this.stops.length - 1] = { ...last, to: at + 1 };
    } else {
      this.stops.push({ station: this.#stationOf(found), place: found, stage, from: at, to: at + 1 });
    }
  }

  /** What has no step of its own. */
  end({ verdict }: Traversal): void {
    if (verdict === 'held') this.#pass(`defrag ${this.#hook ?? 'PREROUTING'}`, this.#hook ?? 'PREROUTING');
    if (verdict === 'delivered' && this.#station !== 'host') this.#pass('host');
  }

  get #last(): Stop {
    return this.stops[this.stops.length - 1];
  }

  get #station(): Station {
    return this.#last.station;
  }

  #pass(place: Place, station = place as Station): void {
    this.stops.push({ station, place, stage: -1, from: 0, to: 0 });
  }

  #placeIn(place: StepPlace): Place | undefined {
    const hook = this.#hook;
    if (place === undefined || place === 'host' || place.startsWith('out ')) return place as Place | undefined;
    if (place === 'egress') return place;
    if (place !== 'routing') return hook === undefined ? undefined : `${place as Room} ${hook}`;
    // Behind PREROUTING comes the decision about what arrived. Packets of the host are routed before OUTPUT, and again in it.
    if (hook === undefined) return this.#isOwn ? 'own routing' : undefined;
    return hook === 'PREROUTING' ? 'routing' : undefined;
  }

  #stationOf(place: Place): Station {
    const hook = this.#hook;
    return hook !== undefined && place.endsWith(` ${hook}`) ? hook : (place as Station);
  }
}
