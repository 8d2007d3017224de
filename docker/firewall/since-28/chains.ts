/**
 * The chains of an engine since 28 and the rules that lead to them: what it does when it starts, and again after
 * firewalld has reloaded (moby: libnetwork/drivers/bridge, setupIPChains and removeIPChains; libnetwork/firewall_linux.go).
 */
import type { EngineHost } from '../../engine-host.js';
import { FirewallError } from '../firewall.js';
import { attempt, filterRule, type IptablesTool, natRule, type TableName, wrapped } from '../iptables-tool.js';
import { isMirrored, MIRRORED_RULE } from '../mirrored-networking.js';
import type { Changes } from './changes.js';
import { RuleWriter } from './rule-writer.js';

export const BRIDGES_SET = 'docker-ext-bridges-v4';
export const STAGE_1 = 'DOCKER-ISOLATION-STAGE-1';
export const STAGE_2 = 'DOCKER-ISOLATION-STAGE-2';
/** Of engines before 18.03.1. */
const OLD_ISOLATION = 'DOCKER-ISOLATION';
const LOOPBACK = '127.0.0.0/8';
const LOCAL = ['-m', 'addrtype', '--dst-type', 'LOCAL'] as const;
const TO_BRIDGES = ['-m', 'set', '--match-set', BRIDGES_SET, 'dst'] as const;
const ANSWERS = ['-m', 'conntrack', '--ctstate', 'RELATED,ESTABLISHED'] as const;

export class DockerChains {
  readonly #host: EngineHost;
  readonly #tool: IptablesTool;
  readonly #writer: RuleWriter;
  readonly #changes: Changes;
  /** The userland proxy does not run. */
  readonly #isHairpin: boolean;

  constructor(host: EngineHost, tool: IptablesTool, changes: Changes, isHairpin: boolean) {
    this.#host = host;
    this.#tool = tool;
    this.#writer = new RuleWriter(tool);
    this.#changes = changes;
    this.#isHairpin = isHairpin;
  }

  /** Empties and deletes what an engine left here, as far as no rule refers to it. Failures do not matter. */
  remove(): void {
    attempt(() => this.#tool.delete(filterRule('FORWARD', '-j', OLD_ISOLATION)));
    this.#removeNatChain();
    for (const chain of this.#removedChains()) this.#tool.removeChain('filter', chain);
  }

  #removedChains(): string[] {
    const { usesSet, flushesBridgeChains, deletesJumpsFirst } = this.#changes;
    const stages = [STAGE_1, STAGE_2, OLD_ISOLATION];
    if (usesSet) return ['DOCKER', ...stages];
    if (!flushesBridgeChains) return ['DOCKER', 'DOCKER-FORWARD', ...stages];
    if (!deletesJumpsFirst) return ['DOCKER', 'DOCKER-FORWARD', 'DOCKER-BRIDGE', 'DOCKER-CT', ...stages];
    return ['DOCKER-FORWARD', 'DOCKER-BRIDGE', 'DOCKER', 'DOCKER-CT', 'DOCKER-INTERNAL', ...stages];
  }

  /** Jumps first. The last two commands have no rule: the engine has long run them, and they delete nothing. */
  #removeNatChain(): void {
    this.#tool.tries('-t', 'nat', '-D', 'PREROUTING', ...LOCAL, '-j', 'DOCKER');
    this.#tool.tries('-t', 'nat', '-D', 'OUTPUT', ...LOCAL, '!', '--dst', LOOPBACK, '-j', 'DOCKER');
    this.#tool.tries('-t', 'nat', '-D', 'OUTPUT', ...LOCAL, '-j', 'DOCKER');
    this.#tool.tries('-t', 'nat', '-D', 'PREROUTING');
    this.#tool.tries('-t', 'nat', '-D', 'OUTPUT');
    this.#tool.removeChain('nat', 'DOCKER');
  }

  /** 28.0.0: an empty set for the subnets of bridges. @throws {FirewallError} */
  createSet(): void {
    for (const words of [
      ['create', BRIDGES_SET, 'hash:net', 'family', 'inet', '-exist'],
      ['flush', BRIDGES_SET],
    ]) {
      const { exitCode, stderr } = this.#host.ipset(words);
      if (exitCode !== 0) throw new FirewallError(stderr.trim());
    }
  }

