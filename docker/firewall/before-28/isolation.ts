/** What engines before 28 do to keep their networks apart. */
import type { BridgeNetwork } from '../firewall.js';
import type { IptablesTool } from '../iptables-tool.js';

/** One way to do so, on TOOL. */
export interface Isolation {
  /** Its chains in filter, in the order in which they are made. FORWARD jumps to the first one. */
  readonly chains: readonly string[];
  /** Chains of earlier engines, which are removed. */
  readonly obsoleteChains: readonly string[];
  /**
   * Keeps NETWORK and OTHERS apart.
   * @throws {FirewallError}
   */
  add(tool: IptablesTool, network: BridgeNetwork, others: readonly BridgeNetwork[]): void;
  /** @throws {FirewallError} */
  remove(tool: IptablesTool, network: BridgeNetwork, others: readonly BridgeNetwork[]): void;
}
