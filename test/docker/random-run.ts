/** Random words for `docker run`. */
import type { StoryContainer, StoryWorld } from './random-story.js';

export interface PublishedPort {
  readonly hostPort: number;
  readonly protocol: 'tcp' | 'udp';
}

const FIRST_HOST_PORT = 8000;

export function randomRun(world: StoryWorld): { words: string; container: StoryContainer } {
  const { random } = world;
  const name = `web${world.next('container')}`;
  const words = [`--name ${name}`];
  const { networks, words: network } = randomPlace(world);
  words.push(...network);
  const ports: PublishedPort[] = [];
  const isShared = network.some((word) => word.startsWith('--network container:'));
  if (networks.length > 0 || (!isShared && random.chance(0.1))) {
    for (const { word, published } of randomPorts(world)) {
      words.push(word);
      ports.push(...published);
    }
  }
  const restart = random.chance(0.35) ? random.pick(['always', 'always', 'unless-stopped', 'no', 'on-failure:3']) : '';
  if (restart !== '') words.push(`--restart ${restart}`);
  const isRemovedWhenStopped = restart === '' && random.chance(0.08);
  if (isRemovedWhenStopped) words.push('--rm');
  if (!isShared && random.chance(0.08)) words.push('--hostname box');
  return {
    words: [...words, 'busybox'].join(' '),
    container: {
      name,
      networks,
      ports,
      isRemovedWhenStopped,
      isRestarted: /always|unless/.test(restart),
      isRunning: true,
    },
  };
}

/** Which networks it is in. */
function randomPlace(world: StoryWorld): { networks: string[]; words: string[] } {
  const { random } = world;
  if (random.chance(0.05)) return { networks: [], words: [`--network ${random.pick(['host', 'none'])}`] };
  const others = world.running().filter(({ networks }) => networks.length > 0);
  if (others.length > 0 && random.chance(0.03))
    return { networks: [], words: [`--network container:${random.pick(others).name}`] };
  if (world.networks.length === 0 || random.chance(0.35)) {
    const linked = others.filter(({ networks }) => networks[0] === 'bridge');
    const link = linked.length > 0 && random.chance(0.12) ? [`--link ${random.pick(linked).name}`] : [];
    return { networks: ['bridge'], words: link };
  }
  const { name, subnet } = random.pick(world.networks);
  const words = [`--network ${name}`];
  if (subnet !== undefined && random.chance(0.25)) {
    const first = subnet.split('/')[0].replace(/\d+$/, '');
    words.push(`--ip ${first}${random.pick([2, 4, 5, 80])}`);
  }
  return { networks: [name], words };
}

interface RandomPort {
  readonly word: string;
  readonly published: PublishedPort[];
}

function randomPorts(world: StoryWorld): RandomPort[] {
  const count = world.random.weighted([
    [4, 0],
    [5, 1],
    [2, 2],
    [1, 3],
  ]);
  // Engines before 27 sort several ports of a container by what is no order, unless both of its ends ascend.
  if (count > 1 && world.engine !== '28.5')
    return [7, 80, 91].slice(0, count).map((inside) => plainPort(world, `${inside}`, nextPort(world)));
  return Array.from({ length: count }, () => randomPort(world));
}

function hostPort(world: StoryWorld): number {
  // Now and then one that another container has.
  return world.next('port') > 0 && world.random.chance(0.05) ? FIRST_HOST_PORT : nextPort(world);
}

function nextPort(world: StoryWorld): number {
  return FIRST_HOST_PORT + world.next('port') * 4;
}

function randomHost({ random }: StoryWorld): string {
  return random.weighted([
    [6, ''],
    [1, '127.0.0.1:'],
    [1, '192.0.2.10:'],
    [1, '0.0.0.0:'],
  ]);
}

function randomProtocol({ random }: StoryWorld): { protocol: 'tcp' | 'udp'; suffix: string } {
  return random.chance(0.15)
    ? { protocol: 'udp', suffix: '/udp' }
    : { protocol: 'tcp', suffix: random.pick(['', '/tcp']) };
}

function plainPort(world: StoryWorld, inside: string, port = hostPort(world)): RandomPort {
  const { protocol, suffix } = randomProtocol(world);
  const option = world.random.pick(['-p', '-p', '--publish']);
  return {
    word: `${option} ${randomHost(world)}${port}:${inside}${suffix}`,
    published: [{ hostPort: port, protocol }],
  };
}

function randomPort(world: StoryWorld): RandomPort {
  const { random } = world;
  const inside = random.pick([80, 80, 80, 7, 81]);
  const { protocol, suffix } = randomProtocol(world);
  return random.weighted<() => RandomPort>([
    [9, () => plainPort(world, `${inside}`)],
    [2, () => range(2, '80-82')],
    [1, () => range(3, '80')],
    [0.7, () => ({ word: `-p ${inside}${suffix}`, published: [] })],
    // The images expose nothing: what they do cannot be told from a command.
    [0.7, () => ({ word: `-P --expose ${random.pick(['80', '80-82', '7/udp', '81/tcp'])}`, published: [] })],
    [0.5, () => ({ word: `--expose ${inside}${suffix}`, published: [] })],
  ])();

  function range(more: number, containerPorts: string): RandomPort {
    const port = hostPort(world);
    const word = `-p ${randomHost(world)}${port}-${port + more}:${containerPorts}${suffix}`;
    return { word, published: [{ hostPort: port, protocol }] };
  }
}
