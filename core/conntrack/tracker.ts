/** What conntrack asks of a layer-4 tracker. */
import type { Direction, Packet } from '../packet.js';

/** What a tracker says of a packet of an entry. */
export const TrackResult = {
  /** The packet belongs to the entry. */
  ACCEPT: 0,
  /** It passes as INVALID, without an entry (the kernel's -NF_ACCEPT). */
  INVALID: 1,
  /** The entry is over: delete it and look the packet up anew (-NF_REPEAT). */
  REPEAT: 2,
  /** The packet belongs to the entry and ends it at once (nf_ct_kill_acct). */
  KILL: 3,
} as const;
export type TrackResult = (typeof TrackResult)[keyof typeof TrackResult];

/** One layer-4 protocol: is this packet valid, make a new entry, update one. Time is the packet's `nowMs`. */
export interface L4Tracker {
  /** Header, lengths, flags; the checksum where the packet arrives and checksums are wanted. */
  isValid(packet: Packet): boolean;
  /** Whether PACKET may open ENTRY, a fresh record that no lookup finds yet; sets up the protocol's part of it. */
  open(entry: number, packet: Packet): boolean;
  /** Follow PACKET of ENTRY: state, time-out, accounting, ASSURED. IS_NEW: the entry is not confirmed yet. */
  update(entry: number, direction: Direction, packet: Packet, isNew: boolean): TrackResult;
}
