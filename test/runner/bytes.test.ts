import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { bytesEqual } from '../bytes.js';

const Bytes = suite('bytesEqual');

/** The error that bytesEqual throws for two different byte strings. */
function differenceOf(
  actual: Uint8Array,
  expected: Uint8Array,
  message?: string,
): { message: string; details: string } {
  try {
    bytesEqual(actual, expected, message);
  } catch (error) {
    return error as { message: string; details: string };
  }
  throw new Error('no difference was found');
}

Bytes('accepts equal bytes, whatever they are stored in', () => {
  bytesEqual(Uint8Array.of(1, 2, 3), Buffer.from([1, 2, 3]));
  bytesEqual(new Uint8Array(0), new Uint8Array(0));
});

Bytes('shows the rows around the first difference', () => {
  const expected = Uint8Array.from({ length: 64 }, (_, at) => at);
  const actual = expected.slice();
  actual[33] = 0xff;
  const { message, details } = differenceOf(actual, expected, 'frame 7');
  assert.is(message, 'frame 7: first at byte 33 of 64 (expected: 64 bytes)');
  assert.is(
    details,
    [
      '  000010   10  11  12  13  14  15  16  17  18  19  1a  1b  1c  1d  1e  1f',
      '- 000020   20 [21] 22  23  24  25  26  27  28  29  2a  2b  2c  2d  2e  2f  (expected)',
      '+ 000020   20 [ff] 22  23  24  25  26  27  28  29  2a  2b  2c  2d  2e  2f  (actual)',
      '  000030   30  31  32  33  34  35  36  37  38  39  3a  3b  3c  3d  3e  3f',
    ].join('\n'),
  );
});

Bytes('detects missing and additional bytes', () => {
  assert.match(differenceOf(Uint8Array.of(1), Uint8Array.of(1, 2)).message, 'first at byte 1 of 1 (expected: 2 bytes)');
  assert.match(differenceOf(Uint8Array.of(1, 2), Uint8Array.of(1)).details, '[02]');
});

Bytes('is fast on large inputs', () => {
  const expected = new Uint8Array(1 << 24);
  const actual = expected.slice();
  actual[actual.length - 1] = 1;
  const startedMs = performance.now();
  assert.match(differenceOf(actual, expected).message, 'first at byte 16777215');
  assert.ok(performance.now() - startedMs < 1000);
});

Bytes.run();
