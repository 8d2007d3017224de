// The commands that a real engine ran (28.5.2, by its log), step by step, also where rules of others are beside its
// own, where it starts again, and where its chains are missing: the same ones, in the same order, with the same errors.
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ProgramResult } from '../../docker/engine-host.js';
import { type BridgeNetwork, type Firewall, FirewallError } from '../../docker/firewall/firewall.js';
import type { DaemonOptions } from '../../docker/model.js';
import { OfflineHost } from '../../docker/offline-host.js';
import { engine } from './firewalls.js';

interface Head {
  readonly options: Partial<DaemonOptions>;
  /** By their bridges, as `calls` name them. */
  readonly networks: Readonly<Record<string, BridgeNetwork>>;
}

interface Step {
  /** What somebody typed. */
  readonly step: string;
  /** Commands of iptables beside the engine. */
  readonly host?: readonly (readonly string[])[];
  readonly calls?: readonly (readonly [keyof Firewall, ...unknown[]])[];
  /** The engine restores its networks in any order, some before it does the rest of its start. */
  readonly isUnordered?: boolean;
  readonly commands?: readonly string[];
  readonly error?: string;
}

class LoggedHost extends OfflineHost {
  readonly commands: string[] = [];

  override iptables(words: readonly string[]): ProgramResult {
    this.commands.push(words.slice(1).join(' '));
    return super.iptables(words);
  }
}

/** Makes CALLS; returns the message of the FirewallError that one of them throws. */
function call(firewall: Firewall, calls: NonNullable<Step['calls']>, { networks }: Head): string | undefined {
  let message: string | undefined;
  for (const [method, ...words] of calls) {
    const values = words.map((word) => (typeof word === 'string' && networks[word]) || word);
    try {
      (firewall[method] as (...all: unknown[]) => void)(...values);
    } catch (error) {
      if (!(error instanceof FirewallError)) throw error;
      message = error.message;
    }
  }
  return message;
}

const Commands = suite('commands of an engine');

for (const name of ['commands-28.5.jsonl', 'commands-28.5-hairpin.jsonl']) {
  const file = new URL(`../../../test/docker/${name}`, import.meta.url);
  const [head, ...steps] = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line)) as [Head, ...Step[]];
  for (const backend of ['nft', 'legacy'] as const) {
    Commands(`${name}, ${backend}: ${steps.length} steps`, () => {
      const host = new LoggedHost({ backend });
      let firewall: Firewall | undefined;
      for (const { step, host: own, calls = [], commands = [], isUnordered, error } of steps) {
        for (const words of own ?? []) host.iptables(words);
        host.commands.length = 0;
        if (calls[0]?.[0] === 'start') firewall = engine('28.5.2', host, head.options);
        assert.is(call(firewall!, calls, head), error, step);
        const [ours, real] = [host.commands, [...commands]].map((all) => (isUnordered ? all.sort() : all));
        assert.equal(ours, real, step);
      }
    });
  }
}

Commands.run();
