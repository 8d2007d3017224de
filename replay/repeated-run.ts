/** Repeats a run that a summary records, and tells which of its inputs are not the same any more. */
import { existsSync } from 'node:fs';
import { shownPath } from '../codecs/text.js';
import { type FileRecord, recordFile } from '../io/file-record.js';
import { nativePath } from '../io/path.js';
import type { CaptureRecord } from './captures.js';
import { ReplayOptionsError } from './errors.js';
import type { ReplayOptions } from './replay.js';
import type { RunRecord } from './summary.js';

/**
 * The options of the run that RUN records, from the folder that it was started in. INTERFACES: those of its captures,
 * as the summary lists them.
 * @throws {ReplayOptionsError} if an input was read from a pipe
 */
export function optionsOfRun(run: RunRecord, interfaces: readonly string[]): ReplayOptions {
  const { options, rules, host, ipset = [], conntrack, names, serviceRules, expectCounters = [] } = run;
  const { at, conntrack: ownConntrack, ...same } = options;
  const piped = recordsOf(run).find(({ path }) => path === '-');
  if (piped !== undefined)
    throw new ReplayOptionsError('the run read standard input, which cannot be read again; replay it from a file');
  const conntrackPath = ownConntrack ?? conntrack?.path;
  return {
    ...same,
    // The backend of a record of rules says that they are the host's own.
    ...(rules.backend === undefined && rules.path !== host.path ? { rulesPath: rules.path } : {}),
    hostPath: host.path,
    ipsetPaths: ipset.map(({ path }) => path),
    changes: at ?? [],
    ...(conntrackPath === undefined ? {} : { conntrackPath }),
    ...(serviceRules === undefined ? {} : { serviceRulesPath: serviceRules.path }),
    ...(names === undefined ? {} : { namesPath: names.path }),
    ...(expectCounters.length === 0 ? {} : { expectCounters: expectCounters.map(({ path }) => path) }),
    ...capturesOf(run.captures, interfaces),
  };
}

/** RECORDS as captures of a run. Before version 0.2 the summary's list of inputs alone said what they are. */
function capturesOf(
  records: readonly CaptureRecord[],
  interfaces: readonly string[],
): Pick<ReplayOptions, 'inputs' | 'stitchPaths' | 'captures'> {
  const inputs: { option: string; iface: string | undefined; paths: string[] }[] = [];
  const byInput = new Map<number, string[]>();
  for (const [i, record] of records.entries()) {
    const { path, input = i } = record;
    const known = byInput.get(input);
    if (known !== undefined) {
      known.push(path);
      continue;
    }
    const listed = interfaces[i] ?? '';
    const option = record.option ?? (listed === 'stitched' ? 'stitch' : listed === 'capture' ? 'capture' : 'in');
    const iface = record.interface ?? (option === 'in' ? listed : undefined);
    const paths = [path];
    byInput.set(input, paths);
    inputs.push({ option, iface, paths });
  }
  const of = (wanted: string) => inputs.filter(({ option }) => option === wanted);
  return {
    inputs: of('in').map(({ iface = '', paths }) => ({ iface, path: paths })),
    stitchPaths: of('stitch').map(({ paths }) => paths),
    captures: of('capture').map(({ iface, paths }) => ({ path: paths, ...(iface === undefined ? {} : { iface }) })),
  };
}

/** All files that RUN records. */
export function recordsOf(run: RunRecord): FileRecord[] {
  const { rules, host, ipset = [], conntrack, names, serviceRules, commands = [], changes = [], captures } = run;
  const { expectCounters = [] } = run;
  const folders = [rules, host, ...changes].flatMap((record) => record.files ?? [record]);
  const single = [conntrack, names, serviceRules].filter((record) => record !== undefined);
  const all = [...folders, ...ipset, ...single, ...expectCounters, ...commands, ...captures];
  const seen = new Set<string>();
  return all.filter(({ path }) => !seen.has(path) && seen.add(path));
}

/** An input that is not as it was. */
export interface ChangedInput {
  readonly path: string;
  readonly is: 'changed' | 'missing';
}

/** Those of RECORDS whose files are not as they were; RESOLVE: where they are now. */
export function changedInputs(
  records: readonly FileRecord[],
  resolve: (path: string) => string = (path) => path,
): ChangedInput[] {
  return records.flatMap((record): ChangedInput[] => {
    const { path, sizeBytes, sha256, sampleSha256 } = record;
    if (sizeBytes === undefined) return [];
    if (!existsSync(nativePath(resolve(path)))) return [{ path, is: 'missing' }];
    const now = recordFile(resolve(path));
    const isSame = now.sizeBytes === sizeBytes && now.sha256 === sha256 && now.sampleSha256 === sampleSha256;
    return isSame ? [] : [{ path, is: 'changed' }];
  });
}

/** INPUTS in words: `rules.v4 and in/eth0.pcap have changed since; host.json is missing`. */
export function changedWords(inputs: readonly ChangedInput[]): string | undefined {
  const of = (kind: ChangedInput['is']) => inputs.filter(({ is }) => is === kind).map(({ path }) => shownPath(path));
  const [changed, missing] = [of('changed'), of('missing')];
  const parts = [
    ...(changed.length === 0 ? [] : [`${listed(changed)} ${changed.length === 1 ? 'has' : 'have'} changed since`]),
    ...(missing.length === 0 ? [] : [`${listed(missing)} ${missing.length === 1 ? 'is' : 'are'} missing`]),
  ];
  return parts.length === 0 ? undefined : parts.join('; ');
}

const MOST_LISTED = 6;

function listed(all: readonly string[]): string {
  if (all.length === 1) return all[0];
  if (all.length > MOST_LISTED) return `${all.slice(0, MOST_LISTED).join(', ')} and ${all.length - MOST_LISTED} more`;
  return `${all.slice(0, -1).join(', ')} and ${all[all.length - 1]}`;
}
