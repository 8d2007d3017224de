/** Whoever observes a host may come and go between packets: that changes nothing, and what is heard is complete. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EMULATOR_ENGINES, type Emulator } from '../../core/emulator.js';
import type { PacketEvent } from '../../core/events.js';
import { pick, type Random, seededRandom, testSeed } from '../random.js';
import { converse, randomRuleset } from './random-talks.js';

const observing = suite('observing');

/** Rules and chains by their places. */
function brief(key: string, value: unknown): unknown {
  const { name, chain, number } = Object(value) as { name?: string; chain?: string; number?: number };
  if (key === 'rule') return `${chain} ${number}`;
  return key === 'chain' ? name : value;
}

/** What was heard of each packet, in words, by its number. */
class Heard {
  readonly byPacket = new Map<number, string[]>();
  current = -1;

  readonly observer = (event: PacketEvent): void => {
    const events = this.byPacket.get(this.current) ?? [];
    this.byPacket.set(this.current, events);
    events.push(JSON.stringify(event, brief));
  };
}

/** Lets HEARD observe one packet in EVERY, or a row of them; the others nobody. */
function switching(random: Random, every: number, heard: Heard) {
  let isOn = false;
  return (emulator: Emulator, number: number): void => {
    heard.current = number;
    if (random(isOn ? 3 : every) !== 0) return;
    isOn = !isOn;
    emulator.observe(isOn ? heard.observer : undefined);
  };
}

observing('random packets changes no byte, counter, connection or state, in any engine', () => {
  const seed = testSeed();
  console.log(`seed ${seed}`);
  let packets = 0;
  for (let round = 0; round < 4; round++) {
    const rules = randomRuleset(seededRandom(seed + round));
    const every = pick(seededRandom(seed + round), [4, 20, 60]);
    const talk = (engine: (typeof EMULATOR_ENGINES)[number], options: Parameters<typeof converse>[4]) =>
      converse(seededRandom(seed + round + 1), engine, rules, 20, options);
    const all = new Heard();
    const wholly = talk('interpreter', {
      observer: all.observer,
      beforePacket: (_, number) => {
        all.current = number;
      },
    });
    for (const engine of EMULATOR_ENGINES) {
      const where = `${engine}, seed ${seed}, round ${round}\n${rules}`;
      const heard = new Heard();
      const unobserved = talk(engine, {});
      const observed = talk(engine, { beforePacket: switching(seededRandom(seed + round + 2), every, heard) });
      for (const { saved, connections, sent } of [unobserved, wholly]) {
        assert.is(observed.saved, saved, where);
        assert.equal(observed.connections, connections, where);
        assert.equal(observed.sent, sent, where);
      }
      packets += heard.byPacket.size;
      for (const [number, events] of heard.byPacket)
        assert.equal(events, all.byPacket.get(number), `packet ${number}, ${where}`);
    }
  }
  assert.ok(packets > 0, `no packet was observed, seed ${seed}`);
});

observing('takes no fast path away once it has ended', () => {
  const rules = '*filter\n-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT\nCOMMIT\n';
  const runs = [undefined, () => {}].map((observer) =>
    converse(seededRandom(1), 'remembered', rules, 200, {
      ...(observer === undefined ? {} : { observer }),
      beforePacket: (emulator, number) => {
        if (number === 1) emulator.observe(undefined);
      },
    }),
  );
  assert.is(runs[1].all, runs[0].all);
  assert.ok(runs[0].fullWay < runs[0].all / 2, 'the fast path is of no use here');
  assert.ok(runs[1].fullWay <= runs[0].fullWay + 5, `${runs[1].fullWay} of ${runs[1].all}: the slow path`);
});

observing.run();
