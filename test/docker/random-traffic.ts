/** Random packets between a client, the host, containers and what is outside. */
import type { StoryContainer, StoryWorld } from './random-story.js';

const HOST = '192.0.2.10';
const OUTSIDE = '198.51.100.5';

export function randomTraffic(world: StoryWorld): string {
  const { random } = world;
  const running = world.running();
  if (running.length === 0) return `client ${ping(HOST)}`;
  const container = random.pick(running);
  return random.weighted<() => string>([
    [8, () => `client ${toPublished(world, container, HOST)}`],
    [3, () => `client ${toContainer(world)}`],
    [3, () => `host ${toPublished(world, container, random.pick([HOST, '127.0.0.1']))}`],
    [3, () => `host ${toContainer(world)}`],
    [6, () => `in ${container.name} ${fromContainer(world)}`],
    [2, () => `outside ${toPublished(world, container, HOST)}`],
  ])();
}

/** To a port that CONTAINER publishes, or somebody, or nobody. */
function toPublished({ random, containers }: StoryWorld, { ports }: StoryContainer, address: string): string {
  const all = containers.flatMap((container) => container.ports);
  const choices = ports.length > 0 ? ports : all;
  if (choices.length === 0) return ask(address, 9999);
  const { hostPort, protocol } = random.pick(choices);
  return protocol === 'udp' ? `echo hello > /dev/udp/${address}/${hostPort}` : ask(address, hostPort);
}

function toContainer(world: StoryWorld): string {
  const { random } = world;
  const address = addressOf(world);
  return random.chance(0.25) ? ping(address) : ask(address, random.pick([80, 80, 7, 81]));
}

function fromContainer(world: StoryWorld): string {
  const { random } = world;
  const published = world.containers.flatMap(({ ports }) => ports.filter(({ protocol }) => protocol === 'tcp'));
  const hostPort = published.length === 0 ? 80 : random.pick(published).hostPort;
  return random.weighted([
    [3, get(OUTSIDE, 80)],
    [1, ping(OUTSIDE)],
    [4, get(addressOf(world), 80)],
    [1, ping(addressOf(world))],
    [2, get(HOST, hostPort)],
  ]);
}

/** The address of a container that runs, in one of its networks. */
function addressOf(world: StoryWorld): string {
  const reachable = world.running().filter(({ networks }) => networks.length > 0);
  if (reachable.length === 0) return '172.17.0.2';
  const { name, networks } = world.random.pick(reachable);
  return `{${name}@${world.random.pick(networks)}}`;
}

const ask = (address: string, port: number): string => `curl -s -m 1 -o /dev/null http://${address}:${port}/`;
const get = (address: string, port: number): string =>
  `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 1 ${address} ${port} | head -c 15`;
const ping = (address: string): string => `busybox ping -c 1 -W 1 ${address}`;
