/** What the real iptables -L printed of each extension, in each of its forms, is read as the rules that it was of. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DEFAULT_NAMES } from '../../../codecs/host/names.js';
import { MATCHES } from '../../../core/matches/index.js';
import { type ListingOptions, parseListing } from '../../../core/rules/listing/parse-listing.js';
import { RulesetError } from '../../../core/rules/parse/error.js';
import { saveRuleset } from '../../../core/rules/save.js';
import { TARGETS } from '../../../core/targets/index.js';
import { listingOf, type RecordedListing, readRecorded, recordedFiles } from './recorded.js';

const recorded = suite('recorded listings');

/** Of these, a listing leaves out something each time. */
const HIDING: Readonly<Record<string, RegExp>> = {
  'matches/hashlimit.txt': /does not show the --hashlimit-name of -m hashlimit/,
  'matches/osf.txt': /does not show the --ttl and --log of -m osf/,
  'matches/quota.txt': /does not show whether there is a `!` before the --quota of -m quota/,
};

/** The users of the host where the listings were made. */
const NAMES = {
  ...DEFAULT_NAMES,
  users: new Map(Object.entries({ root: 0, daemon: 1, sync: 4, games: 5, mail: 8, 'www-data': 33 })),
  groups: new Map(Object.entries({ root: 0, tty: 5, uucp: 10, 'www-data': 33 })),
};

/** What a listing shows in the same way as another rule. */
const SAME_ROW: readonly string[] = [
  // All ports.
  '-m dccp --sport 0:65535',
  '-m sctp --sport 0:65535',
  // No packet has such a type, but that is not shown.
  '-m dccp --dccp-types ',
  // iptables-nft prints 64 bytes of a prefix, of which iptables-legacy keeps 63.
  `--nflog-prefix ${'0123456789abcdef'.repeat(4)}`,
];

/**
 * Rows that are refused: odd names, days without a day, a rate that iptables does not take, and an address without its
 * mask.
 */
const ODD = new RegExp(
  [
    'cgroup$',
    '--physdev-in(?: a[ \\t]b)?$',
    'on {2}UTC$',
    '(?:up to|above) 0b/s',
    'match(?: Windows XP| a\\tb)?$',
    ' ct\\w+ anywhere$',
  ].join('|'),
);

function read({ family, table }: RecordedListing, text: string, more: ListingOptions = {}): string[] {
  const options = { family, table, names: NAMES, willRun: false, ...more };
  return saveRuleset(parseListing(text, 'L.txt', options))
    .split('\n')
    .filter((line) => line.startsWith('-A'));
}

for (const file of recordedFiles()) {
  recorded(file, () => {
    for (const listing of readRecorded(file)) {
      if (listing.rules.some((rule) => SAME_ROW.some((words) => rule.endsWith(words)))) continue;
      for (const [flags, rows] of listing.rows) {
        // iptables-nft lists nothing of -m eui64.
        if (file === 'matches/eui64.txt' && flags.startsWith('nft')) continue;
        const text = listingOf(listing, rows);
        const refusal = rows.some((row) => ODD.test(row)) ? /./ : HIDING[file];
        if (refusal === undefined) assert.equal(read(listing, text), listing.rules, flags);
        else
          assert.throws(
            () => read(listing, text),
            (error: Error) => isRefused(error, refusal),
            rows[0],
          );
      }
    }
  });
}

function isRefused(error: Error, message: RegExp): boolean {
  if (!(error instanceof RulesetError)) throw error;
  return message.test(error.message);
}

/** Targets that no machine at hand has, or that need something else to be loaded. */
const WITHOUT_RECORD: readonly string[] = ['CLUSTERIP', 'LED', 'SECMARK', 'SET', 'ULOG'];

recorded('every match and every target has a record', () => {
  const files = recordedFiles();
  const names = [
    ...[...MATCHES.keys()].map((name) => `matches/${name}`),
    ...[...TARGETS.keys()].filter((name) => !WITHOUT_RECORD.includes(name)).map((name) => `targets/${name}`),
  ];
  const without = names.filter((name) => !files.includes(`${name}.txt`));
  assert.equal(without, []);
});

recorded.run();
