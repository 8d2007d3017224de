/**
 * What has changed since 28.0.0 in the rules that an engine writes, by release: the table that the files beside this one
 * go by. Everything that it does not name is the same in all of these releases.
 */
import { isSince, type Release } from '../../releases.js';

export interface Changes {
  /** 28.0.0 only: bridges are told apart by the set docker-ext-bridges-v4, not by chains of their own. */
  readonly usesSet: boolean;
  /** The chain of the rules of networks. 28.0.1 moved them out of FORWARD, so that FORWARD has one jump to them. */
  readonly forward: 'FORWARD' | 'DOCKER-FORWARD';
  /** DOCKER-BRIDGE and DOCKER-CT are flushed when the engine starts: 28.0.1 forgot them. */
  readonly flushesBridgeChains: boolean;
  /** The chain DOCKER is flushed after those that jump to it, so that it can be deleted: since 29. */
  readonly deletesJumpsFirst: boolean;
  /** Where packets between networks are dropped. 29 does without: DOCKER drops what was not published. */
  readonly isolation: 'stages' | 'internal only';
  /** A container's packets to a published port skip DNAT, so that the userland proxy takes them. */
  readonly skipsDnat: 'routed or proxied' | 'proxied' | 'never';
  /** What drops packets that come straight to a container's address: a rule a published port, or one a container. */
  readonly directAccess: 'port' | 'endpoint';
  /** The rules of a network are one thing, taken back where one of them fails and all written on a reload: since 28.1. */
  readonly areNetworksWhole: boolean;
  /** A reload writes the rules of containers again: since 28.3.3. */
  readonly reloadsEndpoints: boolean;
  /** DOCKER-USER ends with RETURN: until 28.2.1. */
  readonly userChainReturns: boolean;
  /** Jumps are written with `-t filter`, which only messages show: since 29. */
  readonly namesFilter: boolean;
}

export function changesOf(release: Release): Changes {
  const has = (...first: Release): boolean => isSince(release, ...first);
  return {
    usesSet: !has(28, 0, 1),
    forward: has(28, 0, 1) ? 'DOCKER-FORWARD' : 'FORWARD',
    flushesBridgeChains: has(28, 0, 2),
    deletesJumpsFirst: has(29, 0, 0),
    isolation: has(29, 0, 0) ? 'internal only' : 'stages',
    skipsDnat: has(29, 0, 0) ? 'never' : has(28, 0, 2) ? 'proxied' : 'routed or proxied',
    directAccess: has(28, 2, 0) ? 'endpoint' : 'port',
    areNetworksWhole: has(28, 1, 0),
    reloadsEndpoints: has(28, 3, 3),
    userChainReturns: !has(28, 2, 2),
    namesFilter: has(29, 0, 0),
  };
}
