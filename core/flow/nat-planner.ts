/** Plans how the nat table translates every packet of a megaflow that opens a connection. */
import type { Address } from '../../codecs/address.js';
import { Verdict } from '../hooks.js';
import type { Host } from '../host/host.js';
import { Manip, type NatRange } from '../nat/range.js';
import type { EffectPlanner } from '../rules/effect.js';
import type { FlowKey } from './flow-key.js';
import type { NatPlan } from './megaflow-table.js';

export class NatPlanner implements EffectPlanner {
  /** The new destination, int32 as loaded, and its port in host order; undefined if unchanged. */
  destination: number | undefined;
  dport: number | undefined;
  #source: number | undefined;
  #masqueradeDev = -1;
  readonly #flowKey: FlowKey;
  readonly #host: Host;

  constructor(flowKey: FlowKey, host: Host) {
    this.#flowKey = flowKey;
    this.#host = host;
  }

  setupNat(range: NatRange, manip: Manip): Verdict | undefined {
    return manip === Manip.DST ? this.#setDestination(range, undefined) : this.#setSource(range, -1);
  }

  masquerade(range: NatRange): Verdict | undefined {
    return this.#setSource(range, this.#flowKey.outDev);
  }

  redirect(range: NatRange): Verdict | undefined {
    return this.#setDestination(range, this.#host.redirectAddress(this.#flowKey.inDev));
  }

  /**
   * Returns the plan, or undefined if the current packet was translated differently. IS_BOUND: there is a nat table.
   */
  finish(isBound: boolean): NatPlan | undefined {
    const { destination, dport } = this;
    const flowKey = this.#flowKey;
    const source = this.#source;
    const isAsPlanned =
      flowKey.translatedDestination === (destination ?? flowKey.destination) &&
      flowKey.translatedDport === (dport ?? flowKey.dport) &&
      flowKey.translatedSource === (source ?? flowKey.source) &&
      flowKey.translatedSport === flowKey.sport;
    return isAsPlanned ? { isBound, destination, dport, source, masqueradeDev: this.#masqueradeDev } : undefined;
  }

  /**
   * OWN is the host's address, for packets redirected to the host itself. Only a single address and port can be
   * planned.
   */
  #setDestination(range: NatRange, own: Address | undefined): Verdict | undefined {
    const { minAddress, minPort, maxPort, basePort, random, randomFully } = range;
    const isOne = isOneAddress(range) && minPort === maxPort && basePort === undefined;
    if (!isOne || random || randomFully) return undefined;
    const destination = own ?? minAddress;
    if (destination !== undefined) this.destination = destination.loaded;
    if (minPort !== undefined) this.dport = minPort;
    return Verdict.ACCEPT;
  }

  /**
   * Only a single address can be planned. The port stays the same if it is free, which the fast path checks for each
   * packet.
   */
  #setSource(range: NatRange, masqueradeDev: number): Verdict | undefined {
    const { minPort, random, randomFully } = range;
    if (!isOneAddress(range) || minPort !== undefined || random || randomFully) return undefined;
    this.#source = this.#flowKey.translatedSource;
    this.#masqueradeDev = masqueradeDev;
    return Verdict.ACCEPT;
  }
}

function isOneAddress({ minAddress, maxAddress }: NatRange): boolean {
  return minAddress === maxAddress || (minAddress !== undefined && maxAddress?.equals(minAddress) === true);
}
