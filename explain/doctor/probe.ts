/** Sends one packet through a fresh host with the same rules. */
import { internetChecksum, transportChecksum } from '../../codecs/checksum.js';
import {
  IPPROTO_TCP,
  IPV4_CHECKSUM_AT,
  IPV4_LENGTH,
  TCP_CHECKSUM_AT,
  TCP_LENGTH,
  TCP_SYN,
} from '../../codecs/layouts.js';
import { Linktype } from '../../codecs/linktypes.js';
import { createEmulator, type EmulatorOptions } from '../../core/emulator.js';
import { Frame } from '../../core/link/frame.js';
import { HostSets } from '../../core/sets/host-sets.js';
import type { Examined } from './check.js';
import type { PacketRecord } from './packet-record.js';
import { PacketRecorder } from './packet-recorder.js';

/** The first segment of a TCP connection that arrives on DEV. */
export interface Probe {
  readonly dev: string;
  readonly source: string;
  readonly destination: string;
  readonly sport: number;
  readonly dport: number;
}

const NO_FRAME = { place: { input: 0, number: 0 }, name: '', isShown: true, rulesVersion: 0 };

type Asked = Pick<Examined, 'host' | 'options' | 'current' | 'currentSets'>;

const IGNORED = { egress() {}, local() {}, dropped() {} };
const WINDOW = 64_240;

/** What happens to the packet of RECORD, on a host that knows no connections; undefined: that is uncertain. */
export function sendAfresh(
  examined: Asked,
  { inDev, bytes, lengthBytes, tsSec, tsNsec }: PacketRecord,
): PacketRecord | undefined {
  const frame = new Frame({ linktype: Linktype.RAW, tsSec, tsNsec });
  frame.setBytes(bytes.slice(), lengthBytes);
  return send(examined, frame, inDev);
}

/** What happens to PACKET; undefined: that is uncertain, or the host has no such interface. */
export function probe(examined: Asked, packet: Probe): PacketRecord | undefined {
  return send(examined, new Frame({ linktype: Linktype.RAW, bytes: synBytes(packet) }), packet.dev);
}

function send(
  { host, options: { seed = 0, nfqueue }, current, currentSets }: Asked,
  frame: Frame,
  inDev: string | undefined,
): PacketRecord | undefined {
  let record: PacketRecord | undefined;
  const keep = (one: PacketRecord): void => {
    record = one;
  };
  const recorder = new PacketRecorder(() => NO_FRAME, keep);
  const options: EmulatorOptions = {
    ...{ host, ruleset: current(), seed, sets: HostSets.of(host, currentSets(), seed) },
    ...(nfqueue === undefined ? {} : { queueVerdict: nfqueue }),
    // What is left of a packet does not have its checksum.
    checksums: 'trust',
    ...{ hookEntries: recorder.hookEntries, observer: recorder.observe },
  };
  const emulator = createEmulator(options, IGNORED);
  if (inDev === undefined) emulator.send(frame);
  else {
    frame.dev = host.interfaceIndex(inDev);
    if (frame.dev < 0) return undefined;
    emulator.receive(frame);
  }
  recorder.finish();
  // What would only be a guess is not told.
  return record?.isUncertain === true ? undefined : record;
}

function synBytes({ source, destination, sport, dport }: Probe): Uint8Array {
  const bytes = new Uint8Array(IPV4_LENGTH + TCP_LENGTH);
  const view = new DataView(bytes.buffer);
  const addresses = [source, destination].flatMap((address) => address.split('.').map(Number));
  bytes.set([0x45, 0, 0, bytes.length, 0, 1, 0x40, 0, 64, IPPROTO_TCP, 0, 0, ...addresses]);
  view.setUint16(IPV4_CHECKSUM_AT, internetChecksum(view, 0, IPV4_LENGTH));
  view.setUint16(IPV4_LENGTH, sport);
  view.setUint16(IPV4_LENGTH + 2, dport);
  view.setUint32(IPV4_LENGTH + 12, 0x50000000 | (TCP_SYN << 16) | WINDOW);
  view.setUint16(IPV4_LENGTH + TCP_CHECKSUM_AT, transportChecksum(view, 0, IPV4_LENGTH, IPPROTO_TCP, TCP_LENGTH));
  return bytes;
}
