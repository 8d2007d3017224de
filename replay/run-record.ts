/** How a run can be repeated: its options and its files. */
import { type FileRecord, recordFile } from '../io/file-record.js';
import { recordHost } from '../io/host-files.js';
import { HOST_CONNTRACK } from './listed-connections.js';
import type { ReplayOptions } from './replay.js';
import type { Setting } from './setting.js';
import type { RunRecord } from './summary.js';
import { version } from './version.js';

/** What a run was made of. CAPTURES: in the order of the inputs. */
export function recordRun(options: ReplayOptions, { hostRules }: Setting, captures: FileRecord[]): RunRecord {
  const { seed = 0, lax = false, limit, keepCounters, checksums, rulesPath, hostPath } = options;
  const { filter, from, to, show, conntrackPath, logTime, nfqueue } = options;
  return {
    version: version(),
    // The engine is left out: it changes no result.
    options: {
      seed,
      lax,
      ...(keepCounters ? { keepCounters } : {}),
      ...(filter === undefined ? {} : { filter }),
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
      ...(limit === undefined ? {} : { limit }),
      ...(show === undefined ? {} : { show }),
      ...(checksums === undefined ? {} : { checksums }),
      ...(logTime ? { logTime } : {}),
      ...(nfqueue === undefined ? {} : { nfqueue }),
    },
    rules: {
      ...recordFile(rulesPath ?? hostRules?.path ?? hostPath),
      ...(hostRules && { backend: hostRules.backend }),
    },
    host: recordHost(hostPath),
    ...(conntrackPath === undefined || conntrackPath === HOST_CONNTRACK
      ? {}
      : { conntrack: recordFile(conntrackPath) }),
    captures,
  };
}
