/** The command `nfreplay doctor`. */
import { shownJson } from '../codecs/text.js';
import { type Diagnosis, diagnose } from '../explain/doctor/diagnose.js';
import { formatDiagnosis } from '../explain/doctor/text.js';
import { findingJson } from '../explain/findings.js';
import { widthOf } from '../explain/text/columns.js';
import { styleOf } from '../explain/text/style.js';
import { GENERATOR } from '../replay/result-files.js';
import { version } from '../replay/version.js';
import { parseCommand } from './args.js';
import { DOCTOR } from './commands/doctor.js';
import { ExitCode } from './errors.js';
import { STDOUT, warn } from './output.js';
import { refusePipes, replayOptionsOf } from './replay-options.js';
import { stepwise } from './stepwise.js';
import { strictly } from './strictness.js';
import type { Supervision } from './supervisor.js';

const SCHEMA = 1;

/** Runs the command; resolves with the exit code. */
export async function doctorCommand(args: readonly string[], supervision?: Supervision): Promise<number> {
  const given = parseCommand(DOCTOR, args);
  const options = replayOptionsOf(given);
  refusePipes(options, 'doctor requires a file, to try what it suggests');
  const diagnosis = await stepwise(diagnose(options), [options], supervision);
  if (typeof diagnosis === 'number') return diagnosis;
  diagnosis.warnings.forEach(warn);
  if (given.has('json')) STDOUT.write(`${shownJson(jsonOf(diagnosis))}\n`);
  else STDOUT.write(formatDiagnosis(diagnosis, styleOf(STDOUT, given.color), widthOf(STDOUT)));
  if (diagnosis.findings.length > 0) return ExitCode.DIFFERENT;
  const { assumed, warnings, summary } = diagnosis;
  return given.has('strict')
    ? strictly(summary ?? { assumed: [...assumed], warnings: [...warnings], skipped: {} })
    : ExitCode.DONE;
}

/** DIAGNOSIS as docs/schema/doctor.schema.json describes it. */
function jsonOf({ findings, clean, notMade, packets, uncertain, assumed, warnings }: Diagnosis): object {
  return {
    schema: SCHEMA,
    generator: `${GENERATOR} ${version()}`,
    findings: findings.map(findingJson),
    ...{ clean, notMade, packets, uncertain, assumed, warnings },
  };
}
