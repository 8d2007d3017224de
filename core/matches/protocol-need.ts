/** The kernel's demand that a rule tests the protocol that its match is about (xt_check_match). */
import { protocolName } from '../../codecs/protocol-names.js';
import type { RuleSite } from '../rules/extension.js';

/** Why the kernel refuses NAME, an extension for the protocol NUMBER, at this site; undefined if it does not. */
export function refuseProtocol(name: string, number: number, { base: { protocol } }: RuleSite): string | undefined {
  return protocol?.number === number && !protocol.negated ? undefined : `${name} needs -p ${protocolName(number)}`;
}
