// hot: the capture loop. Records are read where they are in memory, merged by time, forwarded, and rewritten in place.
//
// Packets are processed in batches. A connection's slot and record are rarely in a cache; while one is fetched, the
// next ones can be requested. So all packets of a batch are read first, then all slots, then all records, and then each
// packet is forwarded.
import { nowMs } from '../conntrack/account';
import { touchOpening } from '../conntrack/open';
import { firstOfHash, has, homeOf, lookUp, recordAt, tupleHash } from '../conntrack/table';
import {
  DIRECT_BYTES,
  ETHERNET_LENGTH,
  ETHERNET_TYPE_AT,
  InputState,
  MAX_CAPLEN_BYTES,
  PCAP_RECORD_HEADER_BYTES,
  UPCALL,
} from '../constants';
import { forwardFound } from '../flow/forward';
import { destinationOf, portsOf, protocolOf, sourceOf, totalLength } from '../flow/packet';
import { isPlain } from '../flow/plain';
import { flush, refill, replay } from '../host';
import {
  BATCH_COUNT,
  BatchItem,
  batchAt,
  Connection,
  clock,
  egressAt,
  Input,
  inputsAt,
  PcapRecord,
  pathsAt,
  WriterState,
  writersAt,
} from '../records';

/** The `reference` of a packet whose connection is not known, and of one that is not for the fast path. */
const NONE = -1;
const NOT_PLAIN = -2;

const ETHERTYPE_IPV4: u32 = 0x0008;
const GROUP_BIT: u32 = 1;
const NANOSECONDS_A_SECOND: u32 = 1000000000;

/** How many captures are replayed: `InPlaceReplay` sets it once. */
let inputs = 0;
/** How many packets took the fast path. */
let forwarded: f64 = 0;
/** Connections may have been created or removed since the batch was looked up. `find` clears it. */
let isStale = false;

export function setInputs(count: i32): void {
  inputs = count;
}

/** How many packets took the fast path. */
export function forwardedPackets(): f64 {
  return forwarded;
}

/** Replay up to COUNT packets of all inputs; returns how many there were, fewer only at the end. */
export function step(count: i32): i32 {
  let done = 0;
  while (done < count) {
    const n = gather(min(BATCH_COUNT, count - done));
    if (n === 0) break;
    find(n);
    for (let i = 0; i < n; i++) process(batchAt(i));
    done += n;
  }
  return done;
}

/**
 * Take up to MOST records, the earliest first. Only for the first one more is read; the others must be in memory
 * already.
 */
function gather(most: i32): i32 {
  let n = 0;
  while (n < most) {
    // The number of the input whose record is the earliest, and of the next after it; -1: none.
    let first = -1;
    let second = -1;
    for (let i = 0; i < inputs; i++) {
      const input = inputsAt(i);
      let state = input.state;
      if (state === InputState.MORE) state = readHead(input);
      while (state === InputState.MORE) {
        if (n > 0) return n;
        state = refill(i);
        input.state = state;
        if (state === InputState.MORE) state = readHead(input);
      }
      if (state !== InputState.HEAD) continue;
      if (first < 0 || isBefore(input, inputsAt(first))) {
        second = first;
        first = i;
      } else if (second < 0 || isBefore(input, inputsAt(second))) {
        second = i;
      }
    }
    if (first < 0) return n;
    do {
      take(batchAt(n), first);
      n++;
    } while (n < most && readHead(inputsAt(first)) === InputState.HEAD && (second < 0 || comesFirst(first, second)));
  }
  return n;
}

/**
 * Whether the record of input A is before that of B; of records of one time, the one whose input was named first is.
 */
function comesFirst(a: i32, b: i32): bool {
  return a < b ? !isBefore(inputsAt(b), inputsAt(a)) : isBefore(inputsAt(a), inputsAt(b));
}

/** Read the header of the next record of INPUT, if all of that is in memory; returns the new state. */
function readHead(input: Input): i32 {
  const record = changetype<PcapRecord>(<usize>input.at);
  const available = <i32>(input.end - input.at);
  if (available < PCAP_RECORD_HEADER_BYTES) return InputState.MORE;
  const caplen = <i32>record.capturedBytes;
  if (<u32>caplen > <u32>MAX_CAPLEN_BYTES || available < PCAP_RECORD_HEADER_BYTES + caplen) return InputState.MORE;
  // Some writers let the fraction exceed a second.
  const nsec = <u64>record.fraction * <u64>input.fractionNs;
  let seconds = <f64>record.sec;
  let nanoseconds = nsec;
  if (nsec >= <u64>NANOSECONDS_A_SECOND) {
    seconds += <f64>(nsec / NANOSECONDS_A_SECOND);
    nanoseconds = nsec % NANOSECONDS_A_SECOND;
  }
  input.sec = seconds;
  input.nsec = <u32>nanoseconds;
  input.capturedBytes = caplen;
  input.state = InputState.HEAD;
  return InputState.HEAD;
}

function isBefore(a: Input, b: Input): bool {
  const aSec = a.sec;
  const bSec = b.sec;
  return aSec < bSec || (aSec === bSec && a.nsec < b.nsec);
}

