/** Matches of TCP options, SCTP, DCCP and IPsec, and the targets that change packets, and NETMAP. */
import { formatIpv4 } from '../address.js';
import type { Prng } from '../prng.js';
import { type Circumstances, type ExtensionFamily, not } from './maker.js';
import {
  CHUNK_TYPES,
  chunkConversation,
  dccpConversation,
  fragmentedSegments,
  ipsecConversation,
  MSS_VALUES,
  optionConversation,
  SPIS,
  TCP_OPTION_KINDS,
  tosConversation,
} from './mangle-scene.js';

const MANGLE = ['mangle'] as const;
const CLAMP_HOOKS = new Set(['FORWARD', 'OUTPUT', 'POSTROUTING']);
const DCCP_TYPES = 'REQUEST RESPONSE DATA ACK DATAACK CLOSEREQ CLOSE RESET SYNC SYNCACK INVALID'.split(' ');
const CHUNK_NAMES = `DATA INIT INIT_ACK SACK HEARTBEAT HEARTBEAT_ACK ABORT SHUTDOWN SHUTDOWN_ACK ERROR COOKIE_ECHO
  COOKIE_ACK ECN_ECNE ECN_CWR SHUTDOWN_COMPLETE I_DATA ASCONF_ACK RE_CONFIG PAD FORWARD_TSN ASCONF I_FORWARD_TSN`;
const NAMES_OF_CHUNKS = CHUNK_NAMES.split(/\s+/);
const DATA_FLAGS = ['', ':B', ':b', ':Be', ':UBE', ':i', ':'];
const ABORT_FLAGS = ['', ':T', ':t'];

export const MANGLING: ExtensionFamily = {
  name: 'mangle',
  matches: [
    { name: 'tcpmss', weight: 2, protocol: 'tcp', make: ({ prng }) => `-m tcpmss ${not(prng)}--mss ${mssText(prng)}` },
    { name: 'tcp', weight: 1, protocol: 'tcp', make: ({ prng }) => tcpMatch(prng) },
    { name: 'ah', weight: 0.7, protocol: 'ah', make: ({ prng }) => `-m ah ${spiText(prng, '--ahspi')}` },
    { name: 'esp', weight: 0.7, protocol: 'esp', make: ({ prng }) => `-m esp ${spiText(prng, '--espspi')}` },
    {
      name: 'ipcomp',
      weight: 0.7,
      protocol: 'ipcomp',
      make: ({ prng }) => `-m ipcomp ${spiText(prng, '--ipcompspi')}`,
    },
    { name: 'dccp', weight: 1, protocol: 'dccp', make: dccpMatch },
    { name: 'sctp', weight: 1.5, protocol: 'sctp', make: sctpMatch },
    { name: 'ttl', weight: 0.5, make: ({ prng }) => `-m ttl ${not(prng)}--ttl-eq ${prng.pick([0, 1, 63, 64, 255])}` },
    { name: 'tos', weight: 0.5, make: ({ prng }) => `-m tos ${not(prng)}--tos ${prng.pick(TOS_VALUES)}` },
    { name: 'dscp', weight: 0.5, make: ({ prng }) => `-m dscp ${not(prng)}--dscp ${prng.pick([0, 4, 10, 46, 63])}` },
    { name: 'ecn', weight: 0.5, protocol: 'tcp', make: ({ prng }) => ecnMatch(prng) },
  ],
  targets: [
    { name: 'TCPMSS', weight: 3, protocol: 'tcp', make: tcpmssTarget },
    { name: 'TCPOPTSTRIP', weight: 1, tables: MANGLE, protocol: 'tcp', make: ({ prng }) => stripTarget(prng) },
    { name: 'CHECKSUM', weight: 0.7, tables: MANGLE, make: () => '-j CHECKSUM --checksum-fill' },
    { name: 'TTL', weight: 1, tables: MANGLE, make: ({ prng }) => `-j TTL ${prng.pick(TTL_CHANGES)}` },
    { name: 'TOS', weight: 1, tables: MANGLE, make: ({ prng }) => `-j TOS ${prng.pick(TOS_CHANGES)}` },
    { name: 'DSCP', weight: 1, tables: MANGLE, make: ({ prng }) => `-j DSCP ${prng.pick(DSCP_CHANGES)}` },
    { name: 'ECN', weight: 1, tables: MANGLE, protocol: 'tcp', make: ({ prng }) => `-j ECN ${prng.pick(ECN_CHANGES)}` },
    { name: 'NETMAP', weight: 3, tables: ['nat'], make: netmapTarget },
  ],
  scenes: [
    [4, optionConversation],
    [1, fragmentedSegments],
    [2, chunkConversation],
    [1.5, dccpConversation],
    [1.5, ipsecConversation],
    [2, tosConversation],
  ],
  unreached: { CLUSTERIP: 'which this kernel does not have' },
};

