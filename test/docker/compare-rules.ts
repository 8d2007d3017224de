/** Two texts of iptables-save: tables and chains as sets, the rules of a chain in order; counters are set aside. */

interface Chain {
  policy: string;
  rules: string[];
}

/** What differs, a line each; empty if nothing does. */
export function ruleDifferences(wanted: string, found: string): string[] {
  const [inWanted, inFound] = [chainsOf(wanted), chainsOf(found)];
  const names = [...new Set([...inWanted.keys(), ...inFound.keys()])].sort();
  return names.flatMap((name) => {
    const [one, other] = [inWanted.get(name), inFound.get(name)];
    if (one === undefined || other === undefined) return [`${name}: ${one === undefined ? 'not expected' : 'missing'}`];
    const policy = one.policy === other.policy ? [] : [`${name}: policy ${other.policy}, expected ${one.policy}`];
    return [...policy, ...lineDifferences(one.rules, other.rules).map((line) => `${name}: ${line}`)];
  });
}

/** The chains of TEXT by table and name; built-in chains with nothing in them are as good as absent. */
function chainsOf(text: string): Map<string, Chain> {
  const chains = new Map<string, Chain>();
  let table = '';
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) table = line.slice(1).trim();
    const [, chain, policy] = /^:(\S+) (\S+)/.exec(line) ?? [];
    if (chain !== undefined) chains.set(`${table} ${chain}`, { policy, rules: [] });
    const [, of, rule] = /^(?:\[\d+:\d+\] )?-A (\S+) ?(.*)/.exec(line) ?? [];
    if (of !== undefined) chains.get(`${table} ${of}`)?.rules.push(rule.trim());
  }
  for (const [name, { policy, rules }] of chains) if (policy === 'ACCEPT' && rules.length === 0) chains.delete(name);
  return chains;
}

/** Lines of a difference: `- ` what is missing, `+ ` what is there besides, in the order of both. */
function lineDifferences(wanted: readonly string[], found: readonly string[]): string[] {
  const lengths = commonLengths(wanted, found);
  const lines: string[] = [];
  let [i, j] = [0, 0];
  while (i < wanted.length || j < found.length) {
    if (i < wanted.length && j < found.length && wanted[i] === found[j]) {
      i++;
      j++;
    } else if (j >= found.length || (i < wanted.length && lengths[i + 1][j] >= lengths[i][j + 1])) {
      lines.push(`- ${wanted[i++]}`);
    } else lines.push(`+ ${found[j++]}`);
  }
  return lines;
}

/** How long the longest common subsequence is of what is left from each pair of places on. */
function commonLengths(a: readonly string[], b: readonly string[]): number[][] {
  const lengths = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      lengths[i][j] = a[i] === b[j] ? lengths[i + 1][j + 1] + 1 : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
  return lengths;
}
