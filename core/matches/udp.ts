/** `-m udp`: ports (udp_mt in xt_tcpudp). */

import { IPPROTO_UDP } from '../../codecs/layouts.js';
import type { MatchExtension, ParsedOptions } from '../rules/extension.js';
import { listed } from '../rules/listing/listed-form.js';
import type { Lowered } from '../rules/lower.js';
import { asOfNft, LISTED_PORTS, lowerPorts, PORT_OPTIONS, type PortMatch, parsePortMatch, savePort } from './ports.js';

interface UdpParams {
  readonly sport: PortMatch | undefined;
  readonly dport: PortMatch | undefined;
}

export const udp: MatchExtension<UdpParams> = {
  name: 'udp',
  options: PORT_OPTIONS,

  listed: listed(/udp/, ...LISTED_PORTS),

  parse,

  refuse(_params, { base }) {
    const { protocol } = base;
    return protocol?.number === IPPROTO_UDP && !protocol.negated ? undefined : '-m udp needs -p udp';
  },

  save({ sport, dport }) {
    return savePort('--sport', sport) + savePort('--dport', dport);
  },

  lower,

  nft: {
    parse(options) {
      const params = parse(options);
      return { ...params, sport: asOfNft(params.sport), dport: asOfNft(params.dport) };
    },

    lower(params) {
      const { sport, dport } = params;
      const isEmpty = sport === undefined && dport === undefined;
      return isEmpty ? lower(params) : { header: 'bothPorts', conditions: lowerPorts(sport, dport) };
    },
  },
};

function parse(options: ParsedOptions): UdpParams {
  // iptables accepts the service names of any protocol here, but only TCP names for tcp.
  return { sport: parsePortMatch(options, '--sport'), dport: parsePortMatch(options, '--dport') };
}

function lower({ sport, dport }: UdpParams): Lowered {
  return { header: 'udp', conditions: lowerPorts(sport, dport) };
}
