// Captures, record by record: read where they lie, merged by time, forwarded, and written where they lie.
//
// Packets are taken in batches. A connection's slot and record are most often in no cache; while one is fetched, the next ones
// can be asked for. So all packets of a batch are looked at first, then all slots, then all records, and then each is forwarded.
import { nowMs } from '../conntrack/account';
import { touchOpening } from '../conntrack/open';
import { firstOfHash, has, homeOf, lookUp, recordAt, tupleHash } from '../conntrack/table';
import {
  BATCH_AT,
  CONTROL_AT,
  CONTROL_DEADLINE_MS_F64,
  CONTROL_NOW_MS_F64,
  CONTROL_NSEC_F64,
  CONTROL_PACKETS_F64,
  CONTROL_SEC_F64,
  CONTROL_START_NSEC_F64,
  CONTROL_START_SEC_F64,
  DIRECT_BYTES,
  ETHERNET_LENGTH,
  INPUT_AT,
  INPUT_CAPLEN,
  INPUT_DEV,
  INPUT_END,
  INPUT_FRACTION_NS,
  INPUT_NSEC,
  INPUT_READ_F64,
  INPUT_SEC,
  INPUT_STATE,
  INPUT_STRIDE,
  INPUTS_AT,
  InputState,
  IPV4_LENGTH,
  MAX_CAPLEN_BYTES,
  OUTPUT_NUMBERS_AT,
  OUTPUTS_AT,
  PATH_OUT_DEV_AT,
  PCAP_RECORD_HEADER_BYTES,
  RECORD_WORDS,
  WRITER_CHUNK_END,
  WRITER_FILLED,
  WRITER_PACKETS,
  WRITER_RUN_END,
  WRITER_RUN_START,
  WRITER_STATE_BYTES,
} from '../constants';
import { forwardFound } from '../flow/forward';
import { pathAddress, UPCALL } from '../flow/leave';
import { totalLength } from '../flow/packet';
import { isPlain } from '../flow/plain';
import { flush, refill, replay } from '../host';

const MOST_IN_BATCH = 64;
/**
 * Of a packet in a batch: its record's header, its input, its length as captured, its time; the hash of its tuple, and the reference
 * of the connection that it seems to belong to: NONE, or NOT_PLAIN, where it is not for the fast path.
 */
const HEAD = 0;
const INPUT = 4;
const CAPLEN = 8;
const NSEC = 12;
const SEC_F64 = 16;
const HASH = 24;
const REFERENCE = 28;
const NONE = -1;
const NOT_PLAIN = -2;
const STRIDE: usize = 32;

const ETHERTYPE_IPV4: u32 = 0x0008;
const GROUP_BIT: u32 = 1;
const NANOSECONDS_A_SECOND: u32 = 1000000000;

let inputs = 0;
let forwarded: f64 = 0;
/** Connections may have come and gone since the batch was looked up. */
let isStale = false;

export function setInputs(count: i32): void {
  inputs = count;
}

/** How many packets went the fast path. */
export function forwardedPackets(): f64 {
  return forwarded;
}

/** Replay up to COUNT packets of all inputs; how many there were, fewer at the end or where an input has to be waited for. */
export function step(count: i32): i32 {
  let done = 0;
  while (done < count) {
    const n = gather(min(MOST_IN_BATCH, count - done));
    if (n === 0) break;
    find(n);
    for (let i = 0; i < n; i++) process(BATCH_AT + <usize>i * STRIDE);
    done += n;
  }
  return done;
}

/** Take up to MOST records, the earliest first; only as many as lie in memory already, but for the first. */
function gather(most: i32): i32 {
  let n = 0;
  while (n < most) {
    // The input whose record is the earliest, and the next after it.
    let first: usize = 0;
    let second: usize = 0;
    let number = 0;
    for (let i = 0; i < inputs; i++) {
      const input: usize = INPUTS_AT + <usize>i * INPUT_STRIDE;
      let state = load<i32>(input, INPUT_STATE);
      if (state === InputState.MORE) state = readHead(input);
      while (state === InputState.MORE) {
        if (n > 0) return n;
        state = refill(i);
        store<i32>(input, state, INPUT_STATE);
        if (state === InputState.MORE) state = readHead(input);
      }
      if (state !== InputState.HEAD) continue;
      if (first === 0 || isBefore(input, first)) {
        second = first;
        first = input;
        number = i;
      } else if (second === 0 || isBefore(input, second)) {
        second = input;
      }
    }
    if (first === 0) return n;
    do {
      take(BATCH_AT + <usize>n * STRIDE, first, number);
      n++;
    } while (n < most && readHead(first) === InputState.HEAD && (second === 0 || comesFirst(first, second)));
  }
  return n;
}

/** Whether the record of A is before that of B; of records of one time, the one whose input was named first is. */
function comesFirst(a: usize, b: usize): bool {
  return a < b ? !isBefore(b, a) : isBefore(a, b);
}

