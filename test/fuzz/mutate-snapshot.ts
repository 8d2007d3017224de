/** Hosts as snapshots and folders, and what can go wrong with them on their way. */
import type { Prng } from '../kernel/prng.js';
import { mutateBytes } from './mutate-capture.js';

/** What commands print in place of an output. */
const MESSAGES = [
  'sudo: ipset: command not found',
  'Permission denied (you must be root)',
  'Device "eth9" does not exist.',
  'Object "nexthop" is unknown, try "ip help".',
  'Cannot open netlink socket: Address family not supported by protocol',
];

/** The outputs of commands on HOST, a host in JSON, with RULES in iptables-save format, by the names of files. */
export function outputsOf(prng: Prng, host: string, rules: Uint8Array): Map<string, string> {
  const { addr, route, neigh, sysctl, ipset } = JSON.parse(host) as Record<string, unknown>;
  const settings = Object.entries((sysctl ?? {}) as Record<string, unknown>);
  const kind = prng.pick(['iptables-save.txt', 'iptables-legacy-save.txt', 'iptables-nft-save.txt']);
  const outputs = new Map<string, string>([
    ['addr.json', JSON.stringify(addr ?? null)],
    ['route.json', JSON.stringify(route ?? [])],
    ['neigh.json', JSON.stringify(neigh ?? [])],
    ['sysctl.txt', settings.map(([name, value]) => `${name} = ${String(value)}`).join('\n')],
    [kind, Buffer.from(rules).toString('latin1')],
    ['ipset.txt', typeof ipset === 'string' ? ipset : ''],
    [
      'nft.txt',
      prng.chance(0.1)
        ? 'table inet x {\n\tchain y {\n\t\ttype filter hook input priority 0; policy drop;\n\t}\n}'
        : '',
    ],
    ['containers.json', '[{"Name":"/web","NetworkSettings":{"IPAddress":"172.17.0.3","Networks":{"":null}}}]'],
  ]);
  for (const name of [...outputs.keys()]) {
    if (prng.chance(0.03)) outputs.set(name, prng.pick(MESSAGES));
    if (prng.chance(0.03)) outputs.delete(name);
    if (prng.chance(0.03)) outputs.set(name, '');
  }
  return outputs;
}

/** A snapshot with OUTPUTS. */
export function snapshotOf(prng: Prng, outputs: ReadonlyMap<string, string>): string {
  const parts = [...outputs].map(([name, text]) => {
    const end = prng.chance(0.02) ? `#nfreplay said: ${prng.pick(MESSAGES)}\n#nfreplay exit 1` : '#nfreplay exit 0';
    return `#nfreplay output ${name}: command\n${text}\n\n${end}\n`;
  });
  return `#nfreplay snapshot 1\n#nfreplay taken now on host\n${parts.join('')}#nfreplay end\n`;
}

/** TEXT, a snapshot, as an editor, a mail or a terminal may leave it. */
export function mutateSnapshot(prng: Prng, text: string): Uint8Array {
  const lines = text.split('\n');
  switch (prng.below(9)) {
    case 0:
      return Buffer.from(text.slice(0, prng.below(text.length)), 'latin1');
    case 1:
      return Buffer.from(text.replaceAll('\n', '\r\n'), 'latin1');
    case 2:
      return Buffer.concat([Buffer.from('\ufeff'), Buffer.from(text, 'latin1')]);
    case 3:
      return Buffer.from(`\ufeff${text}`, 'utf16le');
    case 4:
      return Buffer.from(text + text, 'latin1');
    case 5:
      return Buffer.from(withoutSome(prng, lines, (line) => line.startsWith('#nfreplay')).join('\n'), 'latin1');
    case 6:
      return Buffer.from(withoutSome(prng, lines, () => true).join('\n'), 'latin1');
    case 7:
      [lines[0], lines[lines.length >> 1]] = [lines[lines.length >> 1], lines[0]];
      return Buffer.from(lines.join('\n'), 'latin1');
    default:
      return mutateBytes(prng, Buffer.from(text, 'latin1'));
  }
}

/** LINES without one or more of those that IS_IT. */
function withoutSome(prng: Prng, lines: readonly string[], isIt: (line: string) => boolean): string[] {
  const indexes = lines.flatMap((line, i) => (isIt(line) ? [i] : []));
  if (indexes.length === 0) return [...lines];
  const removed = new Set(Array.from({ length: prng.between(1, 3) }, () => prng.pick(indexes)));
  return lines.filter((_, i) => !removed.has(i));
}
