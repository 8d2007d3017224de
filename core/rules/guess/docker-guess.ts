/**
 * Which interfaces Docker's rules have: a listing without -v does not show them, and Docker writes each of its rules in
 * one way only. GUESSES are words such as `! -i docker0 -o docker0`, or '' for a rule without interfaces.
 */
import type { TableName } from '../../hooks.js';

/** A bridge of Docker on the host. */
export interface Bridge {
  readonly name: string;
  /** `172.17.0.0/16`, as iptables-save prints it. */
  readonly network: string;
  contains(address: string): boolean;
}

/** A rule, as iptables-save prints it behind its chain: `-s 172.17.0.0/16 -j MASQUERADE`. */
export interface ShownRule {
  readonly text: string;
}

/** The rules of chains by table and chain: `nat POSTROUTING`. */
export type ShownChains<Rule extends ShownRule> = (table: TableName, chain: string) => readonly Rule[];

const MASQUERADE = /^-s (\S+) -j MASQUERADE$/;
const HAIRPIN = /^-s (\S+) -d \1 .*-j MASQUERADE$/;
const OF_HOST = '-m addrtype --src-type LOCAL -j MASQUERADE';
const TO_CONTAINER = /--to-destination ([\d.]+)/;
const PUBLISHED = /^-d ([\d.]+)\/32 .*-j ACCEPT$/;
const ESTABLISHED = '-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT';
const OWN_JUMP = /^-j DOCKER-(?:USER|FORWARD|INGRESS|INTERNAL|CT|BRIDGE|ISOLATION|ISOLATION-STAGE-1)$/;

/** What Docker writes about the rules in CHAINS on a host with BRIDGES, but for those that others may have written. */
export function guessDocker<Rule extends ShownRule>(
  chains: ShownChains<Rule>,
  bridges: readonly Bridge[],
): ReadonlyMap<Rule, string> {
  return new DockerGuess(chains, bridges).guesses;
}

class DockerGuess<Rule extends ShownRule> {
  readonly guesses = new Map<Rule, string>();
  readonly #chains: ShownChains<Rule>;
  readonly #bridges: readonly Bridge[];
  /** In the order of their rules, which Docker inserts before those that it has: the newest bridge first. */
  readonly #order: readonly string[];

  constructor(chains: ShownChains<Rule>, bridges: readonly Bridge[]) {
    this.#chains = chains;
    this.#bridges = bridges;
    const masqueraded = chains('nat', 'POSTROUTING').flatMap(({ text }) => this.#masqueraded(text) ?? []);
    this.#order = masqueraded.length > 0 ? masqueraded : bridges.map(({ name }) => name);
    this.#nat();
    this.#forward();
    this.#published();
    this.#isolation();
    this.#chainsOfForward();
  }

  #masqueraded(text: string): string | undefined {
    const network = MASQUERADE.exec(text)?.[1];
    return this.#bridges.find((bridge) => bridge.network === network)?.name;
  }

