/** Which addresses a scan looks at: the host's own, those that rules publish, and those behind the host. */
import { type Address, addressFromHostOrder, parseAddress } from '../../codecs/address.js';
import { HOOK_NAMES, Hook, Verdict } from '../../core/hooks.js';
import { AddressType } from '../../core/host/address-type.js';
import type { Host } from '../../core/host/host.js';
import { Manip, type NatRange } from '../../core/nat/range.js';
import type { EffectPlanner } from '../../core/rules/effect.js';
import { isCondition, lowerRule } from '../../core/rules/lower.js';
import type { Rule, Ruleset, Table } from '../../core/rules/model.js';
import type { ValueRange } from '../../core/rules/ranges.js';
import type { ScanTarget } from './model.js';
import { networksText, place } from './scan-text.js';

/** Of a range of addresses that DNAT leads to, as many are scanned. */
const MOST_OF_RANGE = 16;
/** As many addresses that only filtering rules name are scanned. */
const MOST_NAMED = 16;
/** A rule that names more addresses names no network behind the host in particular. */
const WIDEST_NETWORK = 2 ** 24;

interface NamedDestination {
  readonly address: Address;
  /** What the rule names: the address, or the network that it stands for. */
  readonly network: string;
  readonly rule: Rule;
}

/** The addresses of a host, before it is known from where they are scanned. */
export class ScanTargets {
  readonly #host: Host;
  readonly #names: ReadonlyMap<string, string>;
  /** Named as destinations by rules of table nat. */
  readonly #published = new Map<number, Address>();
  /** Of neighbours and containers, and where DNAT leads. */
  readonly #routed = new Map<number, Address>();
  /** Named as destinations by rules of other tables, with the first of them; of a network, its first address. */
  readonly #named = new Map<number, NamedDestination>();
  /** The host's own by routes of type local; of a network, its first address. */
  readonly #local: Address[];

  /** RULESETS: all of which the addresses are scanned. NAMES: of addresses. */
  constructor(host: Host, rulesets: readonly Ruleset[], names: ReadonlyMap<string, string>) {
    this.#host = host;
    this.#names = names;
    for (const ruleset of rulesets) {
      const nat = ruleset.tables.find(({ name }) => name === 'nat');
      if (nat !== undefined) for (const rule of rulesOfArrivals(nat)) this.#read(rule);
    }
    for (const { tables } of rulesets)
      for (const { name, chains } of tables)
        if (name !== 'nat') for (const { rules } of chains) for (const rule of rules) this.#readNamed(rule);
    this.#local = host.description.routes
      .filter(({ type, destination }) => type === 'local' && destination.family === 'ipv4')
      .map(({ destination, prefixLength }) => firstHost(destination.hostOrder, 2 ** (32 - prefixLength)));
    for (const { address } of host.description.neighbours) this.#addRouted(address);
    for (const name of host.description.texts.names.addresses.keys()) {
      const address = parseAddress(name);
      if (address !== undefined) this.#addRouted(address);
    }
  }

  /** What nobody should take for scanned from the interfaces DEVS, a line each. */
  notes(devs: readonly number[]): string[] {
    const scanned = this.#scannedOfNamed;
    const targets = new Set(devs.flatMap((dev) => this.from(dev)).map(({ number }) => number));
    const inPart = scanned.filter(
      ({ address, network }) => network !== String(address) && targets.has(address.hostOrder),
    );
    const left = this.#named.size - scanned.length;
    return [
      ...inPart.map(
        ({ address, network, rule }) => `of ${network}, which ${place(rule)} names, only ${address} was scanned`,
      ),
      ...(left > 0 ? [`not scanned: ${left} more addresses or networks that only filtering rules name`] : []),
    ];
  }

  /** As many of the addresses that only filtering rules name as are scanned. */
  get #scannedOfNamed(): NamedDestination[] {
    return [...this.#named.values()].slice(0, MOST_NAMED);
  }

