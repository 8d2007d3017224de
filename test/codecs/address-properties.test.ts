/** Addresses as values: their text form by RFC 5952 and the C library, and properties of all addresses. */
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  ADDRESS_BITS,
  type Address,
  addressFromBytes,
  addressFromHostOrder,
  addressFromLoaded,
  compareAddresses,
  maskLength,
  parseAddress,
  prefixMask,
} from '../../codecs/address.js';
import { portToHostOrder, portToLoaded, toHostOrder, toLoaded } from '../../codecs/byte-order.js';
import { testSeed } from '../random.js';

const Properties = suite('addresses as values');

const seed = testSeed();
console.log(`seed ${seed}`);
const holds = <Values extends [unknown, ...unknown[]]>(property: fc.IProperty<Values>): void =>
  fc.assert(property, { seed, numRuns: 500 });

/** Bytes with many zeros, and with runs of zeros, as in addresses. */
const byte = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 255 }) },
);
const bytesOf = (count: number) => fc.array(byte, { minLength: count, maxLength: count });
const ipv4 = bytesOf(4).map((bytes) => addressFromBytes(Uint8Array.from(bytes)));
const ipv6 = bytesOf(16).map((bytes) => addressFromBytes(Uint8Array.from(bytes)));
const address = fc.oneof(ipv4, ipv6);
const addressAndLength = address.chain((one) =>
  fc.tuple(fc.constant(one), fc.integer({ min: 0, max: ADDRESS_BITS[one.family] })),
);

const toBigInt = (one: Address): bigint => one.bytes.reduce((number, next) => number * 256n + BigInt(next), 0n);

Properties('IPv6 is written as RFC 5952 and inet_ntop write it', () => {
  // The examples of RFC 5952, sections 1 to 5; the others are the output of inet_ntop in glibc 2.36.
  const texts: [text: string, canonical: string][] = [
    ['2001:0db8::0001', '2001:db8::1'],
    ['2001:db8:0:0:0:0:2:1', '2001:db8::2:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:DB8::AAAA:0:0:1', '2001:db8::aaaa:0:0:1'],
    ['0:0:0:0:0:ffff:192.0.2.1', '::ffff:192.0.2.1'],
    ['::ffff:c000:201', '::ffff:192.0.2.1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['::192.0.2.1', '::192.0.2.1'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8'],
  ];
  for (const [text, canonical] of texts) assert.is(String(parseAddress(text)), canonical, text);
});

Properties('refuses what inet_pton refuses', () => {
  const texts = [
    'fe80::1%eth0',
    '1:2:3:4:5:6:7:8::',
    '1::2:3:4:5:6:7:8',
    '1:::2',
    '::01.2.3.4',
    '12345::',
    '1.2.3.4::',
  ];
  texts.push(':1::2', '::1:2:3:4:5:6:1.2.3.4', '::1.2.3.4:5', '1:', ':', ':::', '1::2::3', '::g', '1:2:3', '::1/64');
  for (const text of texts) assert.is(parseAddress(text), undefined, text);
});

Properties('text parses to the same address, and different addresses have different text', () => {
  holds(fc.property(address, (one) => parseAddress(String(one))!.equals(one)));
  holds(fc.property(address, address, (a, b) => (String(a) === String(b)) === a.equals(b)));
  // The URL standard writes IPv6 as RFC 5952 does, except that it has no mixed notation.
  holds(
    fc.property(ipv6, (one) => {
      const text = String(one);
      if (!text.includes('.')) assert.is(new URL(`http://[${text}]/`).hostname, `[${text}]`);
    }),
  );
});

Properties('any text is an address or undefined, never a crash', () => {
  const part = fc.constantFrom('::', ':', '.', '0', '1', 'ffff', '255', '256', '00', '/', 'g', '-', ' ');
  const texts = fc.oneof(
    fc.string(),
    fc.array(part).map((parts) => parts.join('')),
  );
  holds(
    fc.property(texts, (text) => {
      const one = parseAddress(text);
      if (one !== undefined) assert.ok(one.equals(parseAddress(String(one))!), text);
    }),
  );
});

Properties('are ordered like numbers', () => {
  holds(
    fc.property(
      ipv6,
      ipv6,
      (a, b) =>
        Math.sign(compareAddresses(a, b)) === Number(toBigInt(a) > toBigInt(b)) - Number(toBigInt(a) < toBigInt(b)),
    ),
  );
  holds(fc.property(ipv4, ipv6, (a, b) => compareAddresses(a, b) < 0 && compareAddresses(b, a) > 0));
});

Properties('counting up and down ends at the limits of the family', () => {
  holds(
    fc.property(address, fc.integer(), (one, count) => {
      const sum = toBigInt(one) + BigInt(count);
      const isInside = sum >= 0n && sum < 1n << BigInt(ADDRESS_BITS[one.family]);
      const moved = one.plus(count);
      assert.is(moved !== undefined, isInside);
      if (moved !== undefined) assert.is(toBigInt(moved), sum);
    }),
  );
});

Properties('a prefix contains the addresses from its first to its last', () => {
  holds(
    fc.property(addressAndLength, fc.integer({ min: -2, max: 2 }), ([one, length], off) => {
      const mask = prefixMask(one.family, length);
      assert.is(maskLength(mask), length);
      const first = one.masked(mask);
      const last = one.lastInPrefix(length);
      assert.is(toBigInt(last) - toBigInt(first) + 1n, 1n << BigInt(ADDRESS_BITS[one.family] - length));
      for (const other of [one, first.plus(off), last.plus(off)]) {
        if (other === undefined) continue;
        const isBetween = compareAddresses(first, other) <= 0 && compareAddresses(other, last) <= 0;
        assert.is(other.hasPrefix(one, length), isBetween, `${other} in ${one}/${length}`);
      }
    }),
  );
  assert.is(maskLength(parseAddress('255.0.255.0')!), undefined);
  assert.is(parseAddress('::ffff:1.2.3.4')!.hasPrefix(parseAddress('1.2.3.4')!, 0), false, 'another family');
});

Properties('both kinds of hot numbers represent the address, and IPv6 has neither', () => {
  holds(
    fc.property(ipv4, (one) => {
      const view = new DataView(one.bytes.buffer);
      assert.is(one.loaded, view.getInt32(0, true));
      assert.is(one.hostOrder, view.getUint32(0));
      assert.is(toHostOrder(one.loaded), one.hostOrder);
      assert.is(toLoaded(one.hostOrder), one.loaded);
      assert.ok(addressFromLoaded(one.loaded).equals(one) && addressFromHostOrder(one.hostOrder).equals(one));
    }),
  );
  holds(fc.property(fc.integer({ min: 0, max: 0xffff }), (port) => portToHostOrder(portToLoaded(port)) === port));
  assert.throws(() => parseAddress('::1')!.loaded, /::1 is not an IPv4 address/);
  assert.throws(() => parseAddress('::1')!.hostOrder, RangeError);
});

Properties.run();
