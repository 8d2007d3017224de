// hot: the capture loop. Records are read in place, merged by time, forwarded, and rewritten in place.
//
// Packets are processed in batches. The slot and record of a connection are rarely in a cache, but while one is being
// fetched, the next ones can be requested. So all packets of a batch are read first, then all slots, then all records,
// and then each packet is forwarded.
import { nowMs } from '../conntrack/account';
import { prefetchOpening } from '../conntrack/open';
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
import { finish } from '../flow/offload';
import { destinationOf, portsOf, protocolOf, sourceOf, totalLength } from '../flow/packet';
import { correction, isPlain } from '../flow/plain';
import { flush, refill, replay } from '../host';
import {
  BATCH_COUNT,
  BatchItem,
  batchAt,
  Connection,
  clock,
  egressAt,
  fateState,
  Input,
  inputsAt,
  PcapRecord,
  pathsAt,
  WriterState,
  writersAt,
} from '../records';
import { noteArrival, noteForwarded } from './fates';

/** The `reference` of a packet without a known connection, and of one that the fast path does not handle. */
const NONE = -1;
const NOT_PLAIN = -2;

const ETHERTYPE_IPV4: u32 = 0x0008;
const GROUP_BIT: u32 = 1;
const NANOSECONDS_PER_SECOND: u32 = 1000000000;

/** Number of captures being replayed. Set once by `InPlaceReplay`. */
let inputs = 0;
/** Number of packets that took the fast path. */
let forwarded: f64 = 0;
/** Connections may have been created or removed since the batch was looked up. Cleared by `find`. */
let isStale = false;

/** No record from this time on is replayed: something has to be done before. */
let stopSec: f64 = Infinity;
let stopNsec: u32 = 0;
/** The input whose record the last `step` has stopped at; -1: it has not stopped. */
let stopped = -1;

/** Nor is the record of this input before which so many of it were taken; -1: of no input. */
let stopInput = -1;
let stopRead: f64 = 0;

/** Makes `step` stop before the record of INPUT with this NUMBER, from 1, or before none if INPUT is -1. */
export function stopBefore(input: i32, number: f64): void {
  stopInput = input;
  stopRead = number - 1;
}

/** Makes `step` stop before the first record at SEC and NSEC or after it. */
export function stopAt(sec: f64, nsec: f64): void {
  stopSec = sec;
  stopNsec = <u32>nsec;
}

/** The input whose record the last `step` has stopped at; -1: it has not stopped. */
export function stoppedInput(): i32 {
  return stopped;
}

export function setInputs(count: i32): void {
  inputs = count;
}

/** Number of packets that took the fast path. */
export function forwardedPackets(): f64 {
  return forwarded;
}

/**
 * Replays up to COUNT packets from all inputs. Returns the number of packets, which is lower only at the end, or where
 * it has stopped.
 */
export function step(count: i32): i32 {
  let done = 0;
  stopped = -1;
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
 * Gathers up to MAX records, earliest first. May read more of a file only for the first record; the others must already
 * be in memory.
 */
function gather(max: i32): i32 {
  let n = 0;
  while (n < max) {
    // The inputs with the earliest record and the next one after it; -1 if there is none.
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
      if (state === InputState.LEAVE) return n;
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
      if (isDue(first)) {
        stopped = first;
        return n;
      }
      take(batchAt(n), first);
      n++;
    } while (n < max && readHead(inputsAt(first)) === InputState.HEAD && (second < 0 || comesFirst(first, second)));
  }
  return n;
}

/** Whether something has to be done before the record of input NUMBER. */
function isDue(number: i32): bool {
  const input = inputsAt(number);
  const sec = input.sec;
  if (sec > stopSec || (sec === stopSec && input.nsec >= stopNsec)) return true;
  return number === stopInput && input.read === stopRead;
}

/** Whether the record of input A comes before that of B. Ties go to the input named first. */
function comesFirst(a: i32, b: i32): bool {
  return a < b ? !isBefore(inputsAt(b), inputsAt(a)) : isBefore(inputsAt(a), inputsAt(b));
}

