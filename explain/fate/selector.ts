/** What a rule for a packet would select it by, in words and as options of iptables. */
import { IPPROTO_DCCP, IPPROTO_ICMP, IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP } from '../../codecs/layouts.js';
import { protocolName } from '../../codecs/protocol-names.js';
import { formatIcmpKind, hasNamedCodes } from '../../codecs/sentence/icmp-kinds.js';
import type { PacketFields, TrackedEvent } from '../../core/events.js';
import type { HookName } from '../../core/hooks.js';

export interface Selector {
  /** `tcp dport 8081`. */
  readonly words: string;
  readonly options: readonly string[];
}

/** Protocols whose ports iptables takes with `-p`. */
const WITH_PORTS: ReadonlySet<number> = new Set([IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_DCCP]);
/** Ports from here on are given to clients (net.ipv4.ip_local_port_range). */
const FIRST_CLIENT_PORT = 32_768;

/** How a rule at HOOK selects PACKET and what belongs to its kind, but not all that goes there. */
export function selectorOf(
  packet: PacketFields,
  hook: HookName,
  ctstate: TrackedEvent['ctstate'] | undefined,
): Selector {
  if (ctstate === 'ESTABLISHED' || ctstate === 'RELATED') {
    return { words: 'RELATED,ESTABLISHED', options: ['-m', 'conntrack', '--ctstate', 'RELATED,ESTABLISHED'] };
  }
  const { protocol, source, destination, sport, dport, icmp } = packet;
  const name = protocolName(protocol);
  // Of packets that belong to no connection, those from a server come from its port.
  const isFromServer =
    ctstate !== 'NEW' && sport !== undefined && dport !== undefined && dport >= FIRST_CLIENT_PORT && sport < dport;
  const [end, address, portOption, port] = isFromServer
    ? (['from', ['-s', source], 'sport', sport] as const)
    : (['to', hook === 'INPUT' ? [] : ['-d', destination], 'dport', dport] as const);
  const words = [name, ...(address.length === 0 ? [] : [`${end} ${address[1]}`])];
  const options = [...address, '-p', name];
  if (WITH_PORTS.has(protocol) && port !== undefined) {
    words.push(`${portOption} ${port}`);
    options.push(`--${portOption}`, String(port));
  }
  if (protocol === IPPROTO_ICMP && icmp !== undefined) {
    const { type, code } = icmp;
    const kind = { type, code: code === 0 && !hasNamedCodes(type, protocol) ? undefined : code };
    words.push(formatIcmpKind(kind, protocol));
    options.push('--icmp-type', kind.code === undefined ? String(type) : `${type}/${code}`);
  }
  return { words: words.join(' '), options };
}
