/** The bias of random cases. */
import type { TableName } from './random-rules.js';

export type SceneKind =
  | 'tcp'
  | 'wildTcp'
  | 'udp'
  | 'icmp'
  | 'sctp'
  | 'odd'
  | 'fragments'
  | 'errors'
  | 'stray'
  | 'coalescedTcp'
  | 'coalescedUdp';

export interface Profile {
  interfaces: number;
  /** Probability of a Docker ruleset with a few rules added. */
  docker: number;
  /** Probability of random rules in each table. */
  tables: Partial<Record<TableName, number>>;
  /** Maximum number of rules in a base chain. */
  rules: number;
  /** Weights of the conversations. */
  scenes: Partial<Record<SceneKind, number>>;
  /** Probability that a packet, a route or a sysctl is unusual. */
  oddity: number;
  /** Probability that an interface has no MAC address. */
  bare: number;
  /** Probability of policy routing: rules, several tables, and routes with all that a route can have. */
  policy: number;
  /** Probability that a rule has a match or a target of the families of extensions (extensions/); left out: none. */
  extensions?: number;
  /** Only these of them, by name; left out: all. */
  only?: readonly string[];
  /** None of these. */
  except?: readonly string[];
  /** How often conversations use the same source port. */
  clashes: number;
  /** Probability that time passes before a packet, and that time-outs are short. The case then takes seconds. */
  pauses: number;
  /** The real time between packets, if it has to pass; left out: as fast as the kernel takes them, written as 1 ms. */
  stepMs?: number;
  /**
   * Probability that a sender leaves a checksum to its network card. If above 0, frames longer than the MTU are
   * coalesced (offload.ts).
   */
  offload?: number;
  /** The MTUs of interfaces; left out: any. */
  mtus?: readonly number[];
  /** Rules and sets change meanwhile, with both backends. */
  hasChanges?: boolean;
  /** The host has sets, and rules about them. */
  hasSets?: boolean;
}

const EVERYTHING: Profile = {
  interfaces: 4,
  docker: 0.4,
  tables: { raw: 0.25, mangle: 0.35, nat: 0.7, filter: 0.7, security: 0.15 },
  rules: 4,
  scenes: { tcp: 3, wildTcp: 3, udp: 3, icmp: 2, sctp: 0.5, odd: 0.7, fragments: 1, errors: 2, stray: 0.7 },
  oddity: 0.08,
  policy: 0.1,
  bare: 0.05,
  clashes: 0.05,
  pauses: 0,
};

