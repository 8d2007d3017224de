import type { Result } from '../../data/result.js';

/** The row of the packet that is FRAME of INPUT; undefined: it is not listed. */
export async function packetRow(result: Result, input: number, frame: number): Promise<number | undefined> {
  const packets = await result.packets();
  const row = packets.frame.findIndex((number, i) => number === frame && packets.input[i] === input);
  return row < 0 ? undefined : row;
}
