/** hot: connection tracking at the hooks: packets are tracked where they enter and confirmed where they leave. */
import { because } from '../drop.js';
import type { Observation } from '../events.js';
import { type FlowWalk, nothingToLearn } from '../flow/flow-walk.js';
import { Hook, type HookEntry, Priority, Verdict } from '../hooks.js';
import type { Packet } from '../packet.js';
import type { Reason } from '../reasons.js';
import type { Conntrack } from './conntrack.js';
import { observedTracking } from './observe.js';

export function conntrackHooks(conntrack: Conntrack, observation: Observation): HookEntry[] {
  const observed = observedTracking(conntrack);
  const follow = (packet: Packet): boolean => {
    const { emit } = observation;
    return emit === undefined ? conntrack.track(packet) : observed(packet, emit);
  };
  const track = (packet: Packet): Verdict => (follow(packet) ? Verdict.ACCEPT : dropFor(packet, 'conntrack-full'));
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
