/** Chains that accept new connections and none of their later packets. */
import { HOOK_NAMES, Verdict } from '../../core/hooks.js';
import { CtInfo } from '../../core/packet.js';
import type { Chain, Rule } from '../../core/rules/model.js';
import { NO_PACKETS, type PacketSet } from '../../core/rules/space/diagrams.js';
import type { TableReach } from '../../core/rules/space/table-reach.js';
import { type Finding, placeOf } from '../findings.js';
import { exampleIn } from './example.js';

/** How many rules a finding names. */
const MAX_NAMED = 5;

/**
 * For each base chain of table filter: the rules that accept only first packets (NEW), if the chain drops all later
 * packets of all these connections that go the same way.
 */
export function findUnestablished(reach: TableReach): Finding[] {
  return reach.table.chains.flatMap((chain) => {
    const found = chain.hook === undefined ? undefined : inChain(reach, chain);
    return found === undefined ? [] : [found];
  });
}

function inChain(reach: TableReach, chain: Chain): Finding | undefined {
  const { space } = reach;
  const { sets } = space;
  const accepted = acceptedBy(reach, chain);
  const lost = new Map<Rule, PacketSet>();
  for (const rule of openingRules(reach, chain)) {
    const opened = sets.and(reach.matched(rule), reach.entering(chain));
    if (opened === NO_PACKETS) continue;
    const later = laterPackets(reach, opened);
    // Where some go on, the others may be meant not to.
    if (sets.and(later, accepted) !== NO_PACKETS) return undefined;
    if (later !== NO_PACKETS) lost.set(rule, later);
  }
  const [first] = lost.keys();
  if (first === undefined) return undefined;
  const name = HOOK_NAMES[chain.hook!];
  const packet = exampleIn(space, lost.get(first)!);
  return {
    code: 'no-established',
    message:
      `never goes on: filter ${name} accepts the first packets of connections (NEW) and none of their later ones: ` +
      `no rule accepts ESTABLISHED, e.g. ${packet}`,
    rules: [...lost.keys()].slice(0, MAX_NAMED).map(placeOf),
    packets: [{ packet }],
    change: `iptables -I ${name} -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT`,
  };
}

/** The packets that CHAIN accepts, or may accept. */
function acceptedBy(reach: TableReach, chain: Chain): PacketSet {
  const { sets } = reach.space;
  const accepted = sets.and(reach.entering(chain), reach.outcomeOf(chain).accepted);
  return chain.policy === Verdict.ACCEPT ? sets.or(accepted, reach.leftToPolicy(chain)) : accepted;
}

/** The rules that CHAIN leads to and that accept packets that are NEW, but none that are ESTABLISHED. */
function openingRules(reach: TableReach, chain: Chain): Rule[] {
  const { space } = reach;
  const { sets } = space;
  const chains = new Set([chain]);
  for (const one of chains)
    for (const rule of one.rules) {
      const called = reach.calledBy(rule);
      if (called !== undefined) chains.add(called);
    }
  return [...chains].flatMap(({ rules }) =>
    rules.filter((rule) => {
      const { target } = rule;
      if (target.kind !== 'verdict' || target.verdict !== Verdict.ACCEPT) return false;
      const { matching } = reach.packets[rule.index];
      const has = (state: CtInfo): boolean => sets.and(matching, space.having('ctinfo', state)) !== NO_PACKETS;
      return has(CtInfo.NEW) && !has(CtInfo.ESTABLISHED);
    }),
  );
}

/** The later packets, in the same direction, of the connections that OPENED packets open. */
function laterPackets(reach: TableReach, opened: PacketSet): PacketSet {
  const { space } = reach;
  const { sets, encoding } = space;
  const first = sets.and(opened, space.having('ctinfo', CtInfo.NEW));
  const anyLater = (['ctinfo', 'tcpFlags', 'ctstate', 'ctstatus', 'ctexpire', 'length'] as const)
    .filter((name) => encoding.has(name))
    .reduce((set, name) => encoding.withAny(name, set), encoding.withoutTests(first));
  return sets.and(sets.and(anyLater, space.having('ctinfo', CtInfo.ESTABLISHED)), space.valid);
}
