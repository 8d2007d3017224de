/** All checks, in the order in which findings are reported. */
import type { Check } from '../check.js';
import { ACCEPT_AFTER_REJECT } from './accept-after-reject.js';
import { BRIDGE_NETFILTER } from './bridge-netfilter.js';
import { DOCKER_RULES_GONE } from './docker-rules-gone.js';
import { FORWARDING_OFF } from './forwarding-off.js';
import { HAIRPIN } from './hairpin.js';
import { INVALID_ESCAPES } from './invalid-escapes.js';
import { LOOPBACK_SOURCE } from './loopback-source.js';
import { MARTIAN } from './martian.js';
import { MASQUERADE } from './masquerade.js';
import { NAT_PORTS } from './nat-ports.js';
import { NO_HELPER } from './no-helper.js';
import { NOT_LISTENING } from './not-listening.js';
import { OUTDATED_CONNECTION } from './outdated-connection.js';
import { PATH_MTU } from './path-mtu.js';
import { PUBLISHED_ELSEWHERE } from './published-elsewhere.js';
import { REVERSE_PATH } from './reverse-path.js';
import { TABLE_FULL } from './table-full.js';
import { TIMED_OUT } from './timed-out.js';
import { UNEQUAL_STATISTIC } from './unequal-statistic.js';
import { WRONG_INTERFACE } from './wrong-interface.js';

export const CHECKS: readonly Check[] = [
  FORWARDING_OFF,
  DOCKER_RULES_GONE,
  ACCEPT_AFTER_REJECT,
  PUBLISHED_ELSEWHERE,
  NOT_LISTENING,
  MASQUERADE,
  HAIRPIN,
  INVALID_ESCAPES,
  OUTDATED_CONNECTION,
  TIMED_OUT,
  NAT_PORTS,
  TABLE_FULL,
  REVERSE_PATH,
  MARTIAN,
  LOOPBACK_SOURCE,
  WRONG_INTERFACE,
  PATH_MTU,
  NO_HELPER,
  UNEQUAL_STATISTIC,
  BRIDGE_NETFILTER,
];
