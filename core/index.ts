/** nfreplay as a library: compile a ruleset for a host, push frames, get what comes out. */

export { createEmulator, type Emulator, type EmulatorOptions, type EmulatorOutput, Outcome } from './emulator.js';
export { Hook, type HookName, type TableName, Verdict } from './hooks.js';
export { type Host, loadHost } from './host/host.js';
export { PacketType } from './packet.js';
