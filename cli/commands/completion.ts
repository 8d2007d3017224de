/** The command line of `nfreplay completion`. */

import type { CommandSpec } from '../args.js';

/** The shells that there are completion scripts for. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

export const COMPLETION: CommandSpec = {
  name: 'completion',
  summary: 'print a script with which a shell completes commands, options and interfaces',
  usages: ['SHELL'],
  options: [],
  positionals: 'SHELL',
  positionalChoices: SHELLS,
  examples: [
    {
      about: 'bash, for good; the script says how it is done in zsh and fish',
      command: 'nfreplay completion bash > ~/.local/share/bash-completion/completions/nfreplay',
    },
  ],
};
