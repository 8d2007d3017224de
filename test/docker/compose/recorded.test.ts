// What compose 1 and 2 made of small files, recorded by record.ts, nfreplay makes of them, too; what they refuse, it
// refuses.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ComposeError } from '../../../docker/compose/compose-error.js';
import { type ComposeCase, projectOf, readCases } from './cases.js';
import { type Reduced, reducedProject } from './reduced.js';

const Recorded = suite('docker/compose/recorded');

function answer(one: ComposeCase, generation: 1 | 2): Reduced | string {
  try {
    const project = projectOf(one.files, one.use, {
      generation,
      release: generation === 1 ? [20, 10, 24] : [29, 0, 0],
      profiles: one.profiles,
      environment: new Map(Object.entries(one.environment ?? {})),
    });
    return reducedProject(project, generation);
  } catch (error) {
    if (error instanceof ComposeError) return error.message;
    throw error;
  }
}

/** Of WANTED, compose's, what compose tells that it would not make: services that are off by their profiles. */
function withoutOff(wanted: Reduced, got: Reduced, generation: 1 | 2): Reduced {
  if (generation === 2) return wanted;
  const names = Object.keys(wanted.services).filter((name) => Object.hasOwn(got.services, name));
  return { services: Object.fromEntries(names.map((name) => [name, wanted.services[name]])) };
}

for (const one of readCases())
  for (const generation of [1, 2] as const)
    Recorded(`${one.name}, compose ${generation}`, () => {
      const wanted = generation === 1 ? one.compose1 : one.compose2;
      const got = answer(one, generation);
      if (typeof wanted === 'string' || typeof got === 'string') {
        const isRefused = typeof wanted === 'string' || one.refused === true;
        if (one.allowed !== true)
          assert.is(typeof got, isRefused ? 'string' : 'object', `compose: ${JSON.stringify(wanted)}; here: ${got}`);
        if (typeof got === 'string') assert.match(got, /^\S+:\d+:\d+: /);
      } else assert.equal(got, withoutOff(wanted, got, generation));
    });

Recorded.run();
