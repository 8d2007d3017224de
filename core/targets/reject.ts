/** `-j REJECT`: drops the packet and notifies its sender (ipt_REJECT). */
import { IPPROTO_TCP } from '../../codecs/layouts.js';
import type { RejectKind } from '../answers/reject-kind.js';
import { Hook, Verdict } from '../hooks.js';
import type { TargetExtension } from '../rules/extension.js';
import { unknownName } from '../rules/parse/error.js';

/** The names printed by iptables, and their aliases. Any prefix is accepted; the first match wins. */
const KINDS: readonly (readonly [name: string, alias: string, kind: RejectKind])[] = [
  ['icmp-net-unreachable', 'net-unreach', 'net-unreachable'],
  ['icmp-host-unreachable', 'host-unreach', 'host-unreachable'],
  ['icmp-proto-unreachable', 'proto-unreach', 'proto-unreachable'],
  ['icmp-port-unreachable', 'port-unreach', 'port-unreachable'],
  ['icmp-net-prohibited', 'net-prohib', 'net-prohibited'],
  ['icmp-host-prohibited', 'host-prohib', 'host-prohibited'],
  ['tcp-reset', 'tcp-rst', 'tcp-reset'],
  ['icmp-admin-prohibited', 'admin-prohib', 'admin-prohibited'],
];

interface RejectParams {
  readonly kind: RejectKind;
}

export const reject: TargetExtension<RejectParams> = {
  name: 'REJECT',
  tables: ['filter'],
  hooks: [Hook.INPUT, Hook.FORWARD, Hook.OUTPUT],
  terminates: true,
  options: [{ name: '--reject-with', words: 1, expected: 'a kind of answer' }],

  parse(options) {
    const word = options.get('--reject-with')?.values[0];
    if (word === undefined) return { kind: 'port-unreachable' };
    const lower = word.text.toLowerCase();
    const found = KINDS.find(([name, alias]) => name.startsWith(lower) || alias.startsWith(lower));
    if (found === undefined) {
      const names = KINDS.map(([name]) => name);
      throw unknownName(word, 'reject type', word.text, names);
    }
    return { kind: found[2] };
  },

  refuse({ kind }, { base: { protocol } }) {
    if (kind !== 'tcp-reset' || (protocol?.number === IPPROTO_TCP && !protocol.negated)) return undefined;
    return '--reject-with tcp-reset needs -p tcp';
  },

  save({ kind }) {
    return ` --reject-with ${kind === 'tcp-reset' ? kind : `icmp-${kind}`}`;
  },

  apply({ kind }, packet, context) {
    context.reject(packet, kind);
    return Verdict.DROP;
  },

  effect: () => 'outside',
};
