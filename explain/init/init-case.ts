/** Makes a case of a replay: its files, and claims about what becomes of its packets. */
import { readExpectation } from '../../codecs/expectation/read-expectation.js';
import { counted } from '../../codecs/text.js';
import { isReadAgain } from '../../io/text-file.js';
import { withFoundCaptures } from '../../replay/captures.js';
import { contentOf } from '../../replay/case-content.js';
import { updateCase } from '../../replay/check-case.js';
import { ReplayOptionsError } from '../../replay/errors.js';
import { filesOf, optionsOf, readCase } from '../../replay/golden-case.js';
import { type ReplayControl, type ReplayOptions, type ReplayProgress, replaySteps } from '../../replay/replay.js';
import { GENERATOR } from '../../replay/result-files.js';
import type { Setting } from '../../replay/setting.js';
import type { Summary } from '../../replay/summary.js';
import { version } from '../../replay/version.js';
import { type CaseContent, StagedCase } from '../../replay/write-case.js';
import type { ClaimResult } from '../expect/claim-result.js';
import { Judging } from '../expect/judging.js';
import { type ClaimDraft, type Drafts, draftClaims, type MetRule } from './draft-claims.js';
import { draftText } from './draft-text.js';
import { AddressNames } from './name-addresses.js';
import { SeenTraffic } from './seen-traffic.js';

export interface InitOptions extends ReplayControl {
  /** At most so many claims of a kind. */
  readonly most: number;
  /** Also golden captures, in `want/`. */
  readonly isGolden: boolean;
}

export interface InitResult {
  /** The files of the case, relative to its folder. */
  readonly files: readonly string[];
  readonly drafts: Drafts;
  readonly summary: Summary;
}

/** How often claims that do not hold are weakened. */
const MOST_ROUNDS = 4;

/**
 * Writes the case DIR that replays what OPTIONS replay.
 * @throws {FileError} if DIR is not empty or cannot be written
 * @throws {ReplayOptionsError} if nothing can be claimed
 * @throws as `replay`
 */
export function* initCase(
  dir: string,
  given: ReplayOptions,
  init: InitOptions,
): Generator<ReplayProgress, InitResult, void> {
  const { onCreate, hasEnded } = init;
  const { options } = withFoundCaptures({ ...given, ...(hasEnded && { hasEnded }) });
  const staged = new StagedCase(dir, { ...(onCreate && { onCreate }), ...(hasEnded && { hasEnded }) });
  let isDone = false;
  try {
    const content = contentOf(options);
    const isLive = filesRead(options).some((path) => !isReadAgain(path));
    if (isLive) staged.add(content);
    const seen = yield* seeTraffic(isLive ? optionsOf(readCase(staged.path)) : options);
    if (!isLive) staged.add(content);
    const golden = readCase(staged.path);
    const names = new AddressNames(seen.setting.host, seen.setting.names);
    const { traffic, summary } = seen;
    const met = options.keepCounters ? [] : metRules(summary, seen.setting);
    const { ruleset } = seen.setting;
    const drafts = draftClaims(
      { flows: traffic.flows, strays: [...traffic.strays.values()], met, ruleset },
      ...([names, init.most] as const),
    );
    const origin = { what: captureWords(content), generator: `${GENERATOR} ${version()}`, names };
    const held = yield* holding(drafts, optionsOf(golden), (some) => draftText(some, origin));
    if (held.claims.length === 0 && !init.isGolden) throw nothingToClaim(held, summary);
    if (held.claims.length > 0) staged.add({ files: [], expect: draftText(held, origin) });
    if (init.isGolden) updateCase(readCase(staged.path), { allowTruncated: true, ...(onCreate && { onCreate }) });
    staged.commit();
    isDone = true;
    return { files: staged.files, drafts: held, summary };
  } finally {
    if (!isDone) staged.discard();
  }
}

