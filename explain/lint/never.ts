/** Why a rule never matches. */
import { HOOK_NAMES, Hook } from '../../core/hooks.js';
import { AddressType } from '../../core/host/address-type.js';
import { CtInfo } from '../../core/packet.js';
import type { Rule } from '../../core/rules/model.js';
import { saveAppended } from '../../core/rules/save.js';
import { opening, overLo } from '../../core/rules/space/arrivals.js';
import { NO_PACKETS, type PacketSet } from '../../core/rules/space/diagrams.js';
import { testedFields } from '../../core/rules/space/rule-sets.js';
import type { TableReach } from '../../core/rules/space/table-reach.js';
import { type Finding, type FindingCode, formatPlace, placeOf } from '../findings.js';
import { fateBy, isRefusal, type Taker, type Takers, takersIn } from './takers.js';

interface Reason {
  readonly code: FindingCode;
  readonly why: string;
  readonly rules: readonly Rule[];
  readonly change?: string;
}

/** The finding about RULE, which matches no packet; undefined if a DROP has nothing left to drop. */
export function findNever(reach: TableReach, rule: Rule): Finding | undefined {
  const reason = reasonOf(reach, rule);
  if (reason === undefined) return undefined;
  const isNat = reach.table.name === 'nat' && rule.target.kind === 'extension' && rule.target.extension.terminates;
  const { why, rules } = reason;
  return {
    code: isNat ? 'no-translation' : reason.code,
    message: `never ${isNat ? 'translates' : 'matches'}: ${saveAppended(rule)}: ${why}${assumption(reach, rule, reason)}`,
    rules: [rule, ...rules].map(placeOf),
    packets: [],
    change: reason.change ?? null,
    never: { rule, why, by: rules },
  };
}

/**
 * What the finding about RULE assumes, if later fragments would meet it: the replay always tracks, and so reassembles; a
 * kernel does not where nothing needs conntrack.
 */
function assumption(reach: TableReach, rule: Rule, { code }: Reason): string {
  const { space, table } = reach;
  if (code !== 'shadowed' || table.name === 'nat' || [...testedFields([table])].some((name) => name.startsWith('ct')))
    return '';
  const later = space.sets.not(space.having('fragmentOffset', 0));
  const meetsLater = space.sets.meet(reach.packets[rule.index].matching, reach.reachingInChain(rule), later);
  return meetsLater ? ' (assumed: conntrack reassembles fragments)' : '';
}

function reasonOf(reach: TableReach, rule: Rule): Reason | undefined {
  const { sets, valid } = reach.space;
  const { matching } = reach.packets[rule.index];
  const isDropping = isRefusal(reach, rule, matching);
  if (matching === NO_PACKETS)
    return { code: 'contradiction', why: 'its own conditions exclude each other', rules: [] };
  const possible = sets.and(matching, valid);
  // What only guards against packets that conntrack and reassembly leave out anyway does no harm.
  if (possible === NO_PACKETS) return isDropping ? undefined : impossible(reach, matching);
  const wrong = atWrongHook(reach, rule, possible);
  if (wrong !== undefined) return wrong;
  const taken = takersOf(reach, rule, possible);
  const { excludedBy, takers } = taken;
  if (takers.rules.length === 0) {
    // A DROP in a chain that several rules call guards all of them alike.
    if (isDropping) return undefined;
    const why = `its chain is only entered by packets that it excludes`;
    return { code: 'not-entered', why, rules: excludedBy };
  }
  const last = takers.rules[takers.rules.length - 1];
  if (isDropping && isRefusal(reach, last.rule, last.packets)) return undefined;
  const isSame = takers.rules.every((taker) => fateBy(taker.rule) === fateBy(rule));
  const rules = takers.rules.map((taker) => taker.rule);
  const change = isSame ? 'remove it' : `remove it, or move it before ${formatPlace(rules[0])}`;
  return { code: 'shadowed', why: `all of it is ${describe(takers)}`, rules, change };
}

/** What TAKERS do: `rejected before`. */
export function describe({ rules, hasMore }: Takers): string {
  const fates = [...new Set(rules.map(({ rule }) => fateBy(rule)))];
  const fate = fates.length === 1 && !hasMore ? fates[0] : 'taken';
  return rules.length === 1 && !hasMore ? `${fate} before` : `${fate} before, by several rules together`;
}

/** Why no packet that rules see meets what a rule asks. */
function impossible(reach: TableReach, matching: PacketSet): Reason {
  const { space } = reach;
  const whole = space.sets.and(matching, space.having('fragmentOffset', 0));
  const why =
    whole === NO_PACKETS
      ? 'fragments are reassembled before any rule sees them'
      : 'no packet is like that: conntrack gives such packets another state, or their protocol has no such field';
  return { code: 'no-such-packet', why, rules: [] };
}

