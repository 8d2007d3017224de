/**
 * Captures of other projects, replayed through a host with MASQUERADE between their clients and the Internet. Their
 * packets are one millisecond apart, because the kernel uses the real clock.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CaptureReader } from '../../codecs/capture.js';
import { openCaptureFile } from '../../io/capture-file.js';
import { writeCapture } from './capture-file.js';
import { writeEntered } from './entered-packets.js';
import type { HostDescription } from './host-description.js';
import { type Disagreement, judge } from './judge.js';
import type { Libc } from './libc.js';
import { agreesWithItself, type CaseFolder, caseFolder } from './live-case.js';
import { replayKernel } from './replay.js';

interface Sample {
  file: string;
  /** Networks behind the host's LAN interface. */
  lan: string[];
}

const SAMPLES: readonly Sample[] = [
  {
    file: 'arkime_synthetic.pcap',
    lan: ['10.0.1.1', '10.0.3.1', '10.2.2.0/24', '10.9.1.1', '10.9.2.1', '10.9.7.1', '10.9.9.1', '10.40.1.100'],
  },
  { file: 'bigendian-icmp.pcap', lan: ['10.64.11.0/24'] },
  { file: 'ftp-active.pcap', lan: ['172.23.0.3'] },
  { file: 'ftp-ipv4.pcap', lan: ['141.142.220.0/24'] },
  { file: 'ip-frag.pcap', lan: ['10.118.213.212'] },
  { file: 'sll2-http.pcap', lan: ['192.168.1.253'] },
  { file: 'smtp-fragneeded.pcap', lan: ['10.10.1.0/24', '192.168.133.0/24'] },
  { file: 'tcp-handshake-nano.pcap', lan: ['131.155.215.0/24'] },
  { file: 'tftp.pcap', lan: ['192.168.0.253'] },
  { file: 'two-linktypes-comments.pcapng', lan: ['130.217.250.13'] },
];

const RULES = `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A POSTROUTING -o wan0 -j MASQUERADE
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -i lan0 -o wan0 -j ACCEPT
-A FORWARD -m conntrack --ctstate INVALID -j DROP
-A FORWARD -j REJECT --reject-with icmp-admin-prohibited
COMMIT
`;

/** A host with LAN behind lan0 and everything else behind wan0. */
function hostFor(lan: readonly string[]): HostDescription {
  return {
    addr: [
      {
        ifname: 'lan0',
        address: '02:00:00:00:00:01',
        mtu: 1500,
        addr_info: [{ family: 'inet', local: '192.0.2.1', prefixlen: 24 }],
      },
      {
        ifname: 'wan0',
        address: '02:00:00:00:00:02',
        mtu: 1500,
        addr_info: [{ family: 'inet', local: '203.0.113.1', prefixlen: 24 }],
      },
    ],
    route: [
      { dst: 'default', gateway: '203.0.113.254', dev: 'wan0' },
      ...lan.map((dst) => ({ dst, dev: 'lan0', scope: 'link' })),
    ],
  };
}

const FIRST_NS = 1_700_000_000_000_000_000n;
const STEP_NS = 1_000_000n;
const LINKTYPE_ETHERNET = 1;
/** The length of the link header and the offset of the EtherType in it. */
const LINKS: Record<number, { length: number; typeAt: number }> = {
  1: { length: 14, typeAt: 12 },
  113: { length: 16, typeAt: 14 },
  276: { length: 20, typeAt: 0 },
};

/** The complete IPv4 packets of a capture of any link type: as Ethernet if all are, else as bare IP. */
function readPackets(reader: CaptureReader): { isBare: boolean; frames: Uint8Array[] } {
  const records: { linktype: number; frame: Buffer }[] = [];
  while (reader.next()) {
    const { bytes, at, caplen, wirelen, linktype } = reader;
    if (caplen === wirelen) records.push({ linktype, frame: Buffer.from(bytes.subarray(at, at + caplen)) });
  }
  if (records.every(({ linktype }) => linktype === LINKTYPE_ETHERNET))
    return { isBare: false, frames: records.map(({ frame }) => frame) };
  const frames = records
    .filter(
      ({ linktype, frame }) =>
        frame.length > LINKS[linktype].length + 20 && frame.readUInt16BE(LINKS[linktype].typeAt) === 0x0800,
    )
    .map(({ linktype, frame }) => frame.subarray(LINKS[linktype].length));
  return { isBare: true, frames };
}

/** What the emulator is given, and what of it enters the host, for the kernel. */
function prepare({ file, lan }: Sample, dir: string): { stitched: CaseFolder; entered: CaseFolder } {
  mkdirSync(dir, { recursive: true });
  const folder = caseFolder(dir, []);
  const stitchPath = join(dir, 'stitch.pcap');
  const hostText = `${JSON.stringify(hostFor(lan), null, 2)}\n`;
  writeFileSync(folder.hostPath, hostText);
  writeFileSync(folder.rulesPath, RULES);
  const reader = openCaptureFile(join('test/captures', file));
  try {
    const { isBare, frames } = readPackets(reader);
    const captured = frames.map((frame, i) => ({ tsNs: FIRST_NS + BigInt(i) * STEP_NS, frame }));
    writeCapture(stitchPath, isBare, captured);
    const inputs = writeEntered(join(dir, 'entered'), hostText, RULES, captured, isBare);
    return { stitched: { ...folder, stitchPath }, entered: { ...folder, inputs } };
  } finally {
    reader.close();
  }
}

export interface SampleResult {
  file: string;
  dir: string;
  /** Packets by outcome. */
  outcomes: Map<string, number>;
  disagreement: Disagreement | null;
  isRandom: boolean;
}

/** Replays every sample; leaves their folders in DIR. */
export async function* runSamples(libc: Libc, dir: string): AsyncGenerator<SampleResult> {
  for (const sample of SAMPLES) {
    const { stitched: folder, entered } = prepare(sample, join(dir, sample.file.replace(/\.[a-z]+$/, '')));
    const outcomes = replayKernel(libc, { ...entered, outDir: folder.wantDir });
    const isRandom = !agreesWithItself(libc, entered);
    yield {
      file: sample.file,
      dir: folder.dir,
      outcomes,
      isRandom,
      disagreement: isRandom ? null : await judge(folder),
    };
  }
}
