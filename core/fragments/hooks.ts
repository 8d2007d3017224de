/** hot: reassembly at the hooks, before all other entries (nf_defrag_ipv4). */
import { isFragment } from '../decode.js';
import { because } from '../drop.js';
import type { Emit, Observation } from '../events.js';
import { nothingToLearn } from '../flow/flow-walk.js';
import { Hook, type HookEntry, Priority, Verdict } from '../hooks.js';
import { CtInfo, type Packet } from '../packet.js';
import { packetFields } from '../packet-fields.js';
import { type FragmentQueues, FragmentUser, Reassembly } from './reassemble.js';

/** Entries for QUEUES at PREROUTING and OUTPUT. A fragment that waits for others is STOLEN. */
export function fragmentHooks(queues: FragmentQueues, observation: Observation): HookEntry[] {
  const entry = (hook: Hook, user: FragmentUser): HookEntry => ({
    name: 'defrag',
    hook,
    priority: Priority.DEFRAG,
    run: (packet) => (isTaken(packet) ? reassemble(queues, packet, user, observation.emit) : Verdict.ACCEPT),
    // Reassembled packets never enter the flow cache.
    learn: nothingToLearn,
  });
  return [entry(Hook.PREROUTING, FragmentUser.CONNTRACK_IN), entry(Hook.OUTPUT, FragmentUser.CONNTRACK_OUT)];
}

/** What the host sent untracked comes back over lo in fragments, and stays so until it is delivered. */
function isTaken(packet: Packet): boolean {
  return isFragment(packet) && packet.ctinfo !== CtInfo.UNTRACKED;
}

/** Adds PACKET, a fragment, to QUEUES for USER. Returns ACCEPT if it is now whole, STOLEN if it waits, else DROP. */
export function reassemble(queues: FragmentQueues, packet: Packet, user: FragmentUser, emit: Emit): Verdict {
  switch (queues.add(packet, user)) {
    case Reassembly.COMPLETE:
      emit?.({ kind: 'reassembled', packet: packetFields(packet) });
      return Verdict.ACCEPT;
    case Reassembly.PENDING:
      emit?.({ kind: 'held', packet: packetFields(packet) });
      return Verdict.STOLEN;
    default:
      if (queues.dropReason !== '') packet.dropCause = because(queues.dropReason);
      return Verdict.DROP;
  }
}
