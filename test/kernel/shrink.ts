/** Reduces a failing case: fewer packets, fewer rules, a simpler host, as long as kernel and emulator disagree. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type CapturedFrame, readCapture, writeCapture } from './capture-file.js';
import { type CaseChanges, type Change, writeChanges } from './change.js';
import type { HostDescription } from './host-description.js';
import { type Disagreement, judge } from './judge.js';
import type { Libc } from './libc.js';
import { agreesWithItself, type CaseFolder, caseFolder } from './live-case.js';
import type { QueueVerdict } from './queue-verdict.js';
import { readHost, replayKernel } from './replay.js';

interface Packet extends CapturedFrame {
  iface: string;
}

interface Case extends CaseChanges {
  pace: boolean;
  isOffloaded: boolean;
  nfqueue: QueueVerdict | undefined;
  host: HostDescription;
  rules: string[];
  packets: Packet[];
}

export interface Shrunk {
  folder: CaseFolder;
  disagreement: Disagreement;
  packets: number;
  rules: number;
  changes: number;
}

/**
 * The smallest case found within LIMIT_MS that still fails like FOUND. It is left in DIR, in a form that `check` can
 * run.
 */
export async function shrink(
  libc: Libc,
  original: CaseFolder,
  found: Disagreement,
  dir: string,
  limitMs: number,
): Promise<Shrunk> {
  const deadline = performance.now() + limitMs;
  const attempt = async (candidate: Case): Promise<Disagreement | null> => {
    if (performance.now() > deadline) return null;
    const disagreement = await tryCase(libc, candidate, `${dir}.try`);
    return disagreement?.kind === found.kind && disagreement.engine === found.engine ? disagreement : null;
  };
  const fails = async (candidate: Case): Promise<boolean> => (await attempt(candidate)) !== null;

  let current = readCase(original);
  for (let before = -1; before !== sizeOf(current) && performance.now() < deadline; ) {
    before = sizeOf(current);
    current = { ...current, packets: await fewer(current.packets, (packets) => fails({ ...current, packets })) };
    const { rules } = current;
    current = {
      ...current,
      rules: (await fewer(tablesOf(rules), (tables) => fails({ ...current, rules: tables.flat() }))).flat(),
    };
    current = { ...current, rules: await fewer(current.rules, (rules) => fails({ ...current, rules }), isRemovable) };
    current = await fewerChanges(current, fails);
    current = { ...current, host: await plainer(current.host, (host) => fails({ ...current, host })) };
  }
  rmSync(`${dir}.try`, { recursive: true, force: true });
  const folder = writeCase(current, dir);
  const disagreement = (await finish(libc, folder)) ?? found;
  return {
    folder,
    disagreement,
    packets: current.packets.length,
    rules: current.rules.filter(isRule).length,
    changes: current.changes?.length ?? 0,
  };
}

/** CURRENT with fewer changes, and fewer rules in the files of those. */
async function fewerChanges(current: Case, fails: (candidate: Case) => Promise<boolean>): Promise<Case> {
  let { changes = [] } = current;
  if (changes.length === 0) return current;
  const failsWith = (candidate: readonly Change[]): Promise<boolean> => fails({ ...current, changes: candidate });
  if (await failsWith([])) return { ...current, changes: [] };
  changes = await fewer(changes, failsWith);
  for (const change of changes) {
    if (change.kind === 'command') continue;
    const lines = change.text.split('\n').filter((line) => line !== '');
    const others = (text: string): Change[] => changes.map((other) => (other === change ? { ...change, text } : other));
    const textOf = (kept: readonly string[]): string => kept.map((line) => `${line}\n`).join('');
    const kept = await fewer(lines, (candidate) => failsWith(others(textOf(candidate))), isRemovable);
    changes = others(textOf(kept));
  }
  return { ...current, changes };
}

/** The lines of each table. */
function tablesOf(rules: readonly string[]): string[][] {
  const tables: string[][] = [];
  for (const line of rules) {
    if (line.startsWith('*')) tables.push([]);
    tables[tables.length - 1].push(line);
  }
  return tables;
}

const isRule = (line: string): boolean => line.startsWith('-A');
const isRemovable = (line: string): boolean => isRule(line) || /^:\S+ - /.test(line);
const sizeOf = (c: Case): number =>
  c.packets.length +
  c.rules.length +
  JSON.stringify(c.host).length +
  (c.changes ?? []).reduce((sum, { text }) => sum + text.length, 0);

