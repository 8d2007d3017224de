/** `-m sctp`: ports and chunks (xt_sctp; RFC 9260). */
import { IPPROTO_SCTP } from '../../codecs/layouts.js';
import type { Packet } from '../packet.js';
import { type Condition, within } from '../rules/condition.js';
import type { MatchExtension, ParsedOptions } from '../rules/extension.js';
import { listed } from '../rules/listing/listed-form.js';
import { RuleFault } from '../rules/parse/error.js';
import { parsePortRange } from '../rules/parse/values.js';
import { capturedTest, unlessNegated } from './captured.js';
import { LISTED_PORTS, PORT_OPTIONS, type PortMatch, saveAnyPort } from './ports.js';
import { refuseProtocol } from './protocol-need.js';
import { type ChunkMatch, listedChunks, matchChunks, parseChunks, saveChunks } from './sctp-chunks.js';

interface SctpParams {
  readonly sport: PortMatch | undefined;
  readonly dport: PortMatch | undefined;
  readonly chunks: ChunkMatch | undefined;
}

export const sctp: MatchExtension<SctpParams> = {
  name: 'sctp',
  options: [
    ...PORT_OPTIONS,
    { name: '--chunk-types', words: 2, invertible: true, expected: 'any, all or only, and comma-separated chunks' },
  ],

  listed: listed(/sctp/, ...LISTED_PORTS, [/(!)? ?(any|all|only) (\S+)/, listedChunks]),

  parse(options) {
    const chunks = options.get('--chunk-types');
    return {
      sport: parsePorts(options, '--sport'),
      dport: parsePorts(options, '--dport'),
      chunks: chunks && parseChunks(chunks.values, chunks.negated),
    };
  },

  refuse: (_params, site) => refuseProtocol('-m sctp', IPPROTO_SCTP, site),

  save({ sport, dport, chunks }) {
    const ports = saveAnyPort('--sport', sport) + saveAnyPort('--dport', dport);
    return chunks === undefined ? ports : ports + saveChunks(chunks);
  },

  lower({ sport, dport, chunks }) {
    const conditions: Condition[] = [];
    if (sport !== undefined) conditions.push(within('sport', [sport], sport.negated));
    if (dport !== undefined) conditions.push(within('dport', [dport], dport.negated));
    if (chunks === undefined) return { header: 'sctp', conditions };
    const ask = (packet: Packet): boolean | undefined => unlessNegated(matchChunks(chunks, packet), chunks.negated);
    const explanation = `its chunks are ${chunks.negated ? '' : 'not '}as listed`;
    const native = capturedTest(['sctpChunks'], ask, '-m sctp --chunk-types', explanation);
    return { header: 'sctp', conditions, native };
  },
};

function parsePorts(options: ParsedOptions, name: string): PortMatch | undefined {
  const option = options.get(name);
  if (option === undefined) return undefined;
  const [word] = option.values;
  const { min, max } = parsePortRange(word, 'sctp');
  if (min > max) throw new RuleFault(word, 'the first port is above the last', 'first:last');
  return { min, max, negated: option.negated };
}
