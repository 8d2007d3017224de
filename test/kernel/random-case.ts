/** A random case: a world, its rules, and the conversations that take place in it. */

import { buildIcmp, buildIpv4, buildUdp, withChecksum } from '../packets/packets.js';
import { coalescedConnection, coalescedDatagrams } from './coalesced-scene.js';
import { icmpConversation, oddConversation, strayPacket, udpConversation } from './datagram-scene.js';
import { complaints } from './error-scene.js';
import {
  describeFlowsForExtensions,
  describeForExtensions,
  type ExtensionChoice,
  extensionScene,
} from './extensions/random-extension.js';
import { fragmentedConversation } from './fragment-scene.js';
import { Prng } from './prng.js';
import type { Profile, SceneKind } from './profiles.js';
import { addDockerRules } from './random-docker.js';
import { planFlows, randomSender, sideOf } from './random-flow.js';
import { randomWorld } from './random-host.js';
import { addRandomRules, emptyRuleset, formatRuleset } from './random-rules.js';
import { addSetRules, describeSets } from './random-sets.js';
import type { Scene, Side, Stage } from './scene.js';
import { sctpConversation } from './sctp-scene.js';
import { wholeConnection, wildConnection } from './tcp-scene.js';
import { broadcasts, type World } from './world.js';

export interface RandomCase {
  world: World;
  /** For iptables-restore. */
  rules: string;
  /** Other rules for the same world; the same each time if there is nothing to choose. */
  moreRules(): string;
}

/** Further rules are chosen apart from all else. */
const MORE_SEED = 0x0defaced;

/** ONLY: the extensions of the families that its rules may have; undefined if all. */
export function randomCase(prng: Prng, profile: Profile, only?: ReadonlySet<string>): RandomCase {
  const world = randomWorld(prng, profile);
  const extensions = choiceOf(profile, only);
  if (extensions.share > 0) describeForExtensions(prng, world, extensions);
  const ruleset = emptyRuleset();
  if (prng.chance(profile.docker)) addDockerRules(prng, world, ruleset);
  planFlows(prng, world, prng.between(6, 14), profile.clashes);
  if (extensions.share > 0) describeFlowsForExtensions(prng, world, extensions);
  addRandomRules(prng, world, ruleset, { ...profile, extensions });
  if (profile.hasSets) {
    describeSets(prng, world);
    addSetRules(prng, ruleset);
  }
  const more = new Prng(prng.seed ^ MORE_SEED);
  const moreRules = (): string => {
    const other = emptyRuleset();
    if (more.chance(profile.docker / 2)) addDockerRules(more, world, other);
    addRandomRules(more, world, other, { ...profile, extensions });
    if (profile.hasSets) addSetRules(more, other);
    return formatRuleset(other);
  };
  return { world, rules: formatRuleset(ruleset), moreRules };
}

function choiceOf(
  { extensions = 0, only: own, except = [], stepMs }: Profile,
  only?: ReadonlySet<string>,
): ExtensionChoice {
  const wanted = only ?? (own === undefined ? undefined : new Set(own));
  return {
    share: extensions,
    hasTicks: stepMs !== undefined,
    except: new Set(except),
    ...(wanted === undefined ? {} : { only: wanted }),
  };
}

/** The conversations of a case. They share STAGE, so later ones may refer to earlier ones. */
export function randomScenes(stage: Stage, profile: Profile, count: number, only?: ReadonlySet<string>): Scene[] {
  const choice = choiceOf(profile, only);
  const kinds = Object.entries(profile.scenes).map(([kind, weight]) => [weight, kind as SceneKind] as const);
  return Array.from({ length: count }, () => {
    const own = stage.prng.chance(choice.share / 2) ? extensionScene(stage, choice) : undefined;
    return own ?? randomScene(stage, profile, stage.prng.weighted(kinds));
  });
}

function randomScene(stage: Stage, profile: Profile, kind: SceneKind): Scene {
  const side = (protocol: number): Side => sideOf(stage.prng, stage.world, protocol, profile.clashes);
  switch (kind) {
    case 'tcp':
      return wholeConnection(stage, side(6));
    case 'wildTcp':
      return wildConnection(stage, side(6));
    case 'udp':
      return udpConversation(stage, side(17));
    case 'icmp':
      return icmpConversation(stage, side(1));
    case 'sctp':
      return sctpConversation(stage, side(132));
    case 'odd':
      return oddConversation(stage, side(0));
    case 'fragments': {
      const protocol = stage.prng.weighted([
        [5, 17],
        [2, 1],
        [1, 6],
      ] as const);
      return fragmentedConversation(stage, side(protocol), protocol);
    }
    case 'errors':
      return complaints(stage, stage.prng.between(1, 3));
    case 'coalescedTcp':
      return coalescedConnection(stage, side(6));
    case 'coalescedUdp':
      return coalescedDatagrams(stage, side(17));
    case 'stray':
      return stray(stage);
  }
}

/** Martians, broadcasts and multicasts. */
function stray(stage: Stage): Scene {
  const { world, prng } = stage;
  const sender = randomSender(prng, world);
  const odd = [
    0,
    0x7f000001,
    0x7f000005,
    0xffffffff,
    0xe0000001,
    0xe0000005,
    0xefffffff,
    0xf0000001,
    5,
    ...broadcasts(world),
  ];
  const isOddSource = prng.chance(0.4);
  const source = isOddSource ? prng.pick([...odd, ...world.subnets.map((subnet) => subnet.own)]) : sender.address;
  const destination =
    !isOddSource || prng.chance(0.3) ? prng.pick([...odd, ...broadcasts(world)]) : prng.pick(world.parties).address;
  const fields = {
    source,
    destination,
    protocol: prng.pick([17, 1]),
    id: 1 + prng.below(65_535),
    ttl: prng.pick([1, 64, 64]),
  };
  const packet =
    fields.protocol === 1
      ? buildIpv4(fields, buildIcmp(8, 0, prng.below(65_536), 1, prng.bytes(8)))
      : withChecksum(buildIpv4(fields, buildUdp(prng.between(1024, 65_535), prng.pick(world.ports), prng.bytes(8))));
  return strayPacket(
    stage,
    { dev: sender.dev, address: sender.address, port: 0, peerAddress: destination, peerPort: 0 },
    packet,
  );
}
