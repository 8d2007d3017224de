/**
 * The table of fields: each row reads the same in every way, and only what the thing that it is said to be fixed by
 * decides; native tests touch no more than they say; and a new row does not compile without what else has to be told
 * about it.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FIELDS, FieldBase, type FieldName, fieldRow, highestValue, type ValueField } from '../../core/fields.js';
import { Hook } from '../../core/hooks.js';
import type { Packet } from '../../core/packet.js';
import type { RuleContext } from '../../core/rules/context.js';
import { lowerRule, type NativeTest } from '../../core/rules/lower.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { isWhole } from '../../core/rules/run/compile.js';
import { seededRandom, testSeed } from '../random.js';
import { dressPacket, INTERFACES, packetOf, randomBytes, randomConditions, testContext } from './random.js';

const fields = suite('fields');
const seed = testSeed();
const CONNECTIONS = 20;
const NAMES = Object.keys(FIELDS) as FieldName[];
const VALUE_FIELDS = NAMES.filter((name): name is ValueField => fieldRow(name).read !== undefined);

/** Bytes of the layer-4 header. */
function bytesFrom(first: number, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `l4+${first + i}`);
}

/**
 * What a field may touch: properties of the packet, bytes of its headers (ip+1, l4+13), `addressType`, words of
 * connections.
 */
const TOUCHES: Readonly<Record<FieldName, readonly string[]>> = {
  source: ['source'],
  destination: ['destination'],
  sourceWord0: [],
  sourceWord1: [],
  sourceWord2: [],
  destinationWord0: [],
  destinationWord1: [],
  destinationWord2: [],
  sport: ['sport'],
  dport: ['dport'],
  protocol: ['protocol'],
  inDev: ['inDev'],
  outDev: ['outDev'],
  fragmentOffset: ['fragmentOffset'],
  tos: ['ip+1'],
  length: ['length'],
  ttl: ['ip+8'],
  tcpFlags: ['l4+13'],
  tcpOptions: ['length', 'available', 'headerLength', 'l4+12', ...bytesFrom(20, 40)],
  icmpType: ['l4+0', 'l4+1'],
  dccpType: ['l4+8'],
  dccpOptions: ['length', 'available', 'headerLength', 'l4+4', ...bytesFrom(8, 1012)],
  sctpChunks: ['length', 'available', ...bytesFrom(12, 1500)],
  ahSpi: bytesFrom(4, 4),
  espSpi: bytesFrom(0, 4),
  ipcompCpi: bytesFrom(2, 2),
  content: [
    ...[
      'length',
      'available',
      'headerLength',
      'hasUnfinishedChecksum',
      'fragmentMaxSize',
      'fragments',
      'rewrittenLength',
    ],
    ...Array.from({ length: 0x600 }, (_, i) => [`ip+${i}`, `l4+${i}`]).flat(),
  ],
  sourceMac: ['sourceMac'],
  packetType: ['type'],
  mark: ['mark'],
  inGroup: ['inDev', 'facts'],
  outGroup: ['outDev', 'facts'],
  realms: ['realms'],
  reversePath: ['reversePath'],
  reversePathByMark: ['reversePath', 'mark'],
  socket: ['socket', 'facts'],
  icmpQuote: ['available', 'headerLength', 'type', 'facts', ...Array.from({ length: 96 }, (_, i) => `l4+${i}`)],
  cpu: ['facts'],
  ipsec: ['facts'],
  bridgePort: ['inDev', 'sourceMac', 'facts'],
  sourceType: ['source', 'addressType'],
  destinationType: ['destination', 'addressType'],
  sourceTypeIn: ['source', 'inDev', 'addressType'],
  destinationTypeIn: ['destination', 'inDev', 'addressType'],
  sourceTypeOut: ['source', 'outDev', 'addressType'],
  destinationTypeOut: ['destination', 'outDev', 'addressType'],
  ctinfo: ['ctinfo'],
  ctstate: ['ctinfo', 'ct', 'word 7'],
  ctdirection: ['direction', 'ct'],
  ctstatus: ['ct', 'word 7'],
  ctprotocol: ['ct', 'word 3'],
  ctOriginalSource: ['ct', 'word 0'],
  ctOriginalDestination: ['ct', 'word 1'],
  ctReplySource: ['ct', 'word 4'],
  ctReplyDestination: ['ct', 'word 5'],
  ctOriginalSport: ['ct', 'word 2'],
  ctOriginalDport: ['ct', 'word 2'],
  ctReplySport: ['ct', 'word 6'],
  ctReplyDport: ['ct', 'word 6'],
  ctmark: ['ct', 'word 8'],
  ctexpire: ['ct', 'word 7', 'double 5', 'nowMs'],
  ctCounters: ['ct', 'isAccounted', ...[6, 7, 8, 9].map((double) => `double ${double}`)],
  sets: [],
  history: [],
  unknown: [],
  ctlabels: ['ct'],
};

