/** `--firewall`: the rules that a host had before its Docker engine started, and whose they are. */

export interface FirewallRules {
  /** Which program reloads them; undefined: the iptables service, or nobody. */
  readonly tool: 'ufw' | 'firewalld' | undefined;
  /** What of them it reloads. */
  readonly own: string;
}

/** Chains that only firewalld has (its iptables backend). */
const FIREWALLD = /^:(?:INPUT_ZONES|FORWARD_IN_ZONES|FWDI_\w+|IN_public)\b/m;
const UFW = /^:ufw6?-/m;

/** Whose the rules in TEXT are, as iptables-save prints them. */
export function firewallRules(text: string): FirewallRules {
  if (UFW.test(text)) return { tool: 'ufw', own: withChains(text, (chain) => /^ufw6?-/.test(chain)) };
  if (FIREWALLD.test(text)) return { tool: 'firewalld', own: text };
  return { tool: undefined, own: text };
}

/** TEXT without rules and chains that are not OWN and no built-in ones; rules in these that jump to one of OWN stay. */
function withChains(text: string, isOwn: (chain: string) => boolean): string {
  const lines = text.split('\n').filter((line) => {
    const [, chain, policy] = /^:(\S+) (\S+)/.exec(line) ?? [];
    if (chain !== undefined) return policy !== '-' || isOwn(chain);
    const [, of, rest] = /^(?:\[\d+:\d+\] )?-A (\S+)(.*)/.exec(line) ?? [];
    if (of === undefined) return true;
    const target = /-[jg] (\S+)/.exec(rest)?.[1] ?? '';
    return isOwn(of) || isOwn(target);
  });
  return lines.join('\n');
}
