/** Changes of rules and sets while a case runs, and how `nfreplay replay` is told of them. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The implementation of iptables that a host has. */
export type Backend = 'legacy' | 'nft';

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
}

const CASE_FILE = 'case.json';

/** Writes the changes of a case to DIR, as options of `nfreplay replay`. TIMES: of its packets, in their order. */
export function writeChanges(dir: string, { backend, changes = [] }: CaseChanges, times: readonly bigint[]): void {
  const options = backend === undefined ? [] : ['--backend', backend];
  changes.forEach((change, i) => {
    const number = times.findIndex((tsNs) => tsNs >= change.tsNs) + 1;
    if (number > 0) options.push('--at', `n${number}=${writeChange(dir, change, i + 1)}`);
  });
  if (options.length > 0) writeFileSync(join(dir, CASE_FILE), `${JSON.stringify({ options }, null, 2)}\n`);
}

/** What stands for CHANGE in an option: the name of its file, or the command itself. */
function writeChange(dir: string, { kind, text }: Change, number: number): string {
  if (kind === 'command') return text;
  const name = kind === 'rules' ? `rules-${number}.v4` : `sets-${number}.ipset`;
  writeFileSync(join(dir, name), text);
  return name;
}
