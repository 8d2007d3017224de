// Shared cases: nothing of the original is left in them, and they show the same.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { checkCase } from '../../replay/check-case.js';
import { casesIn } from '../../replay/golden-case.js';
import { shareCase } from '../../replay/share/share-case.js';
import { recordedCases } from '../cases/broken-cases.js';
import { faultsOfSharing } from '../cases/share-case.js';
import { pick, seededRandom, testSeed } from '../random.js';

interface Context {
  parent: string;
}

const Share = suite<Context>('share');

Share.before.each((context) => {
  context.parent = mkdtempSync(join(tmpdir(), 'nfreplay-share-test-'));
});

Share.after.each(({ parent }) => {
  rmSync(parent, { recursive: true, force: true });
});

/** All bytes of the files in DIR, by their names. */
function filesIn(dir: string): Map<string, Buffer> {
  const names = readdirSync(dir, { recursive: true, encoding: 'utf8', withFileTypes: true });
  return new Map(
    names
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => [path.slice(dir.length), readFileSync(path)]),
  );
}

function share(name: string, dir: string, seed = 'a') {
  const [golden] = casesIn(`pcaps/${name}`);
  const result = shareCase(golden, dir, { seed });
  return { golden, shared: casesIn(dir)[0], result };
}

for (const name of ['fragments', 'log', 'netmap', 'sctp', 'ban-while-connected']) {
  Share(`${name}: the shared case expects what comes out`, ({ parent }) => {
    const { shared } = share(name, join(parent, 'shared'));
    assert.equal(checkCase(shared).differences, []);
  });
}

const RANDOM_CASES = 20;

Share('random cases: they show the same, and no address of the original is left', ({ parent }) => {
  const seed = testSeed();
  const random = seededRandom(seed);
  const all = recordedCases();
  for (let i = 0; i < RANDOM_CASES; i++) {
    const { profile, recorded } = pick(random, all);
    const secret = String(random(2 ** 30));
    const faults = faultsOfSharing(recorded, join(parent, String(i)), secret);
    assert.is(faults.length, 0, `SEED=${seed}, ${profile} ${recorded.seed}, secret ${secret}: ${faults.join('; ')}`);
  }
});

Share('addresses and MAC addresses of the original are in no file', ({ parent }) => {
  share('article', join(parent, 'shared'));
  const files = filesIn(join(parent, 'shared'));
  const addresses = [
    [192, 0, 2, 10],
    [172, 18, 0, 1],
    [172, 17, 0, 3],
  ];
  for (const [name, content] of files) {
    for (const bytes of addresses) {
      assert.not(content.includes(bytes.join('.')), name);
      assert.not(content.includes(Buffer.from(bytes)), name);
    }
  }
});

Share('with the same seed the same comes out, with another something else', ({ parent }) => {
  share('docker', join(parent, 'one'), 'secret');
  share('docker', join(parent, 'two'), 'secret');
  share('docker', join(parent, 'three'), 'another');
  const [one, two, three] = ['one', 'two', 'three'].map((name) => filesIn(join(parent, name)));
  assert.equal(one, two);
  assert.not.equal(one.get('/in/eth0.pcap'), three.get('/in/eth0.pcap'));
});

Share.run();
