/** `-m socket`: whether the host has a socket for the packet (xt_socket, revision 3). */
import { Hook } from '../hooks.js';
import { NO_SOCKET } from '../host/socket-numbers.js';
import type { MatchExtension } from '../rules/extension.js';
import { listed } from '../rules/listing/listed-form.js';

/** In iptables-save order. */
const FLAGS = ['--transparent', '--nowildcard', '--restore-skmark'] as const;

/** What says which socket a packet is for. */
const ENDS = [
  ...(['source', 'destination', 'protocol', 'sport', 'dport', 'inDev'] as const),
  ...(['ctinfo', 'ctdirection', 'ctOriginalSource', 'ctOriginalSport', 'fragmentOffset'] as const),
] as const;

interface SocketParams {
  readonly flags: readonly (typeof FLAGS)[number][];
}

export const socket: MatchExtension<SocketParams> = {
  name: 'socket',
  hooks: [Hook.PREROUTING, Hook.INPUT],
  options: FLAGS.map((name) => ({ name, words: 0 }) as const),

  listed: listed(
    /socket/,
    [/--transparent/, '--transparent'],
    [/--nowildcard/, '--nowildcard'],
    [/--restore-skmark/, '--restore-skmark'],
  ),

  parse(options) {
    return { flags: FLAGS.filter((name) => options.get(name) !== undefined) };
  },

  save({ flags }) {
    return flags.map((flag) => ` ${flag}`).join('');
  },

  lower({ flags }) {
    const asksTransparent = flags.includes('--transparent');
    const takesWildcards = flags.includes('--nowildcard');
    const restoresMark = flags.includes('--restore-skmark');
    return {
      native: {
        reads: ['socket', ...ENDS, 'icmpQuote'],
        check(packet, { facts, conntrack }) {
          const { sockets } = facts;
          if (sockets === undefined) return false;
          const index = packet.socket === NO_SOCKET ? sockets.of(packet, conntrack) : packet.socket;
          if (index < 0 || (!takesWildcards && sockets.isWildcard(index))) return false;
          const { isTransparent, mark, state } = sockets.descriptions[index];
          if (asksTransparent && !isTransparent) return false;
          if (restoresMark && state !== 'time-wait') packet.mark = mark;
          return true;
        },
        setsMark: restoresMark,
        explanation: 'the host has no such socket for the packet',
      },
    };
  },
};
