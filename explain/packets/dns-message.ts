/** A question to a name server, and its answer (RFC 1035, section 4). */

/** The address of example.com, asked for. */
const QUESTION = Uint8Array.of(
  ...[7, ...letters('example'), 3, ...letters('com'), 0],
  // Type A, class IN.
  ...[0, 1, 0, 1],
);
/** The name in the question, type A, class IN, an hour, 192.0.2.1. */
const ANSWER = Uint8Array.of(0xc0, 12, 0, 1, 0, 1, 0, 0, 0x0e, 0x10, 0, 4, 192, 0, 2, 1);
const ID = 0x1234;
const RECURSION_DESIRED = 0x0100;
const ANSWERED = 0x8180;

export const DNS_QUERY: Uint8Array = Uint8Array.of(...header(RECURSION_DESIRED, 0), ...QUESTION);
export const DNS_ANSWER: Uint8Array = Uint8Array.of(...header(ANSWERED, 1), ...QUESTION, ...ANSWER);

function header(flags: number, answers: number): number[] {
  return [ID, flags, 1, answers, 0, 0].flatMap((word) => [word >> 8, word & 0xff]);
}

function letters(text: string): number[] {
  return [...text].map((letter) => letter.charCodeAt(0));
}
