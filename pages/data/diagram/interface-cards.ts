/** Interfaces as they stand at the sides of the picture: one each, or, where there are too many, one for those alike. */
import type { InterfacePicture } from '../../../explain/report/format/host-picture.js';

export interface InterfaceCard {
  /** The interface's own name; of several `veth*`; of what is left `12 others`. */
  readonly name: string;
  /** The numbers of its interfaces: one, or at least two. */
  readonly devs: readonly number[];
  /** Of a bridge: how many ports it has that have no card. */
  readonly ports: number;
}

/** How many are alike before they share a card. */
const ALIKE = 3;

/**
 * The cards of INTERFACES, at most MOST. PACKETS: how many passed each one, by its number. Those that
 * never saw one have none if they are lo, were not always there, or are ports of a bridge, which is what IP sees.
 */
export function interfaceCards(
  interfaces: readonly InterfacePicture[],
  packets: readonly number[],
  most: number,
): InterfaceCard[] {
  const names = new Set(interfaces.map(({ name }) => name));
  const isSeen = (dev: number): boolean => {
    const { isLoopback, bridge, isTemporary } = interfaces[dev];
    const isPort = bridge !== undefined && names.has(bridge);
    return packets[dev] > 0 || !(isLoopback || isPort || isTemporary);
  };
  const seen = interfaces.flatMap((_, dev) => (isSeen(dev) ? [dev] : []));
  const portsOf = (name: string): number => interfaces.filter((one, dev) => one.bridge === name && !isSeen(dev)).length;
  const single = (dev: number): InterfaceCard => {
    const { name } = interfaces[dev];
    return { name, devs: [dev], ports: portsOf(name) };
  };
  if (seen.length <= most) return seen.map(single);
  const byPattern = new Map<string, number[]>();
  for (const dev of seen) {
    const pattern = patternOf(interfaces[dev].name);
    byPattern.set(pattern, [...(byPattern.get(pattern) ?? []), dev]);
  }
  const groups = [...byPattern].filter(([, devs]) => devs.length >= ALIKE);
  const singles = [...byPattern.values()].filter((devs) => devs.length < ALIKE).flat();
  // As many as there is room for stand alone, the busiest first; one that is left stands for itself, too.
  const busy = seen.filter((dev) => packets[dev] > 0).sort((a, b) => packets[b] - packets[a]);
  const quiet = singles.filter((dev) => packets[dev] === 0);
  const alone = new Set([...busy, ...quiet].slice(0, Math.max(1, most - groups.length - 1)));
  const others = singles.filter((dev) => !alone.has(dev));
  return [
    ...seen.filter((dev) => alone.has(dev)).map(single),
    ...groups.flatMap(([name, devs]) =>
      cardOf(
        name,
        devs.filter((dev) => !alone.has(dev)),
        single,
      ),
    ),
    ...cardOf(`${others.length} others`, others, single),
  ];
}

function cardOf(name: string, devs: readonly number[], single: (dev: number) => InterfaceCard): InterfaceCard[] {
  if (devs.length === 0) return [];
  return devs.length === 1 ? [single(devs[0])] : [{ name, devs, ports: 0 }];
}

/** `veth52d6ef3` and `br-0123456789ab` by their beginnings, `eth0.7` by what is before its VLAN, `eth0` by its letters. */
function patternOf(name: string): string {
  return `${name.replace(/((?<=^(?:veth|br-|cali|cni|lxc|tap|vnet)).+|\d+)$/, '')}*`;
}
