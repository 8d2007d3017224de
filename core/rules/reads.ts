/** What a rule reads of a packet: where all of it is fixed by the connection, its answer is the same for the next packet. */
import { baseReads } from './base-match.js';
import { CONNECTION_FIELDS, type PacketField } from './extension.js';
import type { Rule } from './model.js';

/** All fields that decide whether RULE matches. */
export function ruleReads(rule: Rule): ReadonlySet<PacketField> {
  const reads = new Set<PacketField>(baseReads(rule.base));
  for (const { extension, params } of rule.matches) for (const field of extension.reads(params)) reads.add(field);
  return reads;
}

/** Whether RULE can tell apart two packets of one connection, going the same way in the same state. */
export function readsPacket(rule: Rule): boolean {
  const fixed: readonly string[] = CONNECTION_FIELDS;
  return [...ruleReads(rule)].some((field) => !fixed.includes(field));
}
