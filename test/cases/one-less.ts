/** Every case that has one thing less than another: a packet, a rule, or an element of its host. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pcapOf, readFrames } from '../../explain/shrink/captured-frames.js';

/** Calls ACTION with each such case beside DIR, and what it has not. The folder lasts as long as the call. */
export function withEachOneLess(dir: string, action: (smaller: string, without: string) => void): void {
  const attempt = (without: string, change: (smaller: string) => void): void => {
    const parent = mkdtempSync(join(tmpdir(), 'nfreplay-less-'));
    try {
      const smaller = join(parent, 'case');
      cpSync(dir, smaller, { recursive: true });
      change(smaller);
      action(smaller, without);
    } finally {
      rmSync(parent, { recursive: true, force: true });
    }
  };
  for (const name of readdirSync(join(dir, 'in'))) {
    const frames = readFrames([join(dir, 'in', name)]);
    for (const [i] of frames.entries())
      attempt(`frame ${i + 1} of ${name}`, (smaller) => {
        const kept = frames.filter((_, other) => other !== i);
        writeFileSync(join(smaller, 'in', name), pcapOf(kept, frames[0].linktype));
      });
  }
  const rules = readFileSync(join(dir, 'rules.v4'), 'utf8').split('\n');
  for (const [i, line] of rules.entries()) {
    if (!/^(?:\[\d+:\d+\] )?-A /.test(line)) continue;
    attempt(line, (smaller) => {
      writeFileSync(join(smaller, 'rules.v4'), rules.filter((_, other) => other !== i).join('\n'));
    });
  }
  withEachOneLessOfHost(readFileSync(join(dir, 'host.json'), 'utf8'), (text, without) =>
    attempt(without, (smaller) => writeFileSync(join(smaller, 'host.json'), text)),
  );
}

function withEachOneLessOfHost(text: string, action: (smaller: string, without: string) => void): void {
  const host = JSON.parse(text) as Record<string, unknown>;
  for (const member of ['route', 'neigh', 'rule']) {
    const list = host[member];
    if (!Array.isArray(list)) continue;
    for (const [i] of list.entries()) {
      const kept = list.filter((_, other) => other !== i);
      const { [member]: _, ...others } = host;
      // Where nothing is left, there is no such member: without rules, there are the kernel's.
      const smaller = kept.length === 0 && member !== 'route' ? others : { ...host, [member]: kept };
      action(JSON.stringify(smaller), `${member} ${JSON.stringify(list[i])}`);
    }
  }
  const sysctl = (host.sysctl ?? {}) as Record<string, unknown>;
  for (const key of Object.keys(sysctl)) {
    const { [key]: _, ...others } = sysctl;
    action(JSON.stringify({ ...host, sysctl: others }), key);
  }
}
