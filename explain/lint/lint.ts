/** What rules can never do: found in the rules alone, for all packets that there can be. */
import { counted, shown } from '../../codecs/text.js';
import { HOOK_NAMES, type Hook, VERDICT_NAMES, Verdict } from '../../core/hooks.js';
import type { Host } from '../../core/host/host.js';
import type { Chain, Ruleset, Table } from '../../core/rules/model.js';
import { saveAppended } from '../../core/rules/save.js';
import { arrivingAt } from '../../core/rules/space/arrivals.js';
import { deviceNames } from '../../core/rules/space/devices.js';
import { NO_PACKETS, TooManyNodes } from '../../core/rules/space/diagrams.js';
import { PacketSpace } from '../../core/rules/space/packet-space.js';
import { testedFields } from '../../core/rules/space/rule-sets.js';
import { TableReach } from '../../core/rules/space/table-reach.js';
import { type Finding, formatPlace, placeOf } from '../findings.js';
import { findUnestablished } from './established.js';
import { addressesOf, deliversOwnOnly } from './host-addresses.js';
import { PartFinder } from './in-part.js';
import { findNever, findStateInRaw } from './never.js';
import { OneByOne } from './one-by-one.js';
import { fateBy, isRefusal, lastTaker, takersIn } from './takers.js';

/** How many nodes the sets of a table may take: about a gigabyte for the largest. */
const MAX_NODES = 1 << 23;

/** The same where each rule is examined by itself. */
const MAX_NODES_ONE_BY_ONE = 1 << 20;

/** How many rules of a table are reported that are covered in part. */
const MAX_PARTS = 200;

export interface LintResult {
  /** In the order of the files' lines. */
  readonly findings: readonly Finding[];
  /** What was given up: tables, and why. */
  readonly givenUp: readonly string[];
  readonly ruleCount: number;
}

/** Examines TABLES of RULESET. HOST: the host that they are for; undefined: any. */
export function lint(ruleset: Ruleset, host?: Host, maxNodes = MAX_NODES, tables = ruleset.tables): LintResult {
  const findings: Finding[] = [];
  const givenUp: string[] = [];
  for (const table of tables) {
    try {
      const reach = reachOf(table, ruleset, host, maxNodes);
      let isGivenUp = false;
      const ofTable = lintTable(reach, (what) => {
        if (!isGivenUp) givenUp.push(`table ${table.name}: ${what} is too complex; more may be missing`);
        isGivenUp = true;
      });
      findings.push(...ofTable);
      if (ofTable.filter(isPart).length < MAX_PARTS) continue;
      givenUp.push(`table ${table.name}: after ${MAX_PARTS} rules that are covered in part, no others were looked for`);
    } catch (error) {
      if (!(error instanceof TooManyNodes)) throw error;
      const { findings: single, given } = lintOneByOne(table, ruleset, host, maxNodes);
      findings.push(...single);
      givenUp.push(`table ${table.name}: ${error.message}; ${given}`);
    }
  }
  const files = [...new Set(findings.map(({ rules }) => rules[0].file))];
  findings.sort(({ rules: [a] }, { rules: [b] }) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line);
  return { findings, givenUp, ruleCount: ruleset.tables.reduce((sum, { rules }) => sum + rules.length, 0) };
}

/** What is found in TABLE by its rules one by one, and what was given up for that. */
function lintOneByOne(table: Table, ruleset: Ruleset, host: Host | undefined, maxNodes: number) {
  const rules = counted(table.rules.length, 'rule');
  try {
    const most = Math.min(maxNodes, MAX_NODES_ONE_BY_ONE);
    const oneByOne = new OneByOne(table, ruleset, host, () => spaceOf(table, ruleset, host, most));
    const unused = table.chains.filter((chain) => !oneByOne.isCalled(chain) && chain.rules.length > 0);
    const findings = [...oneByOne.find(), ...unused.map((chain) => unusedChain(table, chain))];
    const { unexamined } = oneByOne;
    const given = `its ${rules} were compared with single earlier rules only, not with several together or across chains`;
    if (unexamined.length === 0) return { findings, given };
    const [first] = unexamined;
    const count = unexamined.length === 1 ? 'one' : `${unexamined.length}`;
    return { findings, given: `${given}; ${count} of them not at all, from ${formatPlace(first)} on` };
  } catch (error) {
    if (!(error instanceof TooManyNodes)) throw error;
    return { findings: [], given: `none of its ${rules} was examined` };
  }
}

/** An empty space for the packets of TABLE, one of RULESET. */
function spaceOf(table: Table, ruleset: Ruleset, host: Host | undefined, maxNodes: number): PacketSpace {
  return new PacketSpace({
    fields: testedFields([table]),
    devices: deviceNames(ruleset.tables, host?.interfaceNames ?? []),
    addresses: host && addressesOf(host),
    maxNodes,
  });
}