/** What is the same for all packets of one connection that go the same way in the same state. */
const FIXED_BY_CONNECTION = new RegExp(
  [
    /^(?:source|destination|protocol|[sd]port|inDev|outDev|ctinfo|direction|ct|word \d)$/,
    /^(?:addressType|realms|reversePath|facts|socket)$/,
  ]
    .map(({ source }) => source)
    .join('|'),
);

interface Recorder {
  readonly packet: Packet;
  readonly context: RuleContext;
  /** What was touched since the last call. */
  take(): string[];
}

/** PACKET and CONTEXT, which note what is read of them. */
function recorderOf(packet: Packet, context: ReturnType<typeof testContext>): Recorder {
  const touched = new Set<string>();
  const noteByte = (index: number): void => {
    const isL4 = index >= packet.l4;
    touched.add(isL4 ? `l4+${index - packet.l4}` : `ip+${index - packet.at}`);
  };
  const bytes = new Proxy(packet.bytes, {
    get(target, key) {
      noteByte(Number(key));
      return target[Number(key)];
    },
  });
  const view = {
    getUint8: (at: number) => bytes[at],
    getUint16: (at: number) => (bytes[at] << 8) | bytes[at + 1],
    getUint32: (at: number) => ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0,
  };
  const words = (data: ArrayLike<number>, stride: number, name: string): unknown =>
    new Proxy([], {
      get(_, key) {
        touched.add(`${name} ${Number(key) % stride}`);
        return data[Number(key)];
      },
    });
  const { conntrack } = context;
  return {
    packet: new Proxy(packet, {
      get(target, key) {
        // Where headers begin says nothing about them.
        if (key === 'at' || key === 'l4') return target[key];
        if (key === 'bytes') return bytes;
        if (key === 'view') return view;
        if (key === 'l4Available') {
          touched.add('available').add('headerLength');
          return target.l4Available;
        }
        if (key === 'l4Length') {
          touched.add('length').add('headerLength');
          return target.l4Length;
        }
        touched.add(String(key));
        return Reflect.get(target, key);
      },
    }),
    context: {
      ...context,
      conntrack: {
        words: words(conntrack.words, 44, 'word'),
        doubles: words(conntrack.doubles, 22, 'double'),
        isAccounted() {
          touched.add('isAccounted');
          return true;
        },
      } as unknown as RuleContext['conntrack'],
      get facts() {
        touched.add('facts');
        return context.facts;
      },
      reversePath(_, withMark) {
        touched.add('reversePath');
        if (withMark) touched.add('mark');
        return context.reversePath(packet, withMark);
      },
      addressType(address, dev) {
        touched.add('addressType');
        return context.addressType(address, dev);
      },
    },
    take() {
      const all = [...touched];
      touched.clear();
      return all;
    },
  };
}

function* randomPackets(count: number): Generator<[Packet, ReturnType<typeof testContext>]> {
  const random = seededRandom(seed);
  const context = testContext(random, CONNECTIONS);
  for (let i = 0; i < count; i++) {
    const packet = packetOf(randomBytes(random));
    dressPacket(packet, random, Hook.FORWARD, CONNECTIONS);
    if (packet.l4Available >= 20) yield [packet, context];
  }
}

fields(
  `read what the table below says, and what is fixed reads only what the connection decides (seed ${seed})`,
  () => {
    for (const [packet, context] of randomPackets(400)) {
      const recorder = recorderOf(packet, context);
      for (const name of VALUE_FIELDS) {
        FIELDS[name].read(recorder.packet, recorder.context);
        for (const touched of recorder.take()) {
          assert.ok(TOUCHES[name].includes(touched), `${name} reads ${touched}`);
        }
      }
    }
    for (const name of NAMES) {
      const { fixedBy } = fieldRow(name);
      const isFixed = fixedBy === 'connection' || fixedBy === 'host';
      if (isFixed) for (const touched of TOUCHES[name]) assert.match(touched, FIXED_BY_CONNECTION, name);
      else if (TOUCHES[name].length > 0)
        assert.not(
          TOUCHES[name].every((one) => FIXED_BY_CONNECTION.test(one)),
          name,
        );
    }
  },
);

