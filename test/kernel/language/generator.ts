/** Files of rules as iptables-restore might get them: a grammar of all that it takes, and mutations of its texts. */
import type { Family } from '../../../codecs/address.js';
import { HOOK_NAMES, TABLE_HOOKS, TABLE_NAMES, type TableName } from '../../../core/hooks.js';
import { MATCHES } from '../../../core/matches/index.js';
import type { Extension, OptionSpec } from '../../../core/rules/extension.js';
import { TARGETS } from '../../../core/targets/index.js';
import { Prng } from '../prng.js';
import { device, networks, protocol, Taste, text } from './makers.js';
import { valuesOf } from './values.js';

/** Protocols that a match needs before it. */
const PROTOCOLS: Readonly<Record<string, readonly string[]>> = {
  tcp: ['tcp', '6', 'TCP'],
  udp: ['udp', '17'],
  icmp: ['icmp', '1'],
  icmp6: ['icmpv6', 'ipv6-icmp', '58'],
  mh: ['mh', '135'],
  multiport: ['tcp', 'udp', 'sctp', 'dccp', 'udplite'],
  ecn: ['tcp'],
  osf: ['tcp', '6'],
  ah: ['ah', '51'],
  dccp: ['dccp'],
  esp: ['esp', '50'],
  ipcomp: ['ipcomp'],
  sctp: ['sctp', '132'],
  tcpmss: ['tcp'],
  SYNPROXY: ['tcp'],
  ECN: ['tcp'],
  TCPMSS: ['tcp --syn', 'tcp --tcp-flags SYN SYN'],
  TPROXY: ['tcp', 'udp'],
  DNAT: ['tcp'],
  MASQUERADE: ['tcp'],
  REDIRECT: ['tcp'],
  SNAT: ['tcp'],
};
/** What kernels do not have any more, or rarely, or what has to exist, so that iptables refuses it at loading. */
export const RARE: readonly string[] = ['CLUSTERIP', 'LED', 'SECMARK', 'ULOG', 'ipvs', 'nfacct'];
/** Options of which one group has to be there, though none is required. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  CONNMARK: ['--set-mark', '--set-xmark', '--save-mark', '--restore-mark', '--and-mark', '--or-mark', '--xor-mark'],
  MARK: ['--set-mark', '--set-xmark', '--and-mark', '--or-mark', '--xor-mark'],
  RATEEST: ['--rateest-name --rateest-interval --rateest-ewmalog'],
  CLUSTERIP: ['--new --hashmode --clustermac --total-nodes --local-node'],
  HMARK: ['--hmark-tuple --hmark-mod', '--hmark-tuple --hmark-mod --hmark-offset --hmark-rnd'],
  SET: ['--add-set', '--del-set', '--map-set'],
  addrtype: ['--src-type', '--dst-type'],
  cgroup: ['--path', '--cgroup'],
  cluster: ['--cluster-local-node', '--cluster-local-nodemask'],
  connlimit: ['--connlimit-upto', '--connlimit-above'],
  devgroup: ['--src-group', '--dst-group'],
  hashlimit: [
    ...['--hashlimit-upto --hashlimit-name', '--hashlimit-above --hashlimit-name'],
    '--hashlimit-upto --hashlimit-burst --hashlimit-mode --hashlimit-name',
    '--hashlimit-above --hashlimit-name --hashlimit-mode --hashlimit-srcmask',
  ],
  helper: ['--helper'],
  iprange: ['--src-range', '--dst-range'],
  multiport: ['--sports', '--dports', '--ports'],
  owner: ['--uid-owner', '--gid-owner', '--socket-exists'],
  policy: ['--dir', '--dir --pol', '--dir --strict --reqid', '--dir --mode --tunnel-src'],
  rateest: [
    ...['--rateest1 --rateest-lt --rateest-bps2', '--rateest1 --rateest-gt --rateest-pps2'],
    '--rateest-delta --rateest1 --rateest-bps1 --rateest-eq --rateest-bps2',
    '--rateest1 --rateest2 --rateest-lt --rateest-pps2',
  ],
  recent: ['--set', '--set --name', '--update --seconds --hitcount', '--rcheck --name --mask', '--remove --rsource'],
  set: ['--match-set'],
  statistic: ['--probability --mode', '--every --packet --mode'],
  string: ['--algo --string', '--algo --hex-string', '--algo --string --from --to'],
};
/** Names of chains, with bytes that are not UTF-8, and names that targets have. */
const CHAINS = [
  'u',
  'w',
  'a-b',
  'tcp',
  '-x',
  ...'été \udce9X \udce8X LOG MARK'.split(' '),
  'A'.repeat(28),
  'é'.repeat(14),
];
const ODD_NAMES = [
  '"a b"',
  '""',
  'A'.repeat(29),
  'A'.repeat(32),
  'é'.repeat(15),
  ...'ACCEPT QUEUE !x * NOSUCH DROP INPUT TEE'.split(' '),
];
const OTHER_MATCHES = 'nosuch TCP Comment "" string u32'.split(' ');
const OTHER_TARGETS = 'NOSUCH accept QUEUE "" CT standard RETURNS'.split(' ');
const NASTY = ['"', '\\', '\0', ' ', '\t', '\r', '\n', '\v', '\udce9', ...'é ! - = , : / [ ] # + 0'.split(' ')];
const ODD_PARTS = ['-c 1 2', '-c 1,2', '-t filter', '-M x', ...'-- -v -4 -6 --modprobe=x -vv -n -x -w ! -'.split(' ')];
const ODD_COUNTERS = ['[1:2] [3:4] ', '[1] ', '[:] ', '[:2] ', '[1:] ', '[a:b] ', '[]', '[1:2', '[::1] ', '[1:]] '];
/** How odd the words of a file are, and how often its text is changed afterwards. */
const ODDNESS = [0, 0, 0, 0.005, 0.03, 0.2];
const MUTATED = 0.2;

