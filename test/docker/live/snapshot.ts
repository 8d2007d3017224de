/** What can be known of a story's host at one moment. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine } from './engine.js';
import type { Lan } from './lan.js';
import { text } from './program.js';

const OUTPUTS: readonly (readonly [file: string, command: string])[] = [
  ['addr.json', 'ip -d -j addr show'],
  ['route.json', 'ip -j route show table all'],
  ['rule.json', 'ip -j rule show'],
  ['neigh.json', 'ip -j neigh show'],
  ['link.json', 'ip -d -j link show'],
  ['sysctl.txt', "sysctl -a -r '^net\\.(ipv4|netfilter|bridge)' 2>/dev/null"],
  ['sockets.txt', 'ss -H -n -l -4 -t -u'],
];

/** Writes it into DIR, which it creates; returns when rules and connections were read, in seconds. */
export async function takeSnapshot(engine: Engine, lan: Lan, dir: string): Promise<Record<string, number>> {
  mkdirSync(dir, { recursive: true });
  const keep = (file: string, printed: string): void => writeFileSync(join(dir, file), engine.withUsualPaths(printed));
  const rulesAt = Date.now() / 1000;
  keep('iptables-save.txt', await text(lan.at('host', 'iptables-save', '-c')));
  const connectionsAt = Date.now() / 1000;
  keep('conntrack.txt', await text(lan.at('host', 'sh', '-c', 'conntrack -L -o extended 2>/dev/null')));
  for (const [file, command] of OUTPUTS) keep(file, await text(lan.at('host', 'sh', '-c', `${command} || true`)));
  if (engine.isRunning) {
    for (const [file, kind, listing] of [
      ['networks.json', 'network', 'network ls -q --no-trunc'],
      ['containers.json', 'container', 'ps -aq --no-trunc'],
    ]) {
      const ids = (await engine.docker(listing)).stdout.trim().split(/\s+/).join(' ');
      keep(file, ids === '' ? '[]\n' : (await engine.docker(`${kind} inspect ${ids}`)).stdout);
    }
  }
  return { rulesAt, connectionsAt };
}