export const PROFILES: Record<string, Profile> = {
  mixed: EVERYTHING,
  docker: {
    ...EVERYTHING,
    docker: 1,
    tables: { mangle: 0.1, filter: 0.15, nat: 0.1 },
    rules: 2,
    scenes: { tcp: 6, udp: 2, icmp: 2, wildTcp: 1, errors: 1, fragments: 0.3 },
    oddity: 0.02,
  },
  wild: {
    ...EVERYTHING,
    docker: 0.1,
    tables: { raw: 0.5, mangle: 0.6, nat: 0.8, filter: 0.8, security: 0.4 },
    rules: 6,
    oddity: 0.2,
  },
  tcp: {
    ...EVERYTHING,
    docker: 0.5,
    tables: { nat: 0.4, filter: 0.3 },
    rules: 2,
    scenes: { wildTcp: 6, tcp: 2 },
    oddity: 0.04,
  },
  nat: {
    ...EVERYTHING,
    docker: 0.2,
    tables: { nat: 1, mangle: 0.2 },
    rules: 5,
    scenes: { tcp: 4, udp: 4, icmp: 3, odd: 1, errors: 1 },
    oddity: 0.03,
    clashes: 0.12,
  },
  icmp: {
    ...EVERYTHING,
    tables: { nat: 0.7, filter: 0.4 },
    rules: 3,
    scenes: { icmp: 4, errors: 6, udp: 2, tcp: 2, fragments: 0.5 },
    oddity: 0.12,
  },
  fragments: {
    ...EVERYTHING,
    tables: { nat: 0.6, filter: 0.4, raw: 0.2 },
    rules: 3,
    scenes: { fragments: 8, udp: 1, errors: 1 },
    oddity: 0.05,
  },
  routing: {
    ...EVERYTHING,
    docker: 0.1,
    tables: { mangle: 0.4, nat: 0.4, filter: 0.3 },
    rules: 2,
    scenes: { udp: 4, icmp: 3, tcp: 1, stray: 4, odd: 1 },
    oddity: 0.5,
  },
  policy: {
    ...EVERYTHING,
    docker: 0.1,
    tables: { mangle: 0.8, nat: 0.4, filter: 0.3 },
    rules: 3,
    scenes: { udp: 4, icmp: 3, tcp: 2, wildTcp: 1, errors: 2, stray: 1, fragments: 0.7 },
    oddity: 0.05,
    policy: 1,
    bare: 0.2,
  },
  rules: {
    ...EVERYTHING,
    docker: 0.05,
    tables: { raw: 0.8, mangle: 0.9, nat: 0.9, filter: 1, security: 0.7 },
    rules: 8,
    scenes: { tcp: 4, udp: 4, icmp: 3, wildTcp: 1, odd: 1, errors: 1, fragments: 0.5 },
    oddity: 0.03,
  },
  protocols: {
    ...EVERYTHING,
    docker: 0.2,
    tables: { nat: 0.9, filter: 0.3, raw: 0.1 },
    rules: 4,
    scenes: { sctp: 6, odd: 3, icmp: 1, udp: 1, errors: 1 },
    oddity: 0.04,
    clashes: 0.08,
  },
  offload: {
    ...EVERYTHING,
    tables: { mangle: 0.6, nat: 0.6, filter: 0.6 },
    extensions: 0.4,
    rules: 3,
    scenes: { coalescedTcp: 6, coalescedUdp: 3, tcp: 2, udp: 2, icmp: 1, errors: 1 },
    oddity: 0.01,
    offload: 0.8,
    bare: 0,
    mtus: [1500, 1500, 1492, 1466, 9000],
  },
  extensions: {
    ...EVERYTHING,
    docker: 0.1,
    tables: { raw: 0.7, mangle: 0.8, nat: 0.6, filter: 1, security: 0.1 },
    rules: 5,
    oddity: 0.03,
    policy: 0.25,
    extensions: 0.75,
  },
  content: {
    ...EVERYTHING,
    docker: 0.05,
    tables: { raw: 0.6, mangle: 0.9, nat: 0.5, filter: 0.8 },
    rules: 6,
    scenes: { tcp: 2, udp: 3, icmp: 2, odd: 1, fragments: 1, errors: 2 },
    oddity: 0.05,
    extensions: 0.9,
    only: ['string', 'u32', 'bpf', 'mark', 'HMARK', 'CLASSIFY', 'AUDIT'],
  },
  outputs: {
    ...EVERYTHING,
    docker: 0.1,
    tables: { raw: 0.8, mangle: 0.9, nat: 0.7, filter: 0.9, security: 0.2 },
    rules: 4,
    scenes: { tcp: 2, udp: 3, icmp: 2, odd: 1.5, fragments: 1.5, errors: 2 },
    oddity: 0.04,
    extensions: 0.7,
    only: ['LOG', 'NFLOG', 'NFQUEUE', 'QUEUE', 'TEE', 'TRACE'],
  },
  synproxy: {
    ...EVERYTHING,
    docker: 0,
    tables: { raw: 0.9, mangle: 0.4, nat: 0.2, filter: 1 },
    rules: 4,
    scenes: { tcp: 1, udp: 1, icmp: 1, errors: 0.5 },
    oddity: 0.01,
    bare: 0,
    extensions: 0.9,
    only: ['SYNPROXY', 'NOTRACK'],
  },
  sets: {
    ...EVERYTHING,
    docker: 0.1,
    tables: { raw: 0.6, mangle: 0.8, nat: 0.6, filter: 1 },
    rules: 5,
    scenes: { tcp: 4, udp: 4, icmp: 3, odd: 1, wildTcp: 1, fragments: 0.7, errors: 1, sctp: 0.3 },
    oddity: 0.03,
    extensions: 0.85,
    only: ['set', 'SET'],
  },
  changes: {
    ...EVERYTHING,
    docker: 0.5,
    tables: { raw: 0.3, mangle: 0.4, nat: 0.8, filter: 0.9, security: 0.1 },
    scenes: { tcp: 5, wildTcp: 1, udp: 5, icmp: 2, sctp: 0.5, odd: 0.5, fragments: 0.5, errors: 1 },
    oddity: 0.02,
    extensions: 0.3,
    // Whether a program listens to a queue is decided at the start. nft tells what it traces in a way of its own.
    except: ['NFQUEUE', 'QUEUE', 'TRACE'],
    hasChanges: true,
    hasSets: true,
  },
  time: {
    ...EVERYTHING,
    extensions: 0.4,
    tables: { nat: 0.6, filter: 0.5 },
    rules: 3,
    scenes: { tcp: 3, wildTcp: 3, udp: 4, icmp: 2, odd: 1, errors: 1 },
    oddity: 0.02,
    pauses: 0.12,
  },
  ticks: {
    ...EVERYTHING,
    docker: 0.1,
    tables: { raw: 0.4, mangle: 0.6, nat: 0.5, filter: 0.9 },
    rules: 5,
    scenes: { tcp: 4, wildTcp: 3, udp: 3, icmp: 2, odd: 1, errors: 1, fragments: 0.5 },
    oddity: 0.03,
    extensions: 0.8,
    only: ['cluster', 'connbytes', 'connlimit', 'nfacct', 'IDLETIMER', 'RATEEST'],
    stepMs: 20,
  },
};
