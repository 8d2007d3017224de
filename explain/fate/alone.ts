/** Why nothing is known about which other packets share a packet's fate, in words. */
import type { Alone, AloneReason } from '../../core/flow/traversal.js';
import { HOOK_NAMES } from '../../core/hooks.js';

const WORDS: Readonly<Record<AloneReason, string>> = {
  'rule-state': 'a rule matches by earlier packets, by a set, by chance or by what a rule before it changed',
  'other-rules': 'the rules were changed before it came',
  'ip-options': 'it has IP options',
  reassembled: 'it came in fragments',
  broadcast: 'the host sends it to many, itself among them',
  'quoted-connection': 'it is an ICMP error about a connection that NAT handles',
  'chosen-translation': 'its translation was chosen by more than the rules',
  'unknown-field': 'a rule tests something that does not follow from the packet',
  dropped: 'more than the packet decides about such a drop',
};

/** `not known: a rule matches by earlier packets … (filter INPUT)`. */
export function aloneWords({ reason, table, hook }: Alone): string {
  const place = table === undefined ? '' : ` (${[table, hook === undefined ? '' : HOOK_NAMES[hook]].join(' ').trim()})`;
  return `not known of other packets: ${WORDS[reason]}${place}`;
}