/** Reads the next record header of INPUT if it is completely in memory. Returns the new state. */
function readHead(input: Input): i32 {
  const record = changetype<PcapRecord>(<usize>input.at);
  const available = <i32>(input.end - input.at);
  if (available < PCAP_RECORD_HEADER_BYTES) return InputState.MORE;
  const caplen = <i32>record.capturedBytes;
  if (<u32>caplen > <u32>MAX_CAPLEN_BYTES || available < PCAP_RECORD_HEADER_BYTES + caplen) return InputState.MORE;
  if (caplen === 0 && isPcapMagic(record.sec)) return InputState.MORE;
  // Some writers let the fraction exceed one second.
  const nsec = <u64>record.fraction * <u64>input.fractionNs;
  let seconds = <f64>record.sec;
  let nanoseconds = nsec;
  if (nsec >= <u64>NANOSECONDS_PER_SECOND) {
    seconds += <f64>(nsec / NANOSECONDS_PER_SECOND);
    nanoseconds = nsec % NANOSECONDS_PER_SECOND;
  }
  input.sec = seconds;
  input.nsec = <u32>nanoseconds;
  input.capturedBytes = caplen;
  input.state = InputState.HEAD;
  return InputState.HEAD;
}

/**
 * Whether SEC, of a record without bytes, is the magic number of a file header: files were concatenated. The reader
 * then goes on with the new file, so it must recognise the same (`startsCapture`).
 */
function isPcapMagic(sec: u32): bool {
  return sec === 0xa1b2c3d4 || sec === 0xa1b23c4d || sec === 0xd4c3b2a1 || sec === 0x4d3cb2a1;
}

function isBefore(a: Input, b: Input): bool {
  const aSec = a.sec;
  const bSec = b.sec;
  return aSec < bSec || (aSec === bSec && a.nsec < b.nsec);
}

/** Puts the current record of input NUMBER into the batch at ITEM and checks whether its packet is plain. */
function take(item: BatchItem, number: i32): void {
  const input = inputsAt(number);
  const head: usize = input.at;
  const caplen = input.capturedBytes;
  item.head = <u32>head;
  item.input = number;
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
    item.correction = correction;
    reference = NONE;
  }
  item.reference = reference;
}

/**
 * Looks up the connections of the N packets in the batch. Loads all slots first, then all records, in loops short
 * enough for the CPU to keep many loads in flight.
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
    if (reference < 0) prefetchOpening(ipOf(item), devOf(item));
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

/** The address of the IP header of the packet in ITEM. */
function ipOf(item: BatchItem): usize {
  return item.head + PCAP_RECORD_HEADER_BYTES + ETHERNET_LENGTH;
}

/** The ingress interface of the packet in ITEM. */
function devOf(item: BatchItem): i32 {
  return inputsAt(item.input).dev;
}

/**
 * Only a plain packet advances the clock here. For any other frame it is not known yet whether it has a packet for the
 * host: a skipped frame does not advance the clock, and all others advance it on the slow path.
 */
function process(item: BatchItem): void {
  const head: usize = item.head;
  if (item.reference === NOT_PLAIN) {
    isStale = true;
    replay(item.input, head, 0);
    return;
  }
  advance(item.sec, item.nsec);
  const isNoted = fateState().isOn !== 0;
  if (isNoted) noteArrival(ipOf(item), item.input);
  const path = tryFast(item);
  if (path >= 0) {
    forwarded += 1;
    if (item.correction !== 0) finish(ipOf(item), item.correction);
    const outDev = pathsAt(path).outDev;
    write(outDev, item, head);
    if (isNoted) noteForwarded(ipOf(item), outDev, path);
  } else {
    isStale = true;
    clock().sec = item.sec;
    clock().nsec = <f64>item.nsec;
    replay(item.input, head, path);
  }
}

/** Forwards the packet in ITEM if the fast path can handle it. Returns its path or an upcall. */
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
  // A later packet of the batch may belong to the connection just opened, and slots may have moved.
  if (wasOpened) isStale = true;
  return path;
}

/** Advances packet time (core/clock.ts). Only the slow path needs the time of day. */
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

/** Sends the packet in ITEM, whose record starts at HEAD, out of OUT_DEV. The record is rewritten in place. */
function write(outDev: i32, item: BatchItem, head: usize): void {
  const egress = egressAt(outDev);
  const omitted = egress.omittedBytes;
  const length = totalLength(head + PCAP_RECORD_HEADER_BYTES + ETHERNET_LENGTH) + ETHERNET_LENGTH - omitted;
  // Without a link header, the record starts later: its own header is then where that was.
  const start = head + omitted;
  const record = changetype<PcapRecord>(start);
  record.sec = <u32>(<i64>item.sec);
  record.fraction = item.nsec;
  record.capturedBytes = length;
  record.wireBytes = length;
  const number = egress.writer;
  const writer = writersAt(number);
  writer.packets += 1;
  if (writer.runEnd !== <u32>start) {
    settleRun(writer, number);
    writer.runStart = <u32>start;
  }
  writer.runEnd = <u32>start + PCAP_RECORD_HEADER_BYTES + length;
}

/** Copies a writer's run to its chunk. Writes a long run immediately. */
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
