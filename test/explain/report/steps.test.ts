/** Which step of a traversal is where in the picture of the host. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { stepsOf } from '../../../pages/data/diagram/host-flow.js';
import { stepInPlace, stopOfStep } from '../../../pages/data/diagram/steps.js';
import { policy, routed, rule, TRACKED, traversal } from './traversals.js';

const steps = suite('steps of a traversal');

const FORWARDED = traversal(1, 'forwarded', [
  ['PREROUTING', TRACKED, rule(10, false), rule(11), routed('interface', 2)],
  ['FORWARD', rule(0, false), policy(0)],
  ['POSTROUTING', policy(2), { kind: 'left', dev: 2 }],
]);
const COURSE = FORWARDED.course;

steps('are each in a place of the course, in order', () => {
  const places = stepsOf(FORWARDED).map((_, i) => COURSE[stopOfStep(COURSE, i)].place);
  assert.equal(places, [
    ...['conntrack PREROUTING', 'nat PREROUTING', 'nat PREROUTING', 'routing'],
    ...['filter FORWARD', 'filter FORWARD', 'nat POSTROUTING', 'out 2'],
  ]);
  assert.is(COURSE[stopOfStep(COURSE, 99)].place, 'out 2');
});

steps('are found by their place, or the next one where a place is only passed', () => {
  const first = (place: string) => stepInPlace(COURSE, place);
  assert.equal([first('nat PREROUTING'), first('routing'), first('FORWARD'), first('in 1')], [1, 3, 4, 0]);
  assert.is(first('filter INPUT'), undefined);
});

steps.run();