  /**
   * Creates the chains that are missing and puts the jumps to them first. Where one fails, chains and jumps are removed.
   * @throws {FirewallError}
   */
  setUp(): void {
    const undo: (() => void)[] = [];
    try {
      for (const [table, chain] of this.#chains()) {
        wrapped(
          (cause) => `failed to create ${describe(table, chain)}: ${cause}`,
          () => this.#tool.createChain(table, chain),
        );
        undo.push(() => (table === 'nat' ? this.#removeNatChain() : this.#tool.removeChain(table, chain)));
      }
      wrapped(
        (cause) => `failed to add jump rules to ipv4 NAT table: ${cause}`,
        () => this.#jumpToNat(true),
      );
      undo.push(() => attempt(() => this.#jumpToNat(false)));
      this.#jumpFromForward();
      this.#returnMirrored();
      if (!this.#changes.usesSet) this.#deleteLegacyJumps();
    } catch (error) {
      for (const step of undo.reverse()) step();
      throw error;
    }
  }

  #chains(): readonly (readonly [TableName, string])[] {
    const { usesSet, isolation } = this.#changes;
    const bridges = usesSet ? [] : ['DOCKER-FORWARD', 'DOCKER-BRIDGE', 'DOCKER-CT'];
    const isolating = isolation === 'stages' ? [STAGE_1, STAGE_2] : ['DOCKER-INTERNAL'];
    return [['nat', 'DOCKER'], ...['DOCKER', ...bridges, ...isolating].map((chain) => ['filter', chain] as const)];
  }

  #jumpToNat(isWanted: boolean): void {
    const output = [...LOCAL, '-j', 'DOCKER', ...(this.#isHairpin ? [] : ['!', '--dst', LOOPBACK])];
    for (const rule of [natRule('PREROUTING', ...LOCAL, '-j', 'DOCKER'), natRule('OUTPUT', ...output)]) {
      const what = isWanted ? `append jump rules to nat-${rule.chain}` : `remove jump rules from nat-${rule.chain}`;
      wrapped(
        (cause) => `failed to ${what}: ${cause}`,
        () => (isWanted ? this.#tool.append(rule) : this.#tool.delete(rule)),
      );
    }
  }

  /** In reverse order, as each is put first. */
  #jumpFromForward(): void {
    if (this.#changes.usesSet) {
      this.putFirst('FORWARD', 'DOCKER', ...TO_BRIDGES);
      this.putFirst('FORWARD', STAGE_1);
      this.putFirst('FORWARD', 'ACCEPT', ...TO_BRIDGES, ...ANSWERS);
      return;
    }
    this.putFirst('FORWARD', 'DOCKER-FORWARD');
    this.putFirst('DOCKER-FORWARD', 'DOCKER-BRIDGE');
    this.putFirst('DOCKER-FORWARD', this.#changes.isolation === 'stages' ? STAGE_1 : 'DOCKER-INTERNAL');
    this.putFirst('DOCKER-FORWARD', 'DOCKER-CT');
  }

  /** Deletes the jump of FROM to TO, if it is there, and inserts it at the top. @throws {FirewallError} */
  putFirst(from: string, to: string, ...matches: readonly string[]): void {
    this.#deleteJump(from, to, ...matches);
    wrapped(
      (cause) => `unable to insert jump to ${to} rule in ${from} chain: ${cause}`,
      () => this.#tool.run(...this.#filter(), '-I', from, ...matches, '-j', to),
    );
  }

  #deleteJump(from: string, to: string, ...matches: readonly string[]): void {
    const words = [...matches, '-j', to];
    if (!this.#tool.exists(filterRule(from, ...words))) return;
    wrapped(
      (cause) => `unable to remove jump to ${to} rule in ${from} chain: ${cause}`,
      () => this.#tool.run(...this.#filter(), '-D', from, ...words),
    );
  }

  #filter(): readonly string[] {
    return this.#changes.namesFilter ? ['-t', 'filter'] : [];
  }

  /** With mirrored networking, WSL2 delivers what Windows sends to 127.0.0.1 by an interface of its own. */
  #returnMirrored(): void {
    this.#writer.insert(MIRRORED_RULE, 'WSL2 loopback', !this.#isHairpin && isMirrored(this.#host));
  }

  /** What 28.0.0 and older engines had in FORWARD. Without the set, iptables knows no rule that names it. */
  #deleteLegacyJumps(): void {
    attempt(() => this.#deleteJump('FORWARD', 'DOCKER', ...TO_BRIDGES));
    this.#deleteJump('FORWARD', STAGE_1);
    attempt(() => this.#deleteJump('FORWARD', 'ACCEPT', ...TO_BRIDGES, ...ANSWERS));
  }

  /** DOCKER-USER, which the engine never empties, and the jump to it before all others. */
  setUpUserChain(): void {
    const chain = 'DOCKER-USER';
    attempt(() => {
      this.#tool.createChain('filter', chain);
      if (this.#changes.userChainReturns) this.#tool.append(filterRule(chain, '-j', 'RETURN'));
      this.putFirst('FORWARD', chain);
    });
  }

  /** @throws {FirewallError} */
  dropForwarded(): void {
    wrapped(
      (cause) => `setting default policy to DROP in FORWARD chain failed: ${cause}`,
      () => this.#tool.run('-t', 'filter', '-P', 'FORWARD', 'DROP'),
    );
  }
}

/** What messages call a chain that could not be created. */
function describe(table: TableName, chain: string): string {
  if (chain.startsWith(OLD_ISOLATION)) return 'FILTER isolation chain';
  return chain === 'DOCKER-INTERNAL' ? 'FILTER internal chain' : `${table.toUpperCase()} chain ${chain}`;
}
