/** `-j SYNPROXY`: answers a client's SYN in place of its server, and connects to that later (xt_SYNPROXY). */
import { IPPROTO_TCP } from '../../codecs/layouts.js';
import { Hook } from '../hooks.js';
import type { ParsedOptions, TargetExtension } from '../rules/extension.js';
import { listed } from '../rules/listing/listed-form.js';
import { RuleFault } from '../rules/parse/error.js';
import { parseNumber } from '../rules/parse/values.js';
import type { ServerOffer } from '../synproxy/synproxy.js';

export const synproxy: TargetExtension<ServerOffer> = {
  name: 'SYNPROXY',
  hooks: [Hook.INPUT, Hook.FORWARD],
  terminates: false,
  mayDrop: true,
  proxies: true,
  options: [
    { name: '--sack-perm', words: 0 },
    { name: '--timestamp', words: 0 },
    { name: '--wscale', words: 1, expected: 'a window scale, 0–14' },
    { name: '--mss', words: 1, expected: 'a maximum segment size, 0–65535' },
    { name: '--ecn', words: 0 },
  ],

  listed: listed(
    /SYNPROXY/,
    [/sack-perm/, '--sack-perm'],
    [/timestamp/, '--timestamp'],
    [/wscale (\d+)/, '--wscale $1'],
    [/mss (\d+)/, '--mss $1'],
    [/ecn/, '--ecn'],
  ),

  parse(options) {
    return {
      sackPermitted: options.get('--sack-perm') !== undefined,
      timestamp: options.get('--timestamp') !== undefined,
      windowScale: parseCut(options, '--wscale', 0xff),
      mss: parseCut(options, '--mss', 0xffff),
      ecn: options.get('--ecn') !== undefined,
    };
  },

  refuse(_params, { base: { protocol } }) {
    return protocol?.number === IPPROTO_TCP && !protocol.negated ? undefined : '-j SYNPROXY needs -p tcp';
  },

  save({ sackPermitted, timestamp, windowScale, mss, ecn }) {
    let text = '';
    if (sackPermitted) text += ' --sack-perm';
    if (timestamp) text += ' --timestamp';
    if (windowScale !== undefined) text += ` --wscale ${windowScale}`;
    if (mss !== undefined) text += ` --mss ${mss}`;
    return ecn ? `${text} --ecn` : text;
  },

  apply: (offer, packet, context) => context.synproxy(packet, offer),
};

/** A number of 32 bits, of which iptables keeps those of MASK. */
function parseCut(options: ParsedOptions, name: string, mask: number): number | undefined {
  const word = options.get(name)?.values[0];
  if (word === undefined) return undefined;
  const number = parseNumber(word.text, 0xffffffff);
  if (number === undefined) throw new RuleFault(word, `bad number "${word.text}"`, `0–${mask}`);
  return number & mask;
}
