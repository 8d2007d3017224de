/** Which addresses a scan looks at: the host's own, those that rules publish, and those behind the host. */
import { type Address, addressFromHostOrder, parseAddress } from '../../codecs/address.js';
import { HOOK_NAMES, Hook, Verdict } from '../../core/hooks.js';
import { AddressType } from '../../core/host/address-type.js';
import type { Host } from '../../core/host/host.js';
import { Manip, type NatRange } from '../../core/nat/range.js';
import type { EffectPlanner } from '../../core/rules/effect.js';
import { isCondition, lowerRule } from '../../core/rules/lower.js';
import type { Rule, Ruleset, Table } from '../../core/rules/model.js';
import type { ScanTarget } from './model.js';

/** Of a range of addresses that DNAT leads to, as many are scanned. */
const MOST_OF_RANGE = 16;

/** The addresses of a host, before it is known from where they are scanned. */
export class ScanTargets {
  readonly #host: Host;
  readonly #names: ReadonlyMap<string, string>;
  /** Named as destinations by rules of table nat. */
  readonly #published = new Map<number, Address>();
  /** Of neighbours and containers, and where DNAT leads. */
  readonly #routed = new Map<number, Address>();

  /** RULESETS: all of which the addresses are scanned. NAMES: of addresses. */
  constructor(host: Host, rulesets: readonly Ruleset[], names: ReadonlyMap<string, string>) {
    this.#host = host;
    this.#names = names;
    for (const ruleset of rulesets) {
      const nat = ruleset.tables.find(({ name }) => name === 'nat');
      if (nat !== undefined) for (const rule of rulesOfArrivals(nat)) this.#read(rule);
    }
    for (const { address } of host.description.neighbours) this.#addRouted(address);
    for (const name of host.description.texts.names.addresses.keys()) {
      const address = parseAddress(name);
      if (address !== undefined) this.#addRouted(address);
    }
  }

  #read(rule: Rule): void {
    for (const step of lowerRule(rule, this.#host.interfaceNames)) {
      if (!isCondition(step) || step.kind !== 'field' || step.field !== 'destination') continue;
      if (step.negated || step.mask !== undefined) continue;
      for (const { min, max } of step.ranges) if (min === max) this.#add(this.#published, addressFromHostOrder(min));
    }
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
    for (const address of this.#published.values()) if (this.#isLocal(address)) add(address, 'own');
    for (const address of this.#published.values()) if (this.#isReachable(address)) add(address, 'published');
    for (const address of this.#routed.values()) if (this.#isBehind(address, dev)) add(address, 'routed');
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