/** Read the header of the next record of INPUT where all of it is in memory; its new state. */
function readHead(input: usize): i32 {
  const at: usize = load<u32>(input, INPUT_AT);
  const available = load<i32>(input, INPUT_END) - <i32>at;
  if (available < PCAP_RECORD_HEADER_BYTES) return InputState.MORE;
  const caplen = load<i32>(at, 8);
  if (<u32>caplen > <u32>MAX_CAPLEN_BYTES || available < PCAP_RECORD_HEADER_BYTES + caplen) return InputState.MORE;
  // The fraction is below 2^32: times 1000 it may run over, as some writers let it.
  const nsec = <u64>load<u32>(at, 4) * <u64>load<u32>(input, INPUT_FRACTION_NS);
  let seconds = <f64>load<u32>(at);
  let nanoseconds = nsec;
  if (nsec >= <u64>NANOSECONDS_A_SECOND) {
    seconds += <f64>(nsec / NANOSECONDS_A_SECOND);
    nanoseconds = nsec % NANOSECONDS_A_SECOND;
  }
  store<f64>(input, seconds, INPUT_SEC);
  store<u32>(input, <u32>nanoseconds, INPUT_NSEC);
  store<i32>(input, caplen, INPUT_CAPLEN);
  store<i32>(input, InputState.HEAD, INPUT_STATE);
  return InputState.HEAD;
}

function isBefore(a: usize, b: usize): bool {
  const aSec = load<f64>(a, INPUT_SEC);
  const bSec = load<f64>(b, INPUT_SEC);
  return aSec < bSec || (aSec === bSec && load<u32>(a, INPUT_NSEC) < load<u32>(b, INPUT_NSEC));
}

/** Put the record that INPUT stands on into a batch, at ITEM, and look its packet over. */
function take(item: usize, input: usize, number: i32): void {
  const head: usize = load<u32>(input, INPUT_AT);
  const caplen = load<i32>(input, INPUT_CAPLEN);
  store<u32>(item, <u32>head, HEAD);
  store<i32>(item, number, INPUT);
  store<i32>(item, caplen, CAPLEN);
  store<u32>(item, load<u32>(input, INPUT_NSEC), NSEC);
  store<f64>(item, load<f64>(input, INPUT_SEC), SEC_F64);
  store<u32>(input, <u32>head + PCAP_RECORD_HEADER_BYTES + caplen, INPUT_AT);
  store<i32>(input, InputState.MORE, INPUT_STATE);
  store<f64>(input, load<f64>(input, INPUT_READ_F64) + 1, INPUT_READ_F64);
  const frame = head + PCAP_RECORD_HEADER_BYTES;
  const ip = frame + ETHERNET_LENGTH;
  let reference = NOT_PLAIN;
  if (
    caplen > ETHERNET_LENGTH &&
    load<u16>(frame, 12) === ETHERTYPE_IPV4 &&
    (load<u8>(frame) & GROUP_BIT) === 0 &&
    isPlain(ip, caplen - ETHERNET_LENGTH)
  ) {
    store<u32>(item, tupleHash(load<i32>(ip, 12), load<i32>(ip, 16), load<i32>(ip, IPV4_LENGTH)), HASH);
    reference = NONE;
  }
  store<i32>(item, reference, REFERENCE);
}

/**
 * Find the connections of the N packets of the batch. First all slots are looked at, then all records asked for, in loops that
 * are so short that many of their loads are under way at once.
 */
function find(n: i32): void {
  isStale = false;
  for (let i = 0; i < n; i++) {
    const item: usize = BATCH_AT + <usize>i * STRIDE;
    if (load<i32>(item, REFERENCE) !== NOT_PLAIN) load<i32>(homeOf(load<u32>(item, HASH)));
  }
  for (let i = 0; i < n; i++) {
    const item: usize = BATCH_AT + <usize>i * STRIDE;
    if (load<i32>(item, REFERENCE) === NOT_PLAIN) continue;
    const reference = firstOfHash(load<u32>(item, HASH));
    if (reference < 0) touchOpening(ipOf(item), devOf(item));
    else store<i32>(item, reference, REFERENCE);
  }
  for (let i = 0; i < n; i++) {
    const reference = load<i32>(BATCH_AT + <usize>i * STRIDE, REFERENCE);
    if (reference < 0) continue;
    const record = recordAt(reference >>> 1);
    load<i32>(record);
    load<i32>(record, 64);
    load<i32>(record, 128);
    load<i32>(record, (RECORD_WORDS - 1) << 2);
  }
}

/** Where the IP header of the packet of ITEM is. */
function ipOf(item: usize): usize {
  return load<u32>(item, HEAD) + PCAP_RECORD_HEADER_BYTES + ETHERNET_LENGTH;
}

/** The interface that the packet of ITEM came in by. */
function devOf(item: usize): i32 {
  return load<i32>(INPUTS_AT + <usize>load<i32>(item, INPUT) * INPUT_STRIDE, INPUT_DEV);
}

