/**
 * Records recorded-raw.json from the kernel (root): `node dist/test/rules/record-raw.js REPLAY`, where REPLAY is a
 * program that takes `--host host.json --rules rules.v4 --in eth0=eth0.pcap --out DIR [--no-conntrack]` and leaves
 * `iptables-save -c` in DIR/rules.v4.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { IPV4_CHECKSUM_AT, IPV4_FRAGMENT_AT, IPV4_ID_AT, IPV4_LENGTH } from '../../codecs/layouts.js';
import { Hook } from '../../core/hooks.js';
import { pick, type Random, seededRandom } from '../random.js';
import { randomBytes, randomConditions } from './random.js';
import type { RecordedCase } from './recorded.js';

const PACKETS = 200;
const RULES_PER_CHAIN = 20;
const USERS = ['a', 'b', 'c'];
const MAC = '02:00:00:00:00:10';

const replay = process.argv[2];
if (replay === undefined) throw new Error('usage: record-raw.ts REPLAY');
const cases = [1, 2, 3, 4, 5].map((seed) => record(seed, false));
// Later fragments reach a rule only without conntrack, as nothing is reassembled then.
cases.push(record(6, true), record(7, true));
const path = fileURLToPath(new URL('recorded-raw.json', import.meta.url));
writeFileSync(path, `${JSON.stringify(cases, undefined, 1)}\n`);

function record(seed: number, fragments: boolean): RecordedCase {
  const random = seededRandom(seed);
  const rules = randomRules(random, fragments);
  const packets = Array.from({ length: PACKETS }, (_, i) => randomPacket(random, i, fragments));
  const dir = mkdtempSync(join(tmpdir(), 'record-raw-'));
  const address = { family: 'inet', local: '192.0.2.10', prefixlen: 24 };
  const addr = [{ ifname: 'eth0', address: MAC, mtu: 1500, addr_info: [address] }];
  writeFileSync(join(dir, 'host.json'), JSON.stringify({ addr }));
  writeFileSync(join(dir, 'rules.v4'), rules.join('\n'));
  writeFileSync(join(dir, 'eth0.pcap'), pcapOf(packets));
  const input = [
    '--host',
    join(dir, 'host.json'),
    '--rules',
    join(dir, 'rules.v4'),
    '--in',
    `eth0=${join(dir, 'eth0.pcap')}`,
  ];
  const how = fragments ? ['--no-conntrack'] : [];
  execFileSync(replay, [...input, '--out', join(dir, 'out'), ...how], { stdio: ['ignore', 'ignore', 'inherit'] });
  const text = readFileSync(join(dir, 'out', 'rules.v4'), 'utf8');
  rmSync(dir, { recursive: true });
  const saved = text.slice(text.indexOf('*raw')).split('\nCOMMIT')[0].split('\n');
  const note = fragments ? 'fragments, nothing tracked' : 'headers cut short, before conntrack';
  return { note, rules, packets: packets.map((bytes) => Buffer.from(bytes).toString('base64')), saved };
}

function randomRules(random: Random, fragments: boolean): string[] {
  const lines = [
    '*raw',
    `:PREROUTING ${pick(random, ['ACCEPT', 'DROP'])} [0:0]`,
    ...USERS.map((user) => `:${user} - [0:0]`),
  ];
  const chains = ['PREROUTING', ...USERS];
  for (const [level, chain] of chains.entries()) {
    const later = USERS.slice(level);
    for (let i = 0; i < RULES_PER_CHAIN; i++) {
      const device = random(5) === 0 ? `${not(random)}-i ${pick(random, ['eth0', 'eth+', 'wlan0', '+'])} ` : '';
      const none = level > 0 && random(5) === 0 ? `${not(random)}-o ${pick(random, ['eth0', 'eth+', '+'])} ` : '';
      const state = fragments ? '' : randomState(random);
      const mark =
        random(8) === 0 ? `-m mark ${not(random)}--mark ${pick(random, ['0', '0x1/0x1', '0x10/0xf0'])} ` : '';
      const jumps = later.flatMap((user) => [`-j ${user}`, `-g ${user}`]);
      const targets = ['', '', '', '', '-j RETURN', '-j MARK --set-mark 1', '-j MARK --xor-mark 0x11', ...jumps];
      if (random(6) === 0) targets.push('-j ACCEPT', '-j DROP');
      if (!fragments) targets.push('-j CONNMARK --set-mark 1', '-j CONNMARK --restore-mark');
      const conditions = device + none + randomConditions(random, Hook.FORWARD, true) + state + mark;
      lines.push(`-A ${chain} ${conditions}${pick(random, targets)}`);
    }
  }
  return [...lines, 'COMMIT', ''];
}

/** Matches on connections, for packets that have none. */
function randomState(random: Random): string {
  const asked = [
    `-m conntrack ${not(random)}--ctstate ${pick(random, ['INVALID', 'NEW', 'UNTRACKED,ESTABLISHED', 'SNAT'])} `,
    `-m conntrack ${not(random)}${pick(random, ['--ctorigsrc 0.0.0.0/0', '--ctproto tcp', '--ctstatus NONE'])} `,
    `-m conntrack ${not(random)}--ctstate INVALID --ctproto tcp `,
    `-m state ${not(random)}--state ${pick(random, ['INVALID', 'NEW'])} `,
    `-m connmark ${not(random)}--mark ${pick(random, ['0', '0/0', '1'])} `,
  ];
  return random(4) === 0 ? pick(random, asked) : '';
}

function not(random: Random): string {
  return random(2) === 0 ? '! ' : '';
}

function randomPacket(random: Random, i: number, fragments: boolean): Uint8Array {
  const bytes = randomBytes(random);
  const view = new DataView(bytes.buffer);
  view.setUint16(IPV4_ID_AT, i + 1);
  if (fragments && random(2) === 0) view.setUint16(IPV4_FRAGMENT_AT, pick(random, [1, 2, 3, 0x2001, 185]));
  let sum = 0;
  for (let at = 0; at < IPV4_LENGTH; at += 2) sum += view.getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(IPV4_CHECKSUM_AT, ~sum & 0xffff);
  return bytes;
}

/** A microsecond pcap of PACKETS in Ethernet frames. */
function pcapOf(packets: readonly Uint8Array[]): Buffer {
  const parts = [Buffer.from(new Uint32Array([0xa1b2c3d4, 0x00040002, 0, 0, 262144, 1]).buffer)];
  const ethernet = Buffer.from(`${MAC.replaceAll(':', '')}0200000000010800`, 'hex');
  for (const [i, bytes] of packets.entries()) {
    const length = ethernet.length + bytes.length;
    parts.push(Buffer.from(new Uint32Array([1000, i * 1000, length, length]).buffer), ethernet, Buffer.from(bytes));
  }
  return Buffer.concat(parts);
}
