/** Commands that people paste into a shell, and that `--apply` takes. */
import type { TableName } from '../core/hooks.js';

/** What needs no quotes in a shell. */
const PLAIN = /^[\w@%+=:,./-]+$/;

/** WORDS as a shell takes them, with nothing in them that it would expand. */
export function commandText(words: readonly string[]): string {
  return words
    .map((word) => (PLAIN.test(word) || word === '!' ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(' ');
}

/** `iptables -t nat -I PREROUTING 2`. */
export function commandHead(table: TableName, command: string, chain: string, number?: number): string[] {
  const where = table === 'filter' ? [] : ['-t', table];
  return ['iptables', ...where, command, chain, ...(number === undefined ? [] : [String(number)])];
}

/** The name of the sysctl KEY of the interface DEV: dots in DEV are written as slashes (sysctl(8)). */
export function interfaceSysctl(dev: string, key: string): string {
  return `net.ipv4.conf.${dev.replaceAll('.', '/')}.${key}`;
}

/** `sysctl -w net.ipv4.ip_forward=1` */
export function sysctlCommand(name: string, value: number): string {
  return commandText(['sysctl', '-w', `${name}=${value}`]);
}
