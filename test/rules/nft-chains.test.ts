/** Which base chains nf_tables has, and which of them count what their policies decide: as recorded on Linux 6.18. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { splitCommands } from '../../codecs/shell-words.js';
import { Hook } from '../../core/hooks.js';
import { applyIptables } from '../../core/rules/commands/apply-iptables.js';
import type { Ruleset } from '../../core/rules/model.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { withTables } from '../../core/rules/rule-change.js';
import { MatchingHost } from '../matches/matching-host.js';
import { udpPacket } from '../packets/packets.js';

const chains = suite('chains of nf_tables');

const TOOL = { name: 'iptables', backend: 'nft' } as const;

/** The rules after STEPS: files for iptables-restore, which start with *, and commands. */
function after(steps: readonly string[]): Ruleset {
  let ruleset: Ruleset = { ...parseRuleset('', 'rules.v4', { backend: 'nft' }) };
  for (const step of steps) {
    if (step.startsWith('*')) {
      ruleset = withTables(ruleset, parseRuleset(step, 'rules.v4', { backend: 'nft' }));
      continue;
    }
    for (const words of splitCommands(step)) {
      const applied = applyIptables(words.slice(1), { ruleset, counters: new Map() }, { tool: TOOL, file: 'commands' });
      assert.is(applied.fault, undefined, step);
      ruleset = applied.ruleset;
    }
  }
  return ruleset;
}

const FORWARD_RULE = '-A FORWARD -s 1.1.1.1';
const NAMED = '*filter\n:FORWARD ACCEPT [0:0]\nCOMMIT\n';

/** Whether FORWARD is there, and whether its policy counts. */
const KERNEL: readonly (readonly [steps: readonly string[], isThere: boolean, counts: boolean])[] = [
  [[`iptables ${FORWARD_RULE}`], true, false],
  [['iptables -I FORWARD'], true, false],
  [['iptables -P FORWARD ACCEPT'], true, true],
  [[`iptables ${FORWARD_RULE}`, 'iptables -P FORWARD ACCEPT'], true, true],
  [[`iptables ${FORWARD_RULE}`, 'iptables -Z FORWARD'], true, true],
  [[`iptables ${FORWARD_RULE}`, 'iptables -Z'], true, true],
  [[`iptables ${FORWARD_RULE}`, 'iptables -Z FORWARD 1'], true, false],
  [[`iptables ${FORWARD_RULE}`, 'iptables -D FORWARD 1'], true, false],
  [['iptables -A INPUT', 'iptables -F FORWARD'], true, false],
  [['iptables -A INPUT', 'iptables -F'], false, false],
  [['iptables -A INPUT', 'iptables -L -Z'], true, true],
  [[NAMED, 'iptables -X'], false, false],
  [[NAMED, 'iptables -X', 'iptables -A FORWARD -s 1.1.1.1'], true, false],
  [[NAMED], true, true],
  [['*filter\n:FORWARD - [0:0]\nCOMMIT\n'], true, true],
  [['*filter\n-P FORWARD ACCEPT\nCOMMIT\n'], true, true],
  [[`*filter\n${FORWARD_RULE}\nCOMMIT\n`], true, false],
  [['*filter\n-F FORWARD\nCOMMIT\n'], true, false],
  [[`*filter\n${FORWARD_RULE}\n-Z FORWARD\nCOMMIT\n`], true, true],
  [['*filter\nCOMMIT\n'], false, false],
  [[NAMED, `*filter\n${FORWARD_RULE}\nCOMMIT\n`], true, false],
  [[`${NAMED}*filter\n${FORWARD_RULE}\nCOMMIT\n`], true, false],
];

chains('a base chain is there once something needs it, and its policy counts once something sets it', () => {
  for (const [steps, isThere, counts] of KERNEL) {
    const ruleset = after(steps);
    const forward = ruleset.tables[0].chains.find(({ hook }) => hook === Hook.FORWARD)!;
    assert.is(forward.isAbsent !== true, isThere, steps.join('; '));
    const host = new MatchingHost(ruleset);
    for (let i = 0; i < 3; i++)
      host.receive(0, udpPacket({ source: '10.0.0.2', destination: '10.1.0.2', sport: 4000, dport: 9 }), 1);
    assert.is(host.counters.get('filter')!.policies[Hook.FORWARD * 2], counts ? 3 : 0, steps.join('; '));
  }
});

chains.run();
