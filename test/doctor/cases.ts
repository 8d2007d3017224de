/**
 * For each check a case that shows its failure, and one that is near to it and must not be reported. What the kernel
 * does with the packets is in test/golden, pcaps and the random cases; here only what follows from it is told.
 */
import { ADDRESSES_CASES } from './cases/addresses.js';
import type { DoctorCase } from './cases/common.js';
import { CONNECTIONS_CASES } from './cases/connections.js';
import { NAT_CASES } from './cases/nat.js';
import { PATHS_CASES } from './cases/paths.js';
import { RULES_CASES } from './cases/rules.js';
import { SHARES_CASES } from './cases/shares.js';

export const CASES: readonly DoctorCase[] = [
  ...RULES_CASES,
  ...NAT_CASES,
  ...CONNECTIONS_CASES,
  ...ADDRESSES_CASES,
  ...PATHS_CASES,
  ...SHARES_CASES,
];
