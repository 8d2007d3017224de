/** Chooses extensions for the rules of a random case. */
import type { Prng } from '../prng.js';
import type { Scene, Stage } from '../scene.js';
import type { World } from '../world.js';
import { FAMILIES } from './index.js';
import { type Circumstances, type ExtensionFamily, type ExtensionMaker, isAllowed } from './maker.js';

/** What the rules of a case use of the extensions. */
export interface ExtensionChoice {
  /** Probability that a rule has a match or a target of the families. */
  share: number;
  /** Only these extensions, by name; left out: all. */
  only?: ReadonlySet<string>;
  /** None of these. */
  except?: ReadonlySet<string>;
  /** Whether each packet has a clock tick of its own. */
  hasTicks?: boolean;
}

export type ExtensionKind = 'matches' | 'targets';

/** An extension of KIND for a rule at CIRCUMSTANCES; undefined if there is none for it. */
export function randomExtension(
  { only, except, hasTicks }: ExtensionChoice,
  kind: ExtensionKind,
  circumstances: Circumstances,
): { text: string; protocol: ExtensionMaker['protocol'] } | undefined {
  const families = FAMILIES.filter(({ isAlone }) => only !== undefined || isAlone !== true);
  const makers = families
    .flatMap((family) => family[kind])
    .filter(
      (maker) =>
        (only === undefined || only.has(maker.name)) &&
        except?.has(maker.name) !== true &&
        (maker.isByTick !== true || hasTicks === true) &&
        isAllowed(maker, circumstances),
    );
  if (makers.length === 0) return undefined;
  const maker = circumstances.prng.weighted(makers.map((one) => [one.weight, one] as const));
  return { text: maker.make(circumstances), protocol: maker.protocol };
}

const hasAny = ({ matches, targets, isAlone }: ExtensionFamily, { only }: ExtensionChoice): boolean =>
  only === undefined ? isAlone !== true : [...matches, ...targets].some(({ name }) => only.has(name));

/** Adds to WORLD what the extensions of CHOICE ask the host about. */
export function describeForExtensions(prng: Prng, world: World, choice: ExtensionChoice): void {
  for (const family of FAMILIES) if (hasAny(family, choice)) family.describe?.(prng, world);
}

/** Adds to WORLD what they ask about its planned flows. */
export function describeFlowsForExtensions(prng: Prng, world: World, choice: ExtensionChoice): void {
  for (const family of FAMILIES) if (hasAny(family, choice)) family.describeFlows?.(prng, world);
}

/** A conversation that reaches extensions of CHOICE; undefined if none has one of its own. */
export function extensionScene(stage: Stage, choice: ExtensionChoice): Scene | undefined {
  const scenes = FAMILIES.filter((family) => hasAny(family, choice)).flatMap(({ scenes: own }) => own ?? []);
  return scenes.length === 0 ? undefined : stage.prng.weighted(scenes)(stage);
}
