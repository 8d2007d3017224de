/** What a rule reads of a packet: where all of it is fixed by the connection, its answer is the same for the next packet. */
import { baseReads } from './base-match.js';
import { CONNECTION_FIELDS, type PacketField } from './extension.js';
import type { Match, Rule } from './model.js';

const FIXED: ReadonlySet<PacketField> = new Set(CONNECTION_FIELDS);
/** Fields of matches that leave a mark when asked: they have a memory of their own, or may drop the packet (hotdrop). */
const ORDERED: ReadonlySet<string> = new Set(['state', 'tcpOptions']);

/** All fields that decide whether RULE matches. */
export function ruleReads(rule: Rule): ReadonlySet<PacketField> {
  const reads = new Set<PacketField>(baseReads(rule.base));
  for (const { extension, params } of rule.matches) for (const field of extension.reads(params)) reads.add(field);
  return reads;
}

/**
 * The matches of RULE that its connection answers, and those that have to be asked of each packet, in their order. Where
 * asking one of the latter leaves a mark, all that follow are asked after it, and only then.
 */
export function splitMatches(rule: Rule): { fixed: readonly Match[]; asked: readonly Match[] } {
  const fixed: Match[] = [];
  const asked: Match[] = [];
  let isOrdered = false;
  for (const match of rule.matches) {
    const { extension, params } = match;
    const isFixed = extension.reads(params).every((field) => FIXED.has(field));
    if (isFixed && !isOrdered) fixed.push(match);
    else asked.push(match);
    if (extension.reads(params).some((field) => ORDERED.has(field))) isOrdered = true;
  }
  return { fixed, asked };
}

/** Whether RULE can tell apart two packets of one connection, going the same way in the same state. */
export function readsPacket(rule: Rule): boolean {
  const fixed: readonly string[] = CONNECTION_FIELDS;
  return [...ruleReads(rule)].some((field) => !fixed.includes(field));
}
