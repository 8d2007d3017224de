/** Compares what nfreplay makes of a mended case of the gallery with what the kernel makes of it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderDifference } from '../../../cli/render-difference.js';
import { compareResults } from '../../../replay/compare.js';
import { optionsOf } from '../../../replay/golden-case.js';
import { replay } from '../../../replay/replay.js';
import { FIXED_OPTIONS, FIXED_RULES, mendedCase } from '../../golden/mended-case.js';
import type { Change } from '../change.js';
import type { Libc } from '../libc.js';
import type { CaseFolder } from '../live-case.js';
import { replayKernel } from '../replay.js';

/**
 * Whether FOLDER says what mends its case. TIMES: of its packets, in their order; SCRATCH: a folder for the results.
 * @throws {Error} if nfreplay and the kernel differ
 */
export function checkMended(libc: Libc, folder: CaseFolder, times: readonly bigint[], scratch: string): boolean {
  if (![FIXED_RULES, FIXED_OPTIONS].some((name) => existsSync(join(folder.dir, name)))) return false;
  const golden = mendedCase(folder.dir, join(scratch, 'mended'));
  const { apply = [], changes: at = [] } = golden.options;
  const changes = [
    ...apply.map((text): Change => ({ kind: 'command', text, tsNs: 0n })),
    ...at.map((change) => changeOf(change, times)),
  ];
  const [kernel, emulated] = [join(scratch, 'kernel'), join(scratch, 'emulated')];
  replayKernel(libc, { ...folder, rulesPath: String(golden.rulesPath), changes, outDir: kernel });
  replay({ ...optionsOf(golden), outDir: emulated, checksums: 'verify' });
  const [difference] = compareResults(kernel, emulated).differences;
  if (difference !== undefined)
    throw new Error(`${folder.dir}, mended, differs from the kernel:\n${renderDifference(difference).join('\n')}`);
  return true;
}

/** The change that AT (`n3=FILE.v4` or `n3=COMMAND`) plans. */
function changeOf(at: string, times: readonly bigint[]): Change {
  const [, number, what] = /^n(\d+)=(.+)$/s.exec(at)!;
  const tsNs = times[Number(number) - 1];
  return what.endsWith('.v4')
    ? { kind: 'rules', text: readFileSync(what, 'utf8'), tsNs }
    : { kind: 'command', text: what, tsNs };
}
