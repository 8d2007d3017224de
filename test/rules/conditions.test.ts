/** Conditions: their meaning, what is derived from them, and their explanations. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FIELDS, fieldRow, highestValue, readField, type ValueField } from '../../core/fields.js';
import { Hook } from '../../core/hooks.js';
import { CtInfo, type Packet } from '../../core/packet.js';
import {
  anyOf,
  type Condition,
  checkCondition,
  compileCondition,
  constantAnswer,
  equals,
  explainCondition,
  type FieldCondition,
  hasAnyBit,
  holdsFor,
  orAbsent,
  valuesOf,
  within,
} from '../../core/rules/condition.js';
import type { RuleContext } from '../../core/rules/context.js';
import { code, fieldValueCode, identifier } from '../../core/rules/run/codegen.js';
import { pick, type Random, seededRandom, testSeed } from '../random.js';
import { dressPacket, packetOf, randomBytes, testContext } from './random.js';

const conditions = suite('conditions');
const seed = testSeed();
const CONNECTIONS = 20;
const NAMES = (Object.keys(FIELDS) as ValueField[]).filter((name) => fieldRow(name).read !== undefined);

/** A condition about VALUE, which a packet has, so that it is true about half of the time. */
function randomCondition(random: Random, field: ValueField, value: number): FieldCondition {
  const highest = highestValue(field);
  const near = Math.min(highest, Math.max(0, value + random(5) - 2));
  const negated = random(3) === 0;
  // Fields of more than 32 bits have no masks.
  const kinds = highest > 0xffffffff ? [0, 3, 4] : [0, 1, 2, 3, 4];
  switch (pick(random, kinds)) {
    case 0:
      return equals(field, near, negated);
    case 1: {
      // A prefix, or a mask with holes.
      const mask = random(2) === 0 ? (highest - (2 ** random(8) - 1)) >>> 0 : (random(2 ** 32) & highest) >>> 0;
      return equals(field, random(4) === 0 ? near : (near & mask) >>> 0, negated, mask);
    }
    case 2:
      return hasAnyBit(field, pick(random, [1, 2, 8, 0x18, highest]) & highest, negated);
    case 3:
      return orAbsent(within(field, [{ min: near, max: Math.min(highest, near + random(9)) }], negated));
    default: {
      const ranges = [0, 1, 2].map(() => ({
        min: Math.max(0, near - random(30)),
        max: Math.min(highest, near + random(20) - 5),
      }));
      return within(
        field,
        [...ranges, { min: near + 40, max: near + 50 }].filter(({ max }) => max <= highest),
        negated,
      );
    }
  }
}

function* samples(rounds: number): Generator<[Random, Packet, RuleContext]> {
  const random = seededRandom(seed);
  const context = testContext(random, CONNECTIONS);
  for (let round = 0; round < rounds; round++) {
    const packet = packetOf(randomBytes(random));
    dressPacket(packet, random, Hook.FORWARD, CONNECTIONS);
    if (packet.l4Available >= 20) yield [random, packet, context];
  }
}

/** The result of the generated code of CONDITION for PACKET. */
function runCode(condition: Condition, packet: Packet, context: RuleContext): boolean {
  const closures: ((packet: Packet) => boolean)[] = [];
  const locals = new Set<string>();
  const gen = {
    field(name: ValueField) {
      const fieldCode = fieldRow(name).code!;
      const { local, value } = fieldCode;
      if (local !== undefined) locals.add(`const ${local.text} = ${value.text};`);
      return fieldValueCode(fieldCode);
    },
    call(check: (packet: Packet) => boolean) {
      closures.push(check);
      return code`${identifier('c', closures.length - 1)}(packet)`;
    },
  };
  const expression = compileCondition(condition, context, gen as Parameters<typeof compileCondition>[2]).text;
  const source = [...locals, ...closures.map((_, i) => `const c${i} = (packet) => closures[${i}](packet);`)].join('\n');
  const run = new Function('packet', 'closures', `${source}\nreturn ${expression};`);
  return run(packet, closures) as boolean;
}

