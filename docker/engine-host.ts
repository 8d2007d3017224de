/** What a Docker engine does to the host that it runs on. */
import type { Address } from '../codecs/address.js';
import type { Backend } from '../core/rules/model.js';
import type { HostNetwork } from './host-network.js';

/** What a program on the host has printed, and how it ended. */
export interface ProgramResult {
  /** 0: done. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Entries of the connection table: those of which either end of the reply tuple has an address, or those of UDP to an
 * original destination port.
 */
export type ConnectionSelector = { readonly replyAddress: Address } | { readonly udpPort: number };

export interface EngineHost {
  readonly backend: Backend;
  /** Interfaces, addresses, routes, sysctls and sockets, which the engine changes. */
  readonly network: HostNetwork;
  /** Runs iptables with WORDS, which stand behind its name. A command that fails changes nothing. */
  iptables(words: readonly string[]): ProgramResult;
  /** Replaces the tables that TEXT names, as iptables-restore does. */
  restoreRules(text: string): void;
  /** The rules now, as `iptables-save` prints them. */
  saveRules(): string;
  ipset(words: readonly string[]): ProgramResult;
  deleteConnections(selector: ConnectionSelector): void;
  /** For a moment no rule needed conntrack, so that the kernel did not track packets (nf_ct_netns_put). */
  restartTracking(): void;
}
