/**
 * What rules tell of the release of the engine that wrote them. DOCKER-USER's own RETURN, which 28.2.2 did without, is
 * no sign: users write and empty that chain.
 */
import { isSince, type Release, releasesUntil } from '../releases.js';
import { pairedIsolation } from './before-28/paired-isolation.js';
import { detailsOf } from './before-28/release-details.js';
import { makerOf } from './index.js';
import { BRIDGES_SET, STAGE_1 } from './since-28/chains.js';
import { changesOf } from './since-28/changes.js';

/** Something that some engines write and others do not. */
interface Sign {
  /** For people. */
  readonly name: string;
  /** Undefined: RULES tell nothing of it. */
  readonly isIn: (rules: SavedRules) => boolean | undefined;
  readonly isOf: (release: Release) => boolean;
}

interface SavedRules {
  /** In filter. */
  readonly chains: ReadonlySet<string>;
  readonly text: string;
  readonly raw: string;
}

const SIGNS: readonly Sign[] = [
  chain('DOCKER-ISOLATION', (release) => makerOf(release) === pairedIsolation),
  chain(STAGE_1, (release) =>
    isSince28(release) ? changesOf(release).isolation === 'stages' : makerOf(release) !== pairedIsolation,
  ),
  chain('DOCKER-INTERNAL', (release) => isSince28(release) && changesOf(release).isolation === 'internal only'),
  chain('DOCKER-FORWARD', (release) => isSince28(release) && changesOf(release).forward === 'DOCKER-FORWARD'),
  chain('DOCKER-USER', (release) => isSince28(release) || detailsOf(release).userChain !== 'none'),
  {
    name: `the set ${BRIDGES_SET}`,
    isIn: ({ chains, text }) =>
      text.includes(` --match-set ${BRIDGES_SET} `) || (chains.has('DOCKER') ? false : undefined),
    isOf: (release) => isSince28(release) && changesOf(release).usesSet,
  },
  {
    name: 'a rule in raw for each container',
    isIn: ({ raw }) => /^-A PREROUTING -d \S+ ! -i (?!lo )\S+ -j DROP$/m.test(raw) || undefined,
    isOf: (release) => isSince28(release) && changesOf(release).directAccess === 'endpoint',
  },
  {
    name: 'a rule in raw for each published port',
    isIn: ({ raw }) => /^-A PREROUTING -d \S+ ! -i (?!lo )\S+ -p \S+ .*--dport \d+ -j DROP$/m.test(raw) || undefined,
    isOf: (release) => isSince28(release) && changesOf(release).directAccess === 'port',
  },
];

/** A chain of filter: an engine makes all of its own when it starts, so where DOCKER is, the others are too. */
function chain(name: string, isOf: Sign['isOf']): Sign {
  return {
    name: `the chain ${name}`,
    isIn: ({ chains }) => chains.has(name) || (chains.has('DOCKER') ? false : undefined),
    isOf,
  };
}

function isSince28(release: Release): boolean {
  return isSince(release, 28);
}

/**
 * What RULES, in the form of iptables-save, have that an engine of RELEASE does not write, and what they lack that it
 * does; for people.
 */
export function contradictions(rules: string, release: Release): string[] {
  return contradictionsOf(savedRules(rules), release);
}

/**
 * The release up to LAST that RULES, in the form of iptables-save, fit best: of several, the newest. Undefined if they
 * show nothing of an engine.
 */
export function releaseOfRules(rules: string, last: Release): Release | undefined {
  const saved = savedRules(rules);
  if (SIGNS.every(({ isIn }) => isIn(saved) === undefined)) return undefined;
  const releases = releasesUntil(last);
  const counts = releases.map((release) => contradictionsOf(saved, release).length);
  return releases[counts.lastIndexOf(Math.min(...counts))];
}

function contradictionsOf(saved: SavedRules, release: Release): string[] {
  return SIGNS.flatMap(({ name, isIn, isOf }) => {
    const isThere = isIn(saved);
    if (isThere === undefined || isThere === isOf(release)) return [];
    return [isThere ? `they have ${name}` : `they lack ${name}`];
  });
}

function savedRules(rules: string): SavedRules {
  const text = rules.replace(/^\[\d+:\d+\] /gm, '');
  const tableOf = (name: string): string => new RegExp(`^\\*${name}$(.*?)^COMMIT$`, 'ms').exec(text)?.[1] ?? '';
  const chains = new Set([...tableOf('filter').matchAll(/^:(\S+) /gm)].map(([, name]) => name));
  return { chains, text, raw: tableOf('raw') };
}