/** A file for iptables or ip6tables that depends only on SEED and FAMILY. */
export function randomFile(seed: number, family: Family = 'ipv4'): string {
  const taste = new Taste(seed, ODDNESS[new Prng(seed ^ 0x5f5f).below(ODDNESS.length)], family);
  const file = new FileMaker(taste).file();
  return taste.chance(MUTATED) ? mutated(taste, file) : file;
}

/** A rule with the command LETTER, in one of CHAINS of TABLE: the built-in ones, then its own. */
export function randomRule(taste: Taste, table: TableName, chains: readonly string[], letter: string): string {
  return new FileMaker(taste).ruleIn(table, chains, letter);
}

class FileMaker {
  readonly #taste: Taste;
  #table: TableName = 'filter';
  #chains: string[] = [];
  /** The last rule that was appended. */
  #last = '';
  /** The base options of the rule so far. */
  #used = new Set<string>();

  constructor(taste: Taste) {
    this.#taste = taste;
  }

  ruleIn(table: TableName, chains: readonly string[], letter: string): string {
    this.#table = table;
    this.#chains = [...chains];
    return this.#rule(letter);
  }

  file(): string {
    const taste = this.#taste;
    const tables = Array.from({ length: taste.chance(0.1) ? 2 : 1 }, () => this.#tableText());
    const head = taste.odd() ? taste.pick(['# x\n', '\n', '\ufeff', ' \n', '#\udce9\0\n']) : '';
    return head + tables.join('');
  }

  #tableText(): string {
    const taste = this.#taste;
    this.#table = taste.weighted([
      [5, 'filter' as TableName],
      [2, 'nat' as TableName],
      [3, 'mangle' as TableName],
      [1, 'raw' as TableName],
      [1, taste.pick(TABLE_NAMES)],
    ]);
    const own = taste.some(CHAINS, taste.below(4));
    const builtIn = TABLE_HOOKS[this.#table].map((hook): string => HOOK_NAMES[hook]);
    this.#chains = [...builtIn, ...own, ...own];
    const policies = taste.odd() ? ['-', 'RETURN', 'drop', ''] : ['ACCEPT', 'DROP'];
    const lines = [
      `${this.#oddly('*', '* ', '*\t ')}${this.#table}${this.#oddly('', ' ', '\t# x')}`,
      ...taste.some(builtIn, taste.below(3)).map((name) => this.#declaration(name, taste.pick(policies))),
      ...own.map((name) => this.#declaration(name, '-')),
      ...Array.from({ length: taste.between(1, 3) }, () => this.#line()),
      this.#oddly('COMMIT', 'COMMIT ', ''),
    ];
    return `${lines.join('\n')}${this.#oddly('\n', '')}`;
  }

  /** Mostly GOOD; one of ODD if the taste is odd. */
  #oddly(good: string, ...odd: string[]): string {
    return this.#taste.odd() ? this.#taste.pick(odd) : good;
  }

  #declaration(name: string, policy: string): string {
    const taste = this.#taste;
    const counters = taste.pick([' [0:0]', ' [0:0]', '', ' [5:6]']);
    const chain = taste.odd() && taste.chance(0.3) ? taste.pick(ODD_NAMES) : name;
    const [colon, blank] = [this.#oddly(':', ': ', '::'), this.#oddly(' ', '\t', '  ')];
    return `${colon}${chain}${blank}${policy}${this.#oddly(counters, ' [:]', ' x y')}`;
  }

  #line(): string {
    const taste = this.#taste;
    if (taste.odd())
      return taste.pick(['# comment', '', ' ', '\t', '#\udce9', this.#declaration(taste.pick(this.#chains), '-')]);
    if (taste.chance(0.12)) return this.#command();
    const letter = taste.weighted([
      [10, 'A'],
      [2, 'I'],
      [2, taste.pick([...'RDC'])],
    ]);
    // Some rules are named again, to be deleted, checked for or replaced.
    const isAgain = this.#last !== '' && !['A', 'I'].includes(letter) && taste.chance(0.8);
    const rule = isAgain ? this.#last.replace(/^-./, letter === 'R' ? '-D' : `-${letter}`) : this.#rule(letter);
    if (/^-A \S+ /.test(rule)) this.#last = rule;
    return `${this.#oddly(taste.pick(['', '', '', '[0:0] ', '[12:345]']), ...ODD_COUNTERS)}${rule}`;
  }

  #chain(): string {
    const taste = this.#taste;
    if (taste.odd()) return taste.pick(ODD_NAMES);
    const name = taste.pick(this.#chains);
    return this.#oddly(name, `"${name}"`, `${name.slice(0, 1)}"${name.slice(1)}"`);
  }

  #command(): string {
    const taste = this.#taste;
    const chain = this.#chain();
    const number = this.#oddly(taste.pick(['', '', ' 1']), ' 2', ' 0', ' x', ' 0x1');
    const name = taste.odd() ? taste.pick(ODD_NAMES) : taste.pick(CHAINS);
    const good = [`-F ${chain}`, '-F', '-X', `-X ${chain}`, `-N ${name}`, `-P ${chain} DROP`, `-E ${chain} ${name}`];
    const list = [`-L ${chain}${number}`, '-L', `-S ${chain}${number}`, `-Z ${chain}${number}`, '-Z', '-L -Z'];
    const odd = [`--flush=${chain}`, `-P ${chain} x`, `-F${chain}`, `-N${chain}`, '-LZ', '-Z -L', '-V', '-h', '-L -S'];
    const command = this.#oddly(
      taste.pick([...good, ...good, ...list]),
      ...odd,
      `-R ${chain}${number}`,
      `-D ${chain}${number}`,
    );
    const more = taste.chance(0.2) ? ` ${this.#match()}` : '';
    return command + this.#oddly(more, ` ${this.#baseOption()}`, ' -v', ' -6 x', `${more} -6`, ' -v -v');
  }

  #rule(letter: string): string {
    const taste = this.#taste;
    const long = { A: '--append', I: '--insert', R: '--replace', D: '--delete', C: '--check' }[letter]!;
    const chain = this.#chain();
    const command = this.#oddly(
      `-${letter} ${chain}`,
      ...[' ', '='].map((by) => long + by + chain),
      `-${letter}${chain}`,
    );
    const needed = letter === 'R' ? ' 1' : taste.pick(['', ' 1']);
    const position = 'IR'.includes(letter) ? this.#oddly(needed, '', ' 2', ' 0', ' " 1"') : '';
    const parts: string[] = [];
    this.#used = new Set(/INPUT|PREROUTING/.test(chain) ? ['-o'] : /OUTPUT|POSTROUTING/.test(chain) ? ['-i'] : []);
    for (let n = taste.below(3); n > 0; n--) parts.push(this.#baseOption());
    for (let n = taste.below(3); n > 0; n--) parts.push(this.#match());
    if (taste.chance(0.7)) parts.push(this.#target());
    if (taste.odd()) parts.push(taste.pick(ODD_PARTS));
    const ordered = taste.odd() ? taste.shuffled(parts) : parts;
    const items = taste.odd() ? [...ordered, command + position] : [command + position, ...ordered];
    return items.join(this.#oddly(' ', '  ', '\t'));
  }

  #baseOption(): string {
    const taste = this.#taste;
    const [letter, long, value] = taste.pick([
      ['-s', '--source', networks],
      ['-d', '--destination', networks],
      ['-s', '--src', networks],
      ['-i', '--in-interface', device],
      ['-o', '--out-interface', device],
      ['-p', '--protocol', protocol],
      ['-f', '--fragments', undefined],
      ['-m', '--match', undefined],
    ] as const);
    const not = taste.chance(0.15) ? '! ' : '';
    if (letter === '-f' && taste.family === 'ipv6' && !taste.odd()) return '';
    if (letter === '-f') return `${not}${this.#oddly('-f', '--fragments', '-fv', '-vf')}`;
    if (letter === '-m') return `-m ${this.#oddly('comment --comment x', ...MATCHES.keys(), ...OTHER_MATCHES)}`;
    if (this.#used.has(letter) && !taste.odd()) return '';
    this.#used.add(letter);
    const word = value(taste);
    const short = long.slice(0, taste.between(4, long.length));
    const odd = [`${not}${letter}${word}`, `${not}${long}=${word}`, `${not}${short} ${word}`, `${letter} ! ${word}`];
    return this.#oddly(`${not}${taste.pick([letter, letter, long])} ${word}`, ...odd);
  }

  #match(): string {
    const taste = this.#taste;
    const extension = taste.pick([...MATCHES.values()].filter(this.#usable()));
    const { name } = extension;
    const needed = PROTOCOLS[name];
    if (needed !== undefined && this.#used.has('-p') && !taste.odd()) return '';
    const first = needed !== undefined && !taste.odd() ? `-p ${taste.pick(needed)} ` : '';
    if (first !== '') this.#used.add('-p');
    const load = ['tcp', 'udp', 'icmp', 'icmp6'].includes(name) && taste.chance(0.4) ? '' : `-m ${name} `;
    return `${first}${this.#oddly(load, `-m${name} `, `--match=${name} `, '')}${this.#options(extension)}`;
  }

  #target(): string {
    const taste = this.#taste;
    if (taste.chance(0.6)) {
      const option = this.#oddly(taste.pick(['-j ', '-j ', '-j ', '--jump ']), '-j', '--goto=', '-g ', '--jump=');
      const own = this.#chains.slice(TABLE_HOOKS[this.#table].length);
      const chain = taste.pick(own.length > 0 && !taste.odd() ? own : this.#chains);
      const verdict = taste.chance(0.6)
        ? taste.pick(['ACCEPT', 'RETURN', 'ACCEPT', this.#table === 'nat' && !taste.odd() ? 'RETURN' : 'DROP'])
        : chain;
      if (verdict === chain && !taste.odd() && HOOK_NAMES.some((name) => name === chain)) return '';
      return option + this.#oddly(verdict, ...OTHER_TARGETS, this.#chain());
    }
    const targets = [...TARGETS.values()].filter(this.#usable());
    const usable = targets.filter(({ tables }) => tables?.includes(this.#table) ?? true);
    const extension = taste.pick(taste.odd() ? targets : usable);
    const needed = PROTOCOLS[extension.name];
    const first = needed && !this.#used.has('-p') && taste.chance(0.8) ? `-p ${taste.pick(needed)} ` : '';
    return `${first}-j ${extension.name} ${this.#options(extension)}`;
  }

  /** Says which extensions most kernels have, and the tool of this family. */
  #usable(): (extension: Extension<unknown>) => boolean {
    const isOdd = this.#taste.odd();
    const { family } = this.#taste;
    return ({ name, families }) => !RARE.includes(name) && (isOdd || (families?.includes(family) ?? true));
  }

  #options(extension: Extension<unknown>): string {
    const { name } = extension;
    const taste = this.#taste;
    const options = extension.options.filter(({ families }) => families?.includes(taste.family) ?? true);
    const chosen = options.filter((spec) => spec.required === true && !taste.odd());
    const most = taste.weighted([
      [4, 0],
      [6, 1],
      [3, 2],
    ]);
    const needed = NEEDED[name]?.filter(() => !taste.odd()) ?? [];
    for (const option of needed.length > 0 ? taste.pick(needed).split(' ') : []) {
      chosen.push(...options.filter((spec) => spec.name === option && !chosen.includes(spec)));
    }
    for (const spec of taste.some(options, most)) if (!chosen.some((one) => excludes(one, spec))) chosen.push(spec);
    if (chosen.length === 0 && options.length > 0 && !taste.odd()) chosen.push(taste.pick(options));
    if (taste.odd()) chosen.push(...taste.some(options, 1));
    return chosen.map((spec) => this.#option(name, spec)).join(' ');
  }

  #option(extension: string, spec: OptionSpec): string {
    const taste = this.#taste;
    const full = taste.pick([spec.name, ...(spec.aliases ?? [])]);
    const option = this.#oddly(full, full.slice(0, taste.between(3, full.length)));
    const not = (spec.invertible && taste.chance(0.2)) || taste.chance(0.01) ? '! ' : '';
    const makers = valuesOf(extension, spec.name);
    if (spec.words === 0) {
      const value = spec.mayHaveWord && taste.chance(0.8) ? ` ${makers[0](taste)}` : '';
      return `${not}${option}${this.#oddly('', '=x', '')}${value}`;
    }
    const [first, ...more] = makers.map((make) => make(taste));
    return `${not}${[`${option}${this.#oddly(' ', '=')}${first}`, ...more].join(' ')}`;
  }
}

/** Whether ONE and OTHER are the same option or cannot be together. */
function excludes(one: OptionSpec, other: OptionSpec): boolean {
  return one === other || one.excludes?.includes(other.name) === true || other.excludes?.includes(one.name) === true;
}

/** FILE with one or two things changed. */
function mutated(taste: Taste, file: string): string {
  let changed = file;
  for (
    let n = taste.weighted([
      [4, 1],
      [1, 2],
    ]);
    n > 0;
    n--
  )
    changed = mutatedOnce(taste, changed);
  return changed;
}

/** A digit for a digit, a letter in the other case. */
function similar(taste: Taste, char: string): string {
  if (/[0-9]/.test(char)) return String(taste.below(10));
  return char === char.toLowerCase() ? char.toUpperCase() : char.toLowerCase();
}

function mutatedOnce(taste: Taste, file: string): string {
  const at = taste.below(file.length + 1);
  const [before, after] = [file.slice(0, at), file.slice(at)];
  const line = (change: (words: string[]) => string[]): string => {
    const lines = file.split('\n');
    const i = taste.below(lines.length);
    lines[i] = change(lines[i].split(' ')).join(' ');
    return lines.join('\n');
  };
  return taste.weighted<() => string>([
    [6, () => before + taste.pick(NASTY) + after],
    [3, () => before + after.slice(1)],
    [4, () => before + similar(taste, after.slice(0, 1)) + after.slice(1)],
    [3, () => before + taste.pick(NASTY) + after.slice(1)],
    [2, () => line((words) => words.toSpliced(taste.below(words.length), 1))],
    [2, () => line((words) => words.toSpliced(taste.below(words.length), 0, taste.pick(words)))],
    [2, () => line((words) => taste.shuffled(words))],
    [1, () => line((words) => words.toSpliced(taste.below(words.length), 0, text(taste)))],
    [
      1,
      () =>
        before +
        taste.pick([' ', 'x', 'é', '\udce9']).repeat(taste.pick([255, 1020, 1023, 1024, 10_200, 10_239, 10_240])) +
        after,
    ],
    [1, () => before + ' -v'.repeat(taste.pick([100, 245, 246, 247, 248, 249, 250, 251])) + after],
    [1, () => file.slice(0, at)],
    [1, () => file.replaceAll('\n', '\r\n')],
    [1, () => (taste.chance(0.5) ? before.toUpperCase() + after : before + after.toLowerCase())],
  ])();
}
