/**
 * Every kind of route, as `ip -j route show table all` lists it: routes like the kernel, whose answers to
 * `ip route get` test/kernel/record-route-get.ts recorded (Linux 6.18).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { formatLoaded } from '../../codecs/byte-order.js';
import type { Host } from '../../core/host/host.js';
import { RouteAction } from '../../core/host/route-decision.js';
import type { RouteKey } from '../../core/host/route-key.js';
import { type HostFile, hostOf, ip, routeKey } from './host-file.js';

const RouteGet = suite('ip route get');

const FOLDER = 'test/host/route-get';
const PROTOCOLS: Readonly<Record<string, number>> = { tcp: 6, udp: 17 };
const TYPES = ['', 'unicast', 'local', 'broadcast'];

interface Lookup {
  readonly to: string;
  readonly from?: string;
  readonly iif?: string;
  readonly mark?: number;
  readonly tos?: number;
  readonly ipproto?: string;
  readonly dport?: number;
  readonly answer: string;
}

interface Way {
  readonly outDev: number;
  readonly usesGateway: boolean;
  readonly nextHop: number;
  readonly nextHopMac: Uint8Array | undefined;
}

/** The MAC of an unknown IPv6 gateway ends with its address. */
function hopOf(host: Host, { outDev, usesGateway, nextHop, nextHopMac }: Way): string {
  const gateway = nextHopMac === undefined ? formatLoaded(nextHop) : `fe80::${nextHopMac[5]}`;
  return usesGateway ? `${host.interfaceNames[outDev]} ${gateway}` : host.interfaceNames[outDev];
}

function answerOf(host: Host, { to, from, iif, mark = 0, tos = 0, ipproto, dport }: Lookup): string {
  const ports = ipproto === undefined ? {} : { protocol: PROTOCOLS[ipproto], sport: 999, dport };
  const inDev = iif === undefined ? -1 : host.interfaceIndex(iif);
  const key: RouteKey = Object.assign(routeKey(to, from, inDev), { mark, tos }, ports);
  if (iif !== undefined) {
    const route = host.routeInput(key);
    if (route.action === RouteAction.LOCAL) return TYPES[route.type];
    return route.action === RouteAction.FORWARD ? hopOf(host, route) : 'refused';
  }
  const route = host.routeOutput(key, from === undefined ? 0 : ip(from));
  if (route.reason !== '') return 'refused';
  const where = TYPES[route.type] === 'unicast' ? hopOf(host, route) : TYPES[route.type];
  return from === undefined ? `${where} ${formatLoaded(route.source)}` : where;
}

for (const name of readdirSync(FOLDER).sort())
  RouteGet(`${name}: the kernel's answers`, () => {
    const { host: file, lookups } = JSON.parse(readFileSync(`${FOLDER}/${name}`, 'utf8')) as {
      host: HostFile;
      lookups: Lookup[];
    };
    const host = hostOf(file);
    for (const lookup of lookups) assert.is(answerOf(host, lookup), lookup.answer, JSON.stringify(lookup));
    assert.ok(lookups.some(({ answer }) => answer === 'refused') && lookups.length > 100);
  });

RouteGet.run();