const TOS_VALUES = ['0', '0x10', '0x10/0x10', '1/3', '2/3', '0xb8', 'Minimize-Delay', '0x28/0x3f', '0xff/0x0f'];
const TTL_CHANGES = ['--ttl-set 64', '--ttl-set 0', '--ttl-set 1', '--ttl-set 255'].concat([
  '--ttl-inc 1',
  '--ttl-inc 10',
  '--ttl-inc 255',
  '--ttl-dec 1',
  '--ttl-dec 3',
  '--ttl-dec 255',
]);
const TOS_CHANGES = [
  '--set-tos 0x10',
  '--set-tos 0/0xfc',
  '--set-tos 0xff/0x0f',
  '--set-tos Maximize-Throughput',
].concat(['--and-tos 0xfc', '--or-tos 0x03', '--xor-tos 0xff', '--or-tos 0', '--set-tos 2/3']);
const DSCP_CHANGES = ['--set-dscp 0', '--set-dscp 63', '--set-dscp-class EF', '--set-dscp-class AF21'];
const ECN_CHANGES = ['--ecn-tcp-remove', '--ecn-tcp-remove', '--ecn-tcp-ece 1', '--ecn-tcp-cwr 0'].concat([
  '--ecn-tcp-cwr 1 --ecn-tcp-ece 1',
  '--ecn-ip-ect 2',
  '--ecn-ip-ect 0 --ecn-tcp-ece 0',
]);

function range(prng: Prng, values: readonly number[]): string {
  const [first, last] = [prng.pick(values), prng.pick(values)].sort((a, b) => a - b);
  return prng.pick([`${first}`, `${first}:${last}`, `:${last}`, `${first}:`]);
}

const mssText = (prng: Prng): string => range(prng, MSS_VALUES);
const spiText = (prng: Prng, option: string): string =>
  prng.chance(0.15) ? '' : `${not(prng)}${option} ${range(prng, SPIS)}`;

function tcpMatch(prng: Prng): string {
  return `-m tcp ${not(prng)}--tcp-option ${prng.pick([...TCP_OPTION_KINDS, 1, 255])}`;
}

function ecnMatch(prng: Prng): string {
  return `-m ecn ${prng.pick(['--ecn-tcp-ece', '! --ecn-tcp-ece', '--ecn-tcp-cwr', '! --ecn-tcp-cwr --ecn-ip-ect 0'])}`;
}

/** The ports of the flow, sometimes. */
function portText({ prng, flow }: Circumstances): string {
  if (!prng.chance(0.3)) return '';
  return prng.pick([`${not(prng)}--sport ${flow.port}`, `${not(prng)}--dport ${flow.peerPort}`, '--sport 1024:', '']);
}

function dccpMatch(at: Circumstances): string {
  const { prng } = at;
  const words = ['-m dccp', portText(at)];
  if (prng.chance(0.7)) {
    words.push(`${not(prng)}--dccp-types ${prng.some(DCCP_TYPES, prng.between(1, 6)).join(',')}`);
  }
  if (prng.chance(0.4)) words.push(`${not(prng)}--dccp-option ${prng.pick([1, 2, 3, 32, 44, 255])}`);
  return words.filter((word) => word !== '').join(' ');
}

function sctpMatch(at: Circumstances): string {
  const { prng } = at;
  const words = ['-m sctp', portText(at)];
  if (prng.chance(0.85))
    words.push(`${not(prng)}--chunk-types ${prng.pick(['any', 'all', 'only'])} ${chunkList(prng)}`);
  return words.filter((word) => word !== '').join(' ');
}

function chunkList(prng: Prng): string {
  if (prng.chance(0.1)) return prng.pick(['ALL', 'NONE']);
  const few = prng.some(CHUNK_TYPES, prng.pick([1, 1, 2, 3, 12, 20]));
  let flagged = 0;
  const names = few.map((type) => {
    const name = NAMES_OF_CHUNKS[CHUNK_TYPES.indexOf(type)];
    const flags = type === 0 || type === 64 ? DATA_FLAGS : type === 6 || type === 14 ? ABORT_FLAGS : [''];
    const text = flagged < 4 ? prng.pick(flags) : '';
    if (text.length > 1) flagged++;
    return `${name}${text}`;
  });
  return names.join(',');
}

function tcpmssTarget({ prng, hooks }: Circumstances): string {
  const syn = prng.pick(['--syn', '--tcp-flags SYN,RST SYN', '--tcp-flags SYN SYN', '--tcp-flags SYN,ACK SYN,ACK']);
  const mayClamp = [...hooks].every((hook) => CLAMP_HOOKS.has(hook));
  const how = mayClamp && prng.chance(0.6) ? '--clamp-mss-to-pmtu' : `--set-mss ${prng.pick([0, 1, 536, 1200, 1459])}`;
  return `-m tcp ${syn} -j TCPMSS ${how}`;
}

function stripTarget(prng: Prng): string {
  if (prng.chance(0.1)) return '-j TCPOPTSTRIP';
  return `-j TCPOPTSTRIP --strip-options ${prng.some(TCP_OPTION_KINDS, prng.between(1, 4)).join(',')}`;
}

/** A network around an end of the flow, or another one. */
function netmapTarget({ prng, world, flow }: Circumstances): string {
  const near = prng.pick([flow.address, flow.peerAddress, ...world.parties.map(({ address }) => address)]);
  const length = prng.pick([8, 16, 24, 24, 24, 28, 29, 32]);
  return `-j NETMAP --to ${formatIpv4(near)}/${length}`;
}
