/** The search: what is left is smallest, found in the same way each time, and usable at any time. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Reduction, type Stage, Tester } from '../../explain/shrink/reduce.js';
import { Selection, Units } from '../../explain/shrink/units.js';
import { type Random, seededRandom, testSeed } from '../random.js';

const Reduce = suite('reduction');

interface Problem {
  readonly units: Units;
  readonly stages: Stage[];
  readonly shows: (selection: Selection) => boolean;
}

/** Units of two kinds, of which some need others, and a failure that needs some groups of them, or alternatives. */
function randomProblem(random: Random): Problem {
  const units = new Units();
  const count = 5 + random(60);
  for (let i = 0; i < count; i++) {
    const needs = i > 0 && random(4) === 0 ? [random(i)] : [];
    units.add(random(2) === 0 ? 'packet' : 'rule', needs);
  }
  const groups = Array.from({ length: 1 + random(4) }, () =>
    Array.from({ length: 1 + random(3) }, () => Array.from({ length: 1 + random(2) }, () => random(count))),
  );
  const shows = (selection: Selection): boolean =>
    groups.every((choices) => choices.some((all) => all.every((unit) => selection.has(unit))));
  const stages = (['packet', 'rule'] as const).map((kind) => ({ name: kind, units: units.ofKind(kind) }));
  return { units, stages, shows };
}

function reduced({ units, stages, shows }: Problem, mostSteps = Number.POSITIVE_INFINITY): Reduction {
  const reduction = new Reduction(Selection.all(units), stages, new Tester(shows));
  let steps = 0;
  for (const _ of reduction.steps()) if (++steps >= mostSteps) break;
  return reduction;
}

Reduce('no unit that is left can be left out, whatever the failure needs', () => {
  const seed = testSeed();
  const random = seededRandom(seed);
  for (let i = 0; i < 300; i++) {
    const problem = randomProblem(random);
    const { best, isDone } = reduced(problem);
    const where = `SEED=${seed}, problem ${i}`;
    assert.ok(isDone && problem.shows(best), where);
    for (let unit = 0; unit < problem.units.count; unit++)
      if (best.has(unit)) assert.not(problem.shows(best.without([unit])), `${where}: without unit ${unit}`);
    for (let unit = 0; unit < problem.units.count; unit++)
      for (const dependent of problem.units.dependentsOf(unit))
        assert.ok(best.has(unit) || !best.has(dependent), `${where}: ${dependent} is left without ${unit}`);
  }
});

Reduce('the same problem has the same result, and each selection is asked about once', () => {
  const seed = testSeed();
  for (let i = 0; i < 50; i++) {
    const problem = randomProblem(seededRandom(seed + i));
    const asked = new Set<string>();
    const once = (selection: Selection): boolean => {
      const key = selection.flags.join('');
      assert.not(asked.has(key), `SEED=${seed + i}: asked twice`);
      asked.add(key);
      return problem.shows(selection);
    };
    const first = reduced({ ...problem, shows: once }).best.flags;
    assert.equal(first, reduced(problem).best.flags, `SEED=${seed + i}`);
  }
});

Reduce('a search that is ended early still has what shows the failure', () => {
  const seed = testSeed();
  const random = seededRandom(seed);
  for (let i = 0; i < 100; i++) {
    const problem = randomProblem(random);
    const { best } = reduced(problem, 1 + random(20));
    assert.ok(problem.shows(best), `SEED=${seed}, problem ${i}`);
  }
});

Reduce('three of a hundred thousand are found in a few hundred tests, and with a good guess in a handful', () => {
  const units = new Units();
  for (let i = 0; i < 100_000; i++) units.add('packet');
  const wanted = [17, 54_321, 99_000];
  const shows = (selection: Selection): boolean => wanted.every((unit) => selection.has(unit));
  const tested = (guesses?: Stage['guesses']): number => {
    const tester = new Tester(shows);
    const stage = { name: 'packets', units: units.ofKind('packet'), ...(guesses ? { guesses } : {}) };
    const reduction = new Reduction(Selection.all(units), [stage], tester);
    for (const _ of reduction.guesses());
    for (const _ of reduction.steps());
    assert.is(reduction.best.countOf(stage.units), 3);
    return tester.tried;
  };
  assert.ok(tested() < 300, `${tested()} tests`);
  const guess = [
    [1, 2],
    [...wanted, 5],
  ];
  assert.ok(tested(() => guess) < 20, `${tested(() => guess)} tests`);
});

Reduce.run();
