import { NETWORK_MEMBERS } from './compose-members.js';
import { type ComposeEntry, type ComposeMap, type ComposeNode, mapOf } from './compose-node.js';
import { interpolateNode, type Variables } from './interpolate.js';
import type { Loading } from './load-model.js';

/** In these sections compose 1 expands variables. */
const SECTIONS_1: readonly string[] = ['services', 'networks', 'volumes', 'secrets', 'configs'];

/** DOCUMENT with its variables expanded. Of those that are not set, only what matters for the network is told. */
export function interpolateDocument(
  document: ComposeMap,
  environment: ReadonlyMap<string, string>,
  { generation, onUnset }: Loading,
): ComposeMap {
  const silent: Variables = { generation, lookUp: (name) => environment.get(name) };
  const telling: Variables = { ...silent, onUnset };
  const byMember = (node: ComposeNode, choose: (name: string) => (value: ComposeNode) => ComposeNode): ComposeNode => {
    if (node.kind !== 'map') return interpolateNode(node, silent);
    const entries = new Map<string, ComposeEntry>();
    for (const [name, { place, value }] of node.entries) entries.set(name, { place, value: choose(name)(value) });
    return { ...mapOf(entries, node.place), ...(node.tag && { tag: node.tag }) };
  };
  const withVariables =
    (variables: Variables) =>
    (node: ComposeNode): ComposeNode =>
      interpolateNode(node, variables);
  const service = (node: ComposeNode): ComposeNode =>
    byMember(node, (name) => withVariables(NETWORK_MEMBERS.includes(name) ? telling : silent));
  return byMember(document, (section) => {
    if (generation === 1 && !SECTIONS_1.includes(section)) return (value) => value;
    if (section === 'services') return (value) => byMember(value, () => service);
    return withVariables(section === 'networks' || section === 'include' ? telling : silent);
  }) as ComposeMap;
}