/** Put the record that the input NUMBER stands on into the batch, at ITEM, and check whether its packet is plain. */
function take(item: BatchItem, number: i32): void {
  const input = inputsAt(number);
  const head: usize = input.at;
  const caplen = input.capturedBytes;
  item.head = <u32>head;
  item.input = number;
  item.capturedBytes = caplen;
  item.nsec = input.nsec;
  item.sec = input.sec;
  input.at = <u32>head + PCAP_RECORD_HEADER_BYTES + caplen;
  input.state = InputState.MORE;
  input.read = input.read + 1;
  const frame = head + PCAP_RECORD_HEADER_BYTES;
  const ip = frame + ETHERNET_LENGTH;
  let reference = NOT_PLAIN;
  if (
    caplen > ETHERNET_LENGTH &&
    load<u16>(frame, ETHERNET_TYPE_AT) === ETHERTYPE_IPV4 &&
    (load<u8>(frame) & GROUP_BIT) === 0 &&
    isPlain(ip, caplen - ETHERNET_LENGTH)
  ) {
    item.hash = tupleHash(sourceOf(ip), destinationOf(ip), portsOf(ip));
    reference = NONE;
  }
  item.reference = reference;
}

/**
 * Find the connections of the N packets of the batch. First all slots are loaded, then all records, in loops so short
 * that the CPU has many of their loads in flight at once.
 */
function find(n: i32): void {
  isStale = false;
  for (let i = 0; i < n; i++) {
    const item = batchAt(i);
    if (item.reference !== NOT_PLAIN) load<i32>(homeOf(item.hash));
  }
  for (let i = 0; i < n; i++) {
    const item = batchAt(i);
    if (item.reference === NOT_PLAIN) continue;
    const reference = firstOfHash(item.hash);
    if (reference < 0) touchOpening(ipOf(item), devOf(item));
    else item.reference = reference;
  }
  for (let i = 0; i < n; i++) {
    const reference = batchAt(i).reference;
    if (reference < 0) continue;
    // One load from each of its cache lines.
    const record = changetype<usize>(recordAt(reference >>> 1));
    load<i32>(record);
    load<i32>(record, 64);
    load<i32>(record, 128);
    load<i32>(record + Connection.BYTES - 4);
  }
}

/** The address of the IP header of the packet of ITEM. */
function ipOf(item: BatchItem): usize {
  return item.head + PCAP_RECORD_HEADER_BYTES + ETHERNET_LENGTH;
}

/** The interface that the packet of ITEM came in by. */
function devOf(item: BatchItem): i32 {
  return inputsAt(item.input).dev;
}

/**
 * Only a plain packet advances the clock here. Whether any other frame holds a packet for the host is not known yet: a
 * frame that is skipped leaves the clock alone, and the rest advances it on the slow path.
 */
function process(item: BatchItem): void {
  const head: usize = item.head;
  if (item.reference === NOT_PLAIN) {
    isStale = true;
    replay(item.input, head, 0);
    return;
  }
  advance(item.sec, item.nsec);
  const path = tryFast(item);
  if (path >= 0) {
    forwarded += 1;
    write(pathsAt(path).outDev, item, head);
  } else {
    isStale = true;
    clock().sec = item.sec;
    clock().nsec = <f64>item.nsec;
    replay(item.input, head, path);
  }
}

/** Forward the packet of ITEM, if it is for the fast path: its path, or an upcall. */
function tryFast(item: BatchItem): i32 {
  let reference = item.reference;
  if (nowMs() >= clock().deadlineMs) return UPCALL;
  const ip = ipOf(item);
  const protocol = protocolOf(ip);
  const source = sourceOf(ip);
  const destination = destinationOf(ip);
  const ports = portsOf(ip);
  if (isStale || (reference !== NONE && !has(reference, source, destination, ports, protocol))) {
    reference = lookUp(source, destination, ports, protocol);
  }
  const wasOpened = reference < 0;
  const path = forwardFound(ip, devOf(item), reference);
  // A later packet of the batch may belong to the connection that was just opened, and slots may have moved.
  if (wasOpened) isStale = true;
  return path;
}

/** Advance packet time (core/clock.ts); only the slow path needs the time of day. */
function advance(sec: f64, nsec: u32): void {
  const time = clock();
  const packets = time.packets;
  if (packets === 0) {
    time.startSec = sec;
    time.startNsec = <f64>nsec;
  }
  time.packets = packets + 1;
  const nowMs = (sec - time.startSec) * 1000 + (<f64>nsec - time.startNsec) * 1e-6;
  if (nowMs > time.nowMs) time.nowMs = nowMs;
}

/** The packet of ITEM, whose record starts at HEAD, leaves by OUT_DEV: its record is rewritten where it is. */
function write(outDev: i32, item: BatchItem, head: usize): void {
  const length = totalLength(head + PCAP_RECORD_HEADER_BYTES + ETHERNET_LENGTH) + ETHERNET_LENGTH;
  const record = changetype<PcapRecord>(head);
  record.sec = <u32>(<i64>item.sec);
  record.fraction = item.nsec;
  record.capturedBytes = length;
  record.wireBytes = length;
  const number = egressAt(outDev).writer;
  const writer = writersAt(number);
  writer.packets += 1;
  if (writer.runEnd !== <u32>head) {
    settleRun(writer, number);
    writer.runStart = <u32>head;
  }
  writer.runEnd = <u32>head + PCAP_RECORD_HEADER_BYTES + length;
}

/** Copy the run of a writer to its chunk; a long one is written at once. */
function settleRun(writer: WriterState, number: i32): void {
  const start = writer.runStart;
  const length = writer.runEnd - start;
  if (length === 0) return;
  const filled = writer.filled;
  if (<i32>length >= DIRECT_BYTES || filled + length > writer.chunkEnd) {
    flush(number);
    return;
  }
  memory.copy(filled, start, length);
  writer.filled = filled + length;
  writer.runEnd = start;
}
