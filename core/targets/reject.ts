/** `-j REJECT`: drops the packet and notifies its sender (ipt_REJECT, ip6t_REJECT). */
import type { Family } from '../../codecs/address.js';
import { IPPROTO_TCP } from '../../codecs/layouts.js';
import type { RejectKind } from '../answers/reject-kind.js';
import { Hook, Verdict } from '../hooks.js';
import type { TargetExtension } from '../rules/extension.js';
import { listed } from '../rules/listing/listed-form.js';
import { unknownName } from '../rules/parse/error.js';

type Kind = readonly [name: string, alias: string, kind?: RejectKind];

/** The names printed by iptables, and their aliases. Any prefix is accepted; the first match wins. */
const IPV4_KINDS: readonly Kind[] = [
  ['icmp-net-unreachable', 'net-unreach', 'net-unreachable'],
  ['icmp-host-unreachable', 'host-unreach', 'host-unreachable'],
  ['icmp-proto-unreachable', 'proto-unreach', 'proto-unreachable'],
  ['icmp-port-unreachable', 'port-unreach', 'port-unreachable'],
  ['icmp-net-prohibited', 'net-prohib', 'net-prohibited'],
  ['icmp-host-prohibited', 'host-prohib', 'host-prohibited'],
  ['tcp-reset', 'tcp-rst', 'tcp-reset'],
  ['icmp-admin-prohibited', 'admin-prohib', 'admin-prohibited'],
];
/** The same of ip6tables. */
const IPV6_KINDS: readonly Kind[] = [
  ['icmp6-no-route', 'no-route'],
  ['icmp6-adm-prohibited', 'adm-prohibited'],
  ['icmp6-addr-unreachable', 'addr-unreach'],
  ['icmp6-port-unreachable', 'port-unreach'],
  ['tcp-reset', 'tcp-reset', 'tcp-reset'],
  ['icmp6-policy-fail', 'policy-fail'],
  ['icmp6-reject-route', 'reject-route'],
];
const KINDS: Readonly<Record<Family, readonly Kind[]>> = { ipv4: IPV4_KINDS, ipv6: IPV6_KINDS };
const DEFAULTS: Readonly<Record<Family, Kind>> = { ipv4: IPV4_KINDS[3], ipv6: IPV6_KINDS[3] };

interface RejectParams {
  /** As iptables-save prints it. */
  readonly name: string;
  /** Undefined: an error of ICMPv6. */
  readonly kind: RejectKind | undefined;
}

export const reject: TargetExtension<RejectParams> = {
  name: 'REJECT',
  tables: ['filter'],
  hooks: [Hook.INPUT, Hook.FORWARD, Hook.OUTPUT],
  terminates: true,
  refuses: true,
  options: [{ name: '--reject-with', words: 1, expected: 'a kind of answer' }],

  listed: listed([/reject-with (\S+)/, '--reject-with $1']),

  parse(options) {
    const word = options.get('--reject-with')?.values[0];
    const kinds = KINDS[options.family];
    const lower = word?.text.toLowerCase() ?? '';
    const found =
      word === undefined
        ? DEFAULTS[options.family]
        : kinds.find(([name, alias]) => name.startsWith(lower) || alias.startsWith(lower));
    if (found !== undefined) return { name: found[0], kind: found[2] };
    throw unknownName(
      word!,
      'reject type',
      word!.text,
      kinds.map(([name]) => name),
    );
  },

  refuse({ kind }, { base: { protocol } }) {
    if (kind !== 'tcp-reset' || (protocol?.number === IPPROTO_TCP && !protocol.negated)) return undefined;
    return '--reject-with tcp-reset needs -p tcp';
  },

  save({ name }) {
    return ` --reject-with ${name}`;
  },

  apply({ kind }, packet, context) {
    if (kind !== undefined) context.reject(packet, kind);
    return Verdict.DROP;
  },

  effect: () => 'outside',
};
