/** Which services need which others, and in which order they are started. */
import { withNearest } from '../../codecs/nearest.js';
import { ComposeError } from './compose-error.js';
import { DEPENDENCY_MEMBERS } from './compose-members.js';
import {
  asBoolean,
  asMap,
  asText,
  asTexts,
  type ComposeMap,
  type ComposeNode,
  member,
  refuseUnknown,
} from './compose-node.js';
import type { ComposeGeneration } from './scalar-type.js';

export interface Dependency {
  /** A service. */
  readonly on: string;
  /** It may be missing, or off by its profile. */
  readonly isOptional: boolean;
  readonly node: ComposeNode;
}

/** `network_mode`, …: they may name a service whose namespace is shared. */
const NAMESPACES = ['network_mode', 'ipc', 'pid', 'uts', 'cgroup'];
const CONDITIONS = ['service_started', 'service_healthy', 'service_completed_successfully'];

/** What the service of MAP needs. */
export function dependenciesOf(map: ComposeMap, generation: ComposeGeneration): Dependency[] {
  const found = [...explicit(member(map, 'depends_on'), generation)];
  const add = (on: string, node: ComposeNode): void => {
    if (!found.some((one) => one.on === on)) found.push({ on, isOptional: false, node });
  };
  for (const { text, node } of asTexts(member(map, 'links'), 'links')) add(text.split(':', 1)[0], node);
  for (const namespace of NAMESPACES) {
    const node = member(map, namespace);
    if (node?.kind === 'scalar' && node.text.startsWith('service:')) add(node.text.slice('service:'.length), node);
  }
  for (const { text, node } of asTexts(member(map, 'volumes_from'), 'volumes_from'))
    if (!text.startsWith('container:')) add(text.split(':', 1)[0], node);
  return found;
}

function explicit(node: ComposeNode | undefined, generation: ComposeGeneration): Dependency[] {
  if (node?.kind !== 'map')
    return asTexts(node, 'depends_on').map(({ text, node: at }) => ({ on: text, isOptional: false, node: at }));
  return [...node.entries].map(([on, { place, value }]) => {
    const map = asMap(value, `the dependency on "${on}"`);
    refuseUnknown(map, DEPENDENCY_MEMBERS[generation], 'a dependency', DEPENDENCY_MEMBERS[2]);
    const condition = member(map, 'condition');
    const text = condition && asText(condition, 'condition');
    if (condition !== undefined && text !== undefined && !CONDITIONS.includes(text))
      throw new ComposeError(
        withNearest(`unknown condition "${text}"; expected ${CONDITIONS.join(', ')}`, text, CONDITIONS),
        condition.place,
      );
    const required = member(map, 'required');
    return { on, isOptional: required !== undefined && !asBoolean(required, 'required'), node: { ...value, place } };
  });
}

export type Graph = ReadonlyMap<string, readonly Dependency[]>;

/**
 * The services of GRAPH, those that others need before these, and as they are in the file where nothing orders them.
 * @throws {ComposeError} if they need one another in a circle, or one that is not among them
 */
export function startOrder(graph: Graph): string[] {
  const order: string[] = [];
  const done = new Set<string>();
  const missing = new Map([...graph].map(([name, needs]) => [name, needs.filter(({ on }) => graph.has(on)).length]));
  const dependents = new Map<string, string[]>();
  for (const [name, needs] of graph)
    for (const { on } of needs) dependents.set(on, [...(dependents.get(on) ?? []), name]);
  const places = new Map([...graph.keys()].map((name, at) => [name, at]));
  const ready = [...graph.keys()].filter((name) => missing.get(name) === 0);
  for (let next = ready.shift(); next !== undefined; next = ready.shift()) {
    order.push(next);
    done.add(next);
    for (const name of dependents.get(next) ?? []) {
      const left = missing.get(name)! - 1;
      missing.set(name, left);
      if (left > 0) continue;
      const at = ready.findIndex((one) => places.get(one)! > places.get(name)!);
      ready.splice(at < 0 ? ready.length : at, 0, name);
    }
  }
  if (order.length < graph.size) throw circle(graph, done);
  return order;
}

function circle(graph: Graph, done: ReadonlySet<string>): ComposeError {
  const path: string[] = [];
  let [name] = [...graph.keys()].filter((one) => !done.has(one));
  let node: ComposeNode | undefined;
  while (!path.includes(name)) {
    path.push(name);
    const next = graph.get(name)!.find(({ on }) => graph.has(on) && !done.has(on))!;
    node = next.node;
    name = next.on;
  }
  const shown = [...path.slice(path.indexOf(name)), name].slice(0, MOST_NAMES).join(' needs ');
  return new ComposeError(`services need one another in a circle: ${shown}`, node!.place);
}

const MOST_NAMES = 8;
