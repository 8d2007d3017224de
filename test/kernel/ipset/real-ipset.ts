/** What the ipset of this machine answers to steps, in the network namespace of this thread. */
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeText, encodeText } from '../../../codecs/text.js';
import type { Answer, Step } from '../../ipset/steps.js';

export class RealIpset {
  readonly #env = { ...process.env, LC_ALL: 'C', XTABLES_LOCKFILE: join(tmpdir(), `xtables-${process.pid}.lock`) };
  #hasRules = false;

  answer(step: Step): Answer {
    if (step.kind === 'rule') {
      this.#hasRules = true;
      const { exitCode } = this.#run('iptables-legacy', `-A INPUT -m set --match-set ${step.set} src`.split(' '));
      return { exitCode: exitCode === 0 ? 0 : 1, stdout: '', stderr: '', saved: this.#save() };
    }
    const answer = this.#run('ipset', step.words, step.kind === 'restore' ? step.text : '');
    return { ...answer, saved: this.#save() };
  }

  /** Leaves no set and no rule. */
  clear(): void {
    if (this.#hasRules) this.#run('iptables-legacy', ['-F']);
    this.#hasRules = false;
    this.#run('ipset', ['flush']);
    const { exitCode, stderr } = this.#run('ipset', ['destroy']);
    if (exitCode !== 0) throw new Error(stderr);
  }

  /** Whether the kernel has sets of TYPE. */
  hasType(type: string): boolean {
    const range = type.startsWith('bitmap:') ? ['range', type === 'bitmap:port' ? '1-2' : '10.0.0.0/24'] : [];
    const { exitCode } = this.#run('ipset', ['create', 'probe', type, ...range]);
    this.clear();
    return exitCode === 0;
  }

  #save(): string {
    return this.#run('ipset', ['save']).stdout;
  }

  #run(tool: string, args: readonly string[], input = ''): Omit<Answer, 'saved'> {
    const done = spawnSync(tool, args, { input: encodeText(input), env: this.#env, maxBuffer: 1 << 28 });
    if (done.error) throw done.error;
    const exitCode = done.status ?? 128 + 11;
    return { exitCode, stdout: decodeText(done.stdout), stderr: decodeText(done.stderr) };
  }
}
