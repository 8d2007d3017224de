/** TCP options (RFC 9293, section 3.1), for targets that change them. */
export const TCP_OPTION_NOP = 1;
export const TCP_OPTION_MSS = 2;
export const TCP_MSS_LENGTH = 4;
/** What a receiver assumes without the option (RFC 9293, section 3.7.1). */
export const DEFAULT_MSS = 536;

/**
 * The length of the option at AT of BYTES. An option without a length byte, or whose length is 0, takes one byte
 * (optlen in xt_TCPMSS and xt_TCPOPTSTRIP).
 */
export function tcpOptionLength(bytes: Uint8Array, at: number): number {
  return bytes[at] <= TCP_OPTION_NOP ? 1 : bytes[at + 1] || 1;
}
