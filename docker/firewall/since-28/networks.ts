/**
 * The rules of a bridge network, of an engine since 28 (moby: libnetwork/drivers/bridge, setupIPTables; since 28.2 its
 * iptabler/network.go). Each step can be taken back by itself, with the same conditions.
 */
import type { EngineHost } from '../../engine-host.js';
import type { DaemonOptions } from '../../model.js';
import { type BridgeNetwork, FirewallError } from '../firewall.js';
import { attempt, type EngineRule, filterRule, type IptablesTool, natRule, wrapped } from '../iptables-tool.js';
import { BRIDGES_SET, STAGE_1, STAGE_2 } from './chains.js';
import type { Changes } from './changes.js';
import { iptablesMark } from './fw-mark.js';
import { RuleWriter } from './rule-writer.js';

interface Step {
  readonly add: () => void;
  readonly remove?: () => void;
  /** Whatever it has added before it failed is taken back, too. */
  readonly isIsolation?: boolean;
}

export class NetworkRules {
  readonly #host: EngineHost;
  readonly #tool: IptablesTool;
  readonly #writer: RuleWriter;
  readonly #changes: Changes;
  readonly #options: DaemonOptions;

  constructor(host: EngineHost, tool: IptablesTool, changes: Changes, options: DaemonOptions) {
    this.#host = host;
    this.#tool = tool;
    this.#writer = new RuleWriter(tool);
    this.#changes = changes;
    this.#options = options;
  }

  /** Where it fails, the steps that were done are taken back; until 28.1, only isolation. @throws {FirewallError} */
  add(network: BridgeNetwork): void {
    const { areNetworksWhole } = this.#changes;
    const done: Step[] = [];
    for (const step of this.#steps(network)) {
      if (step.isIsolation) done.push(step);
      try {
        step.add();
      } catch (error) {
        for (const { remove, isIsolation } of done) {
          if (areNetworksWhole || isIsolation) attempt(() => remove?.());
        }
        throw error;
      }
      if (!step.isIsolation) done.push(step);
    }
  }

