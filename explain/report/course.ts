/** Where traversals lead in netfilter's own diagram (format/places.ts). */
import type { HookName, TableName } from '../../core/hooks.js';
import type { RelatedTraversal, Traversal, TraversalStep } from './format/model.js';
import type { EntryName, Place, Station, Stop } from './format/places.js';

/** One of which that is not known yet. */
type Led = Omit<Traversal, 'course'> | Omit<RelatedTraversal, 'course'>;

/**
 * Where the kernel finds what makes it drop a packet though no rule does, by the reason. Whatever is not here is found
 * in the place where the packet is.
 */
const PLACES_OF_REASONS: readonly (readonly [RegExp, EntryName | 'routing' | 'egress'])[] = [
  [/^fragment-/, 'defrag'],
  [/^conntrack|^synproxy$/, 'conntrack'],
  [/^nat-/, 'nat'],
  [/^martian|^rp-|^forwarding|-route$|^multicast|^link-layer|^source-not|^ttl/, 'routing'],
  [/^fragmentation|^longer|^no-carrier$/, 'egress'],
];

/**
 * The places that TRAVERSAL leads through, in order. LOOPBACK: the number of lo, by which comes back what a host sends to
 * itself.
 */
export function courseOf(traversal: Led, table: TableName | undefined, loopback = 0): Stop[] {
  const { verdict, inDev, stages } = traversal;
  const stops: Stop[] = [];
  let hook: HookName | undefined;
  let next = 0;
  const pass = (...places: Station[]): void => {
    for (const place of places) stops.push({ station: place, place, from: next, to: next });
  };
  // DEV: -1: it is not known which.
  const arrive = (dev: number): void => (dev >= 0 ? pass(`in ${dev}`, 'link') : pass('link'));
  const last = (): Stop => stops[stops.length - 1];
  const origin = 'origin' in traversal ? traversal.origin : 'frame';
  const isBack = origin === 'loopback' || origin === 'broadcast';
  const isOwn = !isBack && verdict !== 'skipped' && (origin !== 'frame' || inDev < 0);
  if (isOwn) pass('host', 'own routing');
  else arrive(isBack ? loopback : inDev);

  const add = (stepPlace: StepPlace): void => {
    if (stepPlace?.startsWith('out ') && last().station !== 'egress') pass('egress');
    const place = placeWithin(stepPlace, hook, isOwn) ?? last().place;
    const before = last();
    const at = next++;
    if (before.place === place) {
      stops[stops.length - 1] = { ...before, to: next };
    } else {
      const station = hook !== undefined && place.endsWith(` ${hook}`) ? hook : (place as Station);
      stops.push({ station, place, from: at, to: next });
    }
  };
  for (const { hook: entered, steps } of stages) {
    if (entered !== undefined) {
      const from = last().station;
      if (entered === 'PREROUTING' && from.startsWith('out ')) arrive(loopback);
      if ((entered === 'INPUT' || entered === 'FORWARD') && from !== 'routing') pass('routing');
      hook = entered;
      pass(hook);
    }
    for (const step of steps) add(placeOf(step, traversal, table, hook));
  }
  // What has no step of its own.
  if (verdict === 'held') {
    const station = hook ?? 'PREROUTING';
    stops.push({ station, place: `defrag ${station}`, from: next, to: next });
  }
  if (verdict === 'delivered' && last().station !== 'host') pass('host');
  return stops;
}

type StepPlace = EntryName | 'routing' | 'host' | 'egress' | `out ${number}` | undefined;

const PLACES_OF_STEPS: Partial<Record<TraversalStep['kind'], StepPlace>> = {
  tracked: 'conntrack',
  translated: 'nat',
  routed: 'routing',
};

/** Where STEP takes place; undefined: where the one before did. */
function placeOf(
  step: TraversalStep,
  traversal: Led,
  table: TableName | undefined,
  hook: HookName | undefined,
): StepPlace {
  const { kind } = step;
  if (kind === 'rule' || kind === 'policy') return step.table;
  if (kind === 'left') return step.dev < 0 ? 'host' : `out ${step.dev}`;
  return kind === 'dropped' ? placeOfDrop(traversal, table, hook) : PLACES_OF_STEPS[kind];
}

function placeOfDrop({ decider }: Led, table: TableName | undefined, hook: HookName | undefined): StepPlace {
  if (decider.kind !== 'host') return table;
  const place = PLACES_OF_REASONS.find(([reasons]) => reasons.test(decider.reason))?.[1];
  // ip_forward compares lengths before FORWARD, ip_finish_output behind POSTROUTING.
  return place === 'egress' && hook !== 'POSTROUTING' ? 'routing' : place;
}

/** PLACE in HOOK; undefined: it is none of its own there. */
function placeWithin(place: StepPlace, hook: HookName | undefined, isOwn: boolean): Place | undefined {
  if (place === undefined || place === 'host' || place === 'egress' || place.startsWith('out ')) return place as Place;
  if (place !== 'routing') return hook && `${place as EntryName} ${hook}`;
  // Behind PREROUTING comes the decision about what arrived. Packets of the host are routed before OUTPUT, and in it again.
  if (hook === undefined) return isOwn ? 'own routing' : undefined;
  return hook === 'PREROUTING' ? 'routing' : undefined;
}
