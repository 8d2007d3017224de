/**
 * The gallery of famous failures (docs/gallery.md): what each case claims is so with its rules; mended, the failure is
 * gone; and nothing is claimed that cannot fail.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Claim } from '../../codecs/expectation/expectation.js';
import { readExpectation } from '../../codecs/expectation/read-expectation.js';
import { REASONS } from '../../core/reasons.js';
import type { ClaimResult, ProblemMember } from '../../explain/expect/claim-result.js';
import { judge } from '../../explain/expect/judging.js';
import { namesIn } from '../../io/path.js';
import { type GoldenCase, optionsOf, readCase } from '../../replay/golden-case.js';
import { FIXED_OPTIONS, FIXED_RULES, mendedCase } from './mended-case.js';
import { withDeciderTurned, withLastRules, withoutEachRule, withoutRules, withPoliciesTurned } from './turned-case.js';

const Gallery = suite('gallery');

const FOLDER = 'pcaps';

/** The claims that are met by the mended case, too: what works all the same, and what must not. */
const KEPT: Readonly<Record<string, readonly string[]>> = {
  'dnat-to-loopback': ['the machine reaches the world', 'nobody outside reaches the name server'],
  'docker-28-drops-direct-routing': [
    "the bridge's address answers",
    'the published port is reached',
    "neighbours do not reach the container's other ports",
  ],
  'docker-rules-gone-after-iptables-restart': ['SSH to the host still works'],
  'docker-sets-forward-policy-drop': [
    'a container of Docker does reach the world',
    'no rule counts these packets, only the policy',
  ],
  'hairpin-without-masquerade': [
    'from the Internet the port works',
    'the LAN reaches the Internet',
    'nobody outside reaches an address of the LAN',
  ],
  'icmp-type-8-only-breaks-path-mtu': [
    'pings pass',
    'the service is reached',
    'other ports of its address are refused',
  ],
  'invalid-segment-escapes-nat': [
    "all other segments come from the service's address",
    'a service without endpoints is refused',
    'nobody gets through to a service without endpoints',
  ],
  'libvirt-rejects-before-the-hook': ['the guest reaches the world'],
  'masquerade-with-one-port': ['the first client reaches the controller', 'the filter lets all SYNs through'],
  'node-port-without-local-endpoint': ['the same pod is reached by the cluster address'],
  'recent-locks-one-host-out': ['the pings themselves pass', 'another host has no trouble'],
  'redirect-takes-traffic-of-containers': ['other ports go out', 'nobody outside reaches a container by its address'],
  'rp-filter-drops-by-second-uplink': ['a pod of the first interface answers'],
  'sip-call-after-udp-timeout': [
    'a call for the telephone that keeps talking arrives',
    'nobody opens a connection from outside',
  ],
  'stale-udp-connection-after-scale-down': [
    'a client with a new port is refused',
    'nothing of the new client gets through',
    'the rule that refuses counts only the new client',
  ],
  'state-new-in-raw': ['others connect, too', 'other ports are closed for all'],
  'ufw-bypassed-by-docker': [
    'SSH is allowed by ufw',
    'a port of the host itself is closed, as ufw says',
    'so is any other port',
  ],
  'wg-quick-drops-in-raw': [
    'the other end of the tunnel does',
    'the host itself does',
    "the tunnel's own packets come in",
  ],
};

const readme = (name: string): string => readFileSync(join(FOLDER, name, 'README.md'), 'utf8');

/** The cases that name a public report. */
const NAMES = namesIn(FOLDER).filter((name) => /^Report: /m.test(readme(name)));

