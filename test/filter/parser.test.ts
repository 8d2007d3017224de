/** What filters are refused and how it is said, and that no text makes the parser crash or hang. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { faultOf } from '../../codecs/bpf/instruction.js';
import { compileFilter } from '../../codecs/filter/compile.js';
import { FilterError } from '../../codecs/filter/filter-error.js';
import { parseFilter } from '../../codecs/filter/parser.js';
import { Linktype } from '../../codecs/linktypes.js';
import { pick, type Random, seededRandom, testSeed } from '../random.js';
import { ourChoice } from './filter-case.js';
import { randomFilter } from './random-filter.js';
import type { Captured } from './random-frames.js';

const Parser = suite('filter parser');

function errorOf(text: string, linktype: number = Linktype.ETHERNET): FilterError {
  try {
    compileFilter(parseFilter(text), linktype);
  } catch (error) {
    if (error instanceof FilterError) return error;
    throw error;
  }
  throw new Error(`not refused: ${text}`);
}

const REFUSED: readonly (readonly [filter: string, column: number, says: RegExp])[] = [
  ['tcp prot 80', 5, /"prot": expected .*did you mean port\?/],
  ['10.0.0.1', 1, /expected host or net before an address/],
  ['tcp and 10.0.0.1', 9, /expected what this is, such as host/],
  ['02:00:00:00:00:01', 1, /expected ether host/],
  ['host 10.0.0.1 and', 18, /the filter ends here; expected/],
  ['host', 5, /the filter ends here; expected an address/],
  ['(tcp', 5, /closing parenthesis/],
  ['tcp)', 4, /expected and, or, or the end/],
  ['tcp port 80 443', 13, /expected and, or, or the end/],
  ['tcp port htp', 10, /unknown service "htp"; did you mean (ftp|http)\?/],
  ['udp port http', 10, /one of tcp, not of udp/],
  ['icmp port 5', 11, /icmp has no ports/],
  ['port 70000', 6, /at most 65535/],
  ['net 10.0.0.1/8', 5, /bits that the mask does not/],
  ['net 2001:db8::1/32', 5, /bits that the prefix does not/],
  ['host 10.0.0.0/8', 6, /only a net has a mask/],
  ['host 10.0.0.300', 6, /no IPv4 address/],
  ['tcp host 10.0.0.1', 10, /tcp has no IPv4 addresses/],
  ['ip host ::1', 9, /ip has no IPv6 addresses/],
  ['ip proto tcp', 10, /write \\tcp/],
  ['proto \\tpc', 7, /unknown protocol "tpc"; did you mean tcp\?/],
  ['ip[0:3] = 5', 6, /a size of 1, 2 or 4/],
  ['ip[0] & 15', 11, /expected a comparison/],
  ['host 10.0.0.1 or 5 + 3', 23, /expected a comparison/],
  ['ip[0] / 0 = 1', 7, /division by zero/],
  ['esp[0] = 1', 1, /esp\[…\]/],
  ['len > 0x1ffffffff', 7, /does not fit into 32 bits/],
  ['len > 08', 7, /octal/],
  ['vlan 5000', 1, /at most 4095/],
  ['inbound', 1, /only a capture of `-i any`/],
  ['tcp ~ 5', 5, /"~" has no meaning/],
  ['byte 0 & 1', 8, /write link\[0\] & … != 0/],
];

Parser('an error names the column, what is there, and what was expected', () => {
  for (const [text, column, says] of REFUSED) {
    const { message, column: at, isUnsupported } = errorOf(text);
    assert.match(message, says);
    assert.is(at, column, `${text}: ${message}`);
    assert.not(isUnsupported, text);
  }
});

Parser('what nfreplay does not do is refused by name', () => {
  const names = ['gateway a', 'ip protochain 6', 'wlan host 02:00:00:00:00:01', 'host example.com', 'net localnet'];
  for (const text of [...names, 'on eth0', 'vpi 5', 'src decnet host 1.2']) {
    const error = errorOf(text);
    if (text !== 'src decnet host 1.2') assert.ok(error.isUnsupported, `${text}: ${error.message}`);
  }
  assert.match(errorOf('tcp and gateway x').message, /^column 9: gateway/);
});

Parser('what a link type does not have is refused with its name', () => {
  assert.match(errorOf('vlan', Linktype.RAW).message, /Ethernet \(these frames: 101 \(RAW\)\)/);
  assert.match(errorOf('tcp', Linktype.NFLOG).message, /NFLOG/);
  assert.match(errorOf('ifindex 1', Linktype.LINUX_SLL).message, /LINUX_SLL2/);
});

Parser('deep nesting is refused, wide and long filters are not', () => {
  for (const open of ['(', 'not ', '-', 'ip[', '5 % ', 'host (', 'host not ']) {
    assert.instance(errorOf(open.repeat(50_000)), FilterError, open);
  }
  const programOf = (text: string) => compileFilter(parseFilter(text), Linktype.ETHERNET);
  const hosts = Array.from({ length: 8000 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
  // 100 KB; its jumps are far longer than the 255 instructions that a conditional jump can skip.
  const program = programOf(`host ${hosts.join(' or ')}`);
  assert.is(faultOf(program), undefined);
  assert.ok(program.length < hosts.length * 40, `${program.length} instructions`);
  assert.is(faultOf(programOf(`len > ${new Array(20_000).fill('ip[0]').join(' + ')}`)), undefined);
  assert.is(faultOf(programOf(new Array(20_000).fill('(tcp)').join(' and '))), undefined);
});

/** A TCP packet from 10.0.0.N, behind LINK. */
const packetFrom = (n: number, link: readonly number[]): Captured => {
  const bytes = [...link, 0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, n >> 8, n & 255, 192, 0, 2, 1];
  return { bytes: Uint8Array.from([...bytes, ...new Array<number>(20).fill(0)]), wirelen: bytes.length + 20 };
};

