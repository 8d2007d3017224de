/** Random stories: what people do to a Docker host, in an order that makes sense to an engine most of the time. */
import type { Backend } from '../../core/rules/model.js';
import { Prng } from '../kernel/prng.js';
import type { EngineName } from './live/engine.js';
import { randomForeignRule } from './random-foreign-rule.js';
import { randomNetwork } from './random-network.js';
import { type PublishedPort, randomRun } from './random-run.js';
import { randomTraffic } from './random-traffic.js';
import { parseStep, type Step } from './story.js';

export interface RandomStory {
  readonly backend: Backend;
  readonly steps: readonly Step[];
}

export interface StoryContainer {
  readonly name: string;
  /** In the order in which it was connected; empty for host, none and container:NAME. */
  readonly networks: string[];
  readonly ports: readonly PublishedPort[];
  readonly isRemovedWhenStopped: boolean;
  /** Whether it starts again with the engine. */
  readonly isRestarted: boolean;
  isRunning: boolean;
}

/** What the story has made so far, as far as the generator knows: commands may have failed. */
export class StoryWorld {
  readonly networks: { readonly name: string; readonly subnet: string | undefined }[] = [];
  readonly containers: StoryContainer[] = [];
  hasSavedRules = false;
  /** Names and numbers that were taken. */
  private readonly counts = { container: 0, network: 0, port: 0, conversation: 0 };
  openConversations: string[] = [];

  constructor(
    readonly random: Prng,
    readonly engine: EngineName,
  ) {}

  next(kind: 'container' | 'network' | 'port' | 'conversation'): number {
    return this.counts[kind]++;
  }

  /** One of all networks that a container can be connected to. */
  networkName(): string {
    const names = this.networks.map(({ name }) => name);
    return names.length === 0 || this.random.chance(0.3) ? 'bridge' : this.random.pick(names);
  }

  running(): StoryContainer[] {
    return this.containers.filter(({ isRunning }) => isRunning);
  }
}

/** The options of a story as long as those that a person would tell. */
const LEAST_STEPS = 12;
const MOST_STEPS = 30;
const SNAPSHOT_EVERY = 6;

export function randomStory(seed: number, engine: EngineName): RandomStory {
  const random = new Prng(seed);
  const world = new StoryWorld(random, engine);
  const lines = opening(world);
  const count = random.between(LEAST_STEPS, MOST_STEPS);
  for (let done = 0, snapshots = 0; done < count; done++) {
    lines.push(...nextLines(world));
    if (done % SNAPSHOT_EVERY === SNAPSHOT_EVERY - 1) lines.push(`snapshot s${++snapshots}`);
  }
  for (const name of world.openConversations) lines.push(`close ${name}`);
  lines.push('snapshot end');
  return { backend: random.chance(0.3) ? 'legacy' : 'nft', steps: lines.map(parseStep) };
}

/** All up to the engine's start: its options, and what the host was like before. */
function opening(world: StoryWorld): string[] {
  const { random } = world;
  const lines: string[] = [];
  const options = daemonOptions(world);
  if (options.length > 0) lines.push(`engine ${options.join(' ')}`);
  if (random.chance(0.25)) lines.push('host sysctl -qw net.ipv4.ip_forward=0');
  const before = random.below(4);
  for (let i = 0; i < before; i++) lines.push(`host iptables ${randomForeignRule(random, false)}`);
  if (random.chance(0.5)) {
    lines.push('save-rules');
    world.hasSavedRules = true;
  }
  return [...lines, 'start', 'serve outside 80'];
}

function daemonOptions({ random, engine }: StoryWorld): string[] {
  const options: string[] = [];
  const some = (probability: number, ...option: string[]): void => {
    if (random.chance(probability)) options.push(random.pick(option));
  };
  some(0.5, '--userland-proxy=false');
  some(0.15, '--icc=false');
  some(0.15, '--ip=192.0.2.10', '--ip=127.0.0.1');
  some(0.15, '--bip=10.77.0.1/24', '--bip=172.30.5.1/16', '--bip=10.77.0.1/24 --fixed-cidr=10.77.0.64/26');
  some(0.15, '--default-address-pool=base=10.200.0.0/16,size=24', '--default-address-pool=base=172.28.0.0/14,size=20');
  some(0.05, '--ip-masq=false');
  // icc=false needs rules.
  if (!options.includes('--icc=false')) some(0.05, '--iptables=false');
  if (engine === '28.5') {
    some(0.1, '--ip-forward-no-drop');
    some(0.1, '--allow-direct-routing');
  }
  return options;
}

