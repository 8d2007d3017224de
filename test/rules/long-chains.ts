/** Random tables with long chains, and packets that their rules are likely to match. */
import { HOOK_NAMES, type Hook, TABLE_HOOKS } from '../../core/hooks.js';
import { pick, type Random } from '../random.js';
import { randomBytes, randomConditions } from './random.js';

const TARGETS: Record<'mangle' | 'filter', readonly string[]> = {
  mangle: [
    '-j MARK --set-xmark 0x1/0xf',
    '-j MARK --xor-mark 0x11',
    '-j CONNMARK --restore-mark --right-shift-mark 1',
    '-j CONNMARK --set-xmark 0x80000001/0x3',
  ],
  filter: ['-j REJECT', '-j LOG --log-level 7', '-j LOG --log-prefix "long "'],
};
const USERS = ['a', 'b', 'c'];

export interface LongTable {
  readonly name: 'mangle' | 'filter';
  readonly text: string;
  readonly hooks: readonly Hook[];
}

/** A table whose chains have up to LONGEST rules. Some rules end the table; more of them let packets continue. */
export function longTable(random: Random, longest: number): LongTable {
  const name = pick(random, ['mangle', 'filter'] as const);
  const hooks = TABLE_HOOKS[name];
  const lines = [`*${name}`, ...USERS.map((user) => `:${user} - [0:0]`)];
  for (const hook of hooks) lines.push(`:${HOOK_NAMES[hook]} ${pick(random, ['ACCEPT', 'DROP'])} [0:0]`);
  const ends = 1 + random(60);
  const chains: (readonly [chain: string, hook: Hook, users: readonly string[]])[] = [
    ...hooks.map((hook) => [HOOK_NAMES[hook], hook, USERS] as const),
    ...USERS.map((user, i) => [user, 2, USERS.slice(i + 1)] as const),
  ];
  for (const [chain, hook, users] of chains) {
    const goesOn = ['', ...TARGETS[name]];
    const jumps = users.map((user) => `-j ${user}`);
    const isEnd = ['-j ACCEPT', '-j DROP', '-j RETURN', ...users.map((user) => `-g ${user}`)];
    for (let i = random(longest); i > 0; i--) {
      const conditions = longConditions(random, users === USERS ? hook : undefined);
      // A rule that ends the chain for nearly all packets would make the rules after it useless.
      const isBroad = conditions.length < 20;
      // Each jump may lead to a chain as long as this one.
      const mayJump = jumps.length > 0 && !isBroad && random(40) === 0;
      const target =
        random(isBroad ? 20 * ends : ends) === 0 ? pick(random, isEnd) : pick(random, mayJump ? jumps : goesOn);
      lines.push(`-A ${chain} ${conditions}${target}`);
    }
  }
  return { name, hooks, text: [...lines, 'COMMIT', ''].join('\n') };
}

/** Conditions that overlap with those of other rules; HOOK: of a built-in chain. */
function longConditions(random: Random, hook: Hook | undefined): string {
  if (random(12) === 0) {
    const text = randomConditions(random, hook ?? 2);
    return hook === undefined ? text.replace(/(! )?-[io] \S+ /g, '') : text;
  }
  const not = (): string => (random(8) === 0 ? '! ' : '');
  let text = '';
  const kind = random(16);
  if ((kind & 1) !== 0) text += `${not()}-s ${randomNetwork(random)} `;
  if ((kind & 2) !== 0) text += `${not()}-d ${randomNetwork(random)} `;
  if (hook !== undefined && random(5) === 0) {
    if (hook !== 3 && hook !== 4) text += `${not()}-i ${pick(random, ['eth0', 'eth1', 'eth+', 'docker0', 'lo'])} `;
    if (hook !== 0 && hook !== 1) text += `${not()}-o ${pick(random, ['eth0', 'eth1', 'eth+', 'docker0', 'lo'])} `;
  }
  if (random(10) === 0) text += '! -f ';
  const protocol = pick(random, ['tcp', 'tcp', 'udp']);
  if ((kind & 12) === 0) return random(3) === 0 ? `${text}-p ${pick(random, ['icmp', '47', '132', 'tcp'])} ` : text;
  text += `-p ${protocol} `;
  const own = `${(kind & 4) !== 0 ? `${not()}--sport ${randomPorts(random)} ` : ''}${
    (kind & 8) !== 0 ? `${not()}--dport ${randomPorts(random)} ` : ''
  }`;
  const matches = [`-m ${protocol} ${own}`];
  if (random(8) === 0)
    matches.push(`-m multiport ${not()}${pick(random, ['--sports', '--dports', '--ports'])} 3,7:12,30 `);
  if (protocol === 'tcp' && random(8) === 0) matches.push('-m tcp --syn ');
  if (protocol === 'tcp' && random(12) === 0) matches.push(`-m tcp ${not()}--tcp-option ${pick(random, [2, 3, 8])} `);
  if (random(8) === 0)
    matches.push(`-m conntrack ${not()}--ctstate ${pick(random, ['NEW', 'RELATED,ESTABLISHED', 'DNAT'])} `);
  if (random(12) === 0) matches.push(`-m mark ${not()}--mark ${pick(random, ['0x1/0x1', '0x10', '0'])} `);
  for (let i = matches.length; i > 0; i--) text += matches.splice(random(i), 1)[0];
  return text;
}

/** 10.0.0.0/22 and its parts, mostly; masks with holes now and then. */
function randomNetwork(random: Random): string {
  const address = `10.0.${random(4)}.${random(256)}`;
  return random(20) === 0
    ? `${address}/255.0.255.1`
    : `${address}/${pick(random, [0, 8, 22, 24, 26, 28, 30, 32, 32, 32])}`;
}

function randomPorts(random: Random): string {
  const first = random(40);
  return pick(random, [String(first), String(first), `${first}:${first + random(20)}`, `${first}:`, `:${first}`]);
}

/** The bytes of a packet, mostly within the ranges in the rules. */
export function longBytes(random: Random): Uint8Array {
  const bytes = randomBytes(random);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  for (const at of [12, 16]) if (random(10) !== 0) bytes.set([10, 0, random(4), random(256)], at);
  if (bytes.length < 28) return bytes;
  for (const at of [20, 22]) if (bytes[9] !== 1 && random(10) !== 0) view.setUint16(at, random(64));
  return bytes;
}