/** The sets of TABLE, one of RULESET. */
export function reachOf(table: Table, ruleset: Ruleset, host: Host | undefined, maxNodes: number): TableReach {
  const space = spaceOf(table, ruleset, host, maxNodes);
  const isPlain = host !== undefined && deliversOwnOnly(host, ruleset);
  return new TableReach(table, space, (hook: Hook) => arrivingAt(space, table.name, hook, isPlain));
}

/** What is found in the table of REACH. GIVE_UP is told what is too complex to explain or to look for. */
function lintTable(reach: TableReach, giveUp: (what: string) => void): Finding[] {
  const { table } = reach;
  const parts = new PartFinder(reach);
  const findings: Finding[] = [];
  let partCount = 0;
  for (const chain of table.chains) {
    if (!reach.isCalled(chain)) {
      if (chain.rules.length > 0) findings.push(unusedChain(table, chain));
      continue;
    }
    // The rules that call it are found, or what calls them.
    if (reach.entering(chain) === NO_PACKETS) continue;
    for (const rule of chain.rules) {
      const isMatched = reach.matches(rule);
      if (isMatched && partCount >= MAX_PARTS) continue;
      const found = withinBounds(
        () => (isMatched ? (findStateInRaw(reach, rule) ?? parts.find(rule)) : findNever(reach, rule)),
        () => giveUp(`what keeps packets from ${saveAppended(rule)} in line ${rule.line}`),
      );
      if (found === undefined) continue;
      findings.push(found);
      if (isMatched) partCount++;
    }
    const policy = withinBounds(
      () => findUnreachedPolicy(reach, chain),
      () => giveUp(`whether the policy of ${chain.name} is reached`),
    );
    if (policy !== undefined) findings.push(policy);
  }
  const unestablished = withinBounds(
    () => (table.name === 'filter' ? findUnestablished(reach) : []),
    () => giveUp('whether later packets of connections are accepted'),
  );
  return [...findings, ...(unestablished ?? [])];
}

/** What FIND returns; undefined, after GIVE_UP, if sets become too complex. */
function withinBounds<Result>(find: () => Result, giveUp: () => void): Result | undefined {
  try {
    return find();
  } catch (error) {
    if (!(error instanceof TooManyNodes)) throw error;
    giveUp();
    return undefined;
  }
}

const isPart = ({ code }: Finding): boolean => code === 'shadowed-in-part';

function unusedChain({ name: table, chains }: Table, chain: Chain): Finding {
  const { name, file, line, rules } = chain;
  const callers = chains.filter(({ rules: ofChain }) =>
    ofChain.some(({ target }) => (target.kind === 'jump' || target.kind === 'goto') && target.chain === name),
  );
  const why = callers.length === 0 ? '' : ` but ${callers.map((one) => one.name).join(', ')}, to which nothing leads`;
  return {
    code: 'unused-chain',
    message: `never entered: nothing jumps to chain ${shown(name)} of ${table} (${counted(rules.length, 'rule')})${shown(why)}`,
    rules: [line > 0 ? { file, line } : placeOf(rules[0])],
    packets: [],
    change: null,
    never: { chain, why: `nothing jumps to chain ${name}${why}`, by: [] },
  };
}

/** The policy of base chain CHAIN that decides about no packet, unless the rules before it do the same. */
function findUnreachedPolicy(reach: TableReach, chain: Chain): Finding | undefined {
  const { hook, rules, policy, isAbsent, file, line } = chain;
  // One that nobody has written is the usual one.
  if (hook === undefined || isAbsent === true || rules.length === 0 || line === 0) return undefined;
  if (reach.leavesToPolicy(chain)) return undefined;
  const entering = reach.entering(chain);
  const last = lastTaker(reach, chain, entering, rules.length);
  if (last === undefined) return undefined;
  const left = reach.space.sets.and(entering, reach.reachingInChain(last));
  const [{ rule, packets }] = takersIn(reach, chain, left, rules.length).rules.slice(-1);
  if (isRefusal(reach, rule, packets) === (policy === Verdict.DROP)) return undefined;
  return {
    code: 'unreached-policy',
    message: `never decides: policy ${VERDICT_NAMES[policy]} of ${reach.table.name} ${HOOK_NAMES[hook]}, as what is left is ${fateBy(rule)}`,
    rules: [{ file, line }, placeOf(rule)],
    packets: [],
    change: null,
    never: { policy: chain, why: `what is left is ${fateBy(rule)}`, by: [rule] },
  };
}
