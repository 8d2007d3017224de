/** All matches, by name. */
import type { MatchExtension } from '../rules/extension.js';
import { addrtype } from './addrtype.js';
import { comment } from './comment.js';
import { connmark } from './connmark.js';
import { conntrack } from './conntrack.js';
import { icmp } from './icmp.js';
import { length } from './length.js';
import { limit } from './limit.js';
import { mark } from './mark.js';
import { multiport } from './multiport.js';
import { state } from './state.js';
import { statistic } from './statistic.js';
import { tcp } from './tcp.js';
import { ttl } from './ttl.js';
import { udp } from './udp.js';

const ALL: readonly MatchExtension<unknown>[] = [
  addrtype,
  comment,
  connmark,
  conntrack,
  icmp,
  length,
  limit,
  mark,
  multiport,
  state,
  statistic,
  tcp,
  ttl,
  udp,
];

export const MATCHES: ReadonlyMap<string, MatchExtension<unknown>> = new Map(
  ALL.map((extension) => [extension.name, extension]),
);
