/** What is logged about a packet that TRACE has marked (trace_packet in ip_tables). */
import type { Packet } from '../../packet.js';
import { isUnconditional } from '../base-match.js';
import type { RuleContext, TracedKind } from '../context.js';
import type { Chain, Rule, Table } from '../model.js';

/** Logs that PACKET matched RULE of CHAIN. */
export function logTracedRule(context: RuleContext, packet: Packet, table: Table, chain: Chain, rule: Rule): void {
  context.traceRule(packet, table.name, chain.name, looksLikeEnd(rule) ? endOf(chain) : 'rule', rule.number);
}

/** Logs that PACKET reached the end of CHAIN: the policy of a built-in chain, else the return to the calling chain. */
export function logTracedEnd(context: RuleContext, packet: Packet, table: Table, chain: Chain): void {
  context.traceRule(packet, table.name, chain.name, endOf(chain), chain.rules.length + 1);
}

const endOf = ({ hook }: Chain): TracedKind => (hook === undefined ? 'return' : 'policy');

/** In the kernel, the end of a chain is a rule without matches whose target is a verdict. */
function looksLikeEnd({ target, base, matches }: Rule): boolean {
  const isVerdict = target.kind === 'verdict' || (target.kind === 'extension' && target.extension.isVerdict === true);
  return isVerdict && matches.length === 0 && isUnconditional(base);
}
