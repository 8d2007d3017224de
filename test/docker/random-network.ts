/** Random words for `docker network create`. */
import type { StoryWorld } from './random-story.js';

const BRIDGE = 'com.docker.network.bridge';

export function randomNetwork(world: StoryWorld): string {
  const { random, engine } = world;
  const number = world.next('network');
  const name = `net${number}`;
  const words: string[] = [];
  const option = (probability: number, ...choices: string[]): void => {
    if (random.chance(probability)) words.push(`-o ${random.pick(choices)}`);
  };
  const { subnet, words: addressing } = randomAddressing(world, number);
  words.push(...addressing);
  const isInternal = random.chance(0.15);
  if (isInternal) words.push('--internal');
  option(0.12, `${BRIDGE}.enable_icc=false`, `${BRIDGE}.enable_icc=true`);
  option(0.12, `${BRIDGE}.enable_ip_masquerade=false`);
  option(0.12, `${BRIDGE}.host_binding_ipv4=127.0.0.1`, `${BRIDGE}.host_binding_ipv4=192.0.2.10`);
  option(0.12, `${BRIDGE}.name=br${number}`);
  option(0.05, 'com.docker.network.driver.mtu=1400');
  option(0.05, 'com.docker.network.host_ipv4=192.0.2.10');
  if (engine === '28.5') {
    const mode = isInternal ? ['isolated', 'nat'] : ['routed', 'nat-unprotected', 'nat'];
    option(0.2, ...mode.map((value) => `${BRIDGE}.gateway_mode_ipv4=${value}`));
    option(0.05, `${BRIDGE}.trusted_host_interfaces=eth0`);
  }
  world.networks.push({ name, subnet });
  return [...random.shuffled(words), name].join(' ');
}

/** NUMBER of the network makes its subnet another than those of the others. */
function randomAddressing({ random }: StoryWorld, number: number): { subnet: string | undefined; words: string[] } {
  if (random.chance(0.55)) return { subnet: undefined, words: [] };
  const base = `10.${20 + number}`;
  const [subnet, range] = random.pick([
    [`${base}.0.0/24`, `${base}.0.128/25`],
    [`${base}.0.0/16`, `${base}.5.0/24`],
    [`${base}.4.0/29`, `${base}.4.0/30`],
  ]);
  const words = [`--subnet ${subnet}`];
  const first = subnet.split('/')[0].replace(/\d+$/, '');
  if (random.chance(0.3)) words.push(`--gateway ${first}${random.pick([1, 3, 6])}`);
  if (random.chance(0.3)) words.push(`--ip-range ${range}`);
  if (random.chance(0.15)) words.push(`--aux-address router=${first}2`);
  return { subnet, words };
}