conditions(`mean the same as code, as ranges, and where they are constant (seed ${seed})`, () => {
  let held = 0;
  let all = 0;
  for (const [random, packet, context] of samples(300)) {
    for (const field of NAMES) {
      const value = readField(field, packet, context);
      const condition = randomCondition(random, field, Math.max(0, value));
      const answer = checkCondition(condition, packet, context);
      const where = `seed ${seed}: ${JSON.stringify(condition)} of ${value}`;
      all++;
      if (answer) held++;
      const constant = constantAnswer(condition, false);
      if (constant !== undefined) assert.is(constant, answer, where);
      if (value >= 0) {
        const ranges = valuesOf(condition);
        assert.is(holdsFor(condition, value), answer, where);
        if (ranges !== undefined)
          assert.is(
            ranges.some(({ min, max }) => value >= min && value <= max),
            answer,
            where,
          );
        for (let i = 1; i < (ranges?.length ?? 0); i++) assert.ok(ranges![i].min > ranges![i - 1].max + 1, where);
      } else {
        assert.is(answer, condition.orAbsent, where);
      }
      if (value < 0 && fieldRow(field).code !== undefined) continue;
      if (fieldRow(field).ofWhole === undefined) assert.is(runCode(condition, packet, context), answer, where);
    }
  }
  assert.ok(held > all / 4 && held < (all * 3) / 4, `${held} of ${all} hold`);
});

conditions('are explained with the value that the packet has', () => {
  const context = { ...testContext(seededRandom(1), 1), interfaceNames: ['eth0', 'docker0'] };
  const packet = packetOf(
    Uint8Array.from([
      0x45,
      0x10,
      0,
      40,
      0,
      0,
      0,
      0,
      64,
      6,
      0,
      0,
      10,
      0,
      0,
      1,
      8,
      8,
      8,
      8,
      0,
      99,
      0,
      80,
      ...new Array<number>(9).fill(0),
      0x12,
      0,
      0,
      0,
      0,
      0,
      0,
    ]),
  );
  packet.inDev = 0;
  packet.ctinfo = CtInfo.NEW;
  const said: readonly [Condition, string][] = [
    [equals('dport', 443, false), 'dport 80 is not 443'],
    [equals('dport', 80, true), 'dport 80 is 80'],
    [
      within(
        'sport',
        [
          { min: 1, max: 9 },
          { min: 20, max: 20 },
        ],
        false,
      ),
      'sport 99 is not 1:9,20',
    ],
    [anyOf(equals('sport', 1, false), equals('dport', 1, false)), 'sport 99 is not 1, dport 80 is not 1'],
    [equals('source', 0xc0a80000, false, 0xffff0000), 'source 10.0.0.1 is not 192.168.0.0/16'],
    [equals('destination', 0x08080808, true), 'destination 8.8.8.8 is 8.8.8.8'],
    [equals('protocol', 17, false), 'protocol tcp is not udp'],
    [equals('inDev', 2, false), 'input interface eth0 is not docker0'],
    [equals('outDev', 1, false), 'output interface none is not eth0'],
    [equals('tos', 8, false, 0x3f), 'TOS 0x10 is not 0x8/0x3f'],
    [equals('tcpFlags', 2, false, 0x17), 'TCP flags SYN,ACK is not SYN/FIN,SYN,RST,ACK'],
    [within('ctinfo', [{ min: 0, max: 1 }], false), 'state NEW is not ESTABLISHED:RELATED'],
    [equals('ctmark', 1, false), 'the packet has no connection mark'],
    [within('ttl', [], false), 'no TTL matches'],
  ];
  for (const [condition, words] of said) {
    assert.not(checkCondition(condition, packet, context), words);
    assert.is(explainCondition(condition, packet, context), words);
  }
});

conditions.run();
