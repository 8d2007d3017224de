/** Which claims go on after which. */
import { withNearest } from '../nearest.js';
import { AFTER_CAPTURES, type Claim, type PacketClaim } from './expectation.js';
import { ExpectationError } from './expectation-error.js';
import { errorIn } from './placed-yaml.js';

/**
 * Checks the names of CLAIMS, and what they say under `after`.
 * @throws {ExpectationError}
 */
export function checkAfter(claims: readonly Claim[]): void {
  const byName = new Map<string, Claim>();
  for (const claim of claims) {
    const same = byName.get(claim.name);
    if (same !== undefined) throw nameTaken(claim, same);
    if (claim.name === AFTER_CAPTURES)
      throw at(claim, `no claim is called "${AFTER_CAPTURES}": behind \`after:\` that means something else`);
    byName.set(claim.name, claim);
  }
  for (const claim of claims) if (claim.kind === 'send') checkSend(claim, byName);
  refuseCircles(claims, byName);
}

function nameTaken(claim: Claim, same: Claim): ExpectationError {
  const hint = claim.isNamed ? 'expected another name' : 'give one of the two a name with `it:`';
  return at(claim, `the claim in line ${same.line} is called "${claim.name}", too; ${hint}`);
}

const at = ({ file, line, column }: Claim, problem: string): ExpectationError =>
  new ExpectationError(problem, file, line, column);

function checkSend({ after, sentence, subject }: PacketClaim, byName: ReadonlyMap<string, Claim>): void {
  if (sentence === undefined && (after === undefined || after.value === AFTER_CAPTURES))
    throw errorIn(
      subject,
      `"${subject.text.trim()}" goes on after another packet; expected \`after:\` with the name of a send claim`,
    );
  if (after === undefined || after.value === AFTER_CAPTURES) return;
  const before = byName.get(after.value);
  if (before?.kind === 'send') return;
  const sends = [...byName.values()].filter(({ kind }) => kind === 'send').map(({ name }) => name);
  const problem =
    before === undefined
      ? withNearest(`no claim is called "${after.value}"`, after.value, [...sends, AFTER_CAPTURES])
      : `the claim "${after.value}" is about ${before.kind}, not about a packet that is sent`;
  throw errorIn(after, `${problem}; expected ${AFTER_CAPTURES}, or the name of a send claim`);
}

/** The claim that CLAIM goes on after. */
function claimBefore(claim: Claim | undefined, byName: ReadonlyMap<string, Claim>): Claim | undefined {
  return claim?.kind === 'send' && claim.after !== undefined ? byName.get(claim.after.value) : undefined;
}

function refuseCircles(claims: readonly Claim[], byName: ReadonlyMap<string, Claim>): void {
  const isEnding = new Set<Claim>();
  for (const claim of claims) {
    const way = new Set<Claim>();
    let one: Claim | undefined = claim;
    while (one !== undefined && !isEnding.has(one)) {
      if (way.has(one)) throw errorIn((one as PacketClaim).after!, circle([...way], one));
      way.add(one);
      one = claimBefore(one, byName);
    }
    for (const ending of way) isEnding.add(ending);
  }
}

function circle(way: readonly Claim[], again: Claim): string {
  const names = way.slice(way.indexOf(again)).map(({ name }) => `"${name}"`);
  if (names.length === 1) return 'the claim goes on after itself';
  return `the claims go on after each other, in a circle: ${names.join(' after ')} after ${names[0]}`;
}
