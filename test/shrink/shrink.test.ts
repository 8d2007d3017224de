/**
 * Cases made smaller: what is left still shows the failure, nothing more can be left out, and it is always the same.
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { reportOf } from '../../cli/error-report.js';
import { claimFailureOf } from '../../explain/shrink/claim-failure.js';
import { differenceOf } from '../../explain/shrink/difference-failure.js';
import { errorFailureOf } from '../../explain/shrink/error-failure.js';
import type { Failure } from '../../explain/shrink/failure.js';
import { Shrinking } from '../../explain/shrink/shrink.js';
import { checkCase } from '../../replay/check-case.js';
import { readCase } from '../../replay/golden-case.js';
import type { TemporaryFolder } from '../../replay/temporary-folder.js';
import { writeCase } from '../../replay/write-case.js';
import { breakCase, recordedCases } from '../cases/broken-cases.js';
import { withEachOneLess } from '../cases/one-less.js';
import { faultsOfShrinking, inFolder, shrinkTo } from '../cases/shrink-case.js';
import { pick, seededRandom, testSeed } from '../random.js';

interface Context {
  parent: string;
  dir: string;
  out: string;
}

const Shrink = suite<Context>('shrinking a case');

Shrink.before.each((context) => {
  context.parent = mkdtempSync(join(tmpdir(), 'nfreplay-shrink-test-'));
  context.dir = join(context.parent, 'case');
  context.out = join(context.parent, 'out');
});

Shrink.after.each(({ parent }) => {
  rmSync(parent, { recursive: true, force: true });
});

const RANDOM_CASES = 3;

Shrink('random cases: the difference stays, alone, and nothing of what is left can be left out', ({ parent }) => {
  const seed = testSeed();
  const random = seededRandom(seed);
  const all = recordedCases();
  for (let shrunk = 0, tried = 0; shrunk < RANDOM_CASES; tried++) {
    const { profile, recorded } = pick(random, all);
    const dir = join(parent, `case-${tried}`);
    const change = breakCase(recorded, dir, random);
    if (change === undefined) continue;
    shrunk++;
    const faults = faultsOfShrinking(dir);
    assert.is(faults.length, 0, `SEED=${seed}, ${profile} ${recorded.seed}, ${change}: ${faults.join('; ')}`);
  }
});

/** The published port of this Docker host, without the rule that lets its packets through. */
function copyWithoutAccept(dir: string): void {
  cpSync('pcaps/docker', dir, { recursive: true });
  const path = join(dir, 'rules.v4');
  const lines = readFileSync(path, 'utf8').split('\n');
  writeFileSync(path, lines.filter((line) => !line.startsWith('-A DOCKER -d 172.17.0.3/32')).join('\n'));
}

const CLAIMS = `names: { client: 203.0.113.7, host: 192.0.2.10, redis: 172.17.0.3, nobody: 192.0.2.99 }
expect:
  # what this host is for
  - it: the published Redis answers
    packet: tcp client > host:36379 in eth0
    becomes: tcp client > redis:6379 out docker0
    ends: accepted
  - it: SSH is open
    packet: tcp client > host:22 S
    ends: delivered
  - it: nothing else is told
    send: eth0 tcp client:51515 > host:8081 S
    ends: dropped
  - it: nobody asks
    packet: tcp nobody > host:22
    ends: dropped
  - never: tcp * > host:22 in eth0
`;

const claimOf = (dir: string, name?: string): Failure =>
  claimFailureOf(readCase(dir), name, ({ claim }) => [claim.name]);

function copyWithClaims(dir: string): void {
  copyWithoutAccept(dir);
  rmSync(join(dir, 'want'), { recursive: true });
  writeFileSync(join(dir, 'expect.yaml'), CLAIMS);
}

Shrink(
  'a claim that is not met: one packet, the rules that translate and reject it, and both networks',
  ({ dir, out }) => {
    copyWithClaims(dir);
    const failure = claimOf(dir, 'the published Redis answers');
    shrinkTo(dir, failure, out);
    assert.equal(readdirSync(out).sort(), ['expect.yaml', 'host.json', 'in', 'rules.v4']);
    assert.is(
      readFileSync(join(out, 'rules.v4'), 'utf8'),
      [
        ...['*nat', ':DOCKER - [0:0]'],
        '-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER',
        '-A DOCKER ! -i docker0 -p tcp -m tcp --dport 36379 -j DNAT --to-destination 172.17.0.3:6379',
        ...['COMMIT', '*filter', '-A FORWARD -j REJECT --reject-with icmp-host-prohibited', 'COMMIT', ''],
      ].join('\n'),
    );
    const expect = readFileSync(join(out, 'expect.yaml'), 'utf8');
    assert.match(expect, 'the published Redis answers');
    assert.match(expect, '# what this host is for');
    assert.not.match(expect, 'SSH');
    assert.not.match(expect, 'nobody');
    assert.ok(failure.isShownBy(readCase(out)));
    withEachOneLess(out, (smaller, without) => assert.not(isShown(failure, smaller), `without ${without}`));
  },
);

