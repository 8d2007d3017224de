/** Rules are refused and saved exactly as by the real iptables-legacy (recorded in canonical/). */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RulesetError } from '../../core/rules/parse/error.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { saveRuleset } from '../../core/rules/save.js';
import { type CanonicalCase, canonicalFile, canonicalFiles, parseCanonical } from './canonical.js';

/** What iptables-save prints of these, iptables-restore refuses, or it is rounded. */
const UNREADABLE = new RegExp(
  [
    /-[io] \S*(?: b|["\\])/,
    /--name "\S+ |-datestop 1970/,
    /--cluster-local-node 32/,
    /\d{9}bit|--rateest-bps.*--rateest-pps/,
    /--rateest-ewmalog (?:-1|4294)s|--rateest-interval 1usecs/,
    /--(?:label|rateest-name|genre|physdev-in) "/,
    /--dccp-types ,|--ipcompspi (?::|0:4294967295)/,
    /NPT .*::\/0/,
  ]
    .map(({ source }) => source)
    .join('|'),
);

const canonical = suite('canonical spelling');
/** The rules are not run, so they may hold what is only parsed. */
const TO_SAVE = { willRun: false };
const files = canonicalFiles().map(({ name, text }) => ({ name, cases: parseCanonical(text) }));

function ruleLines(text: string): string[] {
  return text.split('\n').filter((line) => line.startsWith('-A'));
}

function check(one: CanonicalCase): void {
  const file = canonicalFile(one);
  const { refusedHere, answer, family, head } = one;
  const options = { family, ...TO_SAVE };
  assert.ok(answer !== undefined, `${head}: ask iptables (record-canonical)`);
  if (refusedHere) {
    assert.throws(
      () => parseRuleset(file, 'f', options),
      (error: unknown) => error instanceof RulesetError,
      head,
    );
  } else if (answer === 'refused') {
    const refusal = (error: unknown): boolean => error instanceof RulesetError && error.code === 'invalid';
    assert.throws(() => parseRuleset(file, 'f', options), refusal, head);
  } else {
    assert.equal(ruleLines(saveRuleset(parseRuleset(file, 'f', options))), answer, head);
  }
}

for (const { name, cases } of files) {
  canonical(`${name}: ${cases.length} rules are saved as by iptables-save, or refused as by iptables`, () => {
    for (const one of cases) check(one);
  });
}

canonical('there are cases', () => {
  assert.ok(files.flatMap(({ cases }) => cases).length > 700);
  // On macOS, files whose names differ in case only are the same.
  assert.is(new Set(files.map(({ name }) => name.toLowerCase())).size, files.length);
});

canonical('saved rules are saved again unchanged', () => {
  // If iptables-save leaves something out, or does not quote it (a name with a blank), it cannot be read back.
  for (const one of files.flatMap(({ cases }) => cases)) {
    if (one.answer === 'refused' || one.refusedHere || UNREADABLE.test(one.head)) continue;
    const options = { family: one.family, ...TO_SAVE };
    const saved = saveRuleset(parseRuleset(canonicalFile(one), 'f', options));
    // A quote that is not closed puts a line feed into the text. hashlimit prints less than 16 bytes a second as 0,
    // recent prints large numbers as negative ones, time an empty list as nothing.
    if (/\n"| 0b\/s| --seconds -|days {2}/.test(saved)) continue;
    assert.is(saveRuleset(parseRuleset(saved, 'f', options)), saved, one.head);
  }
});

canonical.run();
