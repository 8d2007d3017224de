/** What the kernel (Linux 6.18) does by itself with routes when links and addresses change: record.ts has asked it. */
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { HostDescription, NextHopDescription, RouteDescription } from '../../../codecs/host/description.js';
import { parseHost } from '../../../codecs/host/parse-host.js';
import { afterChange } from '../../../core/host/after-change.js';

const changes = suite('routes after a change');

interface Recorded {
  readonly name: string;
  readonly changed: readonly string[];
  readonly before: { readonly addr: object; readonly route: object };
  readonly after: { readonly addr: object; readonly route: object };
}

const RECORDED = readFileSync('test/host/changes/recorded.jsonl', 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Recorded);

/** The hops that packets can take. */
function hopText({ dev, gateway, isLinkDown }: NextHopDescription): string {
  return `${gateway ?? ''} ${dev}${isLinkDown ? ' linkdown' : ''}`;
}

function routeText(route: RouteDescription): string {
  const { type, destination, prefixLength, table, scope, metric, preferredSource, isKernel, nextHops } = route;
  const hops = nextHops.length === 0 ? [route] : nextHops.filter(({ isDead }) => !isDead);
  const from = preferredSource ?? 'none';
  const parts = [type, `${destination}/${prefixLength}`, table, scope, metric, `src ${from}`, isKernel ? 'kernel' : ''];
  return `${parts.join(' ')} ${hops.map(hopText).join(', ')}`;
}

const textsOf = ({ routes }: HostDescription): string[] => routes.map(routeText).sort();

for (const { name, changed, before, after } of RECORDED) {
  changes(`${name}: ${changed.join('; ')}`, () => {
    const was = parseHost(JSON.stringify(before), 'before');
    // Only links and addresses are said to have changed.
    const wanted = parseHost(JSON.stringify({ addr: after.addr, route: before.route }), 'wanted');
    assert.equal(textsOf(afterChange(was, wanted)), textsOf(parseHost(JSON.stringify(after), 'after')));
  });
}

changes.run();
