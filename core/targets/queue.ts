/** `-j QUEUE`: the verdict behind NFQUEUE, with queue 0. */
import type { TargetExtension } from '../rules/extension.js';

export const queue: TargetExtension<object> = {
  name: 'QUEUE',
  terminates: true,
  isVerdict: true,
  options: [],
  parse: () => ({}),
  save: () => '',
  apply: (_params, packet, context) => context.queue(packet, false),
  effect: () => 'outside',
};
