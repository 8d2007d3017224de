/**
 * The service `iptables` of Red Hat's systems (iptables.init of the package iptables-services): it loads
 * /etc/sysconfig/iptables when it starts, and leaves no rules when it stops. Nothing but rules changes: connections live
 * on.
 */
import type { ServiceVerb } from '../commands/action.js';
import type { EngineHost, ProgramResult } from '../engine-host.js';

export interface ToolResult extends ProgramResult {
  /** What was assumed; for people. */
  readonly notes: readonly string[];
}

export interface ServiceResult extends ToolResult {
  /** What /etc/sysconfig/iptables holds then; undefined: there is no such file. */
  readonly savedRules: string | undefined;
}

/** What it loads. */
export const SERVICE_FILE = '/etc/sysconfig/iptables';
/** The exit code where that file is missing (LSB: not configured). */
const NOT_CONFIGURED = 6;
const DONE: ProgramResult = { exitCode: 0, stdout: '', stderr: '' };

/** The tables whose rules the service takes away if they are those of nf_tables, whether or not there are any. */
const NFT_TABLES: readonly string[] = ['raw', 'mangle', 'filter', 'nat'];
/** The chains of which the policies become ACCEPT, in this order. It leaves INPUT of nat alone. */
const CHAINS: Readonly<Record<string, readonly string[] | undefined>> = {
  raw: ['PREROUTING', 'OUTPUT'],
  filter: ['INPUT', 'OUTPUT', 'FORWARD'],
  nat: ['PREROUTING', 'POSTROUTING', 'OUTPUT'],
  mangle: ['PREROUTING', 'POSTROUTING', 'INPUT', 'OUTPUT', 'FORWARD'],
};

const KEEPS_MODULES =
  'the iptables service leaves the modules of the kernel alone (IPTABLES_MODULES_UNLOAD=no): with yes, which was the ' +
  'default up to RHEL 7, the kernel may also forget all connections';

const TAKEN_AS_STOPPED = 'iptables is taken to be stopped where it is started: otherwise nothing would happen';

/**
 * `systemctl VERB iptables`, or `service iptables VERB`, on HOST. SAVED_RULES: what /etc/sysconfig/iptables holds;
 * undefined: there is no such file.
 * @throws what `restoreRules` of HOST throws
 */
export function runIptablesService(verb: ServiceVerb, savedRules: string | undefined, host: EngineHost): ServiceResult {
  switch (verb) {
    case 'save': {
      const stdout = `iptables: Saving firewall rules to ${SERVICE_FILE}: [  OK  ]\n`;
      return { ...DONE, stdout, savedRules: host.saveRules(), notes: [] };
    }
    case 'start':
      return { ...load(savedRules, host), savedRules, notes: [TAKEN_AS_STOPPED] };
    case 'stop':
      flush(host);
      return { ...DONE, savedRules, notes: notesOn(host) };
    case 'restart': {
      flush(host);
      const loaded = load(savedRules, host);
      host.restartTracking();
      return { ...loaded, savedRules, notes: notesOn(host) };
    }
    default:
      return { ...load(savedRules, host), savedRules, notes: [] };
  }
}

function notesOn({ backend }: EngineHost): string[] {
  return backend === 'legacy' ? [KEEPS_MODULES] : [];
}

function load(savedRules: string | undefined, host: EngineHost): ProgramResult {
  if (savedRules === undefined) {
    return { exitCode: NOT_CONFIGURED, stdout: '', stderr: `iptables: No config file (${SERVICE_FILE}).\n` };
  }
  host.restoreRules(savedRules);
  return DONE;
}

/** No rules and chains are left, and all policies accept. */
function flush(host: EngineHost): void {
  const tables = tablesOf(host);
  for (const table of tables) {
    for (const chain of CHAINS[table] ?? []) {
      if (host.iptables(['-t', table, '-P', chain, 'ACCEPT']).exitCode !== 0) break;
    }
  }
  for (const table of tables) for (const option of ['-F', '-X', '-Z']) host.iptables(['-t', table, option]);
}

/** Those of x_tables are the ones that /proc/net/ip_tables_names lists. */
function tablesOf(host: EngineHost): readonly string[] {
  if (host.backend === 'nft') return NFT_TABLES;
  return [...host.saveRules().matchAll(/^\*(\w+)/gm)].map(([, name]) => name);
}
