// Names of releases of the engine: which of them there are, and which is meant by a short one.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { UnsupportedError } from '../../docker/error.js';
import { formatRelease, isSince, parseRelease } from '../../docker/releases.js';

const Releases = suite('releases of Docker');

// By the tags of github.com/moby/moby.
for (const [text, release, name] of [
  ['1.12.6', [1, 12, 6], '1.12.6'],
  ['17.03.2-ce', [17, 3, 2], '17.03.2'],
  ['v18.03.1-ce', [18, 3, 1], '18.03.1'],
  ['20.10', [20, 10, 27], '20.10.27'],
  ['20.10.24+dfsg1', [20, 10, 24], '20.10.24'],
  ['26', [26, 1, 5], '26.1.5'],
  ['27.0', [27, 0, 3], '27.0.3'],
  ['28', [28, 5, 2], '28.5.2'],
] as const) {
  Releases(`${text} is ${name}`, () => {
    assert.equal(parseRelease(text), release);
    assert.is(formatRelease(release), name);
  });
}

for (const [text, message] of [
  ['17.08', 'unknown Docker release 17.08; expected: 17.03.0–17.03.2, 17.04.0, 17.05.0, 17.06.0–17.06.2, 17.07.0, '],
  ['27.0.0', 'unknown Docker release 27.0.0; expected: 27.0.1–27.0.3'],
  ['20.10.28', 'unknown Docker release 20.10.28; expected: 20.10.0–20.10.27'],
  ['latest', 'unknown Docker release latest; expected: 1.12.0–1.12.6, '],
  ['1.11', 'unknown Docker release 1.11; expected: 1.12.0–1.12.6, 1.13.0–1.13.1'],
] as const) {
  Releases(`${text} is refused, with those that there are`, () => {
    assert.throws(
      () => parseRelease(text),
      (error: unknown) => error instanceof UnsupportedError && error.message.startsWith(message),
    );
  });
}

Releases('releases are in the order of their numbers', () => {
  assert.ok(isSince([18, 3, 1], 18, 3, 1));
  assert.ok(isSince([18, 9, 0], 18, 3, 1));
  assert.not(isSince([18, 3, 0], 18, 3, 1));
  assert.not(isSince([1, 13, 1], 17));
});

Releases.run();