  #readNamed(rule: Rule): void {
    for (const { min, max } of destinationsOf(rule, this.#host)) {
      const address = firstHost(min, max - min + 1);
      const { hostOrder } = address;
      const isTarget = this.#isLocal(address) || this.#isReachable(address);
      if (max - min > WIDEST_NETWORK || this.#named.has(hostOrder) || !isTarget) continue;
      this.#named.set(hostOrder, { address, network: networksText([{ min, max }]), rule });
    }
  }

  #read(rule: Rule): void {
    for (const { min, max } of destinationsOf(rule, this.#host))
      if (min === max) this.#add(this.#published, addressFromHostOrder(min));
    const { target } = rule;
    if (target.kind !== 'extension') return;
    target.extension.plan?.(target.params, new RangeReader((address) => this.#addRouted(address)));
  }

  #addRouted(address: Address): void {
    if (address.family === 'ipv4') this.#add(this.#routed, address);
  }

  #add(to: Map<number, Address>, address: Address): void {
    to.set(address.hostOrder, address);
  }

  /** Those that a sender on interface DEV reaches by way of the host. */
  from(dev: number): ScanTarget[] {
    const targets = new Map<number, ScanTarget>();
    const add = (address: Address, kind: ScanTarget['kind']): void => {
      const number = address.hostOrder;
      if (targets.has(number)) return;
      const text = String(address);
      targets.set(number, { address: text, number, kind, name: this.#names.get(text) });
    };
    for (const address of this.#own(dev)) add(address, 'own');
    for (const address of this.#local) if (this.#isLocal(address)) add(address, 'own');
    for (const address of this.#published.values()) if (this.#isLocal(address)) add(address, 'own');
    for (const address of this.#published.values()) if (this.#isReachable(address)) add(address, 'published');
    for (const address of this.#routed.values()) if (this.#isBehind(address, dev)) add(address, 'routed');
    for (const { address } of this.#scannedOfNamed) {
      if (this.#isLocal(address)) add(address, 'own');
      else if (this.#isBehind(address, dev)) add(address, 'routed');
    }
    return [...targets.values()];
  }

  /** The host's addresses in the order of its interfaces; those of 127.0.0.0/8 only where they can be reached. */
  #own(dev: number): Address[] {
    const { interfaces, sysctls } = this.#host;
    const isLoopbackOpen = sysctls.routeLocalnet(dev);
    return interfaces
      .flatMap(({ addresses }) => addresses.map(({ local }) => local))
      .filter((local) => local.hostOrder >>> 24 !== 127 || isLoopbackOpen);
  }

  #isLocal(address: Address): boolean {
    const isLoopback = address.hostOrder >>> 24 === 127;
    return !isLoopback && this.#host.addressType(address.loaded, -1) === AddressType.LOCAL;
  }

  #isReachable(address: Address): boolean {
    const { hostOrder } = address;
    const isHost = hostOrder >>> 24 !== 0 && hostOrder >>> 24 !== 127 && hostOrder < 0xe000_0000;
    return isHost && this.#host.addressType(address.loaded, -1) === AddressType.UNICAST;
  }

  /** Whether the host forwards packets for ADDRESS, and not back to where they came from. */
  #isBehind(address: Address, dev: number): boolean {
    if (!this.#isReachable(address)) return false;
    const { reason, outDev } = this.#host.routeOutput(this.#host.routeKey.towards(address.loaded));
    return reason === '' && outDev !== dev;
  }
}

/** What RULE names as destinations, in host order. */
function destinationsOf(rule: Rule, { interfaceNames }: Host): ValueRange[] {
  return lowerRule(rule, interfaceNames).flatMap((step) => {
    if (!isCondition(step) || step.kind !== 'field' || step.field !== 'destination' || step.negated) return [];
    const host = step.mask === undefined ? 0 : ~step.mask >>> 0;
    // Other masks than those of networks name no range.
    return (host & (host + 1)) === 0 ? step.ranges.map(({ min, max }) => ({ min, max: max + host })) : [];
  });
}

/** The first address of SIZE ones from FIRST on that can be a host's: the first of a network is not. */
function firstHost(first: number, size: number): Address {
  return addressFromHostOrder(size > 2 ? first + 1 : first);
}

/** Hears which addresses a target of table nat leads to. */
class RangeReader implements EffectPlanner {
  readonly #found: (address: Address) => void;

  constructor(found: (address: Address) => void) {
    this.#found = found;
  }

  setupNat({ minAddress, maxAddress }: NatRange, manip: Manip): Verdict | undefined {
    if (manip !== Manip.DST || minAddress === undefined) return undefined;
    const first = minAddress.hostOrder;
    const last = Math.min(maxAddress?.hostOrder ?? first, first + MOST_OF_RANGE - 1);
    for (let number = first; number <= last; number++) this.#found(addressFromHostOrder(number));
    return Verdict.ACCEPT;
  }

  masquerade(): undefined {
    return undefined;
  }

  redirect(): undefined {
    return undefined;
  }
}

/** The rules of TABLE that packets may meet as they arrive. */
function rulesOfArrivals({ chains }: Table): Rule[] {
  const reached = new Set<string>();
  const next = [HOOK_NAMES[Hook.PREROUTING] as string];
  for (let name = next.pop(); name !== undefined; name = next.pop()) {
    if (reached.has(name)) continue;
    reached.add(name);
    for (const { target } of chains.find((chain) => chain.name === name)?.rules ?? [])
      if (target.kind === 'jump' || target.kind === 'goto') next.push(target.chain);
  }
  return chains.filter(({ name }) => reached.has(name)).flatMap(({ rules }) => rules);
}
