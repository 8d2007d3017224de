/** Addresses as conditions on words: as the arithmetic of 32 and 128 bits says. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ADDRESS_BITS, type Address, addressFromWords, type Family } from '../../codecs/address.js';
import { lowerAddress, lowerAddressRange } from '../../core/rules/address-conditions.js';
import { type Condition, type FieldCondition, holdsFor } from '../../core/rules/condition.js';
import { pick, seededRandom, testSeed } from '../random.js';

const Addresses = suite('addresses as conditions');

const seed = testSeed();
console.log(`seed ${seed}`);
const random = seededRandom(seed);
const WORDS = [0, 1, -1, -2, 0x7fffffff, -0x80000000, 0x20010db8];
const FIELDS = ['sourceWord0', 'sourceWord1', 'sourceWord2', 'source'];

function randomAddress(family: Family): Address {
  return addressFromWords(Array.from({ length: ADDRESS_BITS[family] / 32 }, () => pick(random, WORDS)));
}

function numberOf(address: Address): bigint {
  return address.words.reduce((number, word) => (number << 32n) | BigInt(word >>> 0), 0n);
}

function holds(conditions: readonly Condition[], { words }: Address): boolean {
  const one = (condition: FieldCondition): boolean => {
    const at = FIELDS.indexOf(condition.field) - FIELDS.length;
    return holdsFor(condition, words.at(at)! >>> 0);
  };
  return conditions.every((condition) => (condition.kind === 'any' ? condition.anyOf.some(one) : one(condition)));
}

for (const family of ['ipv4', 'ipv6'] as const) {
  Addresses(`${family}: a mask, with or without holes`, () => {
    for (let i = 0; i < 2000; i++) {
      const mask = randomAddress(family);
      const address = randomAddress(family).masked(mask);
      const negated = random(2) === 0;
      const conditions = lowerAddress('source', address, mask, negated);
      const packet = random(2) === 0 ? randomAddress(family) : address;
      const isIn = (numberOf(packet) & numberOf(mask)) === numberOf(address);
      assert.is(holds(conditions, packet), isIn !== negated, `${packet}: ${negated ? '! ' : ''}${address}/${mask}`);
    }
  });

  Addresses(`${family}: a range, also an empty one`, () => {
    for (let i = 0; i < 2000; i++) {
      const [min, max, other] = [randomAddress(family), randomAddress(family), randomAddress(family)];
      const negated = random(2) === 0;
      const packet = pick(random, [other, min, max, min.plus(-1) ?? min, max.plus(1) ?? max]);
      const isIn = numberOf(packet) >= numberOf(min) && numberOf(packet) <= numberOf(max);
      const conditions = lowerAddressRange('source', min, max, negated);
      assert.is(holds(conditions, packet), isIn !== negated, `${packet}: ${negated ? '! ' : ''}${min}-${max}`);
    }
  });
}

Addresses.run();
