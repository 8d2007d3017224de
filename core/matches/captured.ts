/** Tests of a part of a packet that a snaplen may have cut. */
import type { Packet } from '../packet.js';
import type { NativeTest } from '../rules/lower.js';
import type { UncertainCause } from '../uncertainty.js';

/**
 * A test of what follows a header. ASK returns whether the packet passes, and may set `packet.hotdrop`; undefined if
 * that depends on bytes that were not captured. The fast path leaves packets that are cut alone, so it need not know of
 * these. TEXT is the match as in a rule.
 */
export function capturedTest(
  reads: NativeTest['reads'],
  ask: (packet: Packet) => boolean | undefined,
  text: string,
  explanation: string,
): NativeTest {
  const cause: UncertainCause = { reason: `\`${text}\` asks for bytes that were not captured`, scope: 'connection' };
  return {
    reads,
    check(packet, context) {
      const passes = ask(packet);
      if (passes === undefined) context.uncertain(packet, cause);
      return passes === true;
    },
    mayDrop: true,
    explanation,
  };
}

/** NEGATED applied to what ASK has answered. */
export function unlessNegated(passes: boolean | undefined, negated: boolean): boolean | undefined {
  return passes === undefined ? undefined : passes !== negated;
}
