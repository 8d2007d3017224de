/** Text of others: bytes stay bytes, and nothing of it acts on a terminal. */
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  byteLength,
  compareBytes,
  cutToBytes,
  decodeText,
  encodeText,
  rejoined,
  shown,
  shownJson,
  shownLines,
  startsWithBytes,
} from '../../codecs/text.js';
import { testSeed } from '../random.js';

const Text = suite('text of others');

const seed = testSeed();
console.log(`seed ${seed}`);
const holds = <Values extends [unknown, ...unknown[]]>(property: fc.IProperty<Values>): void =>
  fc.assert(property, { seed, numRuns: 1000 });

/** Latin-1, UTF-8, its fragments and what looks like it: surrogates (ED A0 80), overlong forms (C0 80), U+FFFD. */
const bytes = fc
  .array(
    fc.oneof(
      fc
        .constantFrom('a', '"', '\\', '\n', '\x1b', 'é', '€', '😀', '\ufffd', '\ufeff')
        .map((text) => Buffer.from(text)),
      fc.constantFrom([0xe9], [0xc3], [0xa9], [0xe2, 0x82], [0xed, 0xa0, 0x80], [0xc0, 0x80], [0xf4, 0x90, 0x80, 0x80]),
      fc.uint8Array({ maxLength: 3 }),
    ),
  )
  .map((parts) => Buffer.concat(parts.map((part) => Buffer.from(part))));

Text('decoding loses no byte', () => {
  holds(
    fc.property(bytes, (sample) => {
      assert.equal(Buffer.from(encodeText(decodeText(sample))), sample);
      assert.is(byteLength(decodeText(sample)), sample.length);
    }),
  );
});

Text('text in UTF-8 is decoded as UTF-8, other bytes one by one', () => {
  assert.is(decodeText(Buffer.from('café €😀\ufffd')), 'café €😀\ufffd');
  assert.is(decodeText(Buffer.from([0x63, 0x61, 0x66, 0xe9])), 'caf\udce9');
  // The parts of a cut character, and a surrogate, are no characters (RFC 3629, section 3).
  assert.is(decodeText(Buffer.from([0xe2, 0x82, 0xc3, 0xa9, 0xed, 0xa0, 0x80])), '\udce2\udc82é\udced\udca0\udc80');
});

Text('order, length, prefix and cuts are those of the bytes', () => {
  holds(
    fc.property(bytes, bytes, fc.nat(20), (a, b, cut) => {
      assert.is(Math.sign(compareBytes(decodeText(a), decodeText(b))), Buffer.compare(a, b));
      assert.equal(Buffer.from(encodeText(cutToBytes(decodeText(a), cut))), a.subarray(0, cut));
      assert.ok(startsWithBytes(decodeText(Buffer.concat([a, b])), decodeText(a)));
      assert.is(startsWithBytes(decodeText(a), decodeText(b)), a.subarray(0, b.length).equals(b));
      assert.is(rejoined(decodeText(a) + decodeText(b)), decodeText(Buffer.concat([a, b])));
    }),
  );
});

Text('what is shown contains nothing that a terminal acts on or hides', () => {
  holds(
    fc.property(bytes, fc.string({ unit: 'binary' }), (sample, text) => {
      for (const one of [shown(decodeText(sample)), shown(text)]) {
        assert.not.match(one, /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u);
        assert.is(shown(one), one);
      }
    }),
  );
  assert.is(
    shown('a\x1b]0;x\x07\n\x7f\x9b\u202eb\u200bc\udce9\ud800\u2028\u{e0041}\ue000é€😀\\'),
    'a\\x1b]0;x\\x07\\x0a\\x7f\\u009b\\u202eb\\u200bc\\xe9\\ud800\\u2028\\u{e0041}\\ue000é€😀\\',
  );
  assert.is(shownLines('a\n\tb\r\n'), 'a\n\\x09b\\x0d\n');
});

Text('JSON means the same, and contains nothing that a terminal acts on', () => {
  holds(
    fc.property(bytes, fc.string({ unit: 'binary' }), (sample, text) => {
      const value = { [decodeText(sample)]: text };
      const json = shownJson(value);
      assert.equal(JSON.parse(json), value);
      assert.is(shownLines(json), json);
    }),
  );
});

Text.run();
