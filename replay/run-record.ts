/** How a run can be repeated: its options and its files. */
import { recordFile } from '../io/file-record.js';
import { recordHost } from '../io/host-files.js';
import type { CaptureRecord } from './captures.js';
import type { PlannedChange } from './changes/planned-change.js';
import { filesOfCommands } from './commands/host-command.js';
import { HOST_CONNTRACK } from './listed-connections.js';
import type { ReplayOptions } from './replay.js';
import { rulesFilesOf } from './rules-files.js';
import type { Setting } from './setting.js';
import type { HostRecord, RulesRecord, RunRecord } from './summary.js';
import { version } from './version.js';

/** What a run was made of. CAPTURES: in the order of the inputs. */
export function recordRun(
  options: ReplayOptions,
  { hostRules, changes }: Setting,
  captures: CaptureRecord[],
): RunRecord {
  const { seed = 0, lax = false, limit, keepCounters, checksums, rulesPath, hostPath } = options;
  const { filter, from, to, show, conntrackPath, ipsetPaths = [], logTime, nfqueue, guess } = options;
  const { apply = [], backend, namesPath, serviceRulesPath: saved, expectCounters = [] } = options;
  const commands = filesOfCommands(apply).map((path) => recordFile(path));
  const changed = changes.flatMap(recordChange);
  return {
    version: version(),
    // The engine is left out: it changes no result.
    options: {
      seed,
      lax,
      ...(keepCounters ? { keepCounters } : {}),
      ...(guess === undefined ? {} : { guess }),
      ...(filter === undefined ? {} : { filter }),
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
      ...(limit === undefined ? {} : { limit }),
      ...(show === undefined ? {} : { show }),
      ...(checksums === undefined ? {} : { checksums }),
      ...(logTime ? { logTime } : {}),
      ...(nfqueue === undefined ? {} : { nfqueue }),
      ...(apply.length === 0 ? {} : { apply }),
      ...(backend === undefined ? {} : { backend }),
      ...(options.changes?.length ? { at: options.changes } : {}),
      ...(conntrackPath === HOST_CONNTRACK ? { conntrack: HOST_CONNTRACK } : {}),
      ...(options.expectEgress ? { expectEgress: true } : {}),
    },
    rules: {
      ...recordRules(rulesPath ?? hostRules?.path ?? hostPath),
      ...(hostRules && { backend: hostRules.backend }),
    },
    host: recordHost(hostPath),
    ...(ipsetPaths.length === 0 ? {} : { ipset: ipsetPaths.map(recordFile) }),
    ...(conntrackPath === undefined || conntrackPath === HOST_CONNTRACK
      ? {}
      : { conntrack: recordFile(conntrackPath) }),
    ...(saved === undefined ? {} : { serviceRules: recordFile(saved) }),
    ...(namesPath === undefined ? {} : { names: recordFile(namesPath) }),
    ...(expectCounters.length === 0 ? {} : { expectCounters: expectCounters.map(recordFile) }),
    ...(commands.length === 0 ? {} : { commands }),
    ...(changed.length === 0 ? {} : { changes: changed }),
    captures,
  };
}

function recordChange({ paths, action }: PlannedChange): HostRecord[] {
  return paths.map((path) => (action.kind === 'snapshot' ? recordHost(path) : recordFile(path)));
}

/** The record of GIVEN, the value of `--rules`, or the path of the host's own rules. */
function recordRules(given: string): RulesRecord {
  const files = rulesFilesOf(given);
  if (files.length === 1 && files[0].table === undefined) return recordFile(given);
  return { path: given, files: files.map(({ path, table }) => ({ ...recordFile(path), ...(table && { table }) })) };
}
