/**
 * How an engine runs iptables (libnetwork/iptables/iptables.go): it asks with -C before it adds or deletes a rule, and
 * reports what iptables printed in these words. It waits for the lock of iptables, as each release since 1.9 does.
 */
import type { EngineHost } from '../engine-host.js';
import { FirewallError } from './firewall.js';

export type TableName = 'raw' | 'mangle' | 'nat' | 'filter';

/** A rule of an engine: where it is, and its words as iptables takes them. */
export interface EngineRule {
  readonly table: TableName;
  readonly chain: string;
  readonly words: readonly string[];
}

export function filterRule(chain: string, ...words: string[]): EngineRule {
  return { table: 'filter', chain, words };
}

export function natRule(chain: string, ...words: string[]): EngineRule {
  return { table: 'nat', chain, words };
}

export function rawRule(...words: string[]): EngineRule {
  return { table: 'raw', chain: 'PREROUTING', words };
}

export class IptablesTool {
  readonly #host: Pick<EngineHost, 'iptables'>;

  constructor(host: Pick<EngineHost, 'iptables'>) {
    this.#host = host;
  }

  /** Runs iptables with WORDS; returns whether it has succeeded. */
  tries(...words: string[]): boolean {
    return this.#host.iptables(['--wait', ...words]).exitCode === 0;
  }

  /**
   * Runs iptables with WORDS; returns what it prints.
   * @throws {FirewallError} if it fails
   */
  raw(...words: string[]): string {
    const all = ['--wait', ...words];
    const { exitCode, stdout, stderr } = this.#host.iptables(all);
    const output = stdout + stderr;
    if (exitCode === 0) return output;
    throw new FirewallError(`iptables failed: iptables ${all.join(' ')}: ${output} (exit status ${exitCode})`);
  }

  /**
   * Runs iptables with WORDS, which prints nothing if it succeeds.
   * @throws {FirewallError}
   */
  run(...words: string[]): void {
    const output = wrapped(
      (message) => ` (${message})`,
      () => this.raw(...words),
    );
    if (output !== '') throw new FirewallError(`${output} (<nil>)`);
  }

  exists({ table, chain, words }: EngineRule): boolean {
    return this.tries('-t', table, '-C', chain, ...words);
  }

  /** Appends RULE unless it is there. @throws {FirewallError} */
  append(rule: EngineRule): void {
    if (!this.exists(rule)) this.run(...commandOf('-A', rule));
  }

  /** Inserts RULE at the top of its chain unless it is there. @throws {FirewallError} */
  insert(rule: EngineRule): void {
    if (!this.exists(rule)) this.run(...commandOf('-I', rule));
  }

  /** Deletes RULE if it is there. @throws {FirewallError} */
  delete(rule: EngineRule): void {
    if (this.exists(rule)) this.run(...commandOf('-D', rule));
  }

  /** Deletes RULE, whatever iptables says. */
  deleteIfPossible(rule: EngineRule): void {
    this.tries(...commandOf('-D', rule));
  }

  hasChain(table: TableName, chain: string): boolean {
    return this.tries('-t', table, '-n', '-L', chain);
  }

  /** Creates CHAIN unless it is there. @throws {FirewallError} */
  createChain(table: TableName, chain: string): void {
    if (!this.hasChain(table, chain)) this.raw('-t', table, '-N', chain);
  }

  /** Flushes and deletes CHAIN, whatever iptables says. It stays where a rule jumps to it. */
  removeChain(table: TableName, chain: string): void {
    this.tries('-t', table, '-F', chain);
    this.tries('-t', table, '-X', chain);
  }
}

/** The words of a command that adds or deletes RULE. Without NAMES_FILTER, it leaves out the table that is the default. */
export function commandOf(option: '-A' | '-I' | '-D', rule: EngineRule, namesFilter = true): string[] {
  const { table, chain, words } = rule;
  return [...(table === 'filter' && !namesFilter ? [] : ['-t', table]), option, chain, ...words];
}

/**
 * Runs COMMAND. The message of its FirewallError becomes what MESSAGE makes of it: engines say what they were about.
 * @throws {FirewallError}
 */
export function wrapped<T>(message: (cause: string) => string, command: () => T): T {
  try {
    return command();
  } catch (error) {
    if (!(error instanceof FirewallError)) throw error;
    throw new FirewallError(message(error.message));
  }
}

/** Runs COMMAND; returns its FirewallError, which the engine only logs. */
export function attempt(command: () => void): FirewallError | undefined {
  try {
    command();
    return undefined;
  } catch (error) {
    if (error instanceof FirewallError) return error;
    throw error;
  }
}
