/** hot: NAT at the hooks: destinations before routing, sources after it. */
import type { FlowWalk } from '../flow/flow-walk.js';
import { Hook, type HookEntry, Priority, Verdict } from '../hooks.js';
import type { Host } from '../host/host.js';
import { reroute } from '../own-route.js';
import type { Packet } from '../packet.js';
import type { Nat, NatChains } from './nat.js';

const { ACCEPT, DROP } = Verdict;

/** NAT, with the chains that the first packet of a connection asks; LEARN is told the hook. */
export function natHooks(
  nat: Nat,
  chains: NatChains,
  host: Host,
  learn: (walk: FlowWalk, hook: Hook) => boolean,
): HookEntry[] {
  const translate = (packet: Packet): Verdict => nat.atHook(packet, chains);
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
      // A route that the packet had, coming back over lo, was one to its old destination.
      if (packet.destination !== destination) packet.routeDev = -1;
      return verdict;
    }),
    entry(Hook.OUTPUT, Priority.DNAT, (packet) => {
      const { destination, dport } = packet;
      const verdict = translate(packet);
      noteTranslation(packet, destination, dport);
      if (verdict !== ACCEPT || packet.destination === destination) return verdict;
      return reroute(packet, host) ? ACCEPT : DROP;
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