fields(`have the same value as generated code and the fast path read them (seed ${seed})`, () => {
  const compiled = VALUE_FIELDS.flatMap((name) => {
    const { code } = fieldRow(name);
    const read = code && (new Function('packet', `return ${code.value.text};`) as (packet: Packet) => number);
    return read === undefined ? [] : [{ name, read, isLoaded: code?.isLoaded === true }];
  });
  assert.ok(compiled.length > 10);
  for (const [packet, context] of randomPackets(400)) {
    for (const { name, read, isLoaded } of compiled) {
      const value = FIELDS[name].read(packet, context);
      const generated = read(packet);
      const inHostOrder = isLoaded ? Buffer.from(Int32Array.of(generated).buffer).readUInt32BE() : generated;
      if (value >= 0) assert.is(inHostOrder >>> 0, value, name);
    }
    if (packet.protocol !== 6 || packet.headerLength !== 20) continue;
    for (const name of VALUE_FIELDS) {
      const place = fieldRow(name).onArrival;
      if (place === undefined || 'constant' in place) continue;
      const start = packet.at + (place.base === FieldBase.LAYER4 ? 20 : 0) + place.at;
      const view = new DataView(Uint8Array.of(...packet.bytes.subarray(start), 0, 0, 0, 0).buffer);
      assert.is(view.getUint32(0) >>> (32 - fieldRow(name).bits), FIELDS[name].read(packet, context), name);
    }
  }
});

fields('have values within their width', () => {
  for (const [packet, context] of randomPackets(400)) {
    for (const name of VALUE_FIELDS) {
      const value = FIELDS[name].read(packet, context);
      assert.ok(value >= -1 && value <= highestValue(name), `${name}: ${value}`);
    }
  }
});

fields(`native tests of random rules touch only what they say that they read (seed ${seed})`, () => {
  const random = seededRandom(seed);
  let asked = 0;
  for (let round = 0; round < 400; round++) {
    const text = `*mangle\n-A FORWARD ${randomConditions(random, Hook.FORWARD)}\nCOMMIT\n`;
    const [rule] = parseRuleset(text, 'random').tables[0].rules;
    const natives: NativeTest[] = [];
    for (const step of lowerRule(rule, INTERFACES)) if (step.kind === 'native') natives.push(step.native);
    for (const { reads, check, mayDrop } of natives) {
      if (check === undefined) {
        assert.equal(reads, ['history']);
        continue;
      }
      const allowed = new Set(reads.flatMap((name) => TOUCHES[name]));
      for (const [packet, context] of randomPackets(60)) {
        if (packet.protocol !== rule.base.protocol?.number || !isWhole(packet)) continue;
        const recorder = recorderOf(packet, context);
        packet.hotdrop = false;
        check(recorder.packet, recorder.context);
        asked++;
        for (const touched of recorder.take()) assert.ok(allowed.has(touched), `${text} reads ${touched}`);
        assert.ok(mayDrop === true || !packet.hotdrop);
      }
    }
  }
  assert.ok(asked > 50, `only ${asked} were asked`);
});

/** What the compiler has to see. */
const PARTS = [
  ...['core', 'codecs', 'docker', 'io', 'replay', 'test/rules', 'test/packets', 'test/pcap-parser.d.ts'],
  ...['test/bytes.ts', 'test/random.ts', 'test/kernel/address.ts', 'test/host/host-file.ts', 'package.json'],
  'test/matches/matching-host.ts',
  'tsconfig.json',
];

/** The files that do not compile with ROW added to the table. */
function faultsWith(row: string): string[] {
  const root = fileURLToPath(new URL('../../../', import.meta.url));
  const copy = mkdtempSync(join(tmpdir(), 'nfreplay-fields-'));
  try {
    for (const part of PARTS) {
      cpSync(join(root, part), join(copy, part), { recursive: true });
    }
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
    const tablePath = join(copy, 'core/fields.ts');
    const table = readFileSync(tablePath, 'utf8');
    writeFileSync(tablePath, table.replace('export const FIELDS = {', `export const FIELDS = {\n  another: ${row},`));
    const compiler = join(root, 'node_modules/typescript/bin/tsc');
    const { stdout } = spawnSync(process.execPath, [compiler, '-p', copy, '--noEmit'], { cwd: copy, encoding: 'utf8' });
    const files = [...stdout.matchAll(/^(\S+?)\(\d+,\d+\): error/gm)].map((found) => found[1]);
    return [...new Set(files)].sort();
  } finally {
    rmSync(copy, { recursive: true });
  }
}

fields('a row without what else has to be told about it does not compile', () => {
  const row = (more: string): string => `{ label: 'another', bits: 8, fixedBy: 'packet', read: () => 0, ${more} }`;
  assert.equal(faultsWith(row('')), ['test/rules/fields.test.ts']);
  assert.equal(faultsWith(row('isIndexed: true')), [
    'core/rules/index/chain-index.ts',
    'core/rules/index/packed-rules.ts',
    'test/rules/fields.test.ts',
  ]);
  assert.ok(faultsWith("{ label: 'another', bits: 8, fixedBy: 'nobody' }").includes('core/fields.ts'));
});

fields.run();
