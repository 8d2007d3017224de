/** `-m udp`: ports (udp_mt of xt_tcpudp). */
import { IPPROTO_UDP, UDP_LENGTH } from '../../codecs/layouts.js';
import type { MatchExtension } from '../rules/extension.js';
import { allOf, TRUE } from '../rules/run/codegen.js';
import {
  compilePort,
  explainPort,
  PORT_OPTIONS,
  type PortMatch,
  parsePortMatch,
  portBound,
  portMatches,
  savePort,
} from './ports.js';

interface UdpParams {
  readonly sport: PortMatch | undefined;
  readonly dport: PortMatch | undefined;
}

export const udp: MatchExtension<UdpParams> = {
  name: 'udp',
  options: PORT_OPTIONS,

  parse(options) {
    // iptables takes the names of all protocols here, but for tcp only its own.
    return { sport: parsePortMatch(options, '--sport'), dport: parsePortMatch(options, '--dport') };
  },

  refuse(_params, { base }) {
    const { protocol } = base;
    return protocol?.number === IPPROTO_UDP && !protocol.negated ? undefined : '-m udp needs -p udp';
  },

  save({ sport, dport }) {
    return savePort('--sport', sport) + savePort('--dport', dport);
  },

  reads({ sport, dport }) {
    return sport === undefined && dport === undefined ? [] : ['ports'];
  },

  bounds({ sport, dport }) {
    return { sport: portBound(sport), dport: portBound(dport), isAll: true };
  },

  check({ sport, dport }, packet) {
    if (packet.fragmentOffset !== 0) return false;
    if (packet.l4Available < UDP_LENGTH) {
      packet.hotdrop = true;
      return false;
    }
    return portMatches(sport, packet.sport) && portMatches(dport, packet.dport);
  },

  compile({ sport, dport }, _context, gen) {
    const conditions = [TRUE];
    if (dport !== undefined) conditions.push(compilePort(dport, gen.field('dport')));
    if (sport !== undefined) conditions.push(compilePort(sport, gen.field('sport')));
    return allOf(conditions);
  },

  explain({ sport, dport }, packet) {
    if (packet.fragmentOffset !== 0) return 'a later fragment has no UDP header';
    if (packet.l4Available < UDP_LENGTH) return 'the UDP header is cut short: dropped';
    return explainPort('sport', sport, packet.sport) ?? explainPort('dport', dport, packet.dport) ?? 'the ports fit';
  },
};
