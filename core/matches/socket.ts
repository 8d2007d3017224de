/** `-m socket`: whether the host has a socket for the packet (xt_socket, revision 3). */
import { Hook } from '../hooks.js';
import type { MatchExtension } from '../rules/extension.js';

/** In iptables-save order. */
const FLAGS = ['--transparent', '--nowildcard', '--restore-skmark'] as const;

interface SocketParams {
  readonly flags: readonly (typeof FLAGS)[number][];
}

export const socket: MatchExtension<SocketParams> = {
  name: 'socket',
  hooks: [Hook.PREROUTING, Hook.INPUT],
  options: FLAGS.map((name) => ({ name, words: 0 }) as const),

  parse(options) {
    return { flags: FLAGS.filter((name) => options.get(name) !== undefined) };
  },

  unsupported: () => 'the sockets of the host',

  save({ flags }) {
    return flags.map((flag) => ` ${flag}`).join('');
  },

  lower: () => ({}),
};
