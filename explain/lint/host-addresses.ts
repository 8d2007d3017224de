/** What a host knows of addresses, for sets of packets. */
import { toLoaded } from '../../codecs/byte-order.js';
import type { Host } from '../../core/host/host.js';
import { areDefaultRules } from '../../core/host/policy-rules.js';
import type { Ruleset } from '../../core/rules/model.js';
import type { AddressKnowledge } from '../../core/rules/space/packet-space.js';

export function addressesOf(host: Host): AddressKnowledge {
  return {
    typeOf(address) {
      const loaded = toLoaded(address);
      const { max } = host.addressSpan(loaded);
      return { type: host.addressType(loaded, -1), max };
    },
  };
}

/** Whether HOST delivers only packets for its own addresses, whatever RULESET does. */
export function deliversOwnOnly(host: Host, { tables }: Ruleset): boolean {
  const { rules } = host.description;
  if (rules !== undefined && !areDefaultRules(rules)) return false;
  // What ends table mangle, such as TPROXY, may deliver packets for any address.
  const mangle = tables.find(({ name }) => name === 'mangle');
  return !mangle?.rules.some(({ target }) => target.kind === 'extension' && target.extension.terminates);
}
