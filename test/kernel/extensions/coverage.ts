/** Counts, by extension, the packets that matched and that missed it, as the emulator's events tell. */
import type { PacketEvent } from '../../../core/events.js';
import { MATCHES } from '../../../core/matches/index.js';
import type { Extension } from '../../../core/rules/extension.js';
import { TARGETS } from '../../../core/targets/index.js';
import { FAMILIES } from './index.js';

/** Extensions that cannot miss or that nothing can reach, and why. */
const UNREACHED: Readonly<Record<string, string>> = { comment: 'which matches every packet' };

interface Count {
  matched: number;
  missed: number;
}

export class ExtensionCoverage {
  readonly #matches = new Map<string, Count>();
  readonly #targets = new Map<string, Count>();

  readonly observe = (event: PacketEvent): void => {
    if (event.kind !== 'rule') return;
    const { matches, target } = event.rule;
    // Those before the match that failed have matched, those behind it were not asked.
    const failed = event.isMatched ? matches.length : event.failedMatch;
    if (failed === undefined) return;
    matches.forEach(({ extension }, i) => {
      if (i > failed) return;
      const count = countOf(this.#matches, extension.name);
      if (i === failed) count.missed++;
      else count.matched++;
    });
    if (target.kind === 'extension' && event.isMatched) countOf(this.#targets, target.extension.name).matched++;
  };

  /** A line for each kind of extension, and which extensions no packet reached although it could have. */
  report(only?: ReadonlySet<string>): { lines: string[]; unreached: string[] } {
    const isWanted = (name: string): boolean => only === undefined || only.has(name);
    const missing = [
      ...namesOfIpv4(MATCHES).filter((name) => isWanted(name) && isZero(this.#matches.get(name))),
      ...namesOfIpv4(TARGETS).filter((name) => isWanted(name) && !this.#targets.has(name)),
    ];
    const excuses: Readonly<Record<string, string>> = Object.assign({}, UNREACHED, ...FAMILIES.map((f) => f.unreached));
    return {
      lines: [
        `matches (matched/missed): ${format(this.#matches, ({ matched, missed }) => `${matched}/${missed}`)}`,
        `targets: ${format(this.#targets, ({ matched }) => String(matched))}`,
        ...missing.filter((name) => name in excuses).map((name) => `not reached: ${name}, ${excuses[name]}`),
      ],
      unreached: missing.filter((name) => !(name in excuses)),
    };
  }
}

const isZero = (count: Count | undefined): boolean => count === undefined || count.matched === 0 || count.missed === 0;

function countOf(counts: Map<string, Count>, name: string): Count {
  const count = counts.get(name) ?? { matched: 0, missed: 0 };
  counts.set(name, count);
  return count;
}

function format(counts: ReadonlyMap<string, Count>, text: (count: Count) => string): string {
  const names = [...counts.keys()].sort();
  return names.map((name) => `${name} ${text(counts.get(name)!)}`).join(', ');
}

function namesOfIpv4(extensions: ReadonlyMap<string, Extension<unknown>>): string[] {
  return [...extensions.values()].filter(({ families }) => families?.includes('ipv4') ?? true).map(({ name }) => name);
}
