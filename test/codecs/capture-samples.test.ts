import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type PcapPacket, parse } from 'pcap-parser';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { IpLocation, type LinkSkip, locateIp } from '../../core/link/locate-ip.js';
import { openCaptureFile } from '../../io/capture-file.js';
import { bytesEqual } from '../bytes.js';
import { isInstalled, output, readFile, SAMPLES } from './capture-files.js';

const Samples = suite('capture-samples');

const SAMPLE_NAMES = readdirSync(SAMPLES).filter((name) => /\.pcap(ng)?$/.test(name));
const MICROSECOND_NAMES = SAMPLE_NAMES.filter((name) => name.endsWith('.pcap') && !name.includes('nano'));

const nanoseconds = (value: number): string => String(value).padStart(9, '0');

Samples('are all there', () => {
  assert.is(SAMPLE_NAMES.length, 11);
  assert.is(MICROSECOND_NAMES.length, 9);
});

function readByPcapParser(path: string): Promise<PcapPacket[]> {
  return new Promise((resolve, reject) => {
    const packets: PcapPacket[] = [];
    parse(path)
      .on('packet', (packet) => packets.push(packet))
      .on('error', reject)
      .on('end', () => resolve(packets));
  });
}

for (const name of MICROSECOND_NAMES) {
  Samples(`${name} has the records that pcap-parser finds`, async () => {
    const path = join(SAMPLES, name);
    const theirs = await readByPcapParser(path);
    const { records, cutAt } = readFile(path, 1000);
    assert.is(cutAt, null);
    assert.is(records.length, theirs.length);
    assert.ok(theirs.length > 0);
    theirs.forEach(({ header, data }, index) => {
      const { tsSec, tsNsec, wirelen, packet } = records[index];
      assert.is(tsSec, header.timestampSeconds);
      assert.is(tsNsec, header.timestampMicroseconds * 1000);
      assert.is(wirelen, header.originalLength);
      bytesEqual(packet, data);
    });
  });
}

const withTshark = isInstalled('tshark') ? Samples : Samples.skip;
for (const name of ['two-linktypes-comments.pcapng', 'tcp-handshake-nano.pcap', 'bigendian-icmp.pcap', 'tftp.pcap']) {
  withTshark(`${name} has the times, lengths and interfaces that tshark finds`, () => {
    const path = join(SAMPLES, name);
    const fields = ['frame.time_epoch', 'frame.cap_len', 'frame.len', 'frame.interface_id'];
    const theirs = output('tshark', '-r', path, '-T', 'fields', ...fields.flatMap((field) => ['-e', field]));
    const ours = readFile(path).records.map(
      ({ tsSec, tsNsec, packet, wirelen, interfaceIndex }) =>
        `${tsSec}.${nanoseconds(tsNsec)}\t${packet.length}\t${wirelen}\t${name.endsWith('ng') ? interfaceIndex : ''}`,
    );
    assert.equal(ours, theirs.replace(/\n$/, '').split('\n'));
  });
}

const withTcpdump = isInstalled('tcpdump') ? Samples : Samples.skip;
for (const name of SAMPLE_NAMES.filter((sample) => sample.endsWith('.pcap'))) {
  withTcpdump(`${name} has the times that tcpdump finds`, () => {
    const path = join(SAMPLES, name);
    const theirs = output('tcpdump', '-r', path, '-tt', '-nn', '--nano', '-q')
      .split('\n')
      .map((line) => /^\d+\.\d{9}(?= )/.exec(line)?.[0])
      .filter((time) => time !== undefined);
    const ours = readFile(path).records.map(({ tsSec, tsNsec }) => `${tsSec}.${nanoseconds(tsNsec)}`);
    assert.equal(ours, theirs);
  });
}

/** How many frames of NAME contain IPv4 for the host, and how many are skipped for each reason. */
function countKinds(name: string): Partial<Record<LinkSkip | 'ipv4', number>> {
  const counts: Partial<Record<LinkSkip | 'ipv4', number>> = {};
  const reader = openCaptureFile(join(SAMPLES, name));
  const location = new IpLocation();
  while (reader.next()) {
    locateIp(reader, location);
    const what = location.skip ?? 'ipv4';
    counts[what] = (counts[what] ?? 0) + 1;
  }
  reader.close();
  return counts;
}

/** The number of frames in NAME that match the Wireshark display filter FILTER. */
function countByTshark(name: string, filter: string): number {
  return output('tshark', '-r', join(SAMPLES, name), '-Y', filter, '-T', 'fields', '-e', 'frame.number')
    .split('\n')
    .filter((line) => line !== '').length;
}

withTshark('frames are skipped for the reasons that tshark sees in them', () => {
  const name = 'arkime_synthetic.pcap';
  const { ipv4, ipv6, arp, vlan, ...rest } = countKinds(name);
  assert.is(ipv4, countByTshark(name, 'eth.type == 0x0800'));
  assert.is(ipv6 ?? 0, countByTshark(name, 'eth.type == 0x86dd'));
  assert.is(arp ?? 0, countByTshark(name, 'eth.type == 0x0806'));
  assert.is(vlan ?? 0, countByTshark(name, 'eth.type == 0x8100 || eth.type == 0x88a8 || eth.type == 0x9100'));
  const others = Object.values(rest).reduce((sum, count) => sum + count, 0);
  assert.is((ipv4 ?? 0) + (ipv6 ?? 0) + (arp ?? 0) + (vlan ?? 0) + others, 918);
  assert.equal(countKinds('two-linktypes-comments.pcapng'), {
    ipv4: 159 - countByTshark('two-linktypes-comments.pcapng', 'ipv6'),
    ipv6: 4,
  });
  assert.equal(countKinds('sll2-http.pcap'), { ipv4: 5 });
  assert.equal(countKinds('tcp-handshake-nano.pcap'), { ipv4: 3 });
});

Samples.run();
