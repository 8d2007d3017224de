/** The entries in the list of a hook run there, in every engine; nothing else determines what happens at a hook. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Linktype } from '../../codecs/linktypes.js';
import { type Drop, describeCause } from '../../core/drop.js';
import { createEmulator, EMULATOR_ENGINES, type EmulatorEngine, Outcome } from '../../core/emulator.js';
import { nothingToLearn } from '../../core/flow/flow-walk.js';
import { Hook, type HookEntry, Priority, Verdict } from '../../core/hooks.js';
import { Frame } from '../../core/link/frame.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { saveRuleset } from '../../core/rules/save.js';
import { wanLanHost } from '../host/host-file.js';
import { udpPacket } from '../packets/packets.js';

const entries = suite('hook entries');

const HOST = wanLanHost([{ dst: 'default', gateway: '192.0.2.1', dev: 'wan' }]);
const RULES = `*mangle
-A FORWARD -j MARK --set-xmark 0x1/0xffffffff
COMMIT
*nat
-A PREROUTING -d 192.0.2.10/32 -p udp -m udp --dport 53 -j DNAT --to-destination 172.17.0.2
COMMIT
*filter
-A FORWARD -m mark --mark 0x1 -j ACCEPT
-A FORWARD -j DROP
COMMIT
`;
const CLIENT = '203.0.113.7';
const HOST_ADDRESS = '192.0.2.10';
const SERVER = '172.17.0.2';
const PACKETS = 200;

/** The results for PACKETS packets of one connection and the first packets of others, with ADDED at the hooks. */
function run(engine: EmulatorEngine, added: readonly HookEntry[]) {
  const ruleset = parseRuleset(RULES, 'rules.v4');
  const dropped: string[] = [];
  const output = { egress() {}, local() {}, dropped: (drop: Drop) => dropped.push(describeCause(drop.cause)) };
  const emulator = createEmulator({ ruleset, host: HOST, engine, hookEntries: added }, output);
  const outcomes = new Array(Object.keys(Outcome).length).fill(0);
  for (let i = 0; i < PACKETS; i++) {
    const isReply = i % 2 === 1;
    const port = i % 4 === 2 ? 20_000 + i : 10_000;
    const bytes = isReply
      ? udpPacket({ source: SERVER, destination: CLIENT, sport: 53, dport: 10_000 })
      : udpPacket({ source: CLIENT, destination: HOST_ADDRESS, sport: port, dport: 53 });
    const dev = HOST.interfaceIndex(isReply ? 'lan' : 'wan');
    emulator.receive(new Frame({ bytes, dev, linktype: Linktype.RAW, tsSec: 100 + i }));
    outcomes[emulator.outcome]++;
  }
  return { outcomes, dropped, slow: emulator.slowPathPackets, rules: saveRuleset(ruleset, emulator.counters) };
}

for (const engine of EMULATOR_ENGINES) {
  entries(`an entry with its own priority sees every packet: ${engine}`, () => {
    const seen: string[] = [];
    const watch = (hook: Hook, priority: number): HookEntry => ({
      name: 'watch',
      hook,
      priority,
      run(packet) {
        seen.push(`${hook} ${priority}: mark ${packet.mark}`);
        return Verdict.ACCEPT;
      },
    });
    const { outcomes, rules } = run(engine, [
      watch(Hook.FORWARD, Priority.MANGLE + 1),
      watch(Hook.FORWARD, Priority.MANGLE - 1),
      watch(Hook.PREROUTING, Priority.DNAT),
    ]);
    const each = ['0 -100: mark 0', '2 -151: mark 0', '2 -149: mark 1'];
    assert.equal(seen, Array.from({ length: PACKETS }, () => each).flat());
    assert.is(outcomes[Outcome.FORWARDED], PACKETS);
    assert.is(rules, run(engine, []).rules, 'and changes nothing else');
  });

  entries(`an entry decides the verdict of a packet: ${engine}`, () => {
    let packets = 0;
    const everyThird: HookEntry = {
      name: 'third',
      hook: Hook.POSTROUTING,
      priority: Priority.SNAT + 1,
      run: () => (++packets % 3 === 0 ? Verdict.DROP : Verdict.ACCEPT),
    };
    const { outcomes, dropped } = run(engine, [everyThird]);
    assert.is(outcomes[Outcome.DROPPED], Math.floor(PACKETS / 3));
    assert.is(outcomes[Outcome.FORWARDED], PACKETS - Math.floor(PACKETS / 3));
    assert.ok(dropped.every((reason) => reason === 'third POSTROUTING'));
    const thief: HookEntry = { name: 'thief', hook: Hook.PREROUTING, priority: -1000, run: () => Verdict.STOLEN };
    assert.is(run(engine, [thief]).outcomes[Outcome.HELD], PACKETS);
  });
}

entries('paths are learned past an entry only if it declares how to learn it', () => {
  const entry: HookEntry = { name: 'own', hook: Hook.FORWARD, priority: 1, run: () => Verdict.ACCEPT };
  const without = run('remembered', []);
  assert.ok(without.slow < PACKETS / 2, `${without.slow} packets took the slow path`);
  assert.is(run('remembered', [entry]).slow, PACKETS);
  assert.is(run('remembered', [{ ...entry, learn: nothingToLearn }]).slow, without.slow);
  assert.is(run('remembered', [{ ...entry, hook: Hook.INPUT }]).slow, without.slow, 'no forwarded packet meets it');
  // Its result does not hold for other connections, but it holds for packets of the same connection.
  const ownOnly = run('remembered', [{ ...entry, learn: () => false }]).slow;
  assert.ok(ownOnly > without.slow && ownOnly < PACKETS, `${ownOnly} packets took the slow path`);
});

entries.run();
