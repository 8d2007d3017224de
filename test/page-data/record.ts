/**
 * `node dist/test/page-data/record.js`: how tshark decodes frames, into frames.json, for decode.test.ts. Needs Debian's
 * tshark and wireshark-common.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TSHARK_FIELDS } from './tshark-fields.js';

/** A field as tshark has it: where it is in the frame, and its value. */
export interface RecordedField {
  readonly name: string;
  readonly at: number;
  readonly length: number;
  readonly show: string;
}

export interface RecordedFrame {
  readonly from: string;
  readonly linktype: number;
  /** Hexadecimal. */
  readonly bytes: string;
  readonly fields: readonly RecordedField[];
}

const FRAMES: readonly (readonly [file: string, ...numbers: number[]])[] = [
  ['test/captures/ftp-ipv4.pcap', 1, 2],
  ['test/captures/arkime_synthetic.pcap', 4],
  ['test/captures/ip-frag.pcap', 1, 5, 6],
  ['test/captures/smtp-fragneeded.pcap', 1, 26],
  ['test/captures/sll2-http.pcap', 2],
  ['test/captures/tcp-handshake-nano.pcap', 1],
  ['test/captures/bigendian-icmp.pcap', 1],
  ['pcaps/icmp-errors/in/eth0.pcap', 2],
  ['pcaps/fragments/in/eth0.pcap', 3],
  ['pcaps/mss-clamp/in/local.pcap', 1],
];
/** What stands before the IP packet of an Ethernet frame instead of its type. */
const PREFIXES: Readonly<Record<string, string>> = {
  'a VLAN tag': '8100600a0800',
  'two VLAN tags': '8100200181000fff0800',
  'PPPoE with 86 bytes': '886411000abc00560021',
};
const NAMES = new Set(Object.values(TSHARK_FIELDS));

const dir = mkdtempSync(join(tmpdir(), 'nfreplay-frames-'));

function frameOf(file: string, number: number): Buffer {
  const out = join(dir, 'one.pcap');
  execFileSync('editcap', ['-F', 'pcap', '-r', file, out, String(number)]);
  return readFileSync(out);
}

/** FROM: what FILE, a capture of one frame, is called. */
function recorded(from: string, file: Buffer): RecordedFrame {
  const path = join(dir, 'frame.pcap');
  writeFileSync(path, file);
  const options = ['-o', 'ip.defragment:false', '-o', 'tcp.relative_sequence_numbers:false', '-T', 'pdml', '-r', path];
  const pdml = execFileSync('tshark', options, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const fields = [...pdml.matchAll(/<field ([^>]*)>/g)].flatMap(([, text]) => {
    const attributes = Object.fromEntries(
      [...text.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]),
    );
    if (!NAMES.has(attributes.name) || attributes.hide === 'yes') return [];
    const { name, pos, size, show } = attributes;
    return [{ name, at: Number(pos), length: Number(size), show }];
  });
  return { from, linktype: file.readUInt32LE(20), bytes: file.subarray(40).toString('hex'), fields };
}

/** FILE, a capture of one Ethernet frame, with PREFIX instead of its type. */
function withPrefix(file: Buffer, prefix: string): Buffer {
  const frame = Buffer.concat([file.subarray(40, 52), Buffer.from(prefix, 'hex'), file.subarray(54)]);
  const header = Buffer.from(file.subarray(0, 40));
  header.writeUInt32LE(frame.length, 32);
  header.writeUInt32LE(frame.length, 36);
  return Buffer.concat([header, frame]);
}

try {
  const frames = FRAMES.flatMap(([file, ...numbers]) =>
    numbers.map((number) => recorded(`${file} ${number}`, frameOf(file, number))),
  );
  const echo = frameOf('test/captures/bigendian-icmp.pcap', 1);
  for (const [name, prefix] of Object.entries(PREFIXES)) frames.push(recorded(name, withPrefix(echo, prefix)));
  const lines = frames.map((frame) => JSON.stringify(frame));
  writeFileSync('test/page-data/frames.json', `[\n${lines.join(',\n')}\n]\n`);
} finally {
  rmSync(dir, { recursive: true });
}
