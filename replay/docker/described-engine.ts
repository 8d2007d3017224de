/** The engine of a host that was described as it ran: by a snapshot, or by what docker inspect printed there. */
import type { HostSource } from '../../codecs/host/parse-host.js';
import { releaseOfRules } from '../../docker/firewall/release-signs.js';
import { withVeths } from '../../docker/inspect/container-veths.js';
import { inspectedEngine, likelyRelease, runningState } from '../../docker/inspect/inspected-state.js';
import { completedInspect, shownEngine } from '../../docker/inspect/short-form.js';
import type { DockerState } from '../../docker/model.js';
import { isKnownRelease, newestRelease, parseRelease, type Release } from '../../docker/releases.js';
import { NoRulesError } from '../errors.js';
import { type HostRules, hostRules } from '../host-rules.js';
import type { DockerSource } from './docker-source.js';

type DescribedHost = DockerSource & { readonly kind: 'host' };

/** And how it is known. */
export interface LikelyRelease {
  readonly release: Release;
  readonly why: string;
}

/** The release of the engine on HOST, as far as its description tells; undefined: any may be. */
export function releaseOfHost({ host, inspected, path }: DescribedHost): LikelyRelease | undefined {
  const { release } = shownEngine(inspected);
  if (release !== undefined && isKnownRelease(release))
    return { release: parseRelease(release), why: 'which this description of it tells' };
  const rules = ownRules(host, path)?.text ?? '';
  const { isShort } = completedInspect(inspected, rules, host.json);
  const printed = isShort ? undefined : likelyRelease(inspected);
  const last = printed === undefined ? newestRelease() : parseRelease(printed);
  const written = releaseOfRules(rules, last);
  if (written !== undefined) {
    const why = printed === undefined ? 'rules' : 'docker inspect and rules';
    return { release: written, why: `the newest whose ${why} are like these` };
  }
  return printed === undefined ? undefined : { release: last, why: 'the newest whose docker inspect prints this' };
}

export interface DescribedEngine {
  readonly state: DockerState;
  /** Whether containers that do not run are not told. */
  readonly isPartial: boolean;
  readonly assumed: readonly string[];
  readonly notes: readonly string[];
}

/**
 * The state of the engine on HOST, with its RULES, made of FRESH.
 * @throws {UnsupportedError} for running containers on networks that are not followed
 */
export function describedEngine(
  { host, inspected }: DescribedHost,
  rules: string,
  fresh: DockerState,
): DescribedEngine {
  const { isShort, assumed, inspected: complete } = completedInspect(inspected, rules, host.json);
  const shown = inspectedEngine(complete, rules);
  const engine = { ...shown, containers: withVeths(shown.containers, shown.networks, host.json) };
  const userlandProxy = !/^(?:\[\d+:\d+\] )?-A OUTPUT -m addrtype --dst-type LOCAL -j DOCKER$/m.test(rules);
  const { liveRestore } = shownEngine(inspected);
  return {
    state: runningState({ ...fresh, options: { ...fresh.options, userlandProxy, liveRestore } }, engine),
    isPartial: isShort,
    assumed: [...assumed, 'the engine has its default options, but for what its default network and its rules show'],
    notes: isShort
      ? [
          ...engine.notes,
          'containers that do not run, and whether others start again, are not known: a new snapshot (nfreplay ' +
            'snapshot) tells it',
        ]
      : engine.notes,
  };
}

/** The rules that the description of a host has, which is at PATH; undefined: none. */
export function ownRules({ description }: HostSource, path: string): HostRules | undefined {
  try {
    return hostRules(description, path);
  } catch (error) {
    if (error instanceof NoRulesError) return undefined;
    throw error;
  }
}
