/** The command line of `nfreplay lint`. */

import { COLOR, type CommandSpec } from '../args.js';
import { GUESS, HOST, NAMES, RULES } from './options.js';

export const LINT: CommandSpec = {
  name: 'lint',
  summary: 'find what rules can never do: rules that no packet reaches, translations that never happen',
  usages: ['--rules FILE [--host FILE]'],
  options: [
    RULES,
    HOST,
    GUESS,
    NAMES,
    { name: 'json', help: 'print the findings as JSON (docs/schema/lint.schema.json)' },
    { name: 'sarif', help: 'print the findings as SARIF 2.1.0, which code hosts show beside the rules' },
    COLOR,
  ],
  examples: [
    { about: 'in CI: exit 1 if a rule can never match', command: 'nfreplay lint --rules rules.v4' },
    { about: "with the host's own rules and addresses", command: 'nfreplay lint --host host.txt' },
    { about: 'for code scanning', command: 'nfreplay lint --rules rules.v4 --sarif > lint.sarif' },
  ],
};