Parser('jumps over hundreds of instructions lead where they should', () => {
  const ETHERNET = [...new Array<number>(12).fill(2), 8, 0];
  const frames = [0, 1, 150, 299, 300].map((n) => packetFrom(n, ETHERNET));
  const hosts = Array.from({ length: 300 }, (_, n) => `10.0.${n >> 8}.${n & 255}`).join(' or ');
  const chosen = (filter: string) => ourChoice(filter, Linktype.ETHERNET, frames);
  assert.equal(chosen(`src host (${hosts})`), { chosen: [true, true, true, true, false] });
  assert.equal(chosen(`not src host (${hosts})`), { chosen: [false, false, false, false, true] });
  assert.equal(chosen(`tcp and (src host ${hosts}) and len > 5`), { chosen: [true, true, true, true, false] });
});

Parser('an id has the qualifier of what was before parentheses, not of what is in them', () => {
  const program = (filter: string) => compileFilter(parseFilter(filter), Linktype.ETHERNET);
  assert.equal(
    program('host 10.0.0.1 and (port 53) or 10.0.0.2'),
    program('host 10.0.0.1 and (port 53) or host 10.0.0.2'),
  );
  assert.match(errorOf('(port 53) or 80').message, /^column 14: .*before it/);
});

Parser('an address family is found in the byte order of either machine', () => {
  const frames = [
    [2, 0, 0, 0],
    [0, 0, 0, 2],
    [30, 0, 0, 0],
  ].map((family) => packetFrom(1, family));
  assert.equal(ourChoice('ip', Linktype.NULL, frames), { chosen: [true, true, false] });
  assert.equal(ourChoice('ip6', Linktype.NULL, frames), { chosen: [false, false, true] });
  assert.equal(ourChoice('ip', Linktype.LOOP, frames), { chosen: [false, true, false] });
});

const PIECES = [
  ...[
    'tcp',
    'udp',
    'host',
    'port',
    'net',
    'src',
    'dst',
    'and',
    'or',
    'not',
    '(',
    ')',
    '[',
    ']',
    ':',
    '/',
    '10.0.0.1',
    '80',
  ],
  ...[
    '::1',
    '::',
    '1:',
    ':',
    'a:b:c:d:e:f',
    '02:00:00:00:00:01',
    'aabbccddeeff',
    '80-90',
    '-',
    '--',
    '%',
    '^',
    '<<',
    '=',
    '!=',
  ],
  ...[
    'vlan',
    'mpls',
    'geneve',
    'len',
    'mask',
    '\\',
    '\\tcp',
    '0x',
    '0x1f',
    '08',
    'é',
    '\u0000',
    '\u202e',
    '$',
    'proto',
    'ether',
  ],
];

function damaged(random: Random): string {
  const words = random(2) === 0 ? randomFilter(random).split(/(\s|\b)/) : [];
  for (let changes = 1 + random(12); changes > 0; changes--) {
    words.splice(random(words.length + 1), random(3), pick(random, PIECES), pick(random, ['', ' ']));
  }
  return words.join('');
}

Parser('any text is a filter or an error with a column', () => {
  const seed = testSeed();
  const random = seededRandom(seed);
  const linktypes = Object.values(Linktype);
  for (let n = 0; n < 4000; n++) {
    const text = damaged(random);
    try {
      const program = compileFilter(parseFilter(text), pick(random, linktypes));
      assert.is(faultOf(program), undefined, `SEED=${seed}: ${JSON.stringify(text)}`);
    } catch (error) {
      if (!(error instanceof FilterError)) throw new Error(`SEED=${seed}: ${JSON.stringify(text)}: ${error}`);
      const isInside = error.column >= 1 && error.column <= text.length + 1;
      assert.ok(isInside, `SEED=${seed}: ${JSON.stringify(text)}: ${error.message}`);
    }
  }
});

Parser.run();
