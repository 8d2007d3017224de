/** Which interfaces the rules have that Red Hat's `iptables` service starts with: only `-i lo` in INPUT. */
import type { ShownChains, ShownRule } from './docker-guess.js';

const ESTABLISHED = /^-m (?:state --state|conntrack --ctstate) RELATED,ESTABLISHED -j ACCEPT$/;
const NEW_PORT = /^-p (tcp|udp) (?:-m state --state NEW -m \1|-m \1) --dport \d+(?: -m state --state NEW)? -j ACCEPT$/;
const REJECT = '-j REJECT --reject-with icmp-host-prohibited';

/** What that service writes about the rules in CHAINS; '' for a rule without interfaces. */
export function guessRhel<Rule extends ShownRule>(chains: ShownChains<Rule>): ReadonlyMap<Rule, string> {
  const guesses = new Map<Rule, string>();
  const input = chains('filter', 'INPUT');
  const [established, icmp, loopback, ...more] = input;
  if (established === undefined || !ESTABLISHED.test(established.text)) return guesses;
  if (icmp?.text !== '-p icmp -j ACCEPT' || loopback?.text !== '-j ACCEPT') return guesses;
  guesses.set(established, '').set(icmp, '').set(loopback, '-i lo');
  for (const rule of more) {
    if (rule.text === REJECT || (NEW_PORT.test(rule.text) && rule.text.includes('NEW'))) guesses.set(rule, '');
  }
  for (const rule of chains('filter', 'FORWARD')) if (rule.text === REJECT) guesses.set(rule, '');
  return guesses;
}
