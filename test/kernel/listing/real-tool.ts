/** iptables and ip6tables of this machine, with either backend: rules go in, listings and saved rules come out. */
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Family } from '../../../codecs/address.js';
import { decodeText, encodeText } from '../../../codecs/text.js';
import type { Backend } from '../../../core/rules/model.js';
import { EMPTY_TABLES } from '../../rules/our-answer.js';
import { ACCOUNTING_OBJECTS } from '../language/values.js';

/** Works in the network namespace of the thread. */
export class RealTool {
  readonly family: Family;
  readonly backend: Backend;
  readonly #name: string;
  readonly #env = { ...process.env, LC_ALL: 'C', XTABLES_LOCKFILE: join(tmpdir(), `xtables-${process.pid}.lock`) };

  constructor(family: Family, backend: Backend) {
    this.family = family;
    this.backend = backend;
    this.#name = `${family === 'ipv4' ? 'iptables' : 'ip6tables'}-${backend}`;
    for (const set of ['in list:set', 'x hash:ip', 'bans hash:net']) {
      spawnSync('ipset', ['create', ...set.split(' '), '-exist']);
    }
    for (const object of ACCOUNTING_OBJECTS) spawnSync('nfacct', ['add', object]);
  }

  /** Loads TEXT in place of what is there; undefined if it is taken, else what the tool says. */
  load(text: string): string | undefined {
    for (const input of [EMPTY_TABLES, text]) {
      const { status, stderr } = this.#run(`${this.#name}-restore`, [], input);
      if (status !== 0) return stderr || 'it failed';
    }
    return undefined;
  }

  /** The rules, without times and counters. */
  save(): string {
    const { stdout } = this.#run(`${this.#name}-save`, []);
    return stdout.replace(/^# .*\n/gm, '').replace(/^(:\S+ \S+) \[.*\]$/gm, '$1 [0:0]');
  }

  /** `iptables -t TABLE -L` with FLAGS. */
  list(table: string, flags: readonly string[]): string {
    const { status, stdout, stderr } = this.#run(this.#name, ['-t', table, '-L', ...flags]);
    if (status !== 0) throw new Error(stderr);
    return stdout;
  }

  #run(command: string, args: readonly string[], input = '') {
    const { status, stdout, stderr, error } = spawnSync(command, args, { input: encodeText(input), env: this.#env });
    // Of a long file with a fault, the tool does not read the end.
    if (error && (error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
    return { status, stdout: decodeText(stdout), stderr: decodeText(stderr).trim() };
  }
}