Gallery('has at least fourteen cases, each with what people saw, why, what mends it, and a link to its report', () => {
  assert.ok(NAMES.length >= 14);
  assert.equal([...NAMES].sort(), Object.keys(KEPT).sort());
  for (const name of NAMES) {
    const text = readme(name);
    assert.ok(text.startsWith(`# ${name}\n\nProtects `), name);
    for (const part of ['What people saw.', 'Why.', 'What mends it.']) assert.ok(text.includes(`**${part}** `), name);
    assert.match(text, /^Report: \[[\w-]+\/[\w-]+#\d+\]\(https:\/\/github\.com\/\S+\/\d+\)/m, name);
    const fixed = [FIXED_RULES, FIXED_OPTIONS].filter((file) => existsSync(join(FOLDER, name, file)));
    assert.is(fixed.length, 1, `${name}: either ${FIXED_RULES} or ${FIXED_OPTIONS}`);
  }
});

Gallery('the table in docs/gallery.md lists each of them', () => {
  const rows = [
    ...readFileSync('docs/gallery.md', 'utf8').matchAll(/^\| \[(.+)\]\(\.\.\/pcaps\/(.+)\/README\.md\) \|/gm),
  ];
  assert.equal(rows.map(([, name]) => name).sort(), [...NAMES].sort());
  for (const [, name, folder] of rows) assert.is(name, folder);
});

function judgedCase(golden: GoldenCase): ClaimResult[] {
  const { expectPath } = golden;
  assert.ok(expectPath !== undefined, golden.dir);
  const text = readFileSync(expectPath, 'utf8');
  return judge(optionsOf(golden), (names) => readExpectation(text, expectPath, names, Object.keys(REASONS)));
}

const namesOf = (results: readonly ClaimResult[], isMet: boolean): string[] =>
  results.filter((result) => result.isMet === isMet).map(({ claim }) => claim.name);

/** What is not met, for the message of a test that fails. */
function told(results: readonly ClaimResult[]): string {
  return results
    .filter(({ isMet }) => !isMet)
    .map(({ claim, problems }) => `${claim.name}: ${problems.map((one) => `${one.expected}, ${one.found}`).join('; ')}`)
    .join('\n');
}

for (const name of NAMES) {
  let claims: readonly Claim[] = [];

  Gallery(`${name}: two to five claims, each with a name, are met`, () => {
    const results = judgedCase(readCase(join(FOLDER, name)));
    claims = results.map(({ claim }) => claim);
    assert.ok(results.length >= 2 && results.length <= 5, String(results.length));
    assert.ok(results.every(({ claim }) => claim.isNamed));
    assert.ok(results.some(({ claim }) => claim.kind === 'never'));
    assert.equal(namesOf(results, false), [], told(results));
  });

  Gallery(`${name}: mended, only what is not the failure is still so; and nothing is claimed that cannot fail`, () =>
    inTempDir((parent) => tryVariants(name, claims, parent)),
  );
}

/** Judges CLAIMS, those of the case NAME, over the mended case, and with other rules. */
function tryVariants(name: string, claims: readonly Claim[], parent: string): void {
  const dir = join(FOLDER, name);
  const unfailed = new Set(claims.flatMap((claim) => membersOf(claim).map((member) => `${claim.name}: ${member}`)));
  const judgedIn = (golden: GoldenCase): ClaimResult[] => {
    const results = judgedCase(golden);
    for (const { claim, problems } of results)
      for (const { member } of problems) unfailed.delete(`${claim.name}: ${member}`);
    return results;
  };
  assert.ok(claims.length > 0);
  const mended = namesOf(judgedIn(mendedCase(dir, join(parent, 'mended'))), false);
  const gone = claims.filter((claim) => !KEPT[name].includes(claim.name));
  assert.equal(
    mended,
    gone.map((claim) => claim.name),
  );
  for (const [i, claim] of claims.entries()) {
    if (!('by' in claim) || claim.by === undefined) continue;
    const { value } = claim.by;
    if (value.kind === 'reason') assert.ok(mended.includes(claim.name), claim.name);
    if (value.kind !== 'words' && value.kind !== 'policy') continue;
    const turned = judgedIn(withDeciderTurned(dir, value, join(parent, `by-${i}`)));
    const problems = turned[i].problems.map(({ member }) => member);
    assert.ok(problems.includes('ends'), `${claim.name}: ends the same with ${claim.by.text} turned round`);
  }
  const others = [withLastRules, withoutRules, withPoliciesTurned].map(
    (make, i) => () => make(dir, join(parent, `${i}`)),
  );
  for (const make of others) if (unfailed.size > 0) judgedIn(make());
  for (const golden of withoutEachRule(dir, parent)) {
    if (unfailed.size === 0) break;
    judgedIn(golden);
  }
  assert.equal([...unfailed], [], 'what nothing makes fail');
}

/** What a claim says that may not be so. */
function membersOf(claim: Claim): ProblemMember[] {
  if (claim.kind === 'never' || claim.kind === 'counters') return [claim.kind];
  return (['becomes', 'ends', 'by', 'answer'] as const).filter((member) => claim[member] !== undefined);
}

function inTempDir(action: (parent: string) => void): void {
  const parent = mkdtempSync(join(tmpdir(), 'nfreplay-gallery-'));
  try {
    action(parent);
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
}

Gallery.run();