  /** Until 28.1 it forgets isolation. Nothing is taken back. @throws {FirewallError} */
  reload(network: BridgeNetwork): void {
    for (const { add, isIsolation } of this.#steps(network)) {
      if (this.#changes.areNetworksWhole || !isIsolation) add();
    }
  }

  remove(network: BridgeNetwork): void {
    for (const { remove } of this.#steps(network)) attempt(() => remove?.());
  }

  #steps(network: BridgeNetwork): readonly Step[] {
    if (network.isInternal) {
      return [{ add: () => this.#setInternal(network, true), remove: () => this.#setInternal(network, false) }];
    }
    const isolation: Step = {
      add: () => this.#isolate(network, true),
      remove: () => this.#isolate(network, false),
      isIsolation: true,
    };
    return [
      { add: () => this.#setExternal(network, true), remove: () => this.#setExternal(network, false) },
      { add: () => this.#deleteLegacyRules(network) },
      { add: () => this.#setDefault(network, true), remove: () => this.#setDefault(network, false) },
      ...(this.#changes.usesSet ? [this.#entryOfSet(network)] : this.#jumps(network)),
      ...(this.#changes.isolation === 'stages' ? [isolation] : []),
    ];
  }

  #setInternal(network: BridgeNetwork, isWanted: boolean): void {
    const { bridge, subnet } = network;
    const chain = this.#changes.isolation === 'stages' ? STAGE_1 : 'DOCKER-INTERNAL';
    wrappedSetup(isWanted, () => {
      const incoming = filterRule(chain, '-i', bridge, '!', '-d', subnet, '-j', 'DROP');
      this.#writer.insert(incoming, 'DROP INCOMING', isWanted);
      const outgoing = filterRule(chain, '-o', bridge, '!', '-s', subnet, '-j', 'DROP');
      this.#writer.insert(outgoing, 'DROP OUTGOING', isWanted);
      this.#setIcc(network, isWanted);
    });
  }

  #setExternal(network: BridgeNetwork, isWanted: boolean): void {
    wrappedSetup(isWanted, () => {
      this.#acceptMark(isWanted);
      this.#translate(network, isWanted);
      this.#setIcc(network, isWanted);
      if (network.gatewayMode === 'routed') {
        const rule = filterRule('DOCKER', '-o', network.bridge, '-p', 'icmp', '-j', 'ACCEPT');
        this.#writer.append(rule, 'ICMP', isWanted);
      }
      this.#acceptOutgoing(network, isWanted);
    });
  }

  /** One rule for all networks, which goes with the first network that is removed. */
  #acceptMark(isWanted: boolean): void {
    const { bridgeAcceptFwMark: mark } = this.#options;
    if (mark === undefined || mark === '') return;
    const rule = filterRule('DOCKER-FORWARD', '-m', 'mark', '--mark', iptablesMark(mark), '-j', 'ACCEPT');
    this.#writer.insert(rule, 'ALLOW FW MARK', isWanted);
  }

  #translate({ bridge, subnet, hostAddress, masquerades, gatewayMode }: BridgeNetwork, isWanted: boolean): void {
    const source = hostAddress === undefined ? ['-j', 'MASQUERADE'] : ['-j', 'SNAT', '--to-source', hostAddress];
    const isRouted = gatewayMode === 'routed';
    const isHairpin = !this.#options.userlandProxy;
    if (masquerades && !isRouted) {
      const rule = natRule('POSTROUTING', '-s', subnet, '!', '-o', bridge, ...source);
      this.#writer.insert(rule, 'NAT', isWanted);
    }
    const isProxied = masquerades && !isHairpin;
    const { skipsDnat } = this.#changes;
    if (skipsDnat !== 'never' && (isProxied || (isRouted && skipsDnat === 'routed or proxied'))) {
      this.#writer.insert(natRule('DOCKER', '-i', bridge, '-j', 'RETURN'), 'SKIP DNAT', isWanted);
    }
    const own = natRule('POSTROUTING', '-m', 'addrtype', '--src-type', 'LOCAL', '-o', bridge, ...source);
    this.#writer.insert(own, 'MASQ LOCAL HOST', isWanted && isHairpin);
  }

  /** Between containers of the network. External networks with it need no rule, but an older engine may have left one. */
  #setIcc({ bridge, allowsIcc, isInternal }: BridgeNetwork, isWanted: boolean): void {
    const { forward } = this.#changes;
    const [accept, drop] = ['ACCEPT', 'DROP'].map((to) => filterRule(forward, '-i', bridge, '-o', bridge, '-j', to));
    if (isWanted && allowsIcc && isInternal) {
      wrapped(
        (cause) => `Unable to allow intercontainer communication: ${cause}`,
        () => this.#tool.append(accept),
      );
    } else attempt(() => this.#tool.delete(accept));
    if (isWanted && !allowsIcc) {
      wrapped(
        (cause) => `Unable to prevent intercontainer communication: ${cause}`,
        () => this.#tool.append(drop),
      );
    } else attempt(() => this.#tool.delete(drop));
    if (isWanted) {
      this.#deleteFromForward(accept, 'accept rule');
      this.#deleteFromForward(drop, 'drop rule');
    }
  }

  #acceptOutgoing({ bridge, allowsIcc }: BridgeNetwork, isWanted: boolean): void {
    const { forward, usesSet } = this.#changes;
    const toOthers = filterRule(forward, '-i', bridge, '!', '-o', bridge, '-j', 'ACCEPT');
    const toAll = filterRule(forward, '-i', bridge, '-j', 'ACCEPT');
    if (usesSet && allowsIcc) this.#tool.delete(toOthers);
    if (isWanted) this.#deleteFromForward(toOthers, 'outRuleNoICC');
    if (!allowsIcc) {
      this.#writer.append(toOthers, 'ACCEPT NON_ICC OUTGOING', isWanted);
      return;
    }
    this.#writer.append(toAll, 'ACCEPT OUTGOING', isWanted);
    if (isWanted) this.#deleteFromForward(toAll, 'outRuleICC');
  }

  /** Since 28.0.1: deletes what an older engine has left in FORWARD of a rule that now is elsewhere. */
  #deleteFromForward(rule: EngineRule, what: string): void {
    if (this.#changes.usesSet) return;
    wrapped(
      (cause) => `deleting FORWARD chain ${what}: ${cause}`,
      () => this.#tool.delete({ ...rule, chain: 'FORWARD' }),
    );
  }

  /** What engines before 28 had in FORWARD for each bridge. */
  #deleteLegacyRules({ bridge }: BridgeNetwork): void {
    const jump = ['-o', bridge, '-j', 'DOCKER'];
    const established = ['-o', bridge, '-m', 'conntrack', '--ctstate', 'RELATED,ESTABLISHED', '-j', 'ACCEPT'];
    wrapped(
      (cause) => `failed to delete legacy rules in filter-FORWARD: ${cause}`,
      () => {
        for (const words of [jump, established]) {
          if (this.#tool.exists(filterRule('FORWARD', ...words))) this.#tool.raw('-D', 'FORWARD', ...words);
        }
      },
    );
  }

  /** What no rule before has accepted: the ports that are not published. */
  #setDefault({ bridge, gatewayMode }: BridgeNetwork, isWanted: boolean): void {
    const target = gatewayMode === 'nat-unprotected' ? 'ACCEPT' : 'DROP';
    const rule = filterRule('DOCKER', '!', '-i', bridge, '-o', bridge, '-j', target);
    wrapped(
      (cause) => `failed to add default-drop rule: ${cause}`,
      () => this.#writer.append(rule, 'DEFAULT FWD', isWanted),
    );
  }

  #entryOfSet({ bridge, subnet }: BridgeNetwork): Step {
    const change = (command: string): void => {
      const { exitCode, stderr } = this.#host.ipset([command, BRIDGES_SET, subnet, '-exist']);
      if (exitCode === 0) return;
      throw new FirewallError(`failed to add bridge ${bridge} (${subnet}) to ipset: ${stderr.trim()}`);
    };
    return { add: () => change('add'), remove: () => change('del') };
  }

  #jumps({ bridge }: BridgeNetwork): readonly Step[] {
    const answers = ['-o', bridge, '-m', 'conntrack', '--ctstate', 'RELATED,ESTABLISHED', '-j', 'ACCEPT'];
    const steps = [
      [filterRule('DOCKER-CT', ...answers), 'bridge ct related'],
      [filterRule('DOCKER-BRIDGE', '-o', bridge, '-j', 'DOCKER'), 'jump to docker'],
    ] as const;
    return steps.map(([rule, what]) => ({
      add: () => this.#writer.append(rule, what, true),
      remove: () => this.#writer.append(rule, what, false),
    }));
  }

  /** Between networks. Where rules are deleted, failures are only logged. */
  #isolate({ bridge, gatewayMode }: BridgeNetwork, isWanted: boolean): void {
    if (gatewayMode === 'routed') {
      const answers = ['-i', bridge, '-m', 'conntrack', '--ctstate', 'RELATED,ESTABLISHED', '-j', 'ACCEPT'];
      this.#program('insert', filterRule(STAGE_1, '-o', bridge, '-j', 'RETURN'), isWanted);
      this.#program('insert', filterRule(STAGE_1, ...answers), isWanted);
    }
    this.#program('append', filterRule(STAGE_1, '-i', bridge, '!', '-o', bridge, '-j', STAGE_2), isWanted);
    this.#program('insert', filterRule(STAGE_2, '-o', bridge, '-j', 'DROP'), isWanted);
  }

  #program(where: 'append' | 'insert', rule: EngineRule, isWanted: boolean): void {
    if (!isWanted) {
      attempt(() => this.#tool.delete(rule));
      return;
    }
    wrapped(
      (cause) => `add inter-network communication rule: ${cause}`,
      () => this.#tool[where](rule),
    );
  }
}

function wrappedSetup(isWanted: boolean, command: () => void): void {
  wrapped((cause) => (isWanted ? `Failed to Setup IP tables: ${cause}` : cause), command);
}
