/** Deletes connections, as `conntrack -D` does, and as the kernel does when interfaces and addresses go. */
import { type Address, prefixMask } from '../../codecs/address.js';
import { portToHostOrder } from '../../codecs/byte-order.js';
import type { Prefix } from '../../codecs/host/description.js';
import {
  CONNECTION,
  MARK,
  ORIGINAL_TUPLE,
  PROTOCOL,
  RECORD_WORDS,
  REPLY_TUPLE,
  STATUS,
  Status,
  TUPLE_DESTINATION,
  TUPLE_PORTS,
  TUPLE_SOURCE,
} from './record.js';
import type { ConntrackTable } from './table.js';

const MASQUERADE_DEV = CONNECTION.word.masqueradeDev;

/** Which connections: those that have all that is given here (conntrack(8)). Only IPv4 addresses are found. */
export interface ConnectionSelector {
  /** `-p`: the IANA number. */
  readonly protocol?: number | undefined;
  /** `-s`, `-d`: of the original tuple. */
  readonly originalSource?: Address | Prefix | undefined;
  readonly originalDestination?: Address | Prefix | undefined;
  /** `-r`, `-q`: of the reply tuple. */
  readonly replySource?: Address | Prefix | undefined;
  readonly replyDestination?: Address | Prefix | undefined;
  /** Either end of the original, or of the reply tuple. */
  readonly originalEnd?: Address | Prefix | undefined;
  readonly replyEnd?: Address | Prefix | undefined;
  /** `--orig-port-src`, `--orig-port-dst`, `--reply-port-src`, `--reply-port-dst`. */
  readonly originalSport?: number | undefined;
  readonly originalDport?: number | undefined;
  readonly replySport?: number | undefined;
  readonly replyDport?: number | undefined;
  /** `-m VALUE/MASK`. */
  readonly mark?: { readonly value: number; readonly mask: number } | undefined;
  /** `--src-nat`, `--dst-nat`: some end is translated. */
  readonly isSourceTranslated?: boolean | undefined;
  readonly isDestinationTranslated?: boolean | undefined;
}

/** Deletes the connections that SELECTOR selects, of those that have not expired by NOW_MS. Returns how many. */
export function deleteConnections(table: ConntrackTable, selector: ConnectionSelector, nowMs: number): number {
  const tests = testsOf(selector);
  return deleteIf(table, nowMs, (base) => tests.every((test) => test(table.words, base)));
}

/** The masqueraded connections of interface DEV; if ADDRESS is given, only those that have it as their source. */
export function deleteMasqueraded(table: ConntrackTable, dev: number, nowMs: number, address?: number): number {
  const { words } = table;
  const isOf = (base: number): boolean => words[base + MASQUERADE_DEV] === dev + 1;
  if (address === undefined) return deleteIf(table, nowMs, isOf);
  return deleteIf(table, nowMs, (base) => isOf(base) && words[base + REPLY_TUPLE + TUPLE_DESTINATION] === address);
}

/** An interface has another index: the masqueraded connections of FROM are those of TO. */
export function moveMasqueraded({ words, usedRecords }: ConntrackTable, from: number, to: number): void {
  const end = usedRecords * RECORD_WORDS;
  for (let at = MASQUERADE_DEV; at < end; at += RECORD_WORDS) if (words[at] === from + 1) words[at] = to + 1;
}

/** IS_SELECTED is called with the first word of a record. */
function deleteIf(table: ConntrackTable, nowMs: number, isSelected: (base: number) => boolean): number {
  const selected: number[] = [];
  table.forEach(nowMs, (entry) => {
    if (isSelected(entry * RECORD_WORDS)) selected.push(entry);
  });
  for (const entry of selected) table.remove(entry);
  return selected.length;
}

type Test = (words: Int32Array, base: number) => boolean;

function testsOf(selector: ConnectionSelector): Test[] {
  const { protocol, mark } = selector;
  return [
    ...(protocol === undefined
      ? []
      : [(words: Int32Array, base: number) => (words[base + PROTOCOL] & 0xff) === protocol]),
    ...inAddress(ORIGINAL_TUPLE, [TUPLE_SOURCE], selector.originalSource),
    ...inAddress(ORIGINAL_TUPLE, [TUPLE_DESTINATION], selector.originalDestination),
    ...inAddress(REPLY_TUPLE, [TUPLE_SOURCE], selector.replySource),
    ...inAddress(REPLY_TUPLE, [TUPLE_DESTINATION], selector.replyDestination),
    ...inAddress(ORIGINAL_TUPLE, [TUPLE_SOURCE, TUPLE_DESTINATION], selector.originalEnd),
    ...inAddress(REPLY_TUPLE, [TUPLE_SOURCE, TUPLE_DESTINATION], selector.replyEnd),
    ...ofPort(ORIGINAL_TUPLE, 0, selector.originalSport),
    ...ofPort(ORIGINAL_TUPLE, 16, selector.originalDport),
    ...ofPort(REPLY_TUPLE, 0, selector.replySport),
    ...ofPort(REPLY_TUPLE, 16, selector.replyDport),
    ...(mark === undefined
      ? []
      : [(words: Int32Array, base: number) => (words[base + MARK] & mark.mask) === mark.value]),
    ...ofStatus(Status.SRC_NAT, selector.isSourceTranslated),
    ...ofStatus(Status.DST_NAT, selector.isDestinationTranslated),
  ];
}

/** One of ENDS of TUPLE is in WANTED. An address of IPv6 selects nothing. */
function inAddress(tuple: number, ends: readonly number[], wanted: Address | Prefix | undefined): Test[] {
  if (wanted === undefined) return [];
  const { address, prefixLength } = 'prefixLength' in wanted ? wanted : { address: wanted, prefixLength: 32 };
  if (address.family !== 'ipv4') return [() => false];
  const mask = prefixMask('ipv4', prefixLength).loaded;
  const network = address.loaded & mask;
  return [(words, base) => ends.some((end) => (words[base + tuple + end] & mask) === network)];
}

function ofPort(tuple: number, shift: number, wanted: number | undefined): Test[] {
  if (wanted === undefined) return [];
  return [(words, base) => portToHostOrder((words[base + tuple + TUPLE_PORTS] >>> shift) & 0xffff) === wanted];
}

function ofStatus(bit: number, wanted: boolean | undefined): Test[] {
  return wanted === undefined ? [] : [(words, base) => ((words[base + STATUS] & bit) !== 0) === wanted];
}
