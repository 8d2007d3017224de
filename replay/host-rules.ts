/** Which rules a replay follows: those that were given, or the host's own. */
import type { HostDescription } from '../codecs/host/description.js';
import { HostError } from '../codecs/host/error.js';
import { nftTables } from '../codecs/host/nft-tables.js';
import type { HostText, SavedRules } from '../codecs/host/texts.js';
import { shownPath } from '../codecs/text.js';
import { NoRulesError } from './errors.js';

/** The rules of the host itself. */
export interface HostRules {
  readonly text: string;
  /** The file that they are in. */
  readonly path: string;
  /** The kind of iptables that they are of. */
  readonly backend: SavedRules['backend'];
}

/**
 * The rules that the host at HOST_PATH brings.
 * @throws {ReplayOptionsError} if it brings none
 * @throws {HostError} if they could not be read on the host, or there are rules of several kinds
 */
export function hostRules({ texts }: HostDescription, hostPath: string): HostRules {
  const saved = texts.savedRules.filter(({ family }) => family === 'ipv4');
  const failed = saved.find(({ failure }) => failure !== undefined);
  if (saved.every(({ failure }) => failure !== undefined)) {
    if (failed !== undefined) throw new HostError('', unreadable(failed), failed.file);
    throw new NoRulesError(
      `--rules is required: ${hostPath} has no rules (a snapshot has, and a folder with iptables-save.txt)`,
    );
  }
  const known = saved.filter(({ failure }) => failure === undefined);
  const effective = known.filter(hasEffect);
  if (effective.length > 1) {
    const places = effective.map((rules) => `iptables-${rules.backend} (${placeOf(rules)})`).join(' and ');
    const problem = `the host has rules of ${places}; the kernel follows both, nfreplay one: give it with --rules`;
    throw new HostError('', problem, effective[0].file, 0, 0, true);
  }
  if (failed !== undefined && effective.length === 0) throw new HostError('', unreadable(failed), failed.file);
  const { text, file, backend } = effective[0] ?? known.find((rules) => rules.text.trim() !== '') ?? known[0];
  return { text, path: file, backend };
}

function unreadable({ backend, failure = '' }: SavedRules): string {
  return `iptables-${backend}-save failed on the host: ${failure}; take it as root, or give the rules with --rules`;
}

/** A rule, or a policy that drops. */
const EFFECT = /^(?:\[\d+:\d+\] )?-[AI] |^:\S+ DROP\b/m;

function hasEffect({ text }: SavedRules): boolean {
  return EFFECT.test(text);
}

/** What is assumed about rules that could not be read on the host, a line each. OWN: those that are followed. */
export function assumedRules({ texts, taken }: HostDescription, own: HostRules): string[] {
  // A snapshot says whether the command failed. Without root, `iptables-save > FILE` leaves an empty file.
  const isEmptyFile = taken === '' && own.text.trim() === '';
  const { nft } = texts;
  const isNftKnown = nft !== undefined && nft.failure === undefined;
  const failed = texts.savedRules.filter(
    ({ family, backend, failure }) => family === 'ipv4' && failure !== undefined && !(backend === 'nft' && isNftKnown),
  );
  return [
    ...(isEmptyFile ? [`the host has no rules (${shownPath(own.path)} is empty)`] : []),
    ...failed.map(({ backend, failure }) => `the host has no rules of iptables-${backend} (there: ${failure})`),
    ...(nft?.failure === undefined
      ? []
      : [`the host has no tables of nft but those of iptables (there: ${nft.failure})`]),
  ];
}

/** Warnings about rules of the host that are not among those that were given. */
export function unfollowedRules({ texts }: HostDescription): string[] {
  const effective = texts.savedRules.filter((rules) => rules.family === 'ipv4' && hasEffect(rules));
  if (effective.length < 2) return [];
  const places = effective.map((rules) => `iptables-${rules.backend} (${placeOf(rules)})`).join(' and ');
  return [`the host has rules of ${places}; of both, only those that are given are followed`];
}

/** `host.txt:614` */
function placeOf({ file, text }: HostText): string {
  return `${file}:${text.length - text.trimStart().length + 1}`;
}

/** The families of nft whose tables see IPv4 packets. */
const IPV4_FAMILIES: readonly string[] = ['ip', 'inet', 'bridge', 'netdev'];

/** Tables of nft that are not followed. */
interface ForeignTables {
  readonly file: string;
  readonly line: number;
  readonly names: string;
}

/** Throws a HostError about TABLES. */
export function refuseForeignTables({ file, line, names }: ForeignTables): never {
  const problem = `tables of nft are not supported: ${names}; with --lax they are left out`;
  throw new HostError('', problem, file, line, 1, true);
}

/** What of the host's nft ruleset is not iptables' own and does something to IPv4 packets; undefined: nothing. */
export function foreignTables({ texts }: HostDescription): ForeignTables | undefined {
  const { nft, savedRules } = texts;
  if (nft === undefined) return undefined;
  const saved = savedRules.filter(({ family, backend }) => family === 'ipv4' && backend === 'nft');
  const isSaved = (name: string): boolean => saved.some(({ text }) => text.split('\n').includes(`*${name}`));
  const foreign = nftTables(nft.text).filter(
    ({ family, name, hooks }) =>
      IPV4_FAMILIES.includes(family) && hooks.length > 0 && !(family === 'ip' && isSaved(name)),
  );
  if (foreign.length === 0) return undefined;
  const names = foreign.map(({ family, name, hooks }) => `${family} ${name} (${hooks.join(', ')})`).join(', ');
  return { file: nft.file, line: foreign[0].line, names };
}
