/** Which rules and policies counted a packet: what iptables-save says, and what the packet's story says. */
import { type Story, stepsOf } from '../../../explain/story/story.js';

/** Packets by rule (`filter INPUT 3`) or policy (`policy of filter INPUT`). */
export type Counts = ReadonlyMap<string, number>;

/** The counters in SAVED, the output of `iptables-save -c`. */
export function savedCounts(saved: string): Counts {
  const counts = new Map<string, number>();
  const lengths = new Map<string, number>();
  let table = '';
  for (const line of saved.split('\n')) {
    if (line.startsWith('*')) table = line.slice(1);
    const [, chain, policyPackets] = /^:(\S+) [A-Z]+ \[(\d+):\d+\]$/.exec(line) ?? [];
    if (chain !== undefined) counts.set(`policy of ${table} ${chain}`, Number(policyPackets));
    const [, packets, ruleChain] = /^\[(\d+):\d+\] -A (\S+)/.exec(line) ?? [];
    if (ruleChain === undefined) continue;
    const number = (lengths.get(`${table} ${ruleChain}`) ?? 0) + 1;
    lengths.set(`${table} ${ruleChain}`, number);
    counts.set(`${table} ${ruleChain} ${number}`, Number(packets));
  }
  return counts;
}

/** What AFTER has more than BEFORE. */
export function countedSince(before: Counts, after: Counts): Counts {
  const entries = [...after].map(([name, count]): [string, number] => [name, count - (before.get(name) ?? 0)]);
  return new Map(entries.filter(([, count]) => count !== 0));
}

/** What counted the packet of STORY, and what the host sent because of it. */
export function toldCounts(story: Story, counts = new Map<string, number>()): Counts {
  for (const step of stepsOf(story)) {
    if (step.kind === 'related') toldCounts(step.story, counts);
    let name: string | undefined;
    if (step.kind === 'rule' && step.isMatched) name = `${step.table} ${step.rule.chain} ${step.rule.number}`;
    if (step.kind === 'policy') name = `policy of ${step.table} ${step.chain.name}`;
    if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

/** What only one of TOLD and COUNTED has; undefined if they are the same. */
export function countsDifference(told: Counts, counted: Counts): string | undefined {
  const names = [...new Set([...told.keys(), ...counted.keys()])];
  const name = names.find((one) => (told.get(one) ?? 0) !== (counted.get(one) ?? 0));
  return name && `${name}: ${told.get(name) ?? 0} told, ${counted.get(name) ?? 0} counted by the kernel`;
}
