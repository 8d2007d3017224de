/**
 * What differs between releases in the rules that engines before 28 write, by the tags of moby (and of libnetwork, which
 * it vendored). Which chains isolate networks is told by the files of the generations.
 *
 * | since | |
 * |---|---|
 * | 1.12.4 | containers of an internal network reach each other by a rule of their own, or are kept apart |
 * | 1.13.0 | FORWARD's policy becomes DROP when the engine turns ip_forward on; rules of ports and links are asked for first |
 * | 17.04 | answers to containers are accepted before the jump to DOCKER, no longer behind it |
 * | 17.06.0 | DOCKER-USER, with `--iptables=false` too; RETURN is appended to chains, no longer inserted |
 * | 17.12 | a network whose isolation fails is made all the same, if what there was of it could be taken back |
 * | 18.02 | DOCKER-USER comes back when firewalld reloads |
 * | 18.03.0 | SCTP ports, with a rule that fills in checksums |
 * | 18.09.1, but not 18.09.4 | iptables-legacy where there is one (two-stage-isolation.ts) |
 * | 19.03.3 | no DOCKER-USER with `--iptables=false`; 19.03.4 has it again; none since 20.10 |
 * | 20.10.0 | `host_ipv4`: SNAT instead of MASQUERADE |
 * | 23.0 | a rule for packets of the host's own that an engine without userland proxy left is removed |
 * | 25.0 | other words in errors |
 * | 25.0.13, but not 26 | isolation, too, comes back when firewalld reloads |
 * | 27.0 | routed networks; rules of ports are written when all are bound, and removed together if one fails |
 * | 27.3 | a rule for WSL2 with mirrored networking |
 * | 27.4 | DOCKER-USER is arranged once more when the daemon has started |
 */
import { isSince, type Release } from '../../releases.js';

export interface ReleaseDetails {
  /** Rules of ports and links are added and deleted without asking whether they are there. */
  readonly isBlind: boolean;
  readonly dropsForwarded: boolean;
  readonly hasIccInside: boolean;
  /** The rule that accepts answers is written with the rules of the network, not with the jumps to DOCKER. */
  readonly acceptsAnswersFirst: boolean;
  readonly userChain: 'none' | 'with iptables' | 'always';
  /** RETURN comes first in the chains of the engine, not last. */
  readonly insertsReturn: boolean;
  readonly rearrangesUserChain: boolean;
  /** When firewalld reloads: `last` behind all networks. */
  readonly reloadsUserChain: 'no' | 'before networks' | 'last';
  readonly reloadsIsolation: boolean;
  readonly forgivesIsolation: boolean;
  readonly fillsChecksums: boolean;
  readonly hasHostAddress: boolean;
  readonly cleansLoopback: boolean;
  readonly isSince25: boolean;
  /** Of 25.0.13 and its successors of that line. */
  readonly namesFilter: boolean;
  readonly isSince27: boolean;
  readonly knowsMirrored: boolean;
  /** What jumps to DOCKER are called in errors. */
  readonly namesChain: boolean;
}

export function detailsOf(release: Release): ReleaseDetails {
  const since = (...other: number[]): boolean => isSince(release, ...other);
  const isLate25 = since(25, 0, 13) && !since(26);
  return {
    isBlind: !since(1, 13),
    dropsForwarded: since(1, 13),
    hasIccInside: since(1, 12, 4),
    acceptsAnswersFirst: !since(17, 4),
    userChain: userChainOf(since),
    insertsReturn: !since(17, 6),
    rearrangesUserChain: since(27, 4),
    reloadsUserChain: reloadOf(since, isLate25),
    reloadsIsolation: isLate25,
    forgivesIsolation: since(17, 12),
    fillsChecksums: since(18, 3),
    hasHostAddress: since(20, 10),
    cleansLoopback: since(23),
    isSince25: since(25),
    namesFilter: isLate25,
    isSince27: since(27),
    knowsMirrored: since(27, 3),
    namesChain: since(17, 6, 1),
  };
}

type Since = (...other: number[]) => boolean;

function userChainOf(since: Since): ReleaseDetails['userChain'] {
  if (!since(17, 6)) return 'none';
  return since(20, 10) || (since(19, 3, 3) && !since(19, 3, 4)) ? 'with iptables' : 'always';
}

function reloadOf(since: Since, isLate25: boolean): ReleaseDetails['reloadsUserChain'] {
  if (!since(18, 2)) return 'no';
  return since(20, 10) && !isLate25 ? 'before networks' : 'last';
}
