/** The failure that a claim of a case is not met. */
import type { Claim, Expectation } from '../../codecs/expectation/expectation.js';
import { keepClaims } from '../../codecs/expectation/keep-claims.js';
import { readExpectation } from '../../codecs/expectation/read-expectation.js';
import { withNearest } from '../../codecs/nearest.js';
import { REASONS } from '../../core/reasons.js';
import { readText } from '../../io/text-file.js';
import { ReplayOptionsError } from '../../replay/errors.js';
import { type GoldenCase, optionsOf } from '../../replay/golden-case.js';
import type { CaseFile } from '../../replay/write-case.js';
import type { ClaimResult } from '../expect/claim-result.js';
import { judge } from '../expect/judging.js';
import type { CapturedFrame } from './captured-frames.js';
import type { CaseModel, ModelFile } from './case-model.js';
import { type Failure, NothingToShowError } from './failure.js';
import { storyKind } from './story-kind.js';

/** How a claim that is not met is said to people. */
export type ClaimWords = (result: ClaimResult) => readonly string[];

const EXPECT = 'expect.yaml';

/**
 * The claim NAME of GOLDEN; undefined: the first that is not met.
 * @throws {NothingToShowError} if it is met, or nothing in the captures fits it
 * @throws {ReplayOptionsError} if there is no such claim
 * @throws as `judge`
 */
export function claimFailureOf(golden: GoldenCase, name: string | undefined, words: ClaimWords): Failure {
  const all = judged(golden, name);
  const { results, claims } = all;
  const wanted = name === undefined ? undefined : claimNamed(name, claims);
  const result = results.find(({ isMet, claim }) => (name === undefined ? !isMet : claim === wanted));
  if (result === undefined && name !== undefined) {
    const known = claims.map((claim) => claim.name);
    const what = `--claim: ${golden.expectPath} has no claim '${name}'; expected one of: ${known.join('; ')}`;
    throw new ReplayOptionsError(withNearest(what, name, known));
  }
  if (result === undefined) throw new NothingToShowError(`all claims of ${golden.expectPath} are met`);
  const { claim } = result;
  if (result.isMet) throw new NothingToShowError(`the claim '${claim.name}' (${placeOf(claim)}) is met`);
  if (result.problems.some(({ member }) => member === 'met')) {
    const what = claim.kind === 'connection' ? 'no captured connection' : 'no captured packet';
    throw new NothingToShowError(`${what} fits the claim '${claim.name}' (${placeOf(claim)}), so none can be kept`);
  }
  return new ClaimFailure(result, all, words(result));
}

const placeOf = ({ file, line }: Claim): string => `${file}:${line}`;

/** The claims of a case, and what came of those that were judged. */
interface Judged {
  readonly text: string;
  readonly names: readonly string[];
  readonly claims: readonly Claim[];
  readonly results: readonly ClaimResult[];
}

/** Judges the claim NAME of GOLDEN, by its name or its sentence, and those that it needs; undefined: all. */
function judged(golden: GoldenCase, name: string | undefined): Judged {
  const { dir, expectPath } = golden;
  if (expectPath === undefined) throw new ReplayOptionsError(`--claim: ${dir} has no ${EXPECT}`);
  const text = readText(expectPath);
  let all: Expectation | undefined;
  const results = judge(optionsOf(golden), (known) => {
    const expectation = readExpectation(text, expectPath, known, Object.keys(REASONS));
    all = expectation;
    return name === undefined ? expectation : { ...expectation, claims: neededFor(name, expectation.claims) };
  });
  return { text, names: [...all!.names.keys()], claims: all!.claims, results };
}

/** The claim NAME among CLAIMS, and those on whose host it goes on, in their order. */
function neededFor(name: string, claims: readonly Claim[]): Claim[] {
  const needed = new Set<Claim>();
  let next = claimNamed(name, claims);
  while (next !== undefined && !needed.has(next)) {
    needed.add(next);
    const after: string | undefined = next.kind === 'send' ? next.after?.text : undefined;
    next = after === undefined ? undefined : claims.find((claim) => claim.name === after);
  }
  return claims.filter((claim) => needed.has(claim));
}

