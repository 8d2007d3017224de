/** What could be changed on the host itself, besides its rules. */

import { interfaceSysctl, sysctlCommand } from '../command.js';
import type { Story } from '../story/story.js';
import { type Candidate, Rank } from './change.js';

/** Sysctls with which the packet of STORY might get further. */
export function hostCandidates({ decider, inDev, tracked }: Story): Candidate[] {
  if (decider.kind === 'rule') return ofInvalid(tracked?.invalid);
  if (decider.kind !== 'host') return [];
  switch (decider.reason) {
    case 'forwarding-off':
      return [sysctl('net.ipv4.ip_forward', 1), ...(inDev === undefined ? [] : [ofInterface(inDev, 'forwarding', 1)])];
    case 'rp-filter':
      // The larger of the two values counts, and 2 asks for any route to the source.
      return inDev === undefined
        ? []
        : [
            ofInterface(inDev, 'rp_filter', 2),
            together([ofInterface(inDev, 'rp_filter', 0), sysctl('net.ipv4.conf.all.rp_filter', 0)]),
          ];
    case 'martian-source':
    case 'martian-destination':
      return inDev === undefined
        ? []
        : [ofInterface(inDev, 'accept_local', 1), ofInterface(inDev, 'route_localnet', 1)];
    case 'conntrack-full':
      return [sysctl('net.netfilter.nf_conntrack_max', 262_144)];
    default:
      return [];
  }
}

function ofInvalid(check: NonNullable<Story['tracked']>['invalid']): Candidate[] {
  switch (check) {
    case 'window':
      return [sysctl('net.netfilter.nf_conntrack_tcp_be_liberal', 1)];
    case 'not-opening':
      return [sysctl('net.netfilter.nf_conntrack_tcp_loose', 1)];
    case 'checksum':
      return [sysctl('net.netfilter.nf_conntrack_checksum', 0)];
    default:
      return [];
  }
}

function ofInterface(dev: string, name: string, value: number): Candidate {
  return sysctl(interfaceSysctl(dev, name), value);
}

function sysctl(name: string, value: number): Candidate {
  return { rank: Rank.SYSCTL, words: `${name} = ${value}`, commands: [sysctlCommand(name, value)] };
}

function together(all: readonly Candidate[]): Candidate {
  return {
    rank: Rank.SYSCTL,
    words: all.map(({ words }) => words).join(' and '),
    commands: all.flatMap(({ commands }) => commands),
  };
}
