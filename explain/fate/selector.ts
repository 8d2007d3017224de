/** What a rule for a packet would select it by, in words and as options of iptables. */
import { IPPROTO_DCCP, IPPROTO_ICMP, IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP } from '../../codecs/layouts.js';
import { protocolName } from '../../codecs/protocol-names.js';
import { formatIcmpKind, icmpKindOf } from '../../codecs/sentence/icmp-kinds.js';
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

/** How far a rule selects. */
export interface SelectorScope {
  readonly ctstate: TrackedEvent['ctstate'] | undefined;
  /** The interface that the packet came in by, if rules at the hook can ask for it. */
  readonly inDev: string | undefined;
  /** Only what goes from the packet's own source to its destination. */
  readonly isOfEnds: boolean;
}

/** How a rule at HOOK selects PACKET and what belongs to its kind, but not all that goes there. */
export function selectorOf(
  packet: PacketFields,
  hook: HookName,
  { ctstate, inDev, isOfEnds }: SelectorScope,
): Selector {
  if (ctstate === 'ESTABLISHED' || ctstate === 'RELATED') {
    return { words: 'RELATED,ESTABLISHED', options: ['-m', 'conntrack', '--ctstate', 'RELATED,ESTABLISHED'] };
  }
  const { protocol, source, destination, sport, dport, icmp } = packet;
  const name = protocolName(protocol);
  // Of packets that belong to no connection, those from a server come from its port.
  const isFromServer =
    ctstate !== 'NEW' && sport !== undefined && dport !== undefined && dport >= FIRST_CLIENT_PORT && sport < dport;
  const [portOption, port] = isFromServer ? (['sport', sport] as const) : (['dport', dport] as const);
  const from = isFromServer || isOfEnds ? source : undefined;
  const to = (isFromServer || hook === 'INPUT') && !isOfEnds ? undefined : destination;
  const words = [name];
  const options: string[] = [];
  const add = (word: string, option: string, value: string | undefined): void => {
    if (value === undefined) return;
    words.push(`${word} ${value}`);
    options.push(option, value);
  };
  add('in', '-i', inDev);
  add('from', '-s', from);
  add('to', '-d', to);
  options.push('-p', name);
  if (WITH_PORTS.has(protocol) && port !== undefined) {
    words.push(`${portOption} ${port}`);
    options.push(`--${portOption}`, String(port));
  }
  if (protocol === IPPROTO_ICMP && icmp !== undefined) {
    const { type, code } = icmp;
    const kind = icmpKindOf(type, code, protocol);
    words.push(formatIcmpKind(kind, protocol));
    options.push('--icmp-type', kind.code === undefined ? String(type) : `${type}/${code}`);
  }
  return { words: words.join(' '), options };
}
