/**
 * `ufw reload` (ufw 0.36: ufw-init force-stop, then start): ufw's own chains are emptied and filled again from its
 * files, and its policies set. What others wrote stays, also in INPUT, FORWARD and OUTPUT. Where ufw's chains are gone,
 * it makes them again, and its rules that jump there come behind what is there.
 */
import { splitWords } from '../../codecs/iptables-save.js';
import type { EngineHost } from '../engine-host.js';
import { UnsupportedError } from '../error.js';
import type { ToolResult } from './iptables-service.js';

/** Those that jumps from built-in chains lead to: they are emptied, and stay. */
const PRIMARY = /^ufw-(?:(?:before|after)(?:-logging)?|reject|track)-(?:input|output|forward)$/;
/** By this chain ufw knows whether its chains are there. */
const FIRST = 'ufw-before-logging-input';
const BUILT_IN: readonly string[] = ['INPUT', 'OUTPUT', 'FORWARD'];

const FROM_CHAINS = "ufw's files are taken to hold what its chains held before";

interface UfwRules {
  /** Chains of ufw. */
  readonly chains: readonly string[];
  readonly policies: ReadonlyMap<string, string>;
  /** The words behind -A. */
  readonly rules: readonly (readonly string[])[];
}

/**
 * RULES: those of ufw's files, as iptables-save prints them once they are loaded; others in them do not count. Undefined:
 * what ufw's chains hold now.
 * @throws {UnsupportedError} if it is not known what the files hold
 */
export function reloadUfw(rules: string | undefined, host: EngineHost): ToolResult {
  const now = rules === undefined ? host.saveRules() : '';
  const own = ufwRules(rules ?? now);
  if (!own.chains.includes(FIRST))
    throw new UnsupportedError(
      "the rules of ufw are not known: they are not in force, and not in docker.json's otherRules",
    );
  // Stopping leaves no policy but ACCEPT; the chains that jumps lead to stay, and are empty.
  empty(own.chains, host);
  for (const chain of BUILT_IN) host.iptables(['-P', chain, 'ACCEPT']);
  const isThere = host.iptables(['-n', '-L', FIRST]).exitCode === 0;
  for (const chain of own.chains) host.iptables(['-N', chain]);
  for (const words of own.rules) {
    const isJump = BUILT_IN.includes(words[0]);
    if (!isJump || !isThere) host.iptables(['-A', ...words]);
  }
  for (const [chain, policy] of own.policies) host.iptables(['-P', chain, policy]);
  return { exitCode: 0, stdout: 'Firewall reloaded\n', stderr: '', notes: rules === undefined ? [FROM_CHAINS] : [] };
}

function empty(chains: readonly string[], host: EngineHost): void {
  for (const option of ['-F', '-Z']) for (const chain of chains) host.iptables([option, chain]);
  for (const chain of chains) if (!PRIMARY.test(chain)) host.iptables(['-X', chain]);
}

/** What of the table filter in TEXT is ufw's. */
function ufwRules(text: string): UfwRules {
  const chains: string[] = [];
  const policies = new Map<string, string>();
  const rules: string[][] = [];
  let table = '';
  for (const [i, line] of text.split('\n').entries()) {
    if (line.startsWith('*')) table = line.slice(1).trim();
    if (table !== 'filter') continue;
    const [, chain, policy = ''] = /^:(\S+) (\S+)/.exec(line) ?? [];
    if (chain?.startsWith('ufw-')) chains.push(chain);
    else if (chain !== undefined && BUILT_IN.includes(chain)) policies.set(chain, policy);
    if (!/^(?:\[\d+:\d+\] )?-A /.test(line)) continue;
    const [, ...words] = splitWords(line.replace(/^\[\d+:\d+\] /, ''), i + 1).map((word) => word.text);
    const isJump = BUILT_IN.includes(words[0]) && words.length === 3 && words[2].startsWith('ufw-');
    if (words[0].startsWith('ufw-') || isJump) rules.push(words);
  }
  return { chains, policies, rules };
}
