/**
 * 18.03.1 and 18.05–27: DOCKER-ISOLATION-STAGE-1 sends what comes from a network and leaves it to
 * DOCKER-ISOLATION-STAGE-2, which drops what goes to a network.
 */

import { UnsupportedError } from '../../error.js';
import { formatRelease, isSince } from '../../releases.js';
import type { BridgeNetwork, MakeFirewall } from '../firewall.js';
import { attempt, type EngineRule, wrapped } from '../iptables-tool.js';
import type { Isolation } from './isolation.js';
import { LibnetworkFirewall } from './libnetwork-firewall.js';

const STAGE_1 = 'DOCKER-ISOLATION-STAGE-1';
const STAGE_2 = 'DOCKER-ISOLATION-STAGE-2';

export const twoStageIsolation: MakeFirewall = (settings, host, present) => {
  const { release } = settings;
  if (host.backend === 'nft' && isSince(release, 18, 9, 1) && !isSince(release, 18, 9, 4)) {
    const what = `Docker ${formatRelease(release)} runs iptables-legacy where there is one besides iptables-nft`;
    throw new UnsupportedError(`${what}: rules of both at once are not followed; expected: --backend legacy`);
  }
  return new LibnetworkFirewall(settings, host, present, STAGES);
};

const STAGES: Isolation = {
  chains: [STAGE_1, STAGE_2],
  obsoleteChains: ['DOCKER-ISOLATION'],
  add: (tool, network) => {
    const [first, second] = stageRules(network);
    const say = (cause: string): string => `unable to add inter-network communication rule: ${cause}`;
    wrapped(say, () => tool.insert(first));
    try {
      wrapped(say, () => tool.insert(second));
    } catch (error) {
      attempt(() => tool.delete(first));
      throw error;
    }
  },
  // What fails is only logged.
  remove: (tool, network) => {
    for (const rule of stageRules(network)) attempt(() => tool.delete(rule));
  },
};

function stageRules({ bridge }: BridgeNetwork): readonly [EngineRule, EngineRule] {
  return [
    { table: 'filter', chain: STAGE_1, words: ['-i', bridge, '!', '-o', bridge, '-j', STAGE_2] },
    { table: 'filter', chain: STAGE_2, words: ['-o', bridge, '-j', 'DROP'] },
  ];
}
