import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Recording, readRecordings, withoutDrawnId } from './recording.js';
import { SmallHost } from './small-host.js';

const Recordings = suite('what the kernel did with fragments and options');

function replay(recording: Recording): void {
  const host = new SmallHost(recording);
  let outputs = 0;
  recording.packets.forEach((packet, i) => {
    const actual = host.take(Buffer.from(packet.in, 'hex'), i);
    const label = `seed ${recording.seed}, packet ${i}`;
    assert.is(actual.map(withoutDrawnId).join('\n'), packet.out.map(withoutDrawnId).join('\n'), label);
    outputs += actual.length;
  });
  assert.ok(outputs > 10, `seed ${recording.seed}: only ${outputs} packets came out`);
}

for (const name of ['forwarded', 'sent', 'limits', 'options']) {
  for (const recording of readRecordings(name)) {
    Recordings(`${name}, seed ${recording.seed}, MTU ${recording.lanMtu}`, () => replay(recording));
  }
}

Recordings.run();