function nextLines(world: StoryWorld): string[] {
  const { random } = world;
  const choice = random.weighted<() => string[]>([
    [10, () => [run(world)]],
    [5, () => [`docker network create ${randomNetwork(world)}`]],
    [14, () => [randomTraffic(world)]],
    [4, () => connectOrDisconnect(world)],
    [6, () => changeOfContainer(world)],
    [1, () => removeNetwork(world)],
    [3, () => [`host iptables ${randomForeignRule(random, true)}`]],
    [1.5, () => restartDocker(world)],
    [1, () => restartIptables(world)],
    [0.5, () => [`host sysctl -qw net.ipv4.ip_forward=${random.below(2)}`]],
    [2, () => conversation(world)],
  ]);
  const lines = choice();
  // With nobody there to do it to: another container.
  return lines.length === 0 ? [run(world)] : lines;
}

function run(world: StoryWorld): string {
  const { words, container } = randomRun(world);
  world.containers.push(container);
  return `docker run -d ${words}`;
}

function connectOrDisconnect(world: StoryWorld): string[] {
  const { random } = world;
  const choices = world.containers.filter(({ networks }) => networks.length > 0);
  if (choices.length === 0 || world.networks.length === 0) return [];
  const container = random.pick(choices);
  if (container.networks.length > 1 && random.chance(0.5)) {
    const network = random.pick(container.networks);
    container.networks.splice(container.networks.indexOf(network), 1);
    return [`docker network disconnect ${network} ${container.name}`];
  }
  const network = world.networkName();
  container.networks.push(network);
  return [`docker network connect ${network} ${container.name}`];
}

function changeOfContainer(world: StoryWorld): string[] {
  const { random, containers } = world;
  if (containers.length === 0) return [];
  const container = random.pick(containers);
  if (!container.isRunning) {
    if (random.chance(0.25)) return [`docker rm ${leave(world, container)}`];
    container.isRunning = true;
    return [`docker start ${container.name}`];
  }
  const verb = random.weighted([
    [3, 'stop'],
    [3, 'restart'],
    [2, 'rm -f'],
    [1, 'kill'],
  ]);
  if (verb === 'rm -f' || (container.isRemovedWhenStopped && verb !== 'restart')) leave(world, container);
  else container.isRunning = verb === 'restart';
  return [`docker ${verb} ${container.name}`];
}

function leave(world: StoryWorld, container: StoryContainer): string {
  world.containers.splice(world.containers.indexOf(container), 1);
  return container.name;
}

function removeNetwork(world: StoryWorld): string[] {
  if (world.networks.length === 0) return [];
  const { name } = world.random.pick(world.networks);
  // While containers use it this fails.
  if (!world.containers.some(({ networks }) => networks.includes(name)))
    world.networks.splice(
      world.networks.findIndex((network) => network.name === name),
      1,
    );
  return [`docker network rm ${name}`];
}

function restartDocker({ containers }: StoryWorld): string[] {
  for (const container of containers) container.isRunning &&= container.isRestarted;
  return ['restart docker'];
}

function restartIptables(world: StoryWorld): string[] {
  if (world.hasSavedRules) return ['restart iptables'];
  world.hasSavedRules = true;
  return ['save-rules'];
}

/** A connection that stays open while other things happen. */
function conversation(world: StoryWorld): string[] {
  const { random } = world;
  if (world.openConversations.length > 0 && random.chance(0.8)) {
    const name = random.pick(world.openConversations);
    if (random.chance(0.7)) return [`say ${name} hello`];
    world.openConversations = world.openConversations.filter((open) => open !== name);
    return [`close ${name}`];
  }
  const published = world.running().flatMap(({ ports }) => ports.filter(({ protocol }) => protocol === 'tcp'));
  if (published.length === 0) return [];
  const name = `talk${world.next('conversation')}`;
  world.openConversations.push(name);
  return [`open ${name} client 192.0.2.10 ${random.pick(published).hostPort}`, `say ${name} hello`];
}