function claimNamed(name: string, claims: readonly Claim[]): Claim | undefined {
  return claims.find((claim) => claim.name === name) ?? claims.find((claim) => claim.text === name);
}

class ClaimFailure implements Failure {
  readonly words: readonly string[];
  readonly notes: readonly string[];
  readonly #text: string;
  readonly #claims: readonly Claim[];
  readonly #names: readonly string[];
  readonly #result: ClaimResult;
  readonly #kind: string;

  constructor(result: ClaimResult, { text, names, claims }: Judged, words: readonly string[]) {
    this.words = words;
    this.#text = text;
    this.#claims = claims;
    this.#names = names;
    this.#result = result;
    this.#kind = kindOf(result);
    const why = 'nothing tells which packets the rule should have counted, so all of them stay';
    this.notes = isTooLow(result) ? [why] : [];
  }

  files({ units }: CaseModel): ModelFile[] {
    const needed = new Set(neededFor(this.#result.claim.name, this.#claims));
    const claimUnits = this.#claims.map((claim) => (needed.has(claim) ? undefined : units.add('claim')));
    const nameUnits = new Map(this.#names.map((name) => [name, units.add('name')]));
    const all = [...claimUnits.filter((unit) => unit !== undefined), ...nameUnits.values()];
    return [
      {
        ...{ name: EXPECT, units: all },
        content: (selection) =>
          all.every((unit) => selection.has(unit))
            ? this.#text
            : keepClaims(
                this.#text,
                (i) => claimUnits[i] === undefined || selection.has(claimUnits[i]),
                (name) => selection.has(nameUnits.get(name)!),
              ),
      },
    ];
  }

  isShownBy(golden: GoldenCase): boolean {
    const { name } = this.#result.claim;
    const result = judged(golden, name).results.find(({ claim }) => claim.name === name);
    return result !== undefined && !result.isMet && kindOf(result) === this.#kind;
  }

  isOffender({ tsSec, tsNsec }: CapturedFrame): boolean {
    const { offender, claim } = this.#result;
    if (offender === undefined || (claim.kind === 'send' && claim.after === undefined)) return false;
    return offender.story.tsSec === tsSec && offender.story.tsNsec === tsNsec;
  }

  isFixed(): boolean {
    return isTooLow(this.#result);
  }

  finish(): CaseFile[] {
    return [];
  }
}

/** Equal for results in which the same members of the claim are not met for the same reason. */
function kindOf({ claim, problems, offender }: ClaimResult): string {
  const found = problems.map((problem) => `${problem.member}: ${withoutPlaces(foundKind(problem))}`);
  // A `never` that meets no packet sends one of its own, which does not stand for a captured one.
  const isCaptured = claim.kind !== 'never' || offender?.where !== claim.text;
  return JSON.stringify([found.sort(), offender === undefined ? '' : storyKind(offender.story), isCaptured]);
}

/** A counter is 0 and should not be. */
function isTooLow({ problems }: ClaimResult): boolean {
  return problems.some(({ member, found }) => member === 'counters' && /\b0 (?:packets|bytes)\b/.test(found));
}

/** What a counter says depends on how many packets there are: only whether it counted any is kept. */
function foundKind({ member, found }: ClaimResult['problems'][number]): string {
  return member === 'counters'
    ? found.replace(/\d[\d,]*/g, (number) => (Number(number.replace(/,/g, '')) === 0 ? '0' : 'n'))
    : found;
}

/** TEXT without what changes when other rules are left out: numbers of rules, and lines of files. */
function withoutPlaces(text: string): string {
  return text
    .replace(/ \((?:[^()]|\([^()]*\))*:\d+\)/g, '')
    .replace(/\brules? \d+\b/g, 'rule')
    .replace(/\b\d+ rules?\b/g, 'rules');
}
