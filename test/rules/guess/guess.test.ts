/** What `--guess` fills in: the rules that were listed without interfaces, and nothing that others may have written. */
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseAddress } from '../../../codecs/address.js';
import type { HostDescription } from '../../../codecs/host/description.js';
import { canonicalText } from '../../../core/rules/canonical.js';
import { readAllRules } from '../../../core/rules/forms/merge.js';
import type { RulesSource } from '../../../core/rules/forms/read-rules.js';
import type { Bridge } from '../../../core/rules/guess/docker-guess.js';
import type { Guess } from '../../../core/rules/guess/guess.js';
import type { Ruleset } from '../../../core/rules/model.js';
import { readHostAt } from '../../../io/host-files.js';
import { compareResults } from '../../../replay/compare.js';
import { dockerBridges } from '../../../replay/docker-bridges.js';
import { casesIn, optionsOf } from '../../../replay/golden-case.js';
import { replay } from '../../../replay/replay.js';

const Guesses = suite('guesses');

const ARTICLE = 'pcaps/article';
/** Each with the listings of a Docker host and what iptables-save printed there. */
const RECORDED = 'test/rules/guess/docker-';

function sources(nat: string, filter: string): RulesSource[] {
  return [
    { text: readFileSync(nat, 'utf8'), file: 'nat.txt', table: 'nat' },
    { text: readFileSync(filter, 'utf8'), file: 'filter.txt', table: 'filter' },
  ];
}

function bridge(name: string, address: string, prefixLength: number): Bridge[] {
  const local = parseAddress(address)!;
  const link = { name, kind: 'bridge', addresses: [{ local, prefixLength }] };
  return dockerBridges({ links: [link] as unknown as HostDescription['links'] });
}

const DOCKER0 = bridge('docker0', '172.17.0.1', 16);

function guessed(
  texts: readonly RulesSource[],
  bridges: readonly Bridge[],
  guess: Guess = 'docker',
  lax = false,
): Ruleset {
  return readAllRules(texts, { family: 'ipv4', lax, guess: { guess, bridges } });
}

/** Listings that iptables-legacy -L made of the rules of the case, one without a chain that a rule jumps to. */
const LISTINGS = sources(join(ARTICLE, 'listing-nat.txt'), join(ARTICLE, 'listing-filter.txt'));
const BRIDGES = dockerBridges(readHostAt(join(ARTICLE, 'host.json')).description);

Guesses('the listings of the article are its rules again, and each guess is said', () => {
  const ruleset = guessed(LISTINGS, BRIDGES);
  assert.is(canonicalText(ruleset), readFileSync(join(ARTICLE, 'rules.v4'), 'utf8'));
  const said = (ruleset.assumed ?? []).map(({ file, line, message }) => `${file}:${line}: ${message}`);
  assert.is(said.length, 20);
  for (const one of [
    'nat.txt:14: the chain CATTLE_NAT_POSTROUTING of the table nat is not listed: it is taken to be empty',
    'nat.txt:15: guessed: ! -o docker0',
    'nat.txt:23: guessed: ! -i docker0',
    'filter.txt:5: guessed: -i lo',
    'filter.txt:26: guessed: ! -i docker0 -o docker0',
    'filter.txt:3: guessed: no interfaces (6 rules in lines 3–4, 6, 10, 18, 32)',
  ]) {
    assert.ok(said.includes(one), one);
  }
  assert.equal(ruleset.warnings, []);
});

Guesses('they replay as the rules do', () => {
  const [golden] = casesIn(ARTICLE);
  const outDir = join(tmpdir(), `nfreplay-guess-${process.pid}`);
  const rulesPath = `nat=${ARTICLE}/listing-nat.txt,filter=${ARTICLE}/listing-filter.txt`;
  const { assumed } = replay({ ...optionsOf(golden), rulesPath, guess: 'docker', checksums: 'verify', outDir });
  assert.equal(compareResults(golden.wantDir, outDir).differences, []);
  rmSync(outDir, { recursive: true });
  assert.ok(assumed.some((one) => one.endsWith('listing-filter.txt:5:12: guessed: -i lo')));
});

Guesses('the rules of real engines: Docker 20.10 with two networks, and 28.5', () => {
  const networks = [...DOCKER0, ...bridge('br-ff6f06c3cedc', '172.18.0.1', 16)];
  for (const [version, bridges] of [
    ['20.10', networks],
    ['28.5', DOCKER0],
  ] as const) {
    const ruleset = guessed(sources(`${RECORDED}${version}-nat.txt`, `${RECORDED}${version}-filter.txt`), bridges);
    assert.is(canonicalText(ruleset), readFileSync(`${RECORDED}${version}.v4`, 'utf8'), version);
  }
});

const INPUT = `Chain INPUT (policy ACCEPT)
target     prot opt source               destination
ACCEPT     all  --  anywhere             anywhere             state RELATED,ESTABLISHED
ACCEPT     icmp --  anywhere             anywhere
ACCEPT     all  --  anywhere             anywhere
ACCEPT     tcp  --  anywhere             anywhere             state NEW tcp dpt:ssh
ACCEPT     tcp  --  anywhere             anywhere             tcp dpt:46379

Chain FORWARD (policy ACCEPT)
target     prot opt source               destination
OTHER      all  --  anywhere             anywhere
ACCEPT     all  --  anywhere             anywhere

Chain OUTPUT (policy ACCEPT)
target     prot opt source               destination
`;

Guesses('what Docker or Red Hat may not have written stays unknown: refused, or with --lax never matching', () => {
  const texts = [{ text: INPUT, file: 'L.txt' }];
  assert.throws(
    () => guessed(texts, DOCKER0),
    /^L.txt:7:12: the interfaces .* could not be guessed: use iptables -L -v -n \(2 rules in lines 7, 12\)$/,
  );
  const { tables, warnings, assumed = [] } = guessed(texts, DOCKER0, 'docker', true);
  assert.equal(
    tables[0].rules.filter(({ unsupported }) => unsupported !== undefined).map(({ line }) => line),
    [7, 12],
  );
  assert.equal(
    warnings.map(({ line }) => line),
    [7, 12],
  );
  for (const { message } of warnings) assert.match(message, 'could not be guessed');
  assert.is(assumed.length, 3);
  // Nothing is guessed unasked.
  assert.throws(() => readAllRules(texts), /no chain OTHER.*|7 rules in lines 3–7, 11–12/);
  // Docker's rules of a network that the host does not have.
  const docker = sources(join(ARTICLE, 'listing-nat.txt'), join(ARTICLE, 'listing-filter.txt'));
  assert.throws(() => guessed(docker, []), /^nat.txt:15:13: the interfaces .* could not be guessed/);
});

Guesses('rhel alone leaves the rules of Docker unknown', () => {
  assert.throws(() => guessed(LISTINGS, BRIDGES, 'rhel'), /^nat.txt:3:12: the interfaces .* could not be guessed/);
});

Guesses.run();
