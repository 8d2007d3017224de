// What `ufw reload` does to rules: ufw-*.txt is what iptables-save printed around runs of ufw-init 0.36.2.
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { OfflineHost } from '../../../docker/offline-host.js';
import { reloadUfw } from '../../../docker/services/ufw.js';

const Ufw = suite('ufw');

/** What iptables-save printed: started; with rules of others; reloaded; all flushed but nat; and reloaded then. */
function recorded(backend: 'legacy' | 'nft'): Map<string, string> {
  const text = readFileSync(`test/docker/services/ufw-${backend}.txt`, 'utf8');
  return new Map(
    text
      .split(/^#/m)
      .slice(1)
      .map((part): [string, string] => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n') + 1)]),
  );
}

/** The tables of RULES, in the order of their names. */
const tables = (rules = ''): string[] => rules.split(/^(?=\*)/m).sort();

Ufw(
  'a reload fills its own chains again and leaves what others wrote; where its chains are gone, it comes last',
  () => {
    for (const backend of ['legacy', 'nft'] as const) {
      const states = recorded(backend);
      for (const [before, after] of [
        ['more', 'reloaded'],
        ['flushed', 'again'],
      ]) {
        const host = new OfflineHost({ backend, rules: states.get(before) ?? '' });
        const { exitCode, notes } = reloadUfw(states.get('start'), host);
        assert.is(exitCode, 0);
        assert.equal(notes, []);
        assert.equal(tables(host.saveRules()), tables(states.get(after)), `${backend} ${after}`);
      }
    }
  },
);

Ufw('without its files, they are taken to hold what its chains hold; without its chains, nothing is known', () => {
  const states = recorded('nft');
  const host = new OfflineHost({ rules: states.get('reloaded') ?? '' });
  assert.is(reloadUfw(undefined, host).notes.length, 1);
  assert.equal(tables(host.saveRules()), tables(states.get('reloaded')));
  assert.throws(() => reloadUfw(undefined, new OfflineHost({ rules: states.get('flushed') ?? '' })), /not known/);
});

Ufw.run();
