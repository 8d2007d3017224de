/**
 * The rules of engines before 28 (libnetwork's bridge driver: setup_ip_tables.go, port_mapping.go, link.go; firewall_linux.go):
 * which commands of iptables they run, in which order. How networks are kept apart is told by an `Isolation`, and what
 * differs between releases by `ReleaseDetails`.
 */
import type { EngineHost } from '../../engine-host.js';
import type { PortBinding } from '../../model.js';
import type { BridgeNetwork, Firewall, FirewallSettings, Link, PresentNetwork } from '../firewall.js';
import { attempt, commandOf, type EngineRule, IptablesTool, wrapped } from '../iptables-tool.js';
import { linkRules } from '../link-rules.js';
import { isMirrored, MIRRORED_RULE } from '../mirrored-networking.js';
import type { Isolation } from './isolation.js';
import * as rules from './network-rules.js';
import { detailsOf, type ReleaseDetails } from './release-details.js';

const USER_CHAIN = 'DOCKER-USER';

export class LibnetworkFirewall implements Firewall {
  readonly #options: FirewallSettings['options'];
  readonly #host: EngineHost;
  readonly #tool: IptablesTool;
  readonly #isolation: Isolation;
  readonly #details: ReleaseDetails;
  #networks: readonly BridgeNetwork[];
  /** All that were set up since the daemon started: those that are gone get their rules again, too, on a reload. */
  readonly #setUpOnce: BridgeNetwork[];
  /** FORWARD's policy is DROP because of this engine. */
  #hasDroppedForwarded = false;

  constructor(
    { release, options }: FirewallSettings,
    host: EngineHost,
    present: readonly BridgeNetwork[],
    isolation: Isolation,
  ) {
    this.#options = options;
    this.#host = host;
    this.#tool = new IptablesTool(host);
    this.#isolation = isolation;
    this.#details = detailsOf(release);
    this.#networks = present;
    this.#setUpOnce = [...present];
  }

