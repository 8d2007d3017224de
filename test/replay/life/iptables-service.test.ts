/** `--at WHEN='systemctl restart iptables'`: the service flushes all tables, and loads what was saved. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EMULATOR_ENGINES } from '../../../core/emulator.js';
import { CommandError } from '../../../replay/errors.js';
import { optionsOf, readCase } from '../../../replay/golden-case.js';
import { type ReplayOptions, replay } from '../../../replay/replay.js';
import type { Summary } from '../../../replay/summary.js';

const Service = suite('the iptables service while packets flow');

let dir = '';
Service.before(() => {
  dir = mkdtempSync(join(tmpdir(), 'nfreplay-test-'));
});
Service.after(() => rmSync(dir, { recursive: true }));

const BACKENDS = ['legacy', 'nft'] as const;
type Backend = (typeof BACKENDS)[number];

/** A kernel's case: tables are flushed at frame 15, the saved rules are loaded at 24, Docker's at 35. */
const caseOf = (backend: Backend): string => join('pcaps', `iptables-restart-${backend}`);

function run(backend: Backend, name: string, options: Partial<ReplayOptions>): Summary {
  return replay({ ...optionsOf(readCase(caseOf(backend))), outDir: join(dir, name), ...options });
}

const read = (name: string, file: string): string => readFileSync(join(dir, name, file), 'latin1');

/** The tables filter and nat in TEXT, sorted: their order is that in which they were made. */
function tablesIn(text: string): string[] {
  const tables = text.split(/^(?=\*)/m);
  return tables.filter((table) => /^\*(?:filter|nat)$/m.test(table)).sort();
}

Service('stop and start do what the kernel made of the same commands and files, with both backends', () => {
  for (const backend of BACKENDS) {
    const saved = join(caseOf(backend), 'rules-5.v4');
    const docker = join(caseOf(backend), 'rules-6.v4');
    run(backend, 'kernel', {});
    for (const engine of EMULATOR_ENGINES) {
      const { changes = [] } = run(backend, 'service', {
        engine,
        serviceRulesPath: saved,
        changes: ['n15=systemctl stop iptables.service', 'n24=service iptables start', `n35=${docker}`],
      });
      for (const file of ['eth0.pcap', 'docker0.pcap', 'local.pcap', 'conntrack.txt'])
        assert.equal(read('service', file), read('kernel', file), `${backend} ${engine} ${file}`);
      assert.equal(tablesIn(read('service', 'rules.v4')), tablesIn(read('kernel', 'rules.v4')), backend);
      const [stopped, started] = changes;
      assert.equal(stopped.rules, { added: 0, removed: 19 });
      assert.equal(started.rules, { added: 6, removed: 0 });
      assert.equal(stopped.exitCode, undefined);
    }
  }
});

Service('a restart loads what was saved before it, as /etc/sysconfig/iptables', () => {
  for (const save of ['service iptables save', 'sudo iptables-save > /etc/sysconfig/iptables']) {
    for (const backend of BACKENDS) {
      const { changes = [], rules } = run(backend, 'saved', {
        changes: [
          'n5=iptables -I INPUT 1 -s 198.51.100.77 -j DROP',
          `n6=${save}`,
          'n7=iptables -I INPUT 1 -s 198.51.100.78 -j DROP',
          'n10=systemctl restart iptables',
        ],
      });
      assert.is(changes[1].savedRules, true);
      assert.is(changes[2].savedRules, undefined);
      assert.equal(changes[3].rules, { added: 0, removed: 1 });
      const text = read('saved', 'rules.v4');
      assert.match(text, '-s 198.51.100.77/32 -j DROP');
      assert.not.match(text, '198.51.100.78');
      // Docker's rules were saved, too, so they are loaded; they start from 0, and say where they are from.
      assert.ok(rules.some(({ file, until }) => file === '/etc/sysconfig/iptables' && until === undefined));
    }
  }
});

Service('a reload keeps tables that the file does not name, a restart does not', () => {
  const saved = join(caseOf('legacy'), 'rules-5.v4');
  for (const [verb, count] of [
    ['reload', 6],
    ['restart', 0],
  ] as const) {
    run('legacy', verb, { changes: [`n10=systemctl ${verb} iptables`], serviceRulesPath: saved });
    const [nat = ''] = tablesIn(read(verb, 'rules.v4')).filter((table) => table.startsWith('*nat'));
    assert.is(nat.match(/-A /g)?.length ?? 0, count, verb);
  }
});

Service('a file that is missing is the failure of the service, one that nobody knows an error', () => {
  const error = (changes: string[]): CommandError => {
    try {
      run('nft', 'error', { changes });
    } catch (thrown) {
      if (thrown instanceof CommandError) return thrown;
      throw thrown;
    }
    return assert.unreachable() as never;
  };
  const unknown = error(['n5=systemctl restart iptables']);
  assert.match(unknown.message, /^--at n5: word 1: what the iptables service loads is not known.*--service-rules FILE/);
  assert.is(unknown.isUnsupported, false);
  const docker = error(['n5=systemctl restart docker']);
  assert.match(docker.message, /^--at n5: word 1: what the engine of this host runs is not known.*nfreplay docker/);
  assert.is(docker.isUnsupported, false);
  const other = error(['n5=systemctl restart dockr']);
  assert.match(other.message, /^--at n5: word 3: .*did you mean docker/);
  // All lines of a file are told of at once.
  writeFileSync(join(dir, 'lines.sh'), 'systemctl restart docker\niptables -A INPUT\nufw enable\n');
  const lines = error([`n5=${join(dir, 'lines.sh')}`]).message.split('\n');
  assert.is(lines.length, 2);
  assert.match(lines[0], /lines\.sh:1:1: /);
  assert.match(lines[1], /lines\.sh:3:5: /);
});

Service('--save-rules writes what the service would save at the end', () => {
  const path = join(dir, 'saved.v4');
  const saved = join(caseOf('nft'), 'rules-5.v4');
  run('nft', 'saving', {
    changes: ['n15=systemctl restart iptables'],
    serviceRulesPath: saved,
    saveRulesPath: path,
  });
  const text = readFileSync(path, 'utf8');
  assert.match(text, /^# Generated by nfreplay \(nf_tables\)\n/);
  const rules = (from: string): string[] => from.split('\n').filter((line) => line.startsWith('-A'));
  assert.equal(rules(text), rules(readFileSync(saved, 'utf8')));
  assert.not.match(text, /^\[/m);
});

Service.run();
