/**
 * `firewall-cmd --reload` where firewalld writes rules of iptables (FirewallBackend=iptables; before firewalld 0.6 it
 * always does): all rules of all tables go, also those of others, and its own are loaded (core/fw.py: flush, _start). Who
 * listens to its signal, such as Docker, may write its own again.
 */
import type { EngineHost } from '../engine-host.js';
import { UnsupportedError } from '../error.js';
import type { ToolResult } from './iptables-service.js';

/** In firewalld's order. */
const TABLES: readonly string[] = ['security', 'raw', 'mangle', 'nat', 'filter'];

/**
 * RULES: those of firewalld alone, as iptables-save prints them.
 * @throws {UnsupportedError} if they are not known
 * @throws what `restoreRules` of HOST throws
 */
export function reloadFirewalld(rules: string | undefined, host: EngineHost): ToolResult {
  if (rules === undefined)
    throw new UnsupportedError("the rules of firewalld are not known: they are not in docker.json's otherRules");
  const present = [...host.saveRules().matchAll(/^\*(\w+)/gm)].map(([, name]) => name);
  for (const table of TABLES.filter((name) => present.includes(name))) {
    const { stdout } = host.iptables(['-t', table, '-S']);
    for (const [, chain] of stdout.matchAll(/^-P (\S+)/gm)) host.iptables(['-t', table, '-P', chain, 'ACCEPT']);
    for (const option of ['-F', '-X', '-Z']) host.iptables(['-t', table, option]);
  }
  host.restoreRules(rules);
  return { exitCode: 0, stdout: 'success\n', stderr: '', notes: [] };
}
