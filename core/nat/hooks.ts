/** hot: NAT at the hooks: destination NAT before routing, source NAT after it. */
import type { Emit, Observation, PacketEnd } from '../events.js';
import type { FlowWalk } from '../flow/flow-walk.js';
import { HOOK_NAMES, Hook, type HookEntry, Priority, Verdict } from '../hooks.js';
import type { Packet } from '../packet.js';
import { packetEnd } from '../packet-fields.js';
import type { Nat, NatChains } from './nat.js';

const { ACCEPT, DROP } = Verdict;

/**
 * NAT at its four hooks. CHAINS are the nat chains for the first packet of a connection, REROUTED reroutes a packet,
 * and LEARN is called with the hook.
 */
export function natHooks(
  nat: Nat,
  chains: NatChains,
  rerouted: (packet: Packet) => boolean,
  learn: (walk: FlowWalk, hook: Hook) => boolean,
  observation: Observation,
): HookEntry[] {
  const plain = (packet: Packet): Verdict => nat.atHook(packet, chains);
  const translate = (packet: Packet): Verdict => {
    const { emit } = observation;
    return emit === undefined ? plain(packet) : translateObserved(packet, plain, emit);
  };
  const entry = (hook: Hook, priority: number, run: (packet: Packet) => Verdict): HookEntry => ({
    name: 'nat',
    hook,
    priority,
    run,
    learn: (walk) => learn(walk, hook),
  });
  return [
    entry(Hook.PREROUTING, Priority.DNAT, (packet) => {
      const { destination, dport } = packet;
      const verdict = translate(packet);
      noteTranslation(packet, destination, dport);
      // If the packet kept a route from its way over lo, that route was for the old destination.
      if (packet.destination !== destination) packet.routeDev = -1;
      return verdict;
    }),
    entry(Hook.OUTPUT, Priority.DNAT, (packet) => {
      const { destination, dport } = packet;
      const verdict = translate(packet);
      noteTranslation(packet, destination, dport);
      if (verdict !== ACCEPT || packet.destination === destination) return verdict;
      return rerouted(packet) ? ACCEPT : DROP;
    }),
    entry(Hook.INPUT, Priority.SNAT, translate),
    entry(Hook.POSTROUTING, Priority.SNAT, translate),
  ];
}

function noteTranslation(packet: Packet, destination: number, dport: number): void {
  if (packet.destination === destination && packet.dport === dport) return;
  packet.isTranslated = true;
  packet.untranslatedDestination = destination;
  packet.untranslatedDport = dport;
}

/** Passes PACKET to TRANSLATE, and emits each end that it changed. */
function translateObserved(packet: Packet, translate: (packet: Packet) => Verdict, emit: NonNullable<Emit>): Verdict {
  const source = packetEnd(packet.source, packet.sport);
  const destination = packetEnd(packet.destination, packet.dport);
  const verdict = translate(packet);
  const hook = HOOK_NAMES[packet.hook];
  const emitEnd = (end: 'source' | 'destination', from: PacketEnd, to: PacketEnd): void => {
    if (from.address === to.address && from.port === to.port) return;
    emit({ kind: 'translated', hook, end, from, to });
  };
  emitEnd('source', source, packetEnd(packet.source, packet.sport));
  emitEnd('destination', destination, packetEnd(packet.destination, packet.dport));
  return verdict;
}