  start(enabledForwarding: boolean, isFirst = false): void {
    if (this.#options.iptables) {
      this.#removeChains();
      this.#createChains();
      if (enabledForwarding && this.#details.dropsForwarded) this.#dropForwarded();
    }
    // The first time, the networks none and host are made.
    for (let i = 0; i < (isFirst ? 2 : 0); i++) this.#arrangeUserChain();
  }

  addNetwork(network: BridgeNetwork): void {
    this.#addToDriver(network);
    this.#arrangeUserChain();
  }

  restoreNetwork(network: BridgeNetwork): void {
    this.#addToDriver(network);
    if (this.#details.rearrangesUserChain) this.#arrangeUserChain();
  }

  /** What fails is only logged. */
  removeNetwork(network: BridgeNetwork): void {
    this.#networks = this.#networks.filter(({ bridge }) => bridge !== network.bridge);
    if (!this.#options.iptables) return;
    attempt(() => this.#programNetwork(network, false));
    if (network.isInternal) return;
    attempt(() => this.#programForwarding(network, false));
    attempt(() => this.#isolation.remove(this.#tool, network, this.#networks));
  }

  /** Engines before 28 write nothing for an endpoint without ports. */
  addEndpoint(): void {}

  removeEndpoint(): void {}

  addPorts(network: BridgeNetwork, bindings: readonly PortBinding[]): void {
    if (!this.#publishes(network)) return;
    const done: PortBinding[] = [];
    try {
      for (const binding of bindings) {
        this.#programPort(network, binding, true);
        done.push(binding);
      }
    } catch (error) {
      // Before 27, what there is of the rules of the port that failed stays.
      this.removePorts(network, this.#details.isSince27 ? bindings : done);
      throw error;
    }
  }

  /** What fails is only logged. */
  removePorts(network: BridgeNetwork, bindings: readonly PortBinding[]): void {
    if (!this.#publishes(network)) return;
    for (const binding of bindings) attempt(() => this.#programPort(network, binding, false));
  }

  addLink(network: BridgeNetwork, link: Link): void {
    for (const rule of this.#linkRules(network, link)) this.#programRule(rule, true);
  }

  /** What fails is only logged. */
  removeLink(network: BridgeNetwork, link: Link): void {
    for (const rule of this.#linkRules(network, link)) attempt(() => this.#programRule(rule, false));
  }

  reload(networks: readonly PresentNetwork[]): void {
    const { reloadsUserChain } = this.#details;
    if (this.#options.iptables) {
      attempt(() => this.#createChains());
      if (this.#hasDroppedForwarded) attempt(() => this.#dropForwarded());
    }
    if (reloadsUserChain === 'before networks') this.#arrangeUserChain();
    if (this.#options.iptables) this.#reloadNetworks(networks);
    if (reloadsUserChain === 'last') this.#arrangeUserChain();
  }

  #reloadNetworks(present: readonly PresentNetwork[]): void {
    const networks = this.#details.reloadsIsolation ? present.map(({ network }) => network) : this.#setUpOnce;
    for (const network of networks) {
      attempt(() => this.#setUp(network));
      const found = present.find((one) => one.network.bridge === network.bridge);
      if (found !== undefined) this.#reloadPresent(found);
    }
  }

  #reloadPresent({ network, bindings, links }: PresentNetwork): void {
    if (this.#publishes(network)) {
      for (const binding of bindings) attempt(() => this.#programPort(network, binding, true));
    }
    if (this.#details.reloadsIsolation) attempt(() => this.#isolate(network));
    for (const link of links) attempt(() => this.addLink(network, link));
  }

  #removeChains(): void {
    const { chains, obsoleteChains } = this.#isolation;
    for (const chain of obsoleteChains) attempt(() => this.#tool.delete(rules.forwardRule('-j', chain)));
    const local = ['-m', 'addrtype', '--dst-type', 'LOCAL'];
    const jump = ['-j', rules.DOCKER];
    this.#tool.tries('-t', 'nat', '-D', 'PREROUTING', ...local, ...jump);
    this.#tool.tries('-t', 'nat', '-D', 'OUTPUT', ...local, '!', '--dst', '127.0.0.0/8', ...jump);
    this.#tool.tries('-t', 'nat', '-D', 'OUTPUT', ...local, ...jump);
    this.#tool.removeChain('nat', rules.DOCKER);
    for (const chain of [rules.DOCKER, ...chains, ...obsoleteChains]) this.#tool.removeChain('filter', chain);
  }

  #createChains(): void {
    const { chains } = this.#isolation;
    const create = (table: 'nat' | 'filter', chain: string, what: string): void => {
      wrapped(
        (cause) => `failed to create ${what}: ${cause}`,
        () => this.#tool.createChain(table, chain),
      );
    };
    create('nat', rules.DOCKER, `NAT chain ${rules.DOCKER}`);
    create('filter', rules.DOCKER, `FILTER chain ${rules.DOCKER}`);
    for (const chain of chains) create('filter', chain, 'FILTER isolation chain');
    for (const chain of chains) this.#addReturn(chain);
    if (this.#details.knowsMirrored) {
      this.#program(MIRRORED_RULE, 'WSL2 loopback', this.#options.userlandProxy && isMirrored(this.#host));
    }
  }

  #addReturn(chain: string): void {
    const rule: EngineRule = { table: 'filter', chain, words: ['-j', 'RETURN'] };
    if (this.#tool.exists(rule)) return;
    const say = (cause: string): string => `unable to add return rule in ${chain} chain: ${cause}`;
    const { insertsReturn, namesFilter } = this.#details;
    wrapped(say, () => this.#tool.run(...commandOf(insertsReturn ? '-I' : '-A', rule, namesFilter)));
  }

  #dropForwarded(): void {
    const say = (cause: string): string => `setting default policy to DROP in FORWARD chain failed: ${cause}`;
    wrapped(say, () => this.#tool.run('-t', 'filter', '-P', 'FORWARD', 'DROP'));
    this.#hasDroppedForwarded = true;
  }

  /** DOCKER-USER comes first in FORWARD. What fails is only logged. */
  #arrangeUserChain(): void {
    const { userChain } = this.#details;
    if (userChain === 'none' || (userChain === 'with iptables' && !this.#options.iptables)) return;
    attempt(() => {
      this.#tool.createChain('filter', USER_CHAIN);
      this.#addReturn(USER_CHAIN);
      this.#ensureJump(USER_CHAIN);
    });
  }

  /** FORWARD begins with a jump to CHAIN. */
  #ensureJump(chain: string): void {
    const rule = rules.forwardRule('-j', chain);
    const { namesFilter } = this.#details;
    const say = (verb: string) => (cause: string) =>
      `unable to ${verb} jump to ${chain} rule in FORWARD chain: ${cause}`;
    if (this.#tool.exists(rule)) wrapped(say('remove'), () => this.#tool.run(...commandOf('-D', rule, namesFilter)));
    wrapped(say('insert'), () => this.#tool.run(...commandOf('-I', rule, namesFilter)));
  }

  #addToDriver(network: BridgeNetwork): void {
    if (this.#options.iptables) {
      this.#setUp(network);
      this.#setUpOnce.push(network);
      this.#isolate(network);
    }
    this.#networks = [...this.#networks, network];
  }

  #setUp(network: BridgeNetwork): void {
    wrapped(
      (cause) => `Failed to Setup IP tables: ${cause}`,
      () => this.#programNetwork(network, true),
    );
    if (!network.isInternal) {
      wrapped(
        (cause) => `Failed to program NAT chain: ${cause}`,
        () => this.#programTranslation(),
      );
      wrapped(
        (cause) => `Failed to program FILTER chain: ${cause}`,
        () => this.#programForwarding(network, true),
      );
    }
    this.#ensureJump(this.#isolation.chains[0]);
  }

  #isolate(network: BridgeNetwork): void {
    if (network.isInternal) return;
    const others = this.#networks.filter(({ bridge }) => bridge !== network.bridge);
    try {
      this.#isolation.add(this.#tool, network, others);
    } catch (error) {
      const failure = attempt(() => this.#isolation.remove(this.#tool, network, others));
      // The driver forgets the first error for that of taking back.
      if (!this.#details.forgivesIsolation) throw error;
      if (failure !== undefined) throw failure;
    }
  }

  #programNetwork(network: BridgeNetwork, isAdded: boolean): void {
    if (network.isInternal) this.#programInside(network, isAdded);
    else this.#programOutside(network, isAdded);
  }

  #programOutside(network: BridgeNetwork, isAdded: boolean): void {
    const { userlandProxy } = this.#options;
    const { hasHostAddress, cleansLoopback, acceptsAnswersFirst, isSince27 } = this.#details;
    const hostAddress = hasHostAddress ? network.hostAddress : undefined;
    const isRouted = isSince27 && network.gatewayMode === 'routed';
    if (network.masquerades && !isRouted) {
      this.#program(rules.sourceRule(network, hostAddress), 'NAT', isAdded);
      if (userlandProxy) this.#program(rules.skipRule(network), 'SKIP DNAT', isAdded);
    }
    if (!userlandProxy || cleansLoopback) {
      this.#program(rules.loopbackRule(network, hostAddress), 'MASQ LOCAL HOST', isAdded && !userlandProxy);
    }
    this.#programIcc(network, isAdded);
    this.#program(rules.outgoingRule(network), 'ACCEPT NON_ICC OUTGOING', isAdded);
    if (acceptsAnswersFirst) this.#program(rules.answersRule(network), 'ACCEPT INCOMING', isAdded);
  }

  #programInside(network: BridgeNetwork, isAdded: boolean): void {
    const { bridge, subnet } = network;
    const rule = (...words: string[]): EngineRule => ({ table: 'filter', chain: this.#isolation.chains[0], words });
    this.#program(rule('-i', bridge, '!', '-d', subnet, '-j', 'DROP'), 'DROP INCOMING', isAdded);
    this.#program(rule('-o', bridge, '!', '-s', subnet, '-j', 'DROP'), 'DROP OUTGOING', isAdded);
    if (this.#details.hasIccInside) this.#programIcc(network, isAdded);
  }

  #programIcc(network: BridgeNetwork, isAdded: boolean): void {
    const { allowsIcc } = network;
    const rule = rules.iccRule(network, allowsIcc ? 'ACCEPT' : 'DROP');
    if (!isAdded) {
      attempt(() => this.#tool.delete(rule));
      return;
    }
    const opposite = rules.iccRule(network, allowsIcc ? 'DROP' : 'ACCEPT');
    if (this.#details.isSince25) attempt(() => this.#tool.delete(opposite));
    else this.#tool.deleteIfPossible(opposite);
    if (this.#tool.exists(rule)) return;
    const what = allowsIcc ? 'allow' : 'prevent';
    const command = commandOf(allowsIcc ? '-I' : '-A', rule, this.#details.isSince25);
    const say = (cause: string): string => `Unable to ${what} intercontainer communication: ${cause}`;
    wrapped(say, () => this.#tool.run(...command));
  }

  /** Inserts RULE, which errors call WHAT, at the top of its chain unless it is there; or deletes it if it is there. */
  #program(rule: EngineRule, what: string, isAdded: boolean): void {
    if (this.#tool.exists(rule) === isAdded) return;
    const command = commandOf(isAdded ? '-I' : '-D', rule, this.#details.isSince25);
    const say = (cause: string): string => `Unable to ${isAdded ? 'enable' : 'disable'} ${what} rule: ${cause}`;
    wrapped(say, () => this.#tool.run(...command));
  }

  #programTranslation(): void {
    const { namesChain, isSince25 } = this.#details;
    const verb = isSince25 ? 'failed' : 'Failed';
    const name = namesChain ? rules.DOCKER : 'docker';
    for (const chain of ['PREROUTING', 'OUTPUT'] as const) {
      const rule = rules.translationRule(chain, chain === 'PREROUTING' || !this.#options.userlandProxy);
      if (this.#tool.exists(rule)) continue;
      const say = (cause: string): string => `${verb} to inject ${name} in ${chain} chain: ${cause}`;
      wrapped(say, () => this.#tool.raw(...commandOf('-A', rule)));
    }
  }

  #programForwarding(network: BridgeNetwork, isAdded: boolean): void {
    const answers = this.#details.acceptsAnswersFirst ? [] : [rules.answersRule(network)];
    for (const rule of [rules.publishedRule(network), ...answers]) {
      if (this.#tool.exists(rule) === isAdded) continue;
      this.#tool.raw(...commandOf(isAdded ? '-I' : '-D', rule, false));
    }
  }

  /** Whether published ports of NETWORK have rules. Those of an internal network only have a userland proxy before 27. */
  #publishes({ isInternal }: BridgeNetwork): boolean {
    return this.#options.iptables && (!isInternal || this.#details.isSince27);
  }

  #programPort(network: BridgeNetwork, binding: PortBinding, isAdded: boolean): void {
    const { translated, accepted, hairpin } = rules.bindingRules(network, binding, this.#options.userlandProxy);
    const hasChecksum = binding.protocol === 'sctp' && this.#details.fillsChecksums;
    const checksum = hasChecksum ? [rules.checksumRule(binding)] : [];
    if (!this.#details.isSince27) {
      for (const rule of [translated, accepted, hairpin, ...checksum]) this.#programRule(rule, isAdded);
      return;
    }
    const say = (what: string) => (cause: string) =>
      `Unable to ${isAdded ? 'enable' : 'disable'} ${what} rule: ${cause}`;
    const nat = binding.hostPort === 0 ? [] : [translated, hairpin];
    for (const rule of [...nat, accepted, ...checksum]) {
      wrapped(say(rule === translated ? 'DNAT' : 'MASQUERADE'), () => this.#programRule(rule, isAdded));
    }
  }

  #linkRules(network: BridgeNetwork, link: Link): EngineRule[] {
    return network.allowsIcc ? [] : linkRules(network, link);
  }

  /** Appends RULE, or deletes it. */
  #programRule(rule: EngineRule, isAdded: boolean): void {
    if (this.#details.isBlind) this.#tool.raw(...commandOf(isAdded ? '-A' : '-D', rule));
    else if (isAdded) this.#tool.append(rule);
    else this.#tool.delete(rule);
  }
}
