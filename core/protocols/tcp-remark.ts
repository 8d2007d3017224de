/**
 * What Linux logs about TCP segments that conntrack does not follow, if `net.netfilter.nf_conntrack_log_invalid` is
 * set: in its words, so that they can be searched for (seen on Linux 6.18).
 */
import { TICK_MS } from '../clock.js';
import type { Memory } from '../memory.js';
import { Invalid } from './protocol.js';
import { REMARK_DIRECTION_SHIFT, REMARK_KIND_SHIFT, STATE_NAMES, TcpRemark } from './tcp-states.js';

/** VALUE is unsigned: sequence numbers, and numbers of bytes. */
const WORDS: Record<TcpRemark, (value: number) => string | undefined> = {
  [TcpRemark.NONE]: () => undefined,
  [TcpRemark.NOT_OPENING]: () => 'invalid new',
  [TcpRemark.WRONG_STATE]: (value) => stateWords(value, 'invalid'),
  [TcpRemark.WRONG_RST]: () => 'invalid rst',
  [TcpRemark.SEQ_IS_ABOVE]: (bound) => `SEQ is over upper bound ${bound} (over the window of the receiver)`,
  [TcpRemark.ACK_IS_ABOVE]: (bound) => `ACK is over upper bound ${bound} (ACKed data not seen yet)`,
  [TcpRemark.SEQ_IS_BELOW]: (bound) => `SEQ is under lower bound ${bound} (already ACKed data retransmitted)`,
  [TcpRemark.ACK_IS_BELOW]: (bound) => `ignored ACK under lower bound ${bound} (possible overly delayed)`,
  [TcpRemark.TOO_MUCH]: (bytes) => `${bytes} bytes more than expected`,
  [TcpRemark.IGNORED]: (value) => stateWords(value, 'ignored'),
  [TcpRemark.CHALLENGE]: () => 'challenge-ack ignored',
};

function stateWords(value: number, what: string): string {
  const [kind, direction] = [kindOf(value), directionOf(value)];
  return `packet (index ${kind}) in dir ${direction} ${what}, state ${STATE_NAMES[value & 0xff]}`;
}

const kindOf = (value: number): number => value >>> REMARK_KIND_SHIFT;
const directionOf = (value: number): number => (value >>> REMARK_DIRECTION_SHIFT) & 0xff;

/** About a segment that never came to its connection, for the reason FAULT. IS_WHOLE: its header is there. */
function remarkOnHeader(fault: Invalid, isWhole: boolean): string | undefined {
  if (fault === Invalid.HEADER) return isWhole ? 'truncated packet' : undefined;
  if (fault === Invalid.FLAGS) return 'invalid tcp flag combination';
  return fault === Invalid.CHECKSUM ? 'bad checksum' : undefined;
}

/** About the segment that was tracked last, in MEMORY, and is INVALID because of FAULT, if it is. */
export function tcpRemarkOf({ wasm, settings }: Memory, fault: Invalid, isWhole: boolean): string | undefined {
  const remark = WORDS[wasm.tcpTakeRemark() as TcpRemark](wasm.tcpRemarkValue() >>> 0);
  const lowered = wasm.tcpTakeLowered();
  if (remark === undefined) return remarkOnHeader(fault, isWhole);
  if (lowered < 0) return remark;
  const packet = `packet (index ${kindOf(lowered)}, dir ${directionOf(lowered)})`;
  const ticks = settings.tcpUnacknowledgedMs / TICK_MS;
  return `${remark}; ${packet} response for index ${lowered & 0xff} lower timeout to ${ticks}`;
}
