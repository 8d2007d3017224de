/** The option that says how `nfreplay check` tells what it found. */
import type { OptionSpec } from '../args.js';

export const REPORTERS = {
  pretty: 'for people',
  tap: 'TAP version 14',
  junit: "JUnit's XML",
  json: 'docs/schema/check.schema.json',
  github: 'annotations and the step summary of GitHub Actions',
  terse: 'a line a test, with tabs',
} as const;

export type ReporterName = keyof typeof REPORTERS;
const REPORTER_NAMES = Object.keys(REPORTERS) as ReporterName[];

export const REPORTER: OptionSpec = {
  name: 'reporter',
  value: 'NAME[=FILE]',
  multiple: true,
  choices: REPORTER_NAMES,
  choiceTakesFile: true,
  help:
    'how to tell what was found: ' +
    Object.entries(REPORTERS)
      .map(([name, what]) => `${name} (${what})`)
      .join(', ') +
    '; to standard output (also -), or to FILE, which is written when all is done; as often as wanted; standard ' +
    'output has pretty unless another is named for it, and in GitHub Actions github as well',
};