/**
 * Only a plain packet winds the clock here. Of the others nobody knows yet whether they hold a packet for the host: what is skipped
 * leaves the clock alone, and the rest winds it on the slow path.
 */
function process(item: usize): void {
  const head: usize = load<u32>(item, HEAD);
  if (load<i32>(item, REFERENCE) === NOT_PLAIN) {
    isStale = true;
    replay(load<i32>(item, INPUT), head, 0);
    return;
  }
  advance(load<f64>(item, SEC_F64), load<u32>(item, NSEC));
  const path = tryFast(item);
  if (path !== UPCALL) {
    forwarded += 1;
    write(load<i32>(pathAddress(path), PATH_OUT_DEV_AT), item, head);
  } else {
    isStale = true;
    store<f64>(CONTROL_AT, load<f64>(item, SEC_F64), CONTROL_SEC_F64 << 3);
    store<f64>(CONTROL_AT, <f64>load<u32>(item, NSEC), CONTROL_NSEC_F64 << 3);
    replay(load<i32>(item, INPUT), head, 1);
  }
}

function tryFast(item: usize): i32 {
  let reference = load<i32>(item, REFERENCE);
  if (nowMs() >= load<f64>(CONTROL_AT, CONTROL_DEADLINE_MS_F64 << 3)) return UPCALL;
  const ip = ipOf(item);
  const protocol: i32 = load<u8>(ip, 9);
  const source = load<i32>(ip, 12);
  const destination = load<i32>(ip, 16);
  const ports = load<i32>(ip, IPV4_LENGTH);
  if (isStale || (reference !== NONE && !has(reference, source, destination, ports, protocol))) {
    reference = lookUp(source, destination, ports, protocol);
  }
  const wasOpened = reference < 0;
  const path = forwardFound(ip, devOf(item), reference);
  // What was opened just now may be what a later packet of the batch belongs to, and slots may have moved.
  if (wasOpened) isStale = true;
  return path;
}

/** Packet time goes on (core/clock.ts); the time of day is of interest on the slow path alone. */
function advance(sec: f64, nsec: u32): void {
  const packets = load<f64>(CONTROL_AT, CONTROL_PACKETS_F64 << 3);
  if (packets === 0) {
    store<f64>(CONTROL_AT, sec, CONTROL_START_SEC_F64 << 3);
    store<f64>(CONTROL_AT, <f64>nsec, CONTROL_START_NSEC_F64 << 3);
  }
  store<f64>(CONTROL_AT, packets + 1, CONTROL_PACKETS_F64 << 3);
  const startSec = load<f64>(CONTROL_AT, CONTROL_START_SEC_F64 << 3);
  const startNsec = load<f64>(CONTROL_AT, CONTROL_START_NSEC_F64 << 3);
  const nowMs = (sec - startSec) * 1000 + (<f64>nsec - startNsec) * 1e-6;
  if (nowMs > load<f64>(CONTROL_AT, CONTROL_NOW_MS_F64 << 3)) store<f64>(CONTROL_AT, nowMs, CONTROL_NOW_MS_F64 << 3);
}

/** The packet of ITEM, whose record starts at HEAD, leaves by OUT_DEV: its record is made anew where it lies. */
function write(outDev: i32, item: usize, head: usize): void {
  const length = totalLength(head + PCAP_RECORD_HEADER_BYTES + ETHERNET_LENGTH) + ETHERNET_LENGTH;
  store<u32>(head, <u32>(<i64>load<f64>(item, SEC_F64)));
  store<u32>(head, load<u32>(item, NSEC), 4);
  store<u32>(head, length, 8);
  store<u32>(head, length, 12);
  const number = load<i32>(OUTPUT_NUMBERS_AT + ((<usize>outDev) << 2));
  const output: usize = OUTPUTS_AT + <usize>number * WRITER_STATE_BYTES;
  store<f64>(output, load<f64>(output, WRITER_PACKETS) + 1, WRITER_PACKETS);
  if (load<u32>(output, WRITER_RUN_END) !== <u32>head) {
    settleRun(output, number);
    store<u32>(output, <u32>head, WRITER_RUN_START);
  }
  store<u32>(output, <u32>head + PCAP_RECORD_HEADER_BYTES + length, WRITER_RUN_END);
}

/** Gather the run of OUTPUT with what is to be written already; a long one is written at once. */
function settleRun(output: usize, number: i32): void {
  const start = load<i32>(output, WRITER_RUN_START);
  const length = load<i32>(output, WRITER_RUN_END) - start;
  if (length === 0) return;
  const filled = load<i32>(output, WRITER_FILLED);
  if (length >= DIRECT_BYTES || filled + length > load<i32>(output, WRITER_CHUNK_END)) {
    flush(number);
    return;
  }
  memory.copy(filled, start, length);
  store<i32>(output, filled + length, WRITER_FILLED);
  store<i32>(output, start, WRITER_RUN_END);
}
