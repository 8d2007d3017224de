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
    for (
      let left = random.weighted([
        [4, 0],
        [5, 1],
        [2, 2],
        [1, 3],
      ]);
      left > 0;
      left--
    ) {
      const { word, published } = randomPort(world);
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

function randomPort(world: StoryWorld): { word: string; published: PublishedPort[] } {
  const { random } = world;
  // Now and then one that another container has.
  const port =
    world.next('port') > 0 && random.chance(0.05) ? FIRST_HOST_PORT : FIRST_HOST_PORT + world.next('port') * 4;
  const isUdp = random.chance(0.15);
  const protocol = isUdp ? 'udp' : 'tcp';
  const suffix = isUdp ? '/udp' : random.pick(['', '', '/tcp']);
  const inside = random.pick([80, 80, 80, 7, 81]);
  const one = [{ hostPort: port, protocol } as const];
  const host = random.weighted([
    [6, ''],
    [1, '127.0.0.1:'],
    [1, '192.0.2.10:'],
    [1, '0.0.0.0:'],
  ]);
  return random.weighted<() => { word: string; published: PublishedPort[] }>([
    [8, () => ({ word: `-p ${host}${port}:${inside}${suffix}`, published: one })],
    [2, () => ({ word: `-p ${host}${port}-${port + 2}:80-82${suffix}`, published: one })],
    [1, () => ({ word: `--publish ${port}:${inside}${suffix}`, published: one })],
    [1, () => ({ word: `-p ${host}${port}-${port + 3}:80${suffix}`, published: one })],
    [0.7, () => ({ word: `-p ${inside}${suffix}`, published: [] })],
    // The images expose nothing: what they do cannot be told from a command.
    [0.7, () => ({ word: `-P --expose ${random.pick(['80', '80-82', '7/udp', '81/tcp'])}`, published: [] })],
    [0.5, () => ({ word: `--expose ${inside}${suffix}`, published: [] })],
  ])();
}
