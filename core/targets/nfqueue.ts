/** `-j NFQUEUE`: leaves the decision to the program that listens to a queue (xt_NFQUEUE, revision 3). */
import type { ParsedOptions, TargetExtension } from '../rules/extension.js';
import { listed } from '../rules/listing/listed-form.js';
import { RuleFault } from '../rules/parse/error.js';
import { parseNumber, parseNumberRange } from '../rules/parse/values.js';

const MAX_QUEUE = 0xffff;

interface NfqueueParams {
  /** The first of `queues` consecutive queues. */
  readonly queue: number;
  readonly queues: number;
  /** Without a listener the packet is accepted. */
  readonly isBypassed: boolean;
  /** The queue follows from the CPU, not from a hash of the packet. */
  readonly isByCpu: boolean;
}

export const nfqueue: TargetExtension<NfqueueParams> = {
  name: 'NFQUEUE',
  terminates: true,
  options: [
    { name: '--queue-num', words: 1, expected: `a queue, 0–${MAX_QUEUE}`, excludes: ['--queue-balance'] },
    { name: '--queue-balance', words: 1, expected: 'first:last', excludes: ['--queue-num'] },
    { name: '--queue-bypass', words: 0 },
    { name: '--queue-cpu-fanout', words: 0 },
  ],

  listed: listed(
    /NFQUEUE/,
    [/num (\d+)/, '--queue-num $1'],
    [/balance (\d+:\d+)/, '--queue-balance $1'],
    [/bypass/, '--queue-bypass'],
    [/cpu-fanout/, '--queue-cpu-fanout'],
  ),

  parse(options) {
    const fanout = options.get('--queue-cpu-fanout');
    if (fanout !== undefined && options.get('--queue-balance') === undefined) {
      throw new RuleFault(fanout.word, '--queue-cpu-fanout needs --queue-balance', '--queue-balance first:last');
    }
    return { ...parseQueues(options), isBypassed: options.get('--queue-bypass') !== undefined, isByCpu: !!fanout };
  },

  refuse: ({ queues }) => (queues > MAX_QUEUE ? 'the kernel takes at most 65535 queues' : undefined),

  save({ queue, queues, isBypassed, isByCpu }) {
    const which = queues > 1 ? ` --queue-balance ${queue}:${queue + queues - 1}` : ` --queue-num ${queue}`;
    return `${which}${isBypassed ? ' --queue-bypass' : ''}${isByCpu ? ' --queue-cpu-fanout' : ''}`;
  },

  apply: ({ isBypassed }, packet, context) => context.queue(packet, isBypassed),

  effect: () => 'outside',
};

function parseQueues(options: ParsedOptions): { queue: number; queues: number } {
  const range = options.get('--queue-balance')?.values[0];
  const word = range ?? options.get('--queue-num')?.values[0];
  if (word === undefined) return { queue: 0, queues: 1 };
  if (range === undefined) {
    const queue = parseNumber(word.text, MAX_QUEUE);
    if (queue === undefined) throw new RuleFault(word, `bad queue "${word.text}"`, `0–${MAX_QUEUE}`);
    return { queue, queues: 1 };
  }
  const { min, max } = parseNumberRange(range, MAX_QUEUE, `first:last, 0–${MAX_QUEUE}`);
  if (!range.text.includes(':') || min >= max) {
    throw new RuleFault(range, `bad range of queues "${range.text}"`, 'first:last, the first less than the last');
  }
  return { queue: min, queues: max - min + 1 };
}
