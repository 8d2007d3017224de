// How an engine runs iptables: what it asks for first, what it leaves alone, and its words about a failure.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ProgramResult } from '../../docker/engine-host.js';
import { FirewallError } from '../../docker/firewall/firewall.js';
import { IptablesTool } from '../../docker/firewall/iptables-tool.js';
import { OfflineHost } from '../../docker/offline-host.js';

const Tool = suite('iptables of an engine');

/** A host that writes down which commands run, as words behind `--wait`. */
function recorded(backend: 'legacy' | 'nft' = 'nft') {
  const host = new OfflineHost({ backend });
  const commands: string[] = [];
  const iptables = (words: readonly string[]): ProgramResult => {
    commands.push(words.slice(1).join(' '));
    return host.iptables(words);
  };
  return { host, commands, tool: new IptablesTool({ iptables }) };
}

const RULE = { table: 'filter', chain: 'FORWARD', words: ['-i', 'docker0', '-j', 'ACCEPT'] } as const;

Tool('a rule is added only where it is not', () => {
  const { host, commands, tool } = recorded();
  tool.insert(RULE);
  tool.append(RULE);
  assert.equal(commands, [
    '-t filter -C FORWARD -i docker0 -j ACCEPT',
    '-t filter -I FORWARD -i docker0 -j ACCEPT',
    '-t filter -C FORWARD -i docker0 -j ACCEPT',
  ]);
  assert.is(host.saveRules().match(/-A FORWARD/g)?.length, 1);
});

Tool('a rule is deleted only where it is', () => {
  const { host, commands, tool } = recorded();
  tool.delete(RULE);
  tool.append(RULE);
  tool.delete(RULE);
  assert.equal(
    commands.map((command) => command.slice(10, 12)),
    ['-C', '-C', '-A', '-C', '-D'],
  );
  assert.not.match(host.saveRules(), /-A FORWARD/);
});

Tool('a chain is created once, and removed only where nothing jumps to it', () => {
  const { host, commands, tool } = recorded();
  tool.createChain('nat', 'DOCKER');
  tool.createChain('nat', 'DOCKER');
  assert.equal(commands, ['-t nat -n -L DOCKER', '-t nat -N DOCKER', '-t nat -n -L DOCKER']);
  tool.append({ table: 'nat', chain: 'OUTPUT', words: ['-j', 'DOCKER'] });
  tool.append({ table: 'nat', chain: 'DOCKER', words: ['-j', 'RETURN'] });
  tool.removeChain('nat', 'DOCKER');
  assert.match(host.saveRules(), /:DOCKER - \[0:0\]\n-A OUTPUT -j DOCKER\nCOMMIT/);
  tool.delete({ table: 'nat', chain: 'OUTPUT', words: ['-j', 'DOCKER'] });
  tool.removeChain('nat', 'DOCKER');
  assert.not.match(host.saveRules(), /DOCKER/);
});

for (const backend of ['legacy', 'nft'] as const) {
  Tool(`iptables-${backend} that fails is reported in the words of the engine`, () => {
    const { tool } = recorded(backend);
    const words = ['-t', 'nat', '-I', 'DOCKER', '-i', 'br-0', '-j', 'RETURN'];
    const run = `iptables failed: iptables --wait ${words.join(' ')}: iptables: `;
    const said = `${run}No chain/target/match by that name.\n (exit status 1)`;
    assert.throws(
      () => tool.raw(...words),
      (error: unknown) => error instanceof FirewallError && error.message === said,
    );
    assert.throws(
      () => tool.run(...words),
      (error: unknown) => error instanceof FirewallError && error.message === ` (${said})`,
    );
    assert.not.ok(tool.tries(...words));
  });
}

Tool.run();
