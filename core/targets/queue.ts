/** `-j QUEUE`: the verdict behind NFQUEUE, with queue 0. */
import { Verdict } from '../hooks.js';
import type { TargetExtension } from '../rules/extension.js';

export const queue: TargetExtension<object> = {
  name: 'QUEUE',
  terminates: true,
  options: [],
  parse: () => ({}),
  unsupported: () => 'the program that decides about the packets in its queue',
  save: () => '',
  apply: () => Verdict.DROP,
  effect: () => 'outside',
};
