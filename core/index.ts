/** nfreplay as a library: compiles a ruleset for a host, takes frames, and passes on its output. */

export { type Address, parseAddress } from '../codecs/address.js';
export { formatLoaded, type LoadedAddress } from '../codecs/byte-order.js';
export { formatConnection, type ListedConnection, type ListedDirection } from '../codecs/conntrack-list.js';
export { HostError } from '../codecs/host/error.js';
export { Linktype } from '../codecs/linktypes.js';
export type { ConnectionSelector } from './conntrack/delete.js';
export { listConnection } from './conntrack/list.js';
export type { ConntrackTable } from './conntrack/table.js';
export { type Drop, type DropCause, describeCause } from './drop.js';
export {
  createEmulator,
  EMULATOR_ENGINES,
  type Emulator,
  type EmulatorEngine,
  type EmulatorOptions,
  type EmulatorOutput,
  type LogEntry,
  type LoggedPacket,
  type NflogEntry,
  Outcome,
  type UnboundQueueCounts,
} from './emulator.js';
export type * from './events.js';
export { Hook, type HookEntry, type HookName, Priority, type TableName, Verdict } from './hooks.js';
export { type Host, loadHost } from './host/host.js';
export { IpsetError } from './ipset/ipset-error.js';
export { Frame, type FrameFields, PACKET_TYPE_FROM_LINK } from './link/frame.js';
export type { LinkSkip } from './link/locate-ip.js';
export { AddressSpaceError, Memory } from './memory.js';
export type { ChecksumCounts, ChecksumMode } from './offload/checksums.js';
export type { CoalescedCounts } from './offload/segments.js';
export { type Packet, PacketType } from './packet.js';
export { REASONS, type Reason } from './reasons.js';
export {
  type Applied,
  type ApplyOptions,
  applyIptables,
  type RulesetState,
} from './rules/commands/apply-iptables.js';
export type { Chain, Rule, Ruleset, RulesetWarning, Table, TableCounters } from './rules/model.js';
export { RulesetError } from './rules/parse/error.js';
export { parseRuleset } from './rules/parse/parse.js';
export { saveRuleset } from './rules/save.js';
export type { UnsupportedPart, UnsupportedUse } from './rules/unsupported.js';
export { HostSets } from './sets/host-sets.js';
export type { CookieCounts } from './synproxy/cookies.js';
export type { UncertainCause, UncertainCount, UncertainPackets } from './uncertainty.js';
