// The fields of frames on a page are where tshark has them, and have the values that tshark tells. Frames that are cut
// or damaged are decoded as far as they go.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { flagNames } from '../../codecs/sentence/tcp-flags.js';
import { decodeFrame } from '../../pages/data/decode/decode.js';
import type { DecodedField } from '../../pages/data/decode/layer.js';
import { changedBytes, comparedLayers, decoded } from '../../pages/data/packet-changes.js';
import { seededRandom, testSeed } from '../random.js';
import type { RecordedField, RecordedFrame } from './record.js';
import { TSHARK_FIELDS } from './tshark-fields.js';

const Decode = suite('frames decoded on a page');

const FRAMES = JSON.parse(
  readFileSync(fileURLToPath(new URL('../../../test/page-data/frames.json', import.meta.url)), 'utf8'),
) as readonly RecordedFrame[];

/** Words of ours as the number or text that tshark shows. */
function plain(value: string): string | number {
  const text = (/\(([^()]*)\)$/.exec(value)?.[1] ?? value).replace(/,.*| bytes$/g, '').split(' ')[0];
  return Number.isNaN(Number(text)) ? text : Number(text);
}

const IP_FLAGS = ['none', 'MF', 'DF', 'DF, MF'];

/** Whether FIELD is what tshark recorded. */
function isSame(key: string, field: DecodedField, recorded: RecordedField): boolean {
  // tshark counts four more bits as flags.
  if (key === 'TCP Flags')
    return recorded.at + 1 === field.at && flagNames(Number(recorded.show) & 0xff) === field.value;
  if (key === 'IPv4 Flags') return recorded.at === field.at && IP_FLAGS[Number(recorded.show)] === field.value;
  // tshark leaves it in units of eight bytes.
  if (key === 'IPv4 Fragment offset')
    return recorded.at === field.at && Number(recorded.show) * 8 === Number(field.value);
  // Of tags, tshark has all fields in all of their bytes.
  if (key.startsWith('VLAN ') && recorded.length === 2)
    return recorded.at <= field.at && field.at < recorded.at + 2 && plain(field.value) === plain(recorded.show);
  // Of options, tshark has the values alone.
  const isOption = key.startsWith('TCP ') && recorded.name.startsWith('tcp.options.');
  const at = isOption ? field.at + 2 : field.at;
  const length = isOption ? recorded.length : field.length;
  return recorded.at === at && recorded.length === length && plain(field.value) === plain(recorded.show);
}

for (const { from, linktype, bytes, fields } of FRAMES) {
  Decode(`${from}: every field is where tshark has it`, () => {
    const layers = decodeFrame(linktype, Buffer.from(bytes, 'hex'));
    let compared = 0;
    for (const layer of layers) {
      for (const field of layer.fields) {
        const key = `${layer.name.replace(' (quoted)', '')} ${field.name}`;
        const name = TSHARK_FIELDS[key];
        if (name === undefined) continue;
        compared++;
        const candidates = fields.filter((one) => one.name === name);
        assert.ok(
          candidates.some((one) => isSame(key, field, one)),
          `${key} at ${field.at}: ${field.value}, not one of ${JSON.stringify(candidates)}`,
        );
      }
    }
    assert.ok(compared >= 9, `${compared} fields`);
    // All that tshark has of these names is decoded.
    const names = new Set(Object.values(TSHARK_FIELDS));
    assert.is(compared, fields.filter(({ name }) => names.has(name)).length, layers.map(({ name }) => name).join(' '));
  });
}

Decode('layers and fields stay within the frame, and follow each other', () => {
  const seed = testSeed();
  const random = seededRandom(seed);
  for (let i = 0; i < 3000; i++) {
    const { linktype, bytes } = FRAMES[random(FRAMES.length)];
    const frame = Uint8Array.from(Buffer.from(bytes, 'hex').subarray(0, random(bytes.length / 2 + 1)));
    for (let change = random(4); change > 0 && frame.length > 0; change--) frame[random(frame.length)] = random(256);
    let end = 0;
    for (const layer of decodeFrame(linktype, frame)) {
      assert.ok(layer.at >= end, `SEED=${seed}`);
      end = layer.at + layer.length;
      assert.ok(end <= frame.length, `SEED=${seed}`);
      for (const { at, length } of layer.fields)
        assert.ok(at >= layer.at && at + length <= frame.length, `SEED=${seed}: ${layer.name}`);
    }
  }
});

