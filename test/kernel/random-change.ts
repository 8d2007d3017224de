/** Random changes of rules and sets while a case runs. Each is made on the host as soon as it is chosen. */
import type { Backend } from '../../core/rules/model.js';
import type { ChangeText } from './change.js';
import type { Prng } from './prng.js';
import { BASE_CHAINS, TABLE_NAMES, type TableName } from './random-rules.js';

/** What changes are chosen for. */
export interface ChangePlace {
  prng: Prng;
  backend: Backend;
  /** Rules that fit the host, as iptables-restore reads them. */
  newRules(): string;
  /** What iptables-save prints now, without counters. */
  savedRules(): string;
  /** Makes a change; throws an error if the tool refuses it. */
  make(change: ChangeText): void;
  /** The addresses of the parties, for sets. */
  addresses: readonly string[];
  /** The sets of the host. */
  sets: readonly string[];
}

const MOST_CHANGES = 4;
/** How often another command is tried where the tool has refused one. */
const ATTEMPTS = 6;
/** Changes are made before packets up to this part of the number of packets that there may be. */
const LATEST = 0.6;
/** How many packets the firewall may be down for. */
const LONGEST_STOP = 12;
/** What a shell or a reader of commands could understand in more than one way. */
const DOUBTFUL = /[$`\\*?[\]{}~&;<>()#|']/;

interface Table {
  name: TableName;
  chains: string[];
  rules: string[];
}

export class RandomChanges {
  private readonly initial: string;
  /** The actions by the number of the packet that they precede. */
  private readonly planned = new Map<number, (() => ChangeText[])[]>();

  /** PACKETS: the maximum number of packets. */
  constructor(
    private readonly place: ChangePlace,
    packets: number,
  ) {
    this.initial = place.savedRules();
    const { prng } = place;
    for (let left = prng.between(1, MOST_CHANGES); left > 0; left--)
      this.plan(prng.between(2, Math.max(3, Math.floor(packets * LATEST))), () => this.any());
  }

  private plan(number: number, action: () => ChangeText[]): void {
    this.planned.set(number, [...(this.planned.get(number) ?? []), action]);
  }

  /** Makes the changes before packet NUMBER, from 1. */
  before(number: number): ChangeText[] {
    const actions = this.planned.get(number) ?? [];
    this.planned.delete(number);
    this.now = number;
    return actions.flatMap((action) => action());
  }

  private now = 0;

  private any(): ChangeText[] {
    const { prng, sets } = this.place;
    return prng.weighted([
      [4, () => this.commands(prng.between(1, 5))],
      [2, () => this.made([{ kind: 'rules', text: this.place.newRules() }])],
      [1, () => this.made([{ kind: 'rules', text: this.initial }])],
      [2, () => this.natGone()],
      [1.5, () => this.restart()],
      [sets.length > 0 ? 3 : 0, () => this.setCommands(prng.between(1, 3))],
    ])();
  }

  /** CHANGES, made. All have to succeed. */
  private made(changes: readonly ChangeText[]): ChangeText[] {
    for (const change of changes) this.place.make(change);
    return [...changes];
  }

  private commands(count: number): ChangeText[] {
    return Array.from({ length: count }, () => this.attempt(() => this.command())).flat();
  }

  private setCommands(count: number): ChangeText[] {
    return Array.from({ length: count }, () => this.attempt(() => this.setCommand())).flat();
  }

  /** A command that the tool accepts, made; none if it refuses all of them. */
  private attempt(choose: () => string | undefined): ChangeText[] {
    for (let i = 0; i < ATTEMPTS; i++) {
      const text = choose();
      if (text === undefined) continue;
      try {
        return this.made([{ kind: 'command', text }]);
      } catch {
        // A refused command changes nothing.
      }
    }
    return [];
  }

  /** The rules of nat go, in nft perhaps with the chains, and perhaps come back later. */
  private natGone(): ChangeText[] {
    const { prng } = this.place;
    const commands = ['iptables -t nat -F', ...(prng.chance(0.6) ? ['iptables -t nat -X'] : [])];
    const [, afterHead] = this.initial.split('*nat\n');
    if (afterHead !== undefined && prng.chance(0.7)) {
      const text = `*nat\n${afterHead.split('COMMIT')[0]}COMMIT\n`;
      this.plan(this.now + prng.between(1, LONGEST_STOP), () => this.made([{ kind: 'rules', text }]));
    }
    return this.made(commands.map((text) => ({ kind: 'command', text })));
  }

  /** Restart of a service: everything is flushed, the policies are ACCEPT, and the rules come back. */
  private restart(): ChangeText[] {
    const { prng } = this.place;
    const hasPolicies = prng.chance(0.6);
    const commands = tablesOf(this.place.savedRules()).flatMap(({ name }) => [
      `iptables -t ${name} -F`,
      `iptables -t ${name} -X`,
      ...(hasPolicies ? BASE_CHAINS[name].map((chain) => `iptables -t ${name} -P ${chain} ACCEPT`) : []),
    ]);
    const back: ChangeText = { kind: 'rules', text: prng.chance(0.7) ? this.initial : this.place.newRules() };
    const flushed = this.made(commands.map((text) => ({ kind: 'command', text })));
    const pause = prng.chance(0.5) ? 0 : prng.between(1, LONGEST_STOP);
    if (pause === 0) return [...flushed, ...this.made([back])];
    this.plan(this.now + pause, () => this.made([back]));
    return flushed;
  }

  private command(): string | undefined {
    const { prng, backend } = this.place;
    const tables = tablesOf(this.place.savedRules());
    const isNew = tables.length === 0 || prng.chance(0.06);
    if (isNew) {
      // In legacy a table appears even if the command fails.
      const name = prng.pick(TABLE_NAMES);
      const chain = prng.pick(BASE_CHAINS[name]);
      return `iptables -t ${name} ${backend === 'nft' && prng.chance(0.5) ? `-A ${chain}` : `-P ${chain} ACCEPT`}`;
    }
    const table = prng.pick(tables);
    const words = this.words(table);
    if (words === undefined) return undefined;
    return `iptables ${table.name === 'filter' && prng.chance(0.5) ? '' : `-t ${table.name} `}${words}`;
  }

  private words(table: Table): string | undefined {
    const { prng } = this.place;
    const chain = prng.pick(table.chains);
    const isBase = BASE_CHAINS[table.name].includes(chain);
    const count = table.rules.filter((rule) => rule.startsWith(`-A ${chain} `) || rule === `-A ${chain}`).length;
    const number = prng.between(1, Math.max(1, count));
    const spec = (): string | undefined => this.ruleFor(table.name, chain);
    const withRule = (words: string): string | undefined => {
      const rule = spec();
      return rule === undefined ? undefined : `${words}${rule}`;
    };
    return prng.weighted<() => string | undefined>([
      [4, () => withRule(`-A ${chain}`)],
      [4, () => withRule(`-I ${chain}`)],
      [2, () => withRule(`-I ${chain} ${number}`)],
      [2, () => withRule(`-R ${chain} ${number}`)],
      [3, () => `-D ${chain} ${number}`],
      [2, () => this.deletion(table)],
      [1, () => `-F ${chain}`],
      [0.4, () => '-F'],
      [0.7, () => '-X'],
      [1, () => `-Z ${prng.pick([chain, `${chain} ${number}`, ''])}`.trim()],
      [0.7, () => `-N NEW-${prng.below(3)}`],
      [isBase ? 0 : 0.8, () => `-E ${chain} RENAMED-${prng.below(3)}`],
      [table.name === 'nat' ? 0.3 : 1, () => `-P ${chain} ${prng.pick(['ACCEPT', 'ACCEPT', 'DROP'])}`],
    ])();
  }

  /** What stands behind the name of CHAIN in a new rule of TABLE. */
  private ruleFor(table: TableName, chain: string): string | undefined {
    const { prng } = this.place;
    const rules = tablesOf(this.place.newRules()).find(({ name }) => name === table)?.rules ?? [];
    const isBase = BASE_CHAINS[table].includes(chain);
    const fit = rules.filter((rule) => !DOUBTFUL.test(rule) && (isBase ? chainOf(rule) === chain : true));
    if (fit.length === 0) return undefined;
    const rule = prng.pick(fit);
    return rule.slice(`-A ${chainOf(rule)}`.length);
  }

  private deletion({ rules }: Table): string | undefined {
    const fit = rules.filter((rule) => !DOUBTFUL.test(rule));
    return fit.length === 0 ? undefined : this.place.prng.pick(fit).replace('-A', '-D');
  }

  private setCommand(): string {
    const { prng, sets, addresses } = this.place;
    const set = prng.pick(sets);
    return prng.weighted([
      [5, `ipset add ${set} ${prng.pick(addresses)}`],
      [3, `ipset del ${set} ${prng.pick(addresses)}`],
      [0.7, `ipset flush ${set}`],
      [1, `ipset swap ${sets[0]} ${sets[sets.length - 1]}`],
    ]);
  }
}

const chainOf = (rule: string): string => rule.split(' ')[1];

function tablesOf(saved: string): Table[] {
  const tables: Table[] = [];
  for (const line of saved.split('\n')) {
    const table = tables[tables.length - 1];
    if (line.startsWith('*')) tables.push({ name: line.slice(1) as TableName, chains: [], rules: [] });
    else if (line.startsWith(':')) table.chains.push(line.slice(1).split(' ')[0]);
    else if (line.startsWith('-A')) table.rules.push(line);
  }
  return tables;
}
