/**
 * Recognizes captures that were taken behind the NAT. They show connections as the host passed them on: a client of the
 * Internet opens one to the private address of a server, which no client can do. Stitched, such packets would arrive at
 * the host by the client's side, and no DNAT rule would see them.
 */
import { type Address, parseAddress, prefixMask } from '../../codecs/address.js';
import { formatLoaded, type LoadedAddress, portToHostOrder, toHostOrder } from '../../codecs/byte-order.js';

import { startsWithBytes } from '../../codecs/text.js';
import type { Tuple } from '../../core/conntrack/tuple.js';
import type { NatRange } from '../../core/nat/range.js';
import { hasPorts } from '../../core/packet.js';
import type { Rule, Ruleset } from '../../core/rules/model.js';

/** Addresses that are not routed in the Internet (RFC 1918, RFC 6598, RFC 3927). */
const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '169.254.0.0/16'].map((network) => {
  const [address, length] = network.split('/');
  const mask = prefixMask('ipv4', Number(length)).loaded;
  return { network: (parseAddress(address)?.loaded ?? 0) & mask, mask };
});

/** What a DNAT rule translates to. */
interface Target {
  readonly first: number;
  readonly last: number;
  readonly minPort: number;
  readonly maxPort: number;
  readonly rule: Rule;
}

/** A connection that was opened behind the NAT. */
export interface BehindNat {
  readonly client: string;
  readonly server: string;
  readonly rule: Rule;
}

export class BehindNatCheck {
  /** How many connections were opened, and how many of them behind the NAT; the first of these. */
  opened = 0;
  behind = 0;
  example: BehindNat | undefined;
  /** How many were opened from the host's own addresses, which may be translated ones of other hosts. */
  fromHost = 0;
  /** Whether there are rules that translate to the host's addresses, or there were. */
  translatesSources = false;
  #targets: readonly Target[] = [];
  readonly #names: readonly string[];

  /** NAMES: of the host's interfaces, by index. */
  constructor(ruleset: Ruleset, names: readonly string[]) {
    this.#names = names;
    this.useRules(ruleset);
  }

  /** From now on, packets meet the rules of RULESET. */
  useRules(ruleset: Ruleset): void {
    this.translatesSources ||= ruleset.tables.some(({ rules }) => rules.some(isSourceNat));
    this.#targets = ruleset.tables.flatMap(({ name, rules }) => (name === 'nat' ? rules.flatMap(targetOf) : []));
  }

  /** Looks at the TUPLE of a packet that opens a connection and enters at DEV. */
  look(tuple: Tuple, dev: number): void {
    this.opened++;
    if (dev < 0) this.fromHost++;
    if (this.#targets.length === 0 || dev < 0 || isPrivate(tuple.source) || !isPrivate(tuple.destination)) return;
    const rule = this.#ruleTowards(tuple, dev);
    if (rule === undefined) return;
    this.behind++;
    this.example ??= { client: formatLoaded(tuple.source), server: endOf(tuple), rule };
  }

  /** A DNAT rule for packets from DEV that leads to the destination of TUPLE. */
  #ruleTowards({ destination, ports, protocol }: Tuple, dev: number): Rule | undefined {
    const address = toHostOrder(destination);
    const port = portToHostOrder(ports >>> 16);
    return this.#targets.find(({ first, last, minPort, maxPort, rule: { base } }) => {
      if (address < first || address > last) return false;
      if (hasPorts(protocol) && (port < minPort || port > maxPort)) return false;
      if (base.protocol !== undefined && (base.protocol.number === protocol) === base.protocol.negated) return false;
      return base.inDev === undefined || isDevice(base.inDev.name, this.#names[dev]) !== base.inDev.negated;
    })?.rule;
  }
}

function isSourceNat({ target }: Rule): boolean {
  return target.kind === 'extension' && ['SNAT', 'MASQUERADE'].includes(target.extension.name);
}

function targetOf(rule: Rule): Target[] {
  const { target } = rule;
  if (target.kind !== 'extension' || target.extension.name !== 'DNAT') return [];
  const { minAddress, maxAddress = minAddress, minPort = 0, maxPort = 0xffff } = target.params as NatRange;
  if (minAddress === undefined || maxAddress === undefined) return [];
  const [first, last] = [minAddress, maxAddress].map((address: Address) => toHostOrder(address.loaded));
  return [{ first, last, minPort, maxPort, rule }];
}

function isPrivate(address: LoadedAddress): boolean {
  return PRIVATE.some(({ network, mask }) => (address & mask) === network);
}

function isDevice(pattern: string, name: string): boolean {
  return pattern.endsWith('+') ? startsWithBytes(name, pattern.slice(0, -1)) : pattern === name;
}

function endOf({ destination, ports, protocol }: Tuple): string {
  const address = formatLoaded(destination);
  return hasPorts(protocol) ? `${address}:${portToHostOrder(ports >>> 16)}` : address;
}
