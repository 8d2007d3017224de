/** `-m connlimit`: how many connections the hosts of a network have at once (xt_connlimit). */
import { ADDRESS_BITS, type Family, maskLength } from '../../codecs/address.js';
import { toLoaded } from '../../codecs/byte-order.js';
import type { Word } from '../../codecs/iptables-save.js';
import { ConnectionCount } from '../conntrack/connection-count.js';
import type { Packet } from '../packet.js';
import type { RuleContext } from '../rules/context.js';
import type { MatchExtension } from '../rules/extension.js';
import { listedAs } from '../rules/listing/listed-form.js';
import { RuleFault } from '../rules/parse/error.js';
import { parsePrefixMask } from '../rules/parse/host-values.js';
import { parseWord32 } from '../rules/parse/values.js';
import type { MatchState } from '../rules/run/match-state.js';

interface ConnlimitParams {
  /** Whether it matches up to the limit, or above it. */
  readonly isUpTo: boolean;
  readonly limit: number;
  /** The length of the prefix that the hosts of a network share. */
  readonly prefix: number;
  readonly end: 'source' | 'destination';
  /** Whether it is given. For -C and -D, iptables takes rules for different ones where that differs. */
  readonly isPrefixGiven: boolean;
}

function listedLimit(option: string, ...[end, mask, most]: readonly (string | undefined)[]): string[] {
  return [option, most!, '--connlimit-mask', mask!, end === 'src' ? '--connlimit-saddr' : '--connlimit-daddr'];
}

export const connlimit: MatchExtension<ConnlimitParams> = {
  name: 'connlimit',
  options: [
    {
      name: '--connlimit-upto',
      words: 1,
      invertible: true,
      excludes: ['--connlimit-above'],
      expected: 'a number of connections',
    },
    {
      name: '--connlimit-above',
      words: 1,
      invertible: true,
      excludes: ['--connlimit-upto'],
      expected: 'a number of connections',
    },
    { name: '--connlimit-mask', words: 1, expected: 'the length of a prefix' },
    { name: '--connlimit-saddr', words: 0, excludes: ['--connlimit-daddr'] },
    { name: '--connlimit-daddr', words: 0, excludes: ['--connlimit-saddr'] },
  ],

  listed: listedAs(
    [/#conn (src|dst)\/(\d+) <= (\d+)/, ([, end, mask, most]) => listedLimit('--connlimit-upto', end, mask, most)],
    [/#conn (src|dst)\/(\d+) > (\d+)/, ([, end, mask, most]) => listedLimit('--connlimit-above', end, mask, most)],
  ),

  parse(options) {
    const above = options.get('--connlimit-above');
    const option = above ?? options.get('--connlimit-upto');
    if (option === undefined) {
      throw new RuleFault(options.word, 'connlimit without a limit', '--connlimit-upto or --connlimit-above');
    }
    const mask = options.get('--connlimit-mask');
    return {
      isUpTo: (above === undefined) !== option.negated,
      limit: parseWord32(option.values[0]) >>> 0,
      prefix: mask === undefined ? ADDRESS_BITS[options.family] : parseLength(mask.values[0], options.family),
      end: options.get('--connlimit-daddr') === undefined ? 'source' : 'destination',
      isPrefixGiven: mask !== undefined,
    };
  },

  save({ isUpTo, limit, prefix, end }) {
    const count = `${isUpTo ? '--connlimit-upto' : '--connlimit-above'} ${limit}`;
    return ` ${count} --connlimit-mask ${prefix} --connlimit-${end === 'source' ? 'saddr' : 'daddr'}`;
  },

  createState: (params, context) => new ConnlimitState(params, context),

  lower({ isUpTo, limit, end }) {
    const explanation = `the ${end}'s network has ${isUpTo ? 'more than' : 'at most'} ${limit} connections`;
    return { native: { reads: ['history'], mayDrop: true, explanation } };
  },
};

/** The length of the prefix in WORD. */
function parseLength(word: Word, family: Family): number {
  return maskLength(parsePrefixMask(word, family))!;
}

class ConnlimitState implements MatchState {
  readonly #params: ConnlimitParams;
  readonly #mask: number;
  readonly #connections: ConnectionCount;

  constructor(params: ConnlimitParams, { conntrack }: RuleContext) {
    this.#params = params;
    this.#mask = toLoaded(params.prefix === 0 ? 0 : (-1 << (32 - params.prefix)) >>> 0);
    this.#connections = new ConnectionCount(conntrack);
  }

  matches(packet: Packet): boolean {
    const { end, limit, isUpTo } = this.#params;
    const connections = this.#connections.count(packet, packet[end] & this.#mask);
    if (connections === 0) packet.hotdrop = true;
    return connections > 0 && connections > limit !== isUpTo;
  }

  /** What is counted depends on what conntrack makes of the packet first, so the fast path cannot know it. */
  predict(packet: Packet): boolean {
    packet.hotdrop = true;
    return false;
  }
}
