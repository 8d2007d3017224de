/** Replays a case through the emulator and compares the results with the kernel's. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { renderDifference } from '../../cli/render-difference.js';
import { EMULATOR_ENGINES, type EmulatorEngine } from '../../core/emulator.js';
import type { Observer } from '../../core/events.js';
import { type Comparison, compareResults } from '../../replay/compare.js';
import { replay } from '../../replay/replay.js';
import type { CaseFolder } from './live-case.js';
import { moveTraced, TRACE_FILE, tracedDifference } from './traced.js';

export interface Disagreement {
  engine: EmulatorEngine;
  /** The kind of the first difference: `frame`, `rule`, `connection`, or `error` if the emulator failed. */
  kind: string;
  /** The first difference, or the error, as text. */
  lines: string[];
  /** How many differences there are. */
  count: number;
}

/** Null if the emulator agrees with the folder want/ of FOLDER. OBSERVER receives the events of the interpreter. */
export async function judge(
  folder: CaseFolder,
  engines: readonly EmulatorEngine[] = EMULATOR_ENGINES,
  observer?: Observer,
): Promise<Disagreement | null> {
  for (const engine of engines) {
    const given = engine === 'interpreter' && observer !== undefined ? { ...folder, observer } : folder;
    const disagreement = await judgeEngine(folder, engine, given);
    if (disagreement) return disagreement;
  }
  return folder.snapshotPath === undefined ? null : judgeEngine(folder, engines[0], { hostPath: folder.snapshotPath });
}

/** HOST: what is given of the host. */
async function judgeEngine(
  folder: CaseFolder,
  engine: EmulatorEngine,
  host: { hostPath: string; rulesPath?: string; observer?: Observer } = folder,
): Promise<Disagreement | null> {
  const outDir = join(folder.dir, 'got');
  rmSync(outDir, { recursive: true, force: true });
  try {
    const { hostPath, rulesPath, observer } = host;
    const { inputs, stitchPath, isOffloaded, nfqueue, backend, at } = folder;
    const checksums = isOffloaded ? 'auto' : 'verify';
    const stitched = stitchPath === undefined ? {} : { stitchPaths: [stitchPath] };
    const rules = {
      ...(rulesPath === undefined ? {} : { rulesPath }),
      ...(observer === undefined ? {} : { observer }),
    };
    const told = { logTime: true, ...(nfqueue === undefined ? {} : { nfqueue }) };
    const changed = { ...(backend === undefined ? {} : { backend }), ...(at === undefined ? {} : { changes: at }) };
    replay({ ...rules, hostPath, inputs, outDir, engine, checksums, ...stitched, ...told, ...changed });
    moveTraced(outDir);
  } catch (error) {
    return {
      engine,
      kind: 'error',
      lines: [error instanceof Error ? (error.stack ?? error.message) : String(error)],
      count: 1,
    };
  }
  const traced = tracedDifference(folder.wantDir, outDir);
  const found = describe(compareResults(folder.wantDir, outDir), engine);
  if (found !== null || traced === undefined) return found;
  const lines = [TRACE_FILE, `  expected  ${traced.wanted}`, `  got       ${traced.got}`];
  return { engine, kind: 'trace', lines, count: 1 };
}

function describe({ differences }: Comparison, engine: EmulatorEngine): Disagreement | null {
  if (differences.length === 0) return null;
  const [first] = differences;
  return { engine, kind: first.kind, lines: renderDifference(first), count: differences.length };
}
