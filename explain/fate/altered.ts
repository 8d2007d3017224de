/** A setting after commands that `--apply` would take. */
import type { EmulatorOptions } from '../../core/emulator.js';
import { hostOf } from '../../core/host/host.js';
import { applyCommands } from '../../replay/commands/apply-commands.js';
import { typedCommands } from '../../replay/commands/host-command.js';
import { withSysctls } from '../../replay/commands/host-sysctls.js';
import { CommandError } from '../../replay/errors.js';
import type { TrialSetting } from '../trial.js';

export type Altered = Pick<EmulatorOptions, 'ruleset' | 'host'>;

/** The rules and the host of SETTING after COMMANDS; undefined if one of them fails. */
export function altered({ setting, options }: TrialSetting, commands: readonly string[]): Altered | undefined {
  const { host, ruleset, backend, sets } = setting;
  const { lax = false } = options;
  const { names } = host.description.facts;
  try {
    const typed = commands.flatMap((text, i) => {
      const argument = `--apply ${i + 1}`;
      return typedCommands(text, { file: '--apply', argument }, i + 1);
    });
    const applied = applyCommands(
      typed,
      { ruleset, counters: new Map() },
      { backend, names, sets, isRunning: false, lax },
    );
    const source = withSysctls({ description: host.description, json: {}, locate: (error) => error }, typed);
    return { ruleset: applied.ruleset, host: source.description === host.description ? host : hostOf(source) };
  } catch (error) {
    if (error instanceof CommandError) return undefined;
    throw error;
  }
}
