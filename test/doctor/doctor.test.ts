// doctor finds each well-known failure, with its packets, its rule and what to change, and is silent about hosts that
// come near to one.
import { spawnSync } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FINDINGS, type Finding } from '../../explain/findings.js';
import { CASES } from './cases.js';
import { diagnosed } from './clinic.js';

const Doctor = suite('doctor');

for (const { name, finds, packets, lines, says, change, ...one } of CASES) {
  Doctor(name, () => {
    const { findings } = diagnosed(one);
    findings.forEach(assertEachOnce);
    assert.equal(
      findings.map(({ code }) => code),
      finds === undefined ? [] : [finds],
      JSON.stringify(findings, null, 1),
    );
    if (finds === undefined) return;
    const [found] = findings;
    assert.ok(found.message.length > 20);
    if (packets !== undefined) {
      assert.equal(
        found.packets.map(({ number }) => number),
        packets,
      );
      assert.is(found.packetCount, packets.length);
    }
    if (says !== undefined) assert.match(found.message, says);
    if (lines !== undefined)
      assert.equal(
        found.rules.map(({ line }) => line),
        lines,
      );
    if (change !== undefined) assert.match(found.change ?? '', change);
  });
}

/** A packet that shows a failure in two ways is still one packet. */
function assertEachOnce({ packets, packetCount }: Finding): void {
  const numbers = packets.map(({ number }) => number);
  assert.is(new Set(numbers).size, numbers.length, numbers.join());
  assert.ok(packetCount === undefined || packetCount > 0);
}

/** The commands at the beginning of a change: all that has to be done, if it begins with one. */
function commandsIn(change: string): string[] {
  const [first] = change.split(/, or |: | \(/);
  return first.split(', and ').filter((command) => /^(iptables|sysctl -w) [^;]*$/.test(command));
}

Doctor('a change that is a command heals', () => {
  let healed = 0;
  for (const { name, finds, change: _, says: _says, ...one } of CASES) {
    if (finds === undefined) continue;
    const [found] = diagnosed(one).findings;
    const commands = commandsIn(found.change ?? '');
    if (commands.length === 0 || found.change?.includes('not tried')) continue;
    const after = diagnosed({ ...one, apply: commands }).findings.map(({ code }) => code);
    assert.not.ok(after.includes(finds), `${name}: ${commands.join('; ')}`);
    healed++;
  }
  assert.ok(healed >= 15, String(healed));
});

Doctor('a shell takes a command as it is meant, whatever comments of rules say', () => {
  const one = CASES.find(({ name }) => name === 'an ACCEPT whose comment a shell would carry out')!;
  const [{ change }] = diagnosed(one).findings;
  const { stdout } = spawnSync('sh', ['-c', `iptables() { printf '%s\\n' "$@"; }; ${change}`], { encoding: 'utf8' });
  const comment = 'it\'s $(id) `id` $HOME "x" *';
  const match = ['-p', 'udp', '-m', 'udp', '--dport', '8080', '-m', 'comment', '--comment', comment];
  assert.equal(stdout.trimEnd().split('\n'), ['-I', 'INPUT', '1', ...match, '-j', 'ACCEPT']);
});

Doctor('trials are made in steps, so that they can be ended, and are left out where they take too long', () => {
  const caseOf = (name: string) => CASES.find((one) => one.name === name)!;
  const container = caseOf('a container that leaves with its own address');
  const steps = [0, 0];
  const [tried, untried] = [undefined, 0].map((most, i) => diagnosed(container, () => steps[i]++, most).findings[0]);
  assert.ok(steps[0] > steps[1], steps.join());
  assert.is(untried.change, `${tried.change} (not tried: there is too much to replay)`);
  // Without a trial this failure is only a suspicion.
  const refused = diagnosed(caseOf('an ACCEPT that was appended behind the REJECT of all'), undefined, 0);
  assert.equal(refused.findings, []);
  assert.match(refused.warnings.join('\n'), /^accept-after-reject: not tried whether a rule after INPUT 2 would/m);
});

Doctor('every failure has a case that shows it', () => {
  const shown = new Set(CASES.map(({ finds }) => finds));
  for (const code of Object.keys(FINDINGS.doctor)) assert.ok(shown.has(code as never), code);
});

Doctor.run();