/** Why RULE matches none of POSSIBLE packets where it is; undefined if some get to the hooks that lead to it. */
function atWrongHook(reach: TableReach, rule: Rule, possible: PacketSet): Reason | undefined {
  const { space, table } = reach;
  const { sets } = space;
  const bases = basesOf(reach, rule);
  if (bases.some((chain) => sets.and(reach.entering(chain), possible) !== NO_PACKETS)) return undefined;
  const hooks = bases.map(({ hook }) => hook!);
  const names = hooks.map((hook) => HOOK_NAMES[hook]).join(', ');
  const code = 'no-such-packet';
  const lacks = (part: PacketSet): boolean => sets.and(possible, part) === NO_PACKETS;
  if (table.name === 'raw' && lacks(space.having('ctinfo', CtInfo.INVALID)))
    return { code: 'state-in-raw', why: 'table raw comes before conntrack: packets have no state yet', rules: [] };
  if (table.name === 'nat' && lacks(opening(space)))
    return { code: 'no-translation', why: 'only the first packet of a connection (NEW) passes table nat', rules: [] };
  if (hooks.every((hook) => hook === Hook.PREROUTING || hook === Hook.INPUT) && lacks(space.having('outDev', 0)))
    return { code, why: `packets in ${names} have no output interface`, rules: [] };
  if (hooks.every((hook) => hook === Hook.OUTPUT) && lacks(space.having('inDev', 0)))
    return { code, why: `packets in ${names} have no input interface`, rules: [] };
  const own = space.ofTypes('destination', [AddressType.LOCAL, AddressType.BROADCAST, AddressType.MULTICAST]);
  if (own === undefined || !hooks.includes(Hook.INPUT))
    return { code, why: `no packet in ${names} is like that`, rules: [] };
  const { matching } = reach.packets[rule.index];
  if (isRefusal(reach, rule, matching)) return undefined;
  return { code, why: 'its destination is no address of the host', rules: [] };
}

/** The finding about RULE of table raw if it asks for a state that only packets have that come back over lo. */
export function findStateInRaw(reach: TableReach, rule: Rule): Finding | undefined {
  const { space, table } = reach;
  const { sets } = space;
  const { matching } = reach.packets[rule.index];
  const untracked = space.having('ctinfo', CtInfo.INVALID, CtInfo.UNTRACKED);
  const isAbout = table.name === 'raw' && !sets.meet(matching, space.valid, untracked);
  const elsewhere = sets.not(overLo(space));
  if (!isAbout || reach.matches(rule, elsewhere) || !sets.meet(matching, space.valid, elsewhere)) return undefined;
  const why = 'table raw comes before conntrack: only packets that come back over lo have a state already';
  const message = `never matches what arrives from elsewhere: ${saveAppended(rule)}: ${why}`;
  return { code: 'state-in-raw', message, rules: [placeOf(rule)], packets: [], change: null };
}

/** The base chains that lead to RULE. */
function basesOf(reach: TableReach, rule: Rule) {
  const found = new Set([reach.chainOf(rule)]);
  for (const chain of found) for (const call of reach.callsOf(chain)) found.add(call.chain);
  return [...found].filter(({ hook }) => hook !== undefined);
}

/** What keeps PACKETS from RULE: rules that take them before, and calls that exclude them. */
export function takersOf(
  reach: TableReach,
  rule: Rule,
  packets: PacketSet,
  seen = new Set<Rule>(),
): { takers: Takers; excludedBy: readonly Rule[] } {
  const { sets } = reach.space;
  const chain = reach.chainOf(rule);
  const inside = sets.and(packets, reach.entering(chain));
  if (inside !== NO_PACKETS) return { takers: takersIn(reach, chain, inside, rule.number - 1), excludedBy: [] };
  const excludedBy: Rule[] = [];
  const rules: Taker[] = [];
  let hasMore = false;
  for (const call of reach.callsOf(chain)) {
    if (seen.has(call.rule)) continue;
    seen.add(call.rule);
    const called = sets.and(packets, reach.packets[call.rule.index].matching);
    if (called === NO_PACKETS) {
      excludedBy.push(call.rule);
      continue;
    }
    const before = takersOf(reach, call.rule, called, seen);
    rules.push(...before.takers.rules);
    hasMore ||= before.takers.hasMore;
    excludedBy.push(...before.excludedBy);
  }
  return { takers: { rules, hasMore }, excludedBy };
}