  #bridgeOf(address: string | undefined): string | undefined {
    return address === undefined ? undefined : this.#bridges.find((bridge) => bridge.contains(address))?.name;
  }

  #nat(): void {
    for (const hook of ['PREROUTING', 'OUTPUT']) {
      this.#each('nat', hook, ({ text }) => (/-m addrtype --dst-type LOCAL -j DOCKER$/.test(text) ? '' : undefined));
    }
    const rules = this.#chains('nat', 'POSTROUTING');
    for (const [i, rule] of rules.entries()) {
      const bridge = this.#masqueraded(rule.text);
      // The two rules of a bridge follow each other.
      const next = rule.text === OF_HOST ? this.#masqueraded(rules[i + 1]?.text ?? '') : undefined;
      if (bridge !== undefined) this.guesses.set(rule, `! -o ${bridge}`);
      else if (next !== undefined) this.guesses.set(rule, `-o ${next}`);
      else if (HAIRPIN.test(rule.text)) this.guesses.set(rule, '');
    }
    // With the userland proxy, containers reach published ports through it.
    const hasProxy = this.#inTurn('nat', 'DOCKER', '-j RETURN', this.#order, (bridge) => `-i ${bridge}`);
    this.#each('nat', 'DOCKER', ({ text }) => {
      const bridge = this.#bridgeOf(TO_CONTAINER.exec(text)?.[1]);
      if (bridge === undefined) return undefined;
      return hasProxy ? `! -i ${bridge}` : '';
    });
  }

  /** The chain FORWARD of Docker before 28: a block of rules for each bridge. */
  #forward(): void {
    const rules = this.#chains('filter', 'FORWARD');
    for (const rule of rules) if (OWN_JUMP.test(rule.text)) this.guesses.set(rule, '');
    const blocks = rules.flatMap((_, i) => blockAt(rules, i) ?? []);
    const order = this.#order;
    if (blocks.length === 0 || order.length !== blocks.length) return;
    const closed: string[] = [];
    for (const [i, { established, jump, outgoing, within }] of blocks.entries()) {
      const bridge = order[i];
      this.guesses.set(established, `-o ${bridge}`);
      this.guesses.set(jump, `-o ${bridge}`);
      this.guesses.set(outgoing, `-i ${bridge} ! -o ${bridge}`);
      if (within === undefined) closed.push(bridge);
      else this.guesses.set(within, `-i ${bridge} -o ${bridge}`);
    }
    // What containers of a bridge send to each other, if they may not, is dropped at the end.
    const last = rules.slice(rules.length - closed.length);
    if (!last.every(({ text }) => text === '-j DROP')) return;
    for (const [i, rule] of last.entries()) this.guesses.set(rule, `-i ${closed[i]} -o ${closed[i]}`);
  }

  #published(): void {
    this.#each('filter', 'DOCKER', ({ text }) => {
      const bridge = this.#bridgeOf(PUBLISHED.exec(text)?.[1]);
      return bridge && `! -i ${bridge} -o ${bridge}`;
    });
    this.#inTurn('filter', 'DOCKER', '-j DROP', this.#created, (bridge) => `! -i ${bridge} -o ${bridge}`);
    this.#each('raw', 'PREROUTING', ({ text }) => {
      const bridge = this.#bridgeOf(/^-d ([\d.]+)\/32 -j DROP$/.exec(text)?.[1]);
      if (bridge !== undefined) return `! -i ${bridge}`;
      return /^-d 127\.0\.0\.1\/32 -p .*--dport \d+ -j DROP$/.test(text) ? '! -i lo' : undefined;
    });
  }

  #isolation(): void {
    const order = this.#order;
    const first = 'DOCKER-ISOLATION-STAGE-1';
    const second = 'DOCKER-ISOLATION-STAGE-2';
    this.#inTurn('filter', first, `-j ${second}`, order, (bridge) => `-i ${bridge} ! -o ${bridge}`);
    this.#each('filter', first, ({ text }) => {
      const [, end, network] = /^! -([sd]) (\S+) -j DROP$/.exec(text) ?? [];
      const bridge = this.#bridges.find((one) => one.network === network)?.name;
      return bridge && `${end === 's' ? '-o' : '-i'} ${bridge}`;
    });
    this.#inTurn('filter', second, '-j DROP', order, (bridge) => `-o ${bridge}`);
    // Both ways at once, above those of older bridges.
    const pairs = order.flatMap((newer, i) =>
      order.slice(i + 1).flatMap((older) => [`-i ${older} -o ${newer}`, `-i ${newer} -o ${older}`]),
    );
    this.#inTurn('filter', 'DOCKER-ISOLATION', '-j DROP', pairs, (pair) => pair);
    for (const chain of [first, second, 'DOCKER-ISOLATION', 'DOCKER-USER']) {
      this.#each('filter', chain, ({ text }) => (text === '-j RETURN' ? '' : undefined));
    }
  }

  /** The chains that FORWARD has from Docker 28 on. */
  #chainsOfForward(): void {
    this.#inTurn('filter', 'DOCKER-CT', ESTABLISHED, this.#created, (bridge) => `-o ${bridge}`);
    this.#inTurn('filter', 'DOCKER-BRIDGE', '-j DOCKER', this.#created, (bridge) => `-o ${bridge}`);
    const rules = this.#chains('filter', 'DOCKER-FORWARD');
    for (const rule of rules) if (OWN_JUMP.test(rule.text)) this.guesses.set(rule, '');
    if (rules.some(({ text }) => text === '-j DROP')) return;
    this.#inTurn('filter', 'DOCKER-FORWARD', '-j ACCEPT', this.#created, (bridge) => `-i ${bridge}`);
  }

  /** The bridges in the order in which they were made. */
  get #created(): readonly string[] {
    return this.#bridges.map(({ name }) => name).filter((name) => this.#order.includes(name));
  }

  #each(table: TableName, chain: string, guess: (rule: Rule) => string | undefined): void {
    for (const rule of this.#chains(table, chain)) {
      const words = guess(rule);
      if (words !== undefined) this.guesses.set(rule, words);
    }
  }

  /** Guesses the rules of CHAIN that are TEXT, if there is one for each of NAMES; returns whether there are any. */
  #inTurn(table: TableName, chain: string, text: string, names: readonly string[], words: (name: string) => string) {
    const rules = this.#chains(table, chain).filter((rule) => rule.text === text);
    if (rules.length === names.length) for (const [i, rule] of rules.entries()) this.guesses.set(rule, words(names[i]));
    return rules.length > 0;
  }
}

/** The rules in FORWARD for a bridge. */
interface Block<Rule> {
  readonly established: Rule;
  readonly jump: Rule;
  readonly outgoing: Rule;
  /** Undefined if its containers may not reach each other (icc=false). */
  readonly within: Rule | undefined;
}

/** The block in RULES that starts at index AT; undefined if none does. */
function blockAt<Rule extends ShownRule>(rules: readonly Rule[], at: number): Block<Rule> | undefined {
  const [first, second, outgoing, within] = rules.slice(at, at + 4);
  if (outgoing?.text !== '-j ACCEPT') return undefined;
  // Docker before 17.04 has them in the other order.
  const isOld = first.text === '-j DOCKER' && second.text === ESTABLISHED;
  if (!isOld && !(first.text === ESTABLISHED && second.text === '-j DOCKER')) return undefined;
  const [jump, established] = isOld ? [first, second] : [second, first];
  return { established, jump, outgoing, within: within?.text === '-j ACCEPT' ? within : undefined };
}
