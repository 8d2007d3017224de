/** The article that this project started from: its listings, the engine that made them, and what they let through. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const Article = suite("the article's host");

const PROJECT = fileURLToPath(new URL('../../../', import.meta.url));
const CASE = 'pcaps/article';
const LISTINGS = `nat=${CASE}/listing-nat.txt,filter=${CASE}/listing-filter.txt`;
const ENGINE = ['--script', `${CASE}/docker.sh`, '--firewall', `${CASE}/firewall.v4`, '--ip-forward-was-on'];

function nfreplay(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['dist/cli/main.js', ...args], {
    cwd: PROJECT,
    encoding: 'utf8',
    env: { ...process.env, COLUMNS: '120' },
  });
  assert.is(status, 0, stderr);
  return stdout;
}

/** The rules of TEXT by table and chain, with the policies of chains; the one bridge of a network id is called `br`. */
function chainsOf(text: string): Record<string, string[]> {
  const chains: Record<string, string[]> = {};
  let table = '';
  for (const line of text.replace(/\bbr-[0-9a-f]{12}\b/g, 'br').split('\n')) {
    const [, name] = /^\*(\w+)$/.exec(line) ?? [];
    const [, chain, policy] = /^:(\S+) (\S+)/.exec(line) ?? [];
    const [, of, rule] = /^-A (\S+) (.*)$/.exec(line) ?? [];
    if (name !== undefined) table = name;
    else if (chain !== undefined) chains[`${table} ${chain}`] = [policy];
    else if (of !== undefined) chains[`${table} ${of}`].push(rule);
  }
  return chains;
}

const listed = chainsOf(nfreplay('save', '--guess', 'docker', '--host', `${CASE}/host.json`, LISTINGS));

for (const release of ['1.12', '17.03'])
  Article(`its listings are the rules that Docker ${release} makes of what happened there, in this order`, () => {
    const made = chainsOf(nfreplay('docker', ...ENGINE, '--release', release, '-o', '-'));
    assert.equal(
      Object.keys(listed).filter((chain) => /DOCKER/.test(chain)),
      ['nat DOCKER', 'filter DOCKER', 'filter DOCKER-ISOLATION'],
    );
    for (const [chain, rules] of Object.entries(listed)) assert.equal(made[chain], rules, chain);
  });

Article('the rule that it adds for port 46379 lets in what was let in, and no container hears of it', () => {
  const asked = ['trace', '--host', `${CASE}/host.json`, '--rules', `${CASE}/rules.v4`, '--minimal'];
  const sentence = 'eth0 tcp 203.0.113.7 > 192.0.2.10:46379';
  const before = nfreplay(...asked, sentence);
  const after = nfreplay(...asked, '--apply', 'iptables -A INPUT -p tcp --dport 46379 -j ACCEPT', sentence);
  assert.match(before, /^delivered .*policy of filter INPUT/);
  assert.match(after, /^delivered .*-p tcp -m tcp --dport 46379 -j ACCEPT/);
  for (const told of [before, after]) assert.not.match(told, /FORWARD|docker0/);
});

Article('after the restart of iptables, and that of Docker, packets fare as on a host with a real engine', () => {
  const checked = nfreplay('check', 'pcaps/article-restart');
  assert.match(checked, /10 passed, 0 failed\n$/);
});

Article('README shows what npm start tells', () => {
  const { stdout } = spawnSync(process.execPath, ['dist/cli/start.js'], {
    cwd: PROJECT,
    encoding: 'utf8',
    env: { ...process.env, COLUMNS: '120' },
  });
  const readme = readFileSync(join(PROJECT, 'README.md'), 'utf8');
  const [, shown] = /```\n(in {8}[^`]*)```/.exec(readme) ?? [];
  assert.ok(shown !== undefined && stdout.includes(shown), stdout);
});

Article.run();
