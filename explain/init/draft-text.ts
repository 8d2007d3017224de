/** Drafted claims as the text of expect.yaml, with comments for who goes on with it. */
import type { CountedDecider, ExpectedDecider } from '../../codecs/expectation/expectation.js';
import { type DraftedClaim, formatExpectation } from '../../codecs/expectation/format-expectation.js';
import { formatSentence } from '../../codecs/sentence/format.js';
import type { Sentence } from '../../codecs/sentence/sentence.js';
import { counted } from '../../codecs/text.js';
import type { ClaimDraft, Drafts, Section } from './draft-claims.js';
import type { AddressNames } from './name-addresses.js';

const HEADINGS: Readonly<Record<Section, string>> = {
  in: 'Services of the host, and of what is behind it, that others reach.',
  through: 'What passes through the host.',
  own: 'What the host itself sends.',
  rejected: 'What is refused, and its sender told so.',
  dropped: 'What is dropped without a word.',
  never: 'Nothing of this got through in these captures. Make it as wide as you mean it.',
  counters: 'Rules that do something else than decide, or decide only about later packets.',
};

/** What expect.yaml begins with. WHAT: the captures. */
function introduction(what: string, generator: string): string {
  return [
    `What becomes of the packets of ${what} now, as init of ${generator} found it.`,
    '',
    'Every claim holds at the moment, also where the rules are wrong. Keep those that say what you mean, turn round',
    'those that show a fault (`ends: accepted` in place of `ends: dropped`), and delete the rest. From then on',
    '`nfreplay check` says when one does not hold any more, and `nfreplay check --rules NEW` whether other rules do the',
    'same. docs/expectations.md says what claims can say.',
  ].join('\n');
}

export interface DraftOrigin {
  /** The captures, in words. */
  readonly what: string;
  readonly generator: string;
  readonly names: AddressNames;
}

/** DRAFTS as expect.yaml. */
export function draftText(drafts: Drafts, { what, generator, names }: DraftOrigin): string {
  let section: Section | undefined;
  const claims = drafts.claims.map((claim, i) => {
    const isFirst = claim.section !== section;
    section = claim.section;
    const isLast = drafts.claims[i + 1]?.section !== section;
    const more = isLast ? (drafts.more.get(section) ?? 0) : 0;
    return { ...draftOf(claim), ...(isFirst ? { remark: headingOf(section, more) } : {}) };
  });
  const own = ownNames(drafts.claims, names);
  const remark = [introduction(what, generator), ...leftOut(drafts)].join('\n');
  return spaced(formatExpectation({ remark, ...(own.size === 0 ? {} : { names: own }), claims }));
}

/** TEXT with a blank line behind the introduction, and before each section. */
function spaced(text: string): string {
  const lines = text.split('\n');
  return lines
    .flatMap((line, i) => {
      const before = lines[i - 1] ?? '';
      const isBehindIntroduction = before.startsWith('#') && !line.startsWith('#');
      const isSection = line.startsWith('  # ') && !before.startsWith('  # ') && before !== 'expect:';
      return isBehindIntroduction || isSection ? ['', line] : [line];
    })
    .join('\n');
}

function headingOf(section: Section, more: number): string {
  const heading = HEADINGS[section];
  return more === 0 ? heading : `${heading} ${counted(more, 'more kind')} left out (--top N: more).`;
}

function leftOut({ untold, uncertain, doubt }: Drafts): string[] {
  const lines: string[] = [];
  if (untold > 0)
    lines.push(
      `No claim is about ${counted(untold, 'connection')}: others between the same ends came to`,
      'a different end (a limit, a changed state); the counters below tell of them.',
    );
  if (uncertain > 0)
    lines.push(`No claim is about ${counted(uncertain, 'connection')} of which it is uncertain what becomes of them.`);
  if (doubt !== undefined)
    lines.push(`Claims were left out, as it is uncertain what becomes of their packets: ${doubt}`);
  return lines.length === 0 ? [] : ['', ...lines];
}

function draftOf(claim: ClaimDraft): DraftedClaim {
  const { it, kind, sentence, becomes, ends, by, answer, counter } = claim;
  if (counter !== undefined) return { counters: { [formatDeciderText(counter.of)]: counter.bound } };
  const subject = sentence === undefined ? '' : formatSentence(sentence);
  return {
    ...(it === undefined ? {} : { it }),
    [kind]: subject,
    ...(becomes === undefined ? {} : { becomes: formatSentence(becomes) }),
    ...(ends === undefined ? {} : { ends }),
    ...(by === undefined ? {} : { by: formatDeciderText(by) }),
    ...(answer === undefined ? {} : { answer: formatSentence(answer) }),
  };
}

/** DECIDER as expect.yaml writes it: `filter DOCKER "--dport 6379"`. */
function formatDeciderText(decider: ExpectedDecider | CountedDecider): string {
  switch (decider.kind) {
    case 'none':
      return 'none';
    case 'reason':
      return decider.reason;
    case 'words':
      return `${decider.table} ${decider.chain} ${quoted(decider.words)}`;
    case 'number':
      return `${decider.table} ${decider.chain} ${decider.number}`;
    case 'policy':
      return `${decider.table} ${decider.chain} policy`;
    default:
      return `${decider.table} ${decider.chain}`;
  }
}

const quoted = (words: string): string => (words.includes('"') ? `'${words}'` : `"${words}"`);

/** The names of the host's own addresses that CLAIMS use. */
function ownNames(claims: readonly ClaimDraft[], names: AddressNames): Map<string, string> {
  const used = new Map<string, string>();
  const use = (sentence: Sentence | undefined): void => {
    for (const end of [sentence?.ends?.source, sentence?.ends?.destination]) {
      const name = end?.host?.name;
      const address = name === undefined ? undefined : names.ownNamed(name);
      if (name !== undefined && address !== undefined) used.set(name, String(address));
    }
  };
  for (const { sentence, becomes, answer } of claims) for (const one of [sentence, becomes, answer]) use(one);
  return used;
}
