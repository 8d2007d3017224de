/** hot: connection tracking at the hooks: packets are tracked where they come from, and confirmed where they go to. */
import { because } from '../drop.js';
import { type FlowWalk, nothingToLearn } from '../flow/flow-walk.js';
import { Hook, type HookEntry, Priority, Verdict } from '../hooks.js';
import type { Packet } from '../packet.js';
import type { Reason } from '../reasons.js';
import type { Conntrack } from './conntrack.js';

export function conntrackHooks(conntrack: Conntrack): HookEntry[] {
  const track = (packet: Packet): Verdict =>
    conntrack.track(packet) ? Verdict.ACCEPT : dropFor(packet, 'conntrack-full');
  const confirm = (packet: Packet): Verdict =>
    conntrack.confirm(packet) ? Verdict.ACCEPT : dropFor(packet, 'conntrack-clash');
  return [
    ...[Hook.PREROUTING, Hook.OUTPUT].map((hook) => ({
      name: 'conntrack',
      hook,
      priority: Priority.CONNTRACK,
      run: track,
      learn: (walk: FlowWalk) => walk.track(),
    })),
    ...[Hook.INPUT, Hook.POSTROUTING].map((hook) => ({
      name: 'confirm',
      hook,
      priority: Priority.CONFIRM,
      run: confirm,
      learn: nothingToLearn,
    })),
  ];
}

function dropFor(packet: Packet, reason: Reason): Verdict {
  packet.dropCause = because(reason);
  return Verdict.DROP;
}