/** The files that a replay with OPTIONS reads. */
function filesRead(options: ReplayOptions): string[] {
  const { inputs = [], stitchPaths = [], captures = [], ...others } = options;
  return filesOf({ ...others, inputs, stitchPaths, captures, dir: '', wantDir: '', isStrict: false, options });
}

interface Seen {
  readonly traffic: SeenTraffic;
  readonly setting: Setting;
  readonly summary: Summary;
}

function* seeTraffic(options: ReplayOptions): Generator<ReplayProgress, Seen, void> {
  let seen: Omit<Seen, 'summary'> | undefined;
  const summary = yield* replaySteps({
    ...options,
    watch: (run) => {
      const traffic = new SeenTraffic(run);
      seen = { traffic, setting: run.setting };
      return traffic;
    },
  });
  return { ...seen!, summary };
}

/** Those of DRAFTS that hold in the case with OPTIONS, where necessary without some of what they say. */
function* holding(
  drafts: Drafts,
  options: ReplayOptions,
  textOf: (drafts: Drafts) => string,
): Generator<ReplayProgress, Drafts, void> {
  let claims = drafts.claims;
  let doubt: string | undefined;
  for (let round = 0; round < MOST_ROUNDS && claims.length > 0; round++) {
    const text = textOf({ ...drafts, claims });
    const judging = new Judging(options, (names) => readExpectation(text, 'expect.yaml', names));
    yield* replaySteps({ ...options, watch: judging.watch });
    const results = judging.results();
    const uncertain = results.flatMap(({ problems }) => problems).find(({ member }) => member === 'uncertain');
    doubt ??= uncertain?.found;
    const told = { ...drafts, claims, ...(doubt === undefined ? {} : { doubt }) };
    if (results.every(({ isMet }) => isMet)) return told;
    claims = claims.flatMap((claim, i) => (results[i].isMet ? [claim] : weakened(claim, results[i])));
  }
  return { ...drafts, claims: [], ...(doubt === undefined ? {} : { doubt }) };
}

/** Members that a claim can do without. */
const DISPENSABLE: readonly string[] = ['becomes', 'by', 'answer'];

/** CLAIM without what of it does not hold; nothing if that is all of it. */
function weakened(claim: ClaimDraft, { problems }: ClaimResult): ClaimDraft[] {
  const members = problems.map(({ member }) => member);
  if (members.length === 0 || !members.every((member) => DISPENSABLE.includes(member))) return [];
  return [
    Object.fromEntries(
      Object.entries(claim).filter(([key]) => !members.some((member) => member === key)),
    ) as unknown as ClaimDraft,
  ];
}

/** The rules of SETTING that packets matched. */
function metRules({ rules }: Summary, { ruleset }: Setting): MetRule[] {
  return rules.flatMap(({ table: name, chain, number, line, file, until, packets }): MetRule[] => {
    const table = ruleset.tables.find((one) => one.name === name);
    const rule = table?.rules.find((one) => one.chain === chain && one.number === number);
    const isThere = table !== undefined && rule?.line === line && rule.file === file && until === undefined;
    return isThere ? [{ table: table.name, rule, packets }] : [];
  });
}

/** The captures of CONTENT, as they are called in the case. */
function captureWords({ files }: CaseContent): string {
  const captures = files.map(({ name }) => name).filter((name) => /^(?:in|captures)\//.test(name));
  return captures.length <= 4
    ? captures.join(', ')
    : `${captures[0]} and ${counted(captures.length - 1, 'more capture')}`;
}

function nothingToClaim({ uncertain, doubt }: Drafts, { packets }: Summary): ReplayOptionsError {
  const { read } = packets;
  const why =
    doubt === undefined && uncertain === 0
      ? `no packet of the ${counted(read, 'packet')} in the captures begins or ends something that can be told`
      : `what becomes of the packets is uncertain${doubt === undefined ? '' : ` (${doubt})`}`;
  return new ReplayOptionsError(`there is nothing to claim: ${why}; --golden makes a case with golden captures only`);
}
