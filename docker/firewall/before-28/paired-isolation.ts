/**
 * 1.12–18.03.0 and 18.04: DOCKER-ISOLATION has two rules for each pair of networks, with those of the newest network
 * first. Since 17.06 DOCKER-USER is before it.
 */

import type { BridgeNetwork, MakeFirewall } from '../firewall.js';
import { type EngineRule, type IptablesTool, wrapped } from '../iptables-tool.js';
import type { Isolation } from './isolation.js';
import { LibnetworkFirewall } from './libnetwork-firewall.js';

const CHAIN = 'DOCKER-ISOLATION';

export const pairedIsolation: MakeFirewall = (settings, host, present) =>
  new LibnetworkFirewall(settings, host, present, PAIRS);

const PAIRS: Isolation = {
  chains: [CHAIN],
  obsoleteChains: [],
  add: (tool, network, others) => {
    for (const { chain, words } of pairRules(network, others)) {
      addRule(tool, chain, words);
    }
  },
  remove: (tool, network, others) => {
    for (const rule of pairRules(network, others)) {
      if (!tool.exists(rule)) continue;
      const say = (cause: string): string => `unable to remove inter-network communication rule: ${cause}`;
      wrapped(say, () => tool.run('-D', rule.chain, ...rule.words));
    }
  },
};

function addRule(tool: IptablesTool, chain: string, words: readonly string[]): void {
  if (tool.exists({ table: 'filter', chain, words })) return;
  const say = (cause: string): string => `unable to add inter-network communication rule: ${cause}`;
  wrapped(say, () => tool.run('-I', chain, ...words));
}

function pairRules({ bridge }: BridgeNetwork, others: readonly BridgeNetwork[]): EngineRule[] {
  return others
    .filter((other) => !other.isInternal && other.bridge !== bridge)
    .flatMap((other) => [dropRule(bridge, other.bridge), dropRule(other.bridge, bridge)]);
}

function dropRule(from: string, to: string): EngineRule {
  return { table: 'filter', chain: CHAIN, words: ['-i', from, '-o', to, '-j', 'DROP'] };
}
