/** What rules say and send besides the packet: LOG, NFLOG, TRACE, TEE, NFQUEUE. */
import { formatIpv4 } from '../address.js';
import type { Prng } from '../prng.js';
import { LOCAL } from '../router.js';
import type { Circumstances, ExtensionFamily } from './maker.js';

/** Listeners read one group after the other, so what two groups tell about a packet has no order. */
const GROUP = 5;
/** A copy of TEE that is queued in OUTPUT is no copy for the kernel any more, and copied again for ever. */
const ARRIVALS = ['PREROUTING', 'INPUT', 'FORWARD'];
/**
 * The copy of a packet for the host itself comes back over lo if a rule reroutes it, and the kernel handles it once it
 * is done with the packet.
 */
const DEPARTURES = ['FORWARD', 'OUTPUT', 'POSTROUTING'];
const LOG_FLAGS = ['--log-tcp-sequence', '--log-tcp-options', '--log-ip-options', '--log-macdecode'];

export const OUTPUTS: ExtensionFamily = {
  name: 'outputs',
  matches: [],
  targets: [
    { name: 'LOG', weight: 2, make: ({ prng }) => `-j LOG ${logOptions(prng)}` },
    { name: 'NFLOG', weight: 2, make: ({ prng }) => `-j NFLOG --nflog-group ${GROUP}${nflogOptions(prng)}` },
    { name: 'NFQUEUE', weight: 1, hooks: ARRIVALS, make: ({ prng }) => `-j NFQUEUE ${queueOptions(prng)}` },
    { name: 'QUEUE', weight: 0.3, hooks: ARRIVALS, make: () => '-j QUEUE' },
    { name: 'TEE', weight: 2, hooks: DEPARTURES, make: teeTarget },
    { name: 'TRACE', weight: 6, tables: ['raw'], make: () => '-j TRACE' },
  ],
  unreached: { ULOG: 'which kernels since 3.17 do not have' },
};

function logOptions(prng: Prng): string {
  // The kernel's log is shared by all hosts: the prefix tells which one it was.
  return [`--log-prefix "L${prng.word()} "`, ...LOG_FLAGS.filter(() => prng.chance(0.4))].join(' ');
}

function nflogOptions(prng: Prng): string {
  return [
    ...(prng.chance(0.6) ? [` --nflog-prefix "n${prng.below(100)} ${prng.pick(['x', 'drop', 'née'])}"`] : []),
    ...(prng.chance(0.4) ? [` --nflog-size ${prng.pick([0, 1, 20, 28, 64, 1500, 70_000])}`] : []),
    ...(prng.chance(0.2) ? [` --nflog-threshold ${prng.between(1, 3)}`] : []),
  ].join('');
}

function queueOptions(prng: Prng): string {
  return [
    prng.weighted([
      [3, `--queue-num ${prng.below(4)}`],
      [1, '--queue-balance 0:3'],
      [1, '--queue-balance 1:2 --queue-cpu-fanout'],
    ]),
    ...(prng.chance(0.5) ? ['--queue-bypass'] : []),
  ].join(' ');
}

/** A copy to some neighbour, or to where there is no route. What the host itself gets is copied for ever. */
function teeTarget({ prng, world }: Circumstances): string {
  const others = world.parties.filter((party) => party.dev !== LOCAL);
  const { address, dev } = others.length > 0 ? prng.pick(others) : { address: 0x08080808, dev: 'nosuch' };
  return `-j TEE --gateway ${formatIpv4(address)}${prng.chance(0.25) ? ` --oif ${prng.pick([dev, 'nosuch'])}` : ''}`;
}
