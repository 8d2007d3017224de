/**
 * `-m cluster`: whether this node of a cluster is responsible for a connection (xt_cluster). All nodes receive every
 * frame, by a multicast address of the link, so the match also takes such a packet for one that is addressed to the
 * host.
 */
import { ORIGINAL_TUPLE, RECORD_WORDS, TUPLE_SOURCE } from '../conntrack/record.js';
import { jhashWord } from '../nat/jhash.js';
import { type Packet, PacketType } from '../packet.js';
import type { RuleContext } from '../rules/context.js';
import type { MatchExtension } from '../rules/extension.js';
import { listed } from '../rules/listing/listed-form.js';
import { RuleFault } from '../rules/parse/error.js';
import { formatHexWord, parseNumberBetween, parseWord32 } from '../rules/parse/values.js';

const MAX_NODES = 32;

interface ClusterParams {
  readonly nodes: number;
  /** Bit n: this node is responsible for the share n. Unsigned, as the seed. */
  readonly mask: number;
  readonly seed: number;
  readonly negated: boolean;
}

/** iptables takes no mask of node 32, but its number. */
function listedNodes([, not, digits]: readonly (string | undefined)[]): string[] {
  const mask = Number.parseInt(digits!, 16);
  const node = Math.log2(mask);
  const words = Number.isInteger(node)
    ? ['--cluster-local-node', String(node + 1)]
    : ['--cluster-local-nodemask', `0x${digits}`];
  return [...(not === undefined ? [] : [not]), ...words];
}

export const cluster: MatchExtension<ClusterParams> = {
  name: 'cluster',
  options: [
    { name: '--cluster-total-nodes', words: 1, required: true, expected: 'a number of nodes, 1–32' },
    {
      name: '--cluster-local-node',
      words: 1,
      invertible: true,
      excludes: ['--cluster-local-nodemask'],
      expected: 'the number of this node, from 1',
    },
    {
      name: '--cluster-local-nodemask',
      words: 1,
      invertible: true,
      excludes: ['--cluster-local-node'],
      expected: 'a bit for each node, 1–32',
    },
    { name: '--cluster-hash-seed', words: 1, required: true, expected: 'a number of 32 bits' },
  ],

  listed: listed(
    [/cluster (!)?node_mask=0x([0-9a-f]+)/, listedNodes],
    [/total_nodes=(\d+)/, '--cluster-total-nodes $1'],
    [/hash_seed=(\S+)/, '--cluster-hash-seed $1'],
  ),

  parse(options) {
    const nodes = parseNumberBetween(options.get('--cluster-total-nodes')!.values[0], 1, MAX_NODES, 'number of nodes');
    const seed = parseWord32(options.get('--cluster-hash-seed')!.values[0]) >>> 0;
    const node = options.get('--cluster-local-node');
    const option = node ?? options.get('--cluster-local-nodemask');
    if (option === undefined) {
      const either = '--cluster-local-node or --cluster-local-nodemask';
      throw new RuleFault(options.word, 'cluster without the local node', either);
    }
    const [word] = option.values;
    // iptables allows masks up to 32 only, although it prints larger ones.
    const number = parseNumberBetween(word, 1, MAX_NODES, node ? 'node' : 'mask of nodes');
    const mask = node === undefined ? number : 2 ** (number - 1);
    if (mask >= 2 ** nodes) throw new RuleFault(word, `the cluster has no node ${word.text}`, `one of ${nodes} nodes`);
    return { nodes, mask, seed, negated: option.negated };
  },

  save({ nodes, mask, seed, negated }) {
    const local = `${negated ? ' !' : ''} --cluster-local-nodemask ${formatHexWord(mask)}`;
    return `${local} --cluster-total-nodes ${nodes} --cluster-hash-seed ${formatHexWord(seed)}`;
  },

  lower(params) {
    const check = (packet: Packet, context: RuleContext): boolean => {
      if (packet.type === PacketType.MULTICAST && !isMulticast(packet.destination)) packet.type = PacketType.HOST;
      if (packet.ct < 0) return false;
      const source = context.conntrack.words[packet.ct * RECORD_WORDS + ORIGINAL_TUPLE + TUPLE_SOURCE];
      return ((params.mask >>> nodeOf(source, params)) & 1) === (params.negated ? 0 : 1);
    };
    const explanation = `another node is responsible for the connection's source:${cluster.save(params)}`;
    // It may change the packet, so nothing is learned from it about others, as with what reads the history.
    return { native: { reads: ['ctOriginalSource', 'destination', 'history', 'packetType'], check, explanation } };
  },
};

/** The node responsible for SOURCE, an address as loaded. */
function nodeOf(source: number, { nodes, seed }: ClusterParams): number {
  return Math.floor((jhashWord(source, seed) * nodes) / 2 ** 32);
}

function isMulticast(address: number): boolean {
  return (address & 0xf0) === 0xe0;
}