/** Records the kernel's results for FOLDER and compares the emulator with them. */
function finish(libc: Libc, folder: CaseFolder): Promise<Disagreement | null> {
  replayKernel(libc, { ...folder, outDir: folder.wantDir });
  return judge(folder);
}

/** How a candidate fails; null if it does not, is not a valid case, or has random results. */
async function tryCase(libc: Libc, candidate: Case, dir: string): Promise<Disagreement | null> {
  try {
    const folder = writeCase(candidate, dir);
    const disagreement = await finish(libc, folder);
    return disagreement !== null && agreesWithItself(libc, folder) ? disagreement : null;
  } catch {
    return null;
  }
}

/** Removes as many of the removable ITEMS as possible, by halves, quarters … (delta debugging). */
async function fewer<T>(
  items: readonly T[],
  fails: (items: T[]) => Promise<boolean>,
  isRemovable: (item: T) => boolean = () => true,
): Promise<T[]> {
  let current = [...items];
  for (let size = Math.ceil(current.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = current.length - size; at > -size; at -= size) {
      const candidate = current.filter((item, i) => i < at || i >= at + size || !isRemovable(item));
      if (candidate.length < current.length && candidate.length > 0 && (await fails(candidate))) current = candidate;
    }
  }
  return current;
}

/** HOST without the neighbours, routes and sysctls that do not matter. */
async function plainer(
  host: HostDescription,
  fails: (host: HostDescription) => Promise<boolean>,
): Promise<HostDescription> {
  let current = host;
  const attempt = async (candidate: HostDescription): Promise<void> => {
    if (await fails(candidate)) current = candidate;
  };
  for (const neighbour of host.neigh ?? [])
    await attempt({ ...current, neigh: (current.neigh ?? []).filter((other) => other !== neighbour) });
  for (const route of host.route ?? [])
    await attempt({ ...current, route: (current.route ?? []).filter((other) => other !== route) });
  for (const name of Object.keys(host.sysctl ?? {})) {
    const { [name]: _, ...rest } = current.sysctl ?? {};
    await attempt({ ...current, sysctl: rest });
  }
  for (const link of host.addr) await attempt({ ...current, addr: current.addr.filter((other) => other !== link) });
  return current;
}

function readCase(folder: CaseFolder): Case {
  const packets = folder.inputs.flatMap(({ iface, path }) =>
    readCapture(path).map((captured) => ({ ...captured, iface })),
  );
  packets.sort((a, b) => (a.tsNs < b.tsNs ? -1 : 1));
  const rules = readFileSync(folder.rulesPath, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  return {
    host: readHost(folder.hostPath),
    rules,
    packets,
    pace: folder.pace ?? false,
    isOffloaded: folder.isOffloaded ?? false,
    nfqueue: folder.nfqueue,
    ...changesOf(folder),
  };
}

const changesOf = ({ backend, changes }: CaseChanges): CaseChanges => ({
  ...(backend === undefined ? {} : { backend }),
  ...(changes === undefined ? {} : { changes }),
});

function writeCase(candidate: Case, dir: string): CaseFolder {
  const { host, rules, packets, pace, isOffloaded, nfqueue } = candidate;
  rmSync(dir, { recursive: true, force: true });
  const ifaces = [...new Set(packets.map((packet) => packet.iface))];
  const folder = {
    ...caseFolder(dir, ifaces),
    ...{ pace, isOffloaded, ...changesOf(candidate), ...(nfqueue === undefined ? {} : { nfqueue }) },
  };
  mkdirSync(dir, { recursive: true });
  const at = writeChanges(
    dir,
    candidate,
    packets.map(({ tsNs }) => tsNs),
  );
  writeFileSync(folder.hostPath, `${JSON.stringify(host, null, 2)}\n`);
  writeFileSync(folder.rulesPath, rules.map((line) => `${line}\n`).join(''));
  for (const { iface, path } of folder.inputs) {
    mkdirSync(dirname(path), { recursive: true });
    const frames = packets.filter((packet) => packet.iface === iface);
    writeCapture(path, frames[0].isBare, frames);
  }
  return { ...folder, at };
}
