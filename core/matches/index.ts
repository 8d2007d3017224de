/** All matches, by name. */
import type { MatchExtension } from '../rules/extension.js';
import { addrtype } from './addrtype.js';
import { comment } from './comment.js';
import { connmark } from './connmark.js';
import { conntrack } from './conntrack.js';
import { icmp } from './icmp.js';
import { mark } from './mark.js';
import { multiport } from './multiport.js';
import { state } from './state.js';
import { tcp } from './tcp.js';
import { udp } from './udp.js';

const ALL: readonly MatchExtension<unknown>[] = [
  addrtype,
  comment,
  connmark,
  conntrack,
  icmp,
  mark,
  multiport,
  state,
  tcp,
  udp,
];

export const MATCHES: ReadonlyMap<string, MatchExtension<unknown>> = new Map(
  ALL.map((extension) => [extension.name, extension]),
);
