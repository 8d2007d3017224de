/** Random commands of iptables: those that do what people want, near misses, and nonsense. */
import type { Family } from '../../../codecs/address.js';
import { splitWords } from '../../../codecs/iptables-save.js';
import { HOOK_NAMES, TABLE_HOOKS, TABLE_NAMES, type TableName } from '../../../core/hooks.js';
import type { Ruleset } from '../../../core/rules/model.js';
import { saveRule } from '../../../core/rules/save.js';
import { randomRule } from '../language/generator.js';
import { Taste } from '../language/makers.js';

const USER_CHAINS = 'u w a-b tcp DOCKER DOCKER-USER f2b-sshd z9'.split(' ');
const ODD_CHAINS = ['ACCEPT', 'LOG', '-x', '!x', 'a b', '', 'x'.repeat(29), 'x'.repeat(33), 'INPUT', 'nosuch'];
const LONG: Readonly<Record<string, readonly string[]>> = {
  A: ['--append', '--app'],
  I: ['--insert', '--ins'],
  D: ['--delete', '--dele', '--del'],
  C: ['--check', '--ch'],
  R: ['--replace', '--repl'],
  N: ['--new-chain', '--new'],
  X: ['--delete-chain', '--delete-'],
  E: ['--rename-chain', '--ren'],
  F: ['--flush', '--fl'],
  P: ['--policy', '--pol'],
  Z: ['--zero'],
  S: ['--list-rules', '--list-'],
  L: ['--list'],
};
const MORE = [['-v'], ['-w'], ['-w', '5'], ['--wait=3'], ['-4'], ['-M', '/bin/true']];
const ODD_MORE = [
  ...[
    ['-6'],
    ['-W', '100'],
    ['-w', '-W', '100'],
    ['-w', 'x'],
    ['-w', '-W', '10000000'],
    ['-n'],
    ['-x'],
    ['--line-numbers'],
    ['foo'],
    ['!'],
  ],
  ...[
    ['--nosuch'],
    ['-t'],
    ['-t', 'foo'],
    ['-V'],
    ['-c', '1'],
    ['-c', 'a', 'b'],
    ['-c', '7', '8'],
    ['-L'],
    ['-A', 'INPUT'],
  ],
  ...[['-f'], ['-s', '10.0.0.1'], ['-j', 'ACCEPT'], ['-p', 'tcp'], ['--'], ['--', 'x'], ['-m', 'nosuch'], ['-q']],
];

/** Whether TEXT can be an argument of a process: without NUL; and Node passes on UTF-8 only. */
function isPassable(text: string): boolean {
  return !/[\0\ud800-\udfff]/u.test(text);
}

/** Makes commands one after another, for rules as they are by then. */
export class CommandMaker {
  readonly #taste: Taste;

  constructor(seed: number, family: Family) {
    this.#taste = new Taste(seed, 0.02, family);
  }

  /** The words behind `iptables` of the next command for the tables of RULESET. */
  next(ruleset: Ruleset): string[] {
    const taste = this.#taste;
    const table = taste.weighted<TableName>([
      [12, 'filter'],
      [4, 'nat'],
      [2, 'mangle'],
      [1, taste.pick(TABLE_NAMES)],
    ]);
    const words = this.#command(table, ruleset);
    const more = taste.weighted<readonly string[]>([
      [12, []],
      [4, taste.pick(MORE)],
      [1, taste.pick(ODD_MORE)],
    ]);
    const of = table === 'filter' && taste.chance(0.8) ? [] : [taste.pick(['-t', '-t', '-t', '--table']), table];
    const parts = taste.shuffled([of, more]);
    const all = taste.chance(0.7) ? [...parts[0], ...words, ...parts[1]] : [...parts.flat(), ...words];
    return taste.chance(0.02) ? all.toSpliced(taste.below(all.length), 1) : all;
  }

  #command(table: TableName, ruleset: Ruleset): string[] {
    const taste = this.#taste;
    const letter = taste.weighted([
      [26, 'A'],
      [12, 'I'],
      [14, 'D'],
      [6, 'C'],
      [6, 'R'],
      [12, 'N'],
      [8, 'X'],
      [6, 'E'],
      [5, 'F'],
      [6, 'P'],
      [6, 'Z'],
      [5, 'S'],
      [3, 'L'],
    ]);
    if ('AI'.includes(letter)) return this.#rule(table, ruleset, letter);
    if (letter === 'R') return this.#rule(table, ruleset, letter);
    if (letter === 'D' && taste.chance(0.4)) {
      const chain = this.#chain(table, ruleset);
      return [this.#option(letter), chain, this.#number(this.#length(table, ruleset, chain))];
    }
    if ('DC'.includes(letter)) return this.#again(table, ruleset, letter);
    return this.#chainCommand(table, ruleset, letter);
  }

