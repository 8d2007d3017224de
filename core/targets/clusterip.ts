/** `-j CLUSTERIP`: one address shared by the nodes of a cluster (ipt_CLUSTERIP; removed in Linux 6.3). */
import { maskLength } from '../../codecs/address.js';
import { asMac } from '../field-formats.js';
import { Verdict } from '../hooks.js';
import { parseMac } from '../matches/mac.js';
import type { ParsedOptions, RuleSite, TargetExtension } from '../rules/extension.js';
import { listed } from '../rules/listing/listed-form.js';
import { RuleFault, unknownName } from '../rules/parse/error.js';
import { parseNumber } from '../rules/parse/values.js';

const HASH_MODES = ['sourceip', 'sourceip-sourceport', 'sourceip-sourceport-destport'];
const MAX_NODES = 16;
const NEEDED = ['--new', '--hashmode', '--clustermac', '--total-nodes', '--local-node'];
/** The bit of a MAC address that makes it one of a group, in its first byte. */
const GROUP_BIT = 2 ** 40;

interface Cluster {
  readonly hashMode: string;
  /** 48 bits. */
  readonly mac: number;
  readonly totalNodes: number;
  /** From 1. */
  readonly localNode: number;
  readonly hashInit: number;
}

/** Undefined: the rule uses the cluster of an earlier one. */
type ClusteripParams = Cluster | undefined;

export const clusterip: TargetExtension<ClusteripParams> = {
  name: 'CLUSTERIP',
  families: ['ipv4'],
  terminates: false,
  options: [
    { name: '--new', words: 0 },
    { name: '--hashmode', words: 1, expected: HASH_MODES.join(', ') },
    { name: '--clustermac', words: 1, expected: 'a multicast MAC address' },
    { name: '--total-nodes', words: 1, expected: 'a number of nodes, 0–16' },
    { name: '--local-node', words: 1, expected: 'the number of a node, 1–16' },
    { name: '--hash-init', words: 1, expected: 'a number of 32 bits' },
  ],

  listed: listed(
    /CLUSTERIP/,
    [/hashmode=(\S+) clustermac=(\S+)/, '--new --hashmode $1 --clustermac $2'],
    [/total_nodes=(\d+) local_node=(\d+)/, '--total-nodes $1 --local-node $2'],
    [/hash_init=(\d+)/, '--hash-init $1'],
  ),

  parse(options) {
    if (options.all.length === 0) return undefined;
    const cluster = {
      hashMode: parseHashMode(options),
      mac: parseClusterMac(options),
      totalNodes: numberOf(options, '--total-nodes', MAX_NODES),
      localNode: numberOf(options, '--local-node', MAX_NODES),
      hashInit: numberOf(options, '--hash-init', 0xffffffff),
    };
    const missing = NEEDED.find((name) => options.get(name) === undefined);
    if (missing !== undefined) throw new RuleFault(options.word, `CLUSTERIP without ${missing}`, NEEDED.join(', '));
    return cluster;
  },

  refuse(cluster, { base }: RuleSite) {
    if (cluster?.localNode === 0) return 'the first node has the number 1';
    const { destination, inDev } = base;
    if (destination === undefined || maskLength(destination.mask) !== 32) return 'CLUSTERIP needs -d with one address';
    return cluster === undefined || inDev !== undefined ? undefined : 'CLUSTERIP --new needs -i';
  },

  unsupported: () => 'the nodes of a cluster',

  save(cluster) {
    if (cluster === undefined) return '';
    const { hashMode, mac, totalNodes, localNode, hashInit } = cluster;
    const nodes = `--total-nodes ${totalNodes} --local-node ${localNode} --hash-init ${hashInit}`;
    return ` --new --hashmode ${hashMode} --clustermac ${asMac(mac).toUpperCase()} ${nodes}`;
  },

  apply: () => Verdict.CONTINUE,
};

function parseHashMode(options: ParsedOptions): string {
  const word = options.get('--hashmode')?.values[0];
  if (word === undefined) return '';
  if (!HASH_MODES.includes(word.text)) throw unknownName(word, 'hash mode', word.text, HASH_MODES);
  return word.text;
}

function parseClusterMac(options: ParsedOptions): number {
  const word = options.get('--clustermac')?.values[0];
  if (word === undefined) return 0;
  const mac = parseMac(word);
  if (Math.floor(mac / GROUP_BIT) % 2 === 1) return mac;
  throw new RuleFault(word, `${word.text} is not a multicast MAC address`, 'an odd first byte');
}

/** The value of the option NAME, up to MAX; 0 if it is not given. */
function numberOf(options: ParsedOptions, name: string, max: number): number {
  const word = options.get(name)?.values[0];
  if (word === undefined) return 0;
  const value = parseNumber(word.text, max);
  if (value === undefined) throw new RuleFault(word, `bad value "${word.text}"`, `0–${max}`);
  return value;
}