function isShown(failure: Failure, dir: string): boolean {
  try {
    return failure.isShownBy(readCase(dir));
  } catch {
    return false;
  }
}

Shrink(
  'a claim about a packet that is sent needs no captured one, and a never one that got through',
  ({ dir, out }) => {
    copyWithClaims(dir);
    const counts = shrinkTo(dir, claimOf(dir, 'nothing else is told'), out);
    assert.is(counts.counted.find(({ kind }) => kind === 'packet')?.after, 0);
    assert.is(counts.counted.find(({ kind }) => kind === 'rule')?.after, 1);
    const never = shrinkTo(dir, claimOf(dir, 'tcp * > host:22 in eth0'), `${out}-never`);
    assert.is(never.counted.find(({ kind }) => kind === 'packet')?.after, 1);
  },
);

Shrink('what does not fail cannot be shown, and is told apart', ({ dir }) => {
  copyWithClaims(dir);
  assert.throws(() => claimOf(dir, 'SSH is open'), /the claim 'SSH is open' \(.*expect.yaml:8\) is met/);
  assert.throws(() => claimOf(dir, 'nobody asks'), /no captured packet fits the claim 'nobody asks'/);
  assert.throws(
    () => claimOf(dir, 'the published Radis answers'),
    /has no claim .*did you mean the published Redis answers\?/,
  );
  assert.throws(
    () => inFolder((folder) => differenceOf(readCase('pcaps/docker'), () => [], folder)),
    /does not differ from want/,
  );
  assert.throws(
    () => errorFailureOf(readCase('pcaps/docker'), 3, reportOf),
    /is replayed without an error, not with exit code 3/,
  );
});

Shrink('an error that ends a replay: the rule that is not supported stays, and none of the others', ({ dir, out }) => {
  cpSync('pcaps/docker', dir, { recursive: true });
  const path = join(dir, 'rules.v4');
  const text = readFileSync(path, 'utf8');
  writeFileSync(
    path,
    text.replace('-A FORWARD -j DOCKER-ISOLATION', '-A FORWARD -m bpf --object-pinned /sys/fs/bpf/x -j DROP\n$&'),
  );
  const counts = shrinkTo(dir, errorFailureOf(readCase(dir), 3, reportOf), out);
  const after = (kind: string) => counts.counted.find((one) => one.kind === kind)?.after;
  assert.equal([after('packet'), after('rule'), after('table')], [0, 1, 1]);
  assert.match(readFileSync(join(out, 'rules.v4'), 'utf8'), '-m bpf');
});

Shrink('twice the same bytes, and what was not searched to its end shows the failure, too', ({ dir, out }) => {
  copyWithoutAccept(dir);
  const failureIn = (folder: TemporaryFolder) => differenceOf(readCase(dir), () => [], folder);
  const contentAfter = (steps: number) =>
    inFolder((folder) => {
      const shrinking = new Shrinking(readCase(dir), failureIn(folder), folder);
      let taken = 0;
      for (const _ of shrinking.steps()) if (++taken === steps) break;
      return { content: shrinking.content(), isDone: shrinking.isDone };
    });
  const whole = contentAfter(Number.POSITIVE_INFINITY);
  assert.equal(whole, contentAfter(Number.POSITIVE_INFINITY));
  assert.ok(whole.isDone);
  for (const steps of [2, 15]) {
    const { content, isDone } = contentAfter(steps);
    assert.not(isDone);
    writeCase(join(out, `${steps}`), content);
    const small = readCase(join(out, `${steps}`));
    assert.ok(
      inFolder((folder) => failureIn(folder).isShownBy(small)),
      `after ${steps} steps`,
    );
    assert.is(checkCase(readCase(join(out, `${steps}`))).differences.length, 1, `after ${steps} steps`);
  }
});

Shrink.run();