// 10.0.0.1:1000 > 10.0.0.2:80 and 192.0.2.1:1000 > 10.0.0.2:80, with other MACs: a packet that was masqueraded.
const BEFORE =
  '020000000001020000000002080045000028000140004006' +
  '26cd' +
  '0a0000010a00000203e80050000000000000000050022000' +
  '77a8' +
  '0000';
const AFTER =
  '020000000003020000000004080045000028000140003f06' +
  '6fcc' +
  'c00002010a00000203e80050000000000000000050022000' +
  'bfa7' +
  '0000';
const frame = (hex: string) => {
  const bytes = Uint8Array.from(Buffer.from(hex, 'hex'));
  return decoded({ linktype: 1, dev: 0, length: bytes.length, bytes });
};

Decode('what the host changed is told: fields, and their bytes', () => {
  const [before, after] = [frame(BEFORE), frame(AFTER)];
  const changed = comparedLayers(before, after).flatMap(({ name, fields }) =>
    fields.filter(({ isChanged }) => isChanged).map((field) => `${name} ${field.name}`),
  );
  assert.equal(changed, [
    'Ethernet Destination',
    'Ethernet Source',
    'IPv4 TTL',
    'IPv4 Checksum',
    'IPv4 Source',
    'TCP Checksum',
  ]);
  const bytes = changedBytes(before, after);
  // MACs end with other bytes; TTL, checksum and source are at 8, 10 and 12 of the IP header at 14;
  // 10.0.0.1 and 192.0.2.1 have their second and fourth bytes in common.
  assert.equal([...bytes.before], [5, 11, 22, 24, 25, 26, 28, 50, 51]);
  assert.equal([...bytes.after], [...bytes.before]);
});

Decode('a packet of which nothing left has nothing to compare', () => {
  const pairs = comparedLayers(frame(BEFORE), undefined);
  assert.not(pairs.some(({ isChanged }) => isChanged));
  assert.equal(
    pairs.map(({ name }) => name),
    ['Ethernet', 'IPv4', 'TCP'],
  );
});

const checksums = (hex: string) =>
  frame(hex).layers.flatMap(({ fields }) => fields.filter(({ name }) => name === 'Checksum').map(({ value }) => value));

Decode('checksums are judged', () => {
  // Added up by hand: the header 4500 0028 0001 4000 4006 0a00 0001 0a00 0002 comes to d932, its complement is 26cd.
  assert.equal(checksums(BEFORE), ['0x26cd, correct', '0x77a8, correct']);
  assert.equal(checksums(BEFORE.replace('26cd', '26ce')), ['0x26ce, not correct', '0x77a8, correct']);
  // 0a00 0001 0a00 0002 0006 0014: the sum of the pseudo header alone.
  assert.equal(checksums(BEFORE.replace('77a8', '141d')), ['0x26cd, correct', '0x141d, left to the network card']);
});

Decode('addresses of IPv6 are in groups of two bytes, those of Ethernet of one', () => {
  // To all MLDv2-capable routers (RFC 3810, section 5.2.14), from the unspecified address.
  const { layers } = frame(`33330000001646f432360eba86dd6000000000003a01${'00'.repeat(16)}ff02${'00'.repeat(13)}16`);
  const values = layers.flatMap(({ fields }) =>
    fields.flatMap(({ name, value }) => (name === 'Destination' ? value : [])),
  );
  assert.equal(values, ['33:33:00:00:00:16', 'ff02:0000:0000:0000:0000:0000:0000:0016']);
});

Decode.run();
