/** Plans flows before the rules are generated, so that rules refer to traffic that will occur. */
import type { Prng } from './prng.js';
import { LOCAL } from './router.js';
import type { Side } from './scene.js';
import { devicesOf, type Party, type World } from './world.js';

const PROTOCOLS: readonly (readonly [number, number])[] = [
  [5, 6],
  [4, 17],
  [2, 1],
  [0.3, 47],
  [0.2, 132],
  [0.2, 136],
];

/** Plans COUNT flows in WORLD. */
export function planFlows(prng: Prng, world: World, count: number, clashes: number): void {
  for (let i = 0; i < count; i++) {
    const protocol = prng.weighted(PROTOCOLS);
    world.flows.push({ protocol, ...randomSide(prng, world, protocol, clashes) });
  }
}

/** The opener of a planned flow of PROTOCOL (0: any), or a new one. */
export function sideOf(prng: Prng, world: World, protocol: number, clashes: number): Side {
  const fitting = world.flows.filter((flow) => flow.protocol === protocol || protocol === 0);
  if (fitting.length === 0 || prng.chance(0.25)) return randomSide(prng, world, protocol, clashes);
  const { dev, address, port, peerAddress, peerPort } = prng.pick(fitting);
  // The same ports continue the same flow; other ports are another flow between the same hosts.
  return { dev, address, port: prng.chance(0.5) ? port : randomPort(prng, world), peerAddress, peerPort };
}

/** A random flow, most often to an offered service. */
function randomSide(prng: Prng, world: World, protocol: number, clashes: number): Side {
  const fitting = world.services.filter((service) => service.protocol === protocol || protocol === 0);
  const service = fitting.length > 0 && prng.chance(0.6) ? prng.pick(fitting) : undefined;
  const sender = randomSender(prng, world);
  const strangers = world.parties.filter((party) => party.dev !== sender.dev || prng.chance(0.15));
  const destination = service?.address ?? prng.pick(strangers.length > 0 ? strangers : world.parties).address;
  return {
    dev: sender.dev,
    address: sender.address,
    port: prng.chance(clashes) ? 40_000 : randomPort(prng, world),
    peerAddress: destination,
    peerPort: service?.port || prng.pick(world.ports),
  };
}

/** A source port: most often from the upper class, sometimes from the two others that the kernel distinguishes. */
function randomPort(prng: Prng, world: World): number {
  return prng.weighted<() => number>([
    [8, () => prng.between(40_000, 60_000)],
    [0.7, () => prng.between(1, 511)],
    [0.7, () => prng.between(512, 1023)],
    [1, () => prng.pick(world.ports)],
  ])();
}

export function randomSender(prng: Prng, world: World): Party {
  const remote = world.parties.filter((party) => party.dev !== LOCAL);
  const own = world.parties.filter((party) => party.dev === LOCAL);
  if (own.length > 0 && (remote.length === 0 || prng.chance(0.14))) return prng.pick(own);
  const sender = prng.pick(remote);
  // Occasionally it arrives on an unexpected interface.
  return prng.chance(0.03) ? { dev: prng.pick(devicesOf(world)), address: sender.address } : sender;
}
