/** The counters in two texts of iptables-save that have the same rules. */

/** The chains of which counters are compared: packets reach them by interfaces, so that the capture has them. */
const COUNTED = ['raw PREROUTING', 'nat PREROUTING', 'filter FORWARD'];

export interface CounterComparison {
  /**
   * So many frames passed between ports of a bridge. The kernel shows them to rules
   * (net.bridge.bridge-nf-call-iptables); they are not followed.
   */
  readonly bridged: number;
  readonly countsPolicies: boolean;
}

/** What differs, a line each. */
export function counterDifferences(
  wanted: string,
  found: string,
  { bridged, countsPolicies }: CounterComparison,
): string[] {
  const [inWanted, inFound] = [countersOf(wanted), countersOf(found)];
  return COUNTED.flatMap((chain) => {
    const rules = inWanted.rules.get(chain) ?? [];
    const others = inFound.rules.get(chain) ?? [];
    if (rules.map(({ rule }) => rule).join('\n') !== others.map(({ rule }) => rule).join('\n'))
      return [`${chain}: other rules`];
    const different = rules.flatMap(({ rule, counters }, i) =>
      isAlike(counters, others[i].counters, bridged)
        ? []
        : [`${chain}: ${rule}: ${others[i].counters}, expected ${counters}`],
    );
    const policy = inWanted.policies.get(chain);
    // iptables 1.8.9 with nft creates chains that do not count.
    const isCounted = countsPolicies && policy !== undefined && policy !== '0:0';
    // A table without rules, of which a program has asked, counts from then on.
    const foundPolicy = inFound.policies.get(chain);
    const isDifferent = isCounted && foundPolicy !== undefined && !isAlike(policy, foundPolicy, bridged);
    const ofPolicy = isDifferent ? [`${chain}: policy ${foundPolicy}, expected ${policy}`] : [];
    return [...different, ...ofPolicy];
  });
}

interface Counters {
  readonly rules: Map<string, { rule: string; counters: string }[]>;
  readonly policies: Map<string, string>;
}

function countersOf(text: string): Counters {
  const rules: Counters['rules'] = new Map();
  const policies: Counters['policies'] = new Map();
  let table = '';
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) table = line.slice(1).trim();
    const [, chain, policy] = /^:(\S+) \S+ \[(\d+:\d+)\]/.exec(line) ?? [];
    if (chain !== undefined) policies.set(`${table} ${chain}`, policy);
    const [, counters, of, rule] = /^\[(\d+:\d+)\] -A (\S+) ?(.*)/.exec(line) ?? [];
    if (of === undefined) continue;
    const name = `${table} ${of}`;
    rules.set(name, [...(rules.get(name) ?? []), { rule, counters }]);
  }
  return { rules, policies };
}

/** Whether WANTED is FOUND, and what up to BRIDGED frames may have added. */
function isAlike(wanted: string, found: string, bridged: number): boolean {
  const [more, moreBytes] = wanted.split(':').map((count, i) => Number(count) - Number(found.split(':')[i]));
  return wanted === found || (more > 0 && more <= bridged && moreBytes > 0);
}
