/** Merges compose files: what stands in a later file, or in the service that extends another, comes on top. */
import { ComposeError } from './compose-error.js';
import {
  type ComposeEntry,
  type ComposeMap,
  type ComposeNode,
  described,
  isNothing,
  listOf,
  mapOf,
  scalar,
} from './compose-node.js';

type Path = readonly string[];

/** What is no mapping in one of the files becomes one: a list of names, or of `NAME=VALUE`. */
const MAPPINGS: readonly string[] = [
  'services.*.networks',
  'services.*.depends_on',
  'services.*.labels',
  'services.*.deploy.labels',
  'networks.*.labels',
];
/** Lists of which each item counts once. (Of `ports`, see ports.ts.) */
const UNIQUE: readonly string[] = [
  'services.*.expose',
  'services.*.links',
  'services.*.profiles',
  'services.*.networks.*.aliases',
  'services.*.networks.*.link_local_ips',
];
/** Lists that are replaced. */
const REPLACED: readonly string[] = ['services.*.command', 'services.*.entrypoint', 'services.*.healthcheck.test'];
/** What is below does not change the network, and may be written in several forms. */
const NETWORKED: readonly string[] = [
  'networks',
  ...[
    'container_name',
    'deploy',
    'depends_on',
    'expose',
    'external_links',
    'links',
    'mac_address',
    'network_mode',
    'networks',
    'ports',
    'profiles',
    'restart',
    'scale',
  ].map((name) => `services.*.${name}`),
];

/** OVER on top of BASE, both at PATH of a compose file. */
export function mergeNodes(base: ComposeNode, over: ComposeNode, path: Path): ComposeNode {
  const form = formOf(path);
  if (over.tag === 'override' || REPLACED.includes(form)) return over;
  if (isNothing(over)) return base;
  if (form === 'networks.*.ipam.config') return mergePools(base, over, path);
  if (MAPPINGS.includes(form)) return mergeMaps(asMapping(base), asMapping(over), path);
  if (base.kind === 'map' && over.kind === 'map') return mergeMaps(base, over, path);
  if (base.kind === 'list' && over.kind === 'list') return mergeLists(base.items, over.items, { over, form });
  if (isNothing(base) || base.kind === 'scalar' || !matters(form)) return over;
  throw new ComposeError(
    `${path.join('.')} is ${described(over)}, and ${described(base)} in line ${base.place.line} of ${base.place.file}; ` +
      'both have to be of one form to be merged',
    over.place,
  );
}

function mergeMaps(base: ComposeMap, over: ComposeMap, path: Path): ComposeMap {
  const entries = new Map(base.entries);
  for (const [name, entry] of over.entries) {
    const before = entries.get(name);
    if (entry.value.tag === 'reset') entries.delete(name);
    else if (before === undefined) entries.set(name, entry);
    else entries.set(name, { place: entry.place, value: mergeNodes(before.value, entry.value, [...path, name]) });
  }
  return mapOf(entries, over.place);
}

function mergeLists(
  base: readonly ComposeNode[],
  over: readonly ComposeNode[],
  at: { over: ComposeNode; form: string },
): ComposeNode {
  const items = [...base, ...over];
  return listOf(UNIQUE.includes(at.form) ? unique(items) : items, at.over.place);
}

/** ITEMS, each text once. */
function unique(items: readonly ComposeNode[]): ComposeNode[] {
  const texts = new Set<string>();
  return items.filter((item) => {
    if (item.kind !== 'scalar') return true;
    const isNew = !texts.has(item.text);
    texts.add(item.text);
    return isNew;
  });
}

/** Subnets of two files: those of one subnet are one. */
function mergePools(base: ComposeNode, over: ComposeNode, path: Path): ComposeNode {
  if (base.kind !== 'list' || over.kind !== 'list') return over;
  const subnetOf = (node: ComposeNode): string | undefined => {
    const subnet = node.kind === 'map' ? node.entries.get('subnet')?.value : undefined;
    return subnet?.kind === 'scalar' ? subnet.text : undefined;
  };
  const pools = [...base.items];
  for (const pool of over.items) {
    const at = pools.findIndex((one) => subnetOf(one) === subnetOf(pool));
    if (at < 0) pools.push(pool);
    else pools[at] = mergeNodes(pools[at], pool, [...path, '*']);
  }
  return listOf(pools, over.place);
}

/** A list of names, or of `NAME=VALUE`, as a mapping. */
function asMapping(node: ComposeNode): ComposeMap {
  if (node.kind === 'map') return node;
  const entries = new Map<string, ComposeEntry>();
  for (const item of node.kind === 'list' ? node.items : []) {
    if (item.kind !== 'scalar') continue;
    const at = item.text.indexOf('=');
    const [name, value] = at < 0 ? [item.text] : [item.text.slice(0, at), item.text.slice(at + 1)];
    entries.set(name, {
      place: item.place,
      value: scalar(value ?? '', item.place, value === undefined ? 'null' : 'text'),
    });
  }
  return mapOf(entries, node.place);
}

/** PATH with the names that somebody chose left out: `services.*.ports`. */
function formOf(path: Path): string {
  return path.map((name, at) => (at === 1 || (at === 3 && path[2] === 'networks') ? '*' : name)).join('.');
}

const matters = (form: string): boolean =>
  NETWORKED.some((name) => form === name || form.startsWith(`${name}.`)) || !form.includes('.');

/** NODE without what !reset takes away, where no other file is below it. */
export function withoutResets(node: ComposeNode): ComposeNode {
  switch (node.kind) {
    case 'scalar':
      return node;
    case 'list':
      return listOf(node.items.filter(({ tag }) => tag !== 'reset').map(withoutResets), node.place);
    case 'map': {
      const entries = new Map<string, ComposeEntry>();
      for (const [name, { place, value }] of node.entries)
        if (value.tag !== 'reset') entries.set(name, { place, value: withoutResets(value) });
      return mapOf(entries, node.place);
    }
  }
}
