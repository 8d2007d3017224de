/** Changes of rules and sets while a case runs, and how `nfreplay replay` is told of them. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Backend } from '../../core/rules/model.js';

export interface ChangeText {
  /** `rules`: a file for iptables-restore. `sets`: one for `ipset restore`. `command`: a line of iptables or ipset. */
  kind: 'rules' | 'sets' | 'command';
  text: string;
}

/** It takes effect before the packet of this time. */
export interface Change extends ChangeText {
  tsNs: bigint;
}

/** What a case has besides host.json, rules.v4 and in/. */
export interface CaseChanges {
  backend?: Backend;
  changes?: readonly Change[];
  /** The changes as `nfreplay replay --at` takes them. */
  at?: readonly string[];
}

const CASE_FILE = 'case.json';

/**
 * Writes the changes of a case to DIR, as options of `nfreplay replay`. TIMES: of its packets, in their order. Returns
 * the values of `--at`, for any working directory.
 */
export function writeChanges(dir: string, { backend, changes = [] }: CaseChanges, times: readonly bigint[]): string[] {
  const options = backend === undefined ? [] : ['--backend', backend];
  const at: string[] = [];
  changes.forEach(({ tsNs, kind, text }, i) => {
    const number = times.findIndex((time) => time >= tsNs) + 1;
    if (number === 0) return;
    const file = kind === 'rules' ? `rules-${i + 1}.v4` : `sets-${i + 1}.ipset`;
    if (kind !== 'command') writeFileSync(join(dir, file), text);
    options.push('--at', `n${number}=${kind === 'command' ? text : file}`);
    at.push(`n${number}=${kind === 'command' ? text : join(dir, file)}`);
  });
  if (options.length > 0) writeFileSync(join(dir, CASE_FILE), `${JSON.stringify({ options }, null, 2)}\n`);
  return at;
}