  #chainCommand(table: TableName, ruleset: Ruleset, letter: string): string[] {
    const taste = this.#taste;
    const option = this.#option(letter);
    const chain = this.#chain(table, ruleset);
    const length = this.#length(table, ruleset, chain);
    switch (letter) {
      case 'N':
        return [option, this.#newName()];
      case 'E':
        return taste.chance(0.03) ? [option, chain] : [option, this.#userChain(table, ruleset), this.#newName()];
      case 'X':
        return taste.chance(0.25) ? [option] : [option, this.#userChain(table, ruleset)];
      case 'P': {
        const policy = taste.chance(0.85) ? taste.pick(['ACCEPT', 'DROP']) : taste.pick(['REJECT', 'RETURN', 'x']);
        const hooks = TABLE_HOOKS[table].map((hook) => HOOK_NAMES[hook]);
        const counters = taste.chance(0.2) ? ['-c', String(taste.below(99)), String(taste.below(9999))] : [];
        return [option, taste.chance(0.9) ? taste.pick(hooks) : chain, policy, ...counters];
      }
      case 'Z':
        return [option, ...taste.pick([[], [chain], [chain, this.#number(length)]])];
      case 'F':
        return [option, ...(taste.chance(0.2) ? [] : [chain])];
      default: {
        const zero = taste.chance(0.2) ? ['-Z'] : [];
        const listed = taste.pick([[], [chain], [chain, this.#number(length)]]);
        return [option, ...listed, ...zero, ...(letter === 'L' ? ['-n'] : [])];
      }
    }
  }

  #option(letter: string): string {
    const taste = this.#taste;
    return taste.chance(0.8) ? `-${letter}` : taste.pick(LONG[letter]);
  }

  /** A rule number, mostly one of 1–LENGTH. */
  #number(length: number): string {
    const taste = this.#taste;
    if (taste.chance(0.03)) return taste.pick(['0', 'x', '1x', '-1', '0x1', '99999999999']);
    return String(taste.between(1, Math.max(1, length + (taste.chance(0.2) ? 2 : 0))));
  }

  #newName(): string {
    const taste = this.#taste;
    return taste.chance(0.08) ? taste.pick(ODD_CHAINS) : taste.pick(USER_CHAINS);
  }

  #chains(table: TableName, ruleset: Ruleset): string[] {
    const existing = ruleset.tables.find(({ name }) => name === table)?.chains.map(({ name }) => name);
    return existing ?? TABLE_HOOKS[table].map((hook) => HOOK_NAMES[hook]);
  }

  #chain(table: TableName, ruleset: Ruleset): string {
    const taste = this.#taste;
    if (taste.chance(0.04)) return taste.pick([...ODD_CHAINS, ...USER_CHAINS, 'PREROUTING']);
    return taste.pick(this.#chains(table, ruleset));
  }

  #userChain(table: TableName, ruleset: Ruleset): string {
    const taste = this.#taste;
    const user = this.#chains(table, ruleset).slice(TABLE_HOOKS[table].length);
    return user.length > 0 && taste.chance(0.85) ? taste.pick(user) : this.#chain(table, ruleset);
  }

  #length(table: TableName, ruleset: Ruleset, chain: string): number {
    const found = ruleset.tables.find(({ name }) => name === table)?.chains.find(({ name }) => name === chain);
    return found?.rules.length ?? 0;
  }

  #rule(table: TableName, ruleset: Ruleset, letter: string): string[] {
    const taste = this.#taste;
    const chain = this.#chain(table, ruleset);
    const rest = taste.chance(0.35) ? this.#jump(table, ruleset) : this.#ruleWords(table, ruleset);
    const needsNumber = letter === 'R' || (letter === 'I' && taste.chance(0.4));
    const number = needsNumber ? [this.#number(this.#length(table, ruleset, chain))] : [];
    const counters = taste.chance(0.1) ? ['-c', String(taste.below(99)), String(taste.below(9999))] : [];
    return [this.#option(letter), chain, ...number, ...counters, ...rest];
  }

  #jump(table: TableName, ruleset: Ruleset): string[] {
    const taste = this.#taste;
    const target = taste.chance(0.6)
      ? [taste.pick(['-j', '-j', '-g']), this.#userChain(table, ruleset)]
      : ['-j', taste.pick(['ACCEPT', 'RETURN', table === 'nat' ? 'ACCEPT' : 'DROP'])];
    const networks =
      taste.family === 'ipv4' ? ['10.0.0.0/8', '10.1.0.0/16,192.0.2.1'] : ['fd00::/8', '2001:db8::/32,::1'];
    const source = taste.pick([[], ...networks.map((network) => ['-s', network]), ['-p', 'tcp', '--dport', '22']]);
    return [...source, ...target];
  }

  #ruleWords(table: TableName, ruleset: Ruleset): string[] {
    const chains = this.#chains(table, ruleset);
    for (;;) {
      const line = randomRule(this.#taste, table, chains, 'A');
      // That no port is in the range of all, iptables-nft forgets.
      if (!isPassable(line) || /! --\S*ports? "?:"?(?: |$)/.test(line)) continue;
      if (/ (?:set|nfacct) |-j SET/.test(line)) continue;
      const words = splitWords(line, 1).map(({ text }) => text);
      if (/^-A$|^--append$/.test(words[0] ?? '')) return words.slice(2);
    }
  }

  /** A rule that is there, or nearly. */
  #again(table: TableName, ruleset: Ruleset, letter: string): string[] {
    const taste = this.#taste;
    const rules = ruleset.tables.find(({ name }) => name === table)?.rules ?? [];
    if (rules.length === 0 || taste.chance(0.1)) return this.#rule(table, ruleset, letter);
    const rule = taste.pick(rules);
    if (!isPassable(saveRule(rule))) return this.#rule(table, ruleset, letter);
    const words = splitWords(saveRule(rule), 1).map(({ text }) => text);
    const changed = taste.chance(0.15) && words.length > 0 ? words.toSpliced(taste.below(words.length), 1) : words;
    return [this.#option(letter), taste.chance(0.9) ? rule.chain : this.#chain(table, ruleset), ...changed];
  }
}
