// Ranges of ports, of which each costs an engine several commands of iptables: as fast for many as for few.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DEFAULT_NAMES } from '../../codecs/host/names.js';
import type { RulesetState } from '../../core/rules/commands/apply-iptables.js';
import type { Backend } from '../../core/rules/model.js';
import { saveRuleset } from '../../core/rules/save.js';
import { SetStore } from '../../core/sets/store.js';
import { parseScript } from '../../docker/commands/script.js';
import { dockerHost, newDockerState } from '../../docker/docker-host.js';
import { runIptables } from '../../docker/host-tools.js';
import { OfflineHost } from '../../docker/offline-host.js';
import { parseRelease } from '../../docker/releases.js';

const Many = suite('many ports');

/** What a session keeps tables open for, and what it has to leave to the kernel's look at the whole table. */
const WORDS: readonly (readonly string[])[] = [
  ['-t nat', ''],
  ['-A', '-I', '-C', '-D', '-D', '-N', '-F', '-X', '-P'],
  ['DOCKER', 'FORWARD', 'PREROUTING', 'OTHER'],
  ['-p tcp --dport 1', '-p tcp --dport 2', '-p udp --dport 1', '-p tcp', '-m limit -p tcp --sport 5', '! -s 0/0', ''],
  ['-j ACCEPT', '-j DROP', '-j OTHER', '-j DNAT --to-destination 10.0.0.1', '-j MASQUERADE', '-j QUEUE', '', 'ACCEPT'],
];

for (const backend of ['nft', 'legacy'] as const satisfies readonly Backend[]) {
  Many(`commands on a host do what each does by itself: ${backend}`, () => {
    const seed = Number(process.env.SEED ?? 1);
    let state = seed;
    const random = (below: number): number => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const host = new OfflineHost({ backend });
    let alone: RulesetState = host.rules;
    const sets = new SetStore({ clock: { nowMs: 0 }, interfaceNames: [], randomWord: () => 0 });
    for (let i = 0; i < 1500; i++) {
      const words = WORDS.flatMap((choices) => choices[random(choices.length)].split(' ')).filter(
        (word) => word !== '',
      );
      const { result, applied } = runIptables(words, alone, { backend, names: DEFAULT_NAMES, sets, file: 'dockerd' });
      if (applied !== undefined) alone = applied;
      const place = `seed ${seed}, ${i}: ${words.join(' ')}`;
      assert.equal(host.iptables(words), result, place);
      if (random(10) === 0) assert.is(host.saveRules(), saveRuleset(alone.ruleset), place);
    }
    assert.equal(host.rules.ruleset, alone.ruleset);
  });
}

for (const release of ['20.10', '28.5']) {
  Many(`2,000 ports are published and closed again in seconds: ${release}`, () => {
    const host = new OfflineHost();
    const docker = dockerHost(newDockerState(release, 'nft'), host);
    const context = {
      release: parseRelease(release),
      pathOf: () => '',
      readText: () => '',
      composeProject: () => {
        throw new Error('no compose project');
      },
    };
    const text = 'dockerd\ndocker run -d --name turn -p 10000-11999:10000-11999/udp turn\ndocker stop turn\n';
    const [start, run, stop] = parseScript(text, 'script', context).commands;
    docker.carryOut(start);
    const before = rulesOf(host);
    const began = performance.now();
    docker.carryOut(run);
    assert.is(host.saveRules().match(/-j DNAT --to-destination 172\.17\.0\.2:1\d{4}$/gm)?.length, 2000);
    docker.carryOut(stop);
    assert.equal(rulesOf(host), before);
    // Quadratic, it took minutes.
    assert.ok(performance.now() - began < 60_000);
  });
}

/** The table raw, which the engine has needed, stays. */
function rulesOf(host: OfflineHost): string[] {
  return host
    .saveRules()
    .split('\n')
    .filter((line) => line.startsWith('-A'));
}

Many.run();
